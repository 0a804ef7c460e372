"""What every route has: a guard or a reason to have none, a name, its refusals described, pages for lists."""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Final

import httpx
import pytest
from fastapi import Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from app.core.access import PUBLIC, AnyActor, CurrentActor, _signed_in, public
from app.core.idempotency import HEADER
from app.core.problems import MEDIA_TYPE
from app.core.routing import Router, UnitOfWorkRoute, options_of
from app.core.settings import Settings, install_settings
from app.fhir.outcomes import is_fhir
from app.identity.visibility import resident_guard
from app.main import create_app
from app.portal.ground.visits import visitor

VERB_NOUN: Final = re.compile(r"[a-z]+([A-Z][a-z0-9]*)+")
KEBAB: Final = re.compile(
    r"(/(v1|\.well-known|health|demo|([a-z]+(-[a-z]+)*|\{[a-z_]+\})(\.(csv|js|json|pdf|svg|webmanifest))?))+"
)
PROBLEM: Final = {"$ref": "#/components/schemas/ProblemDocument"}
# They act on the caller's own session or make something new: what they change has no version a caller could know.
UNVERSIONED: Final = {
    "agreeToHome",  # one's own yes: there is nothing in it that another could have written meanwhile
    "putHomeHub",  # an address with its token, which only replace each other whole; nobody is shown the token again
    "putHomePanel",  # all that is shown, said whole; its row changes with whatever it shows
    "sendPiece",
    "sendPieceByLink",
    "setHolidays",
    "setHomeOrderSeriesDay",
    "setSlotGuides",  # of many slots at once
    "setTicketTerms",  # the first time there are none
    "setTripCapacity",  # the pools', which are not of the trip's version
    "setTripLeaders",
    "registerMyInstallation",
    "orderMyCircle",
    "orderResidentCircle",
    "startWellbeingListening",
}
# Any of several scopes will do, and which are held decides what is told: the service asks, the access matrix proves it.
ASKED_IN_THE_SERVICE: Final = {"get_own_access", "get_resident_changes"}
FRAMEWORKS: Final = {"/docs", "/docs/oauth2-redirect"}

Operation = Mapping[str, Any]


def calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    """Yield everything the route depends on, at any depth."""
    for dependency in dependant.dependencies:
        if dependency.call is not None:
            yield dependency.call
        yield from calls(dependency)


def is_guard(call: Callable[..., Any]) -> bool:
    """Say whether a dependency refuses somebody: those of scopes and roles carry them, the rest ask for a sign-in."""
    return call in (_signed_in, visitor) or hasattr(call, "scope") or hasattr(call, "roles")


def is_guarded(route: APIRoute) -> bool:
    return any(map(is_guard, calls(route.dependant)))


def knows_the_resident(route: APIRoute) -> bool:
    """Say whether a guard of scopes or roles stands before the route: being signed in says nothing of a resident."""
    return any(hasattr(call, "scope") or hasattr(call, "roles") for call in calls(route.dependant))


@pytest.fixture(scope="module")
def routes(app: FastAPI) -> list[APIRoute]:
    return [route for route in app.routes if isinstance(route, APIRoute) and route.path not in FRAMEWORKS]


@pytest.fixture(scope="module")
def described(routes: list[APIRoute], document: dict[str, Any]) -> list[tuple[APIRoute, Operation]]:
    """Return each route of the description with its operation."""
    paths = document["paths"]
    return [
        (route, paths[route.path_format][method.lower()])
        for route in routes
        if route.include_in_schema
        for method in route.methods or ()
    ]


def test_every_route_is_ours(routes: list[APIRoute]) -> None:
    assert [route.path for route in routes if not isinstance(route, UnitOfWorkRoute)] == []


def test_every_route_has_a_guard_or_a_reason_to_have_none(routes: list[APIRoute]) -> None:
    assert [route.path for route in routes if not is_guarded(route) and not getattr(route.endpoint, PUBLIC, "")] == []
    assert [route.path for route in routes if is_guarded(route) and hasattr(route.endpoint, PUBLIC)] == []


def test_a_path_that_names_a_resident_is_guarded_by_scope_or_role(routes: list[APIRoute]) -> None:
    # Pages of the portal show what the API answers whoever looks: its guards stand behind them.
    named = [route for route in routes if "{resident_id}" in route.path and not route.path.startswith("/portal/")]
    assert len(named) > 30
    assert [
        route.path
        for route in named
        if not knows_the_resident(route) and route.endpoint.__name__ not in ASKED_IN_THE_SERVICE
    ] == []


def test_an_unguarded_route_is_found() -> None:
    router = Router(tags=["test"])

    @router.get("/open")
    async def open_door(actor: AnyActor) -> None: ...

    @router.get("/signed-in")
    async def signed_in(actor: CurrentActor) -> None: ...

    @router.get("/residents/{resident_id}/things")
    async def list_things(_: Annotated[object, Depends(resident_guard("profile:read"))]) -> None: ...

    @router.get("/public")
    @public("a test")
    async def read_public() -> None: ...

    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    assert [is_guarded(route) for route in routes] == [False, True, True, False]
    assert [knows_the_resident(route) for route in routes] == [False, False, True, False]


def test_operations_are_named_verb_noun_and_differently(described: list[tuple[APIRoute, Operation]]) -> None:
    names = [operation["operationId"] for _, operation in described]
    assert [name for name in names if not VERB_NOUN.fullmatch(name)] == []
    assert len(set(names)) == len(names)


def test_paths_are_plural_nouns_in_kebab_case(routes: list[APIRoute]) -> None:
    ours = [route.path for route in routes if not is_fhir(route.path)]  # FHIR has its own names
    assert [path for path in ours if not KEBAB.fullmatch(path)] == []


def test_every_operation_says_which_package_it_belongs_to(described: list[tuple[APIRoute, Operation]]) -> None:
    tags = {"identity", "media", "notifications", "eldercare", "telemedicine", "housekeeping", "billing"}
    tags |= {"tourism", "smart_home", "sync", "health", "demo"}
    assert [operation["operationId"] for _, operation in described if not set(operation["tags"]) <= tags] == []


def test_refusals_are_described_as_problem_documents(described: list[tuple[APIRoute, Operation]]) -> None:
    for _, operation in described:
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert response["content"] == {MEDIA_TYPE: {"schema": PROBLEM}}, (operation["operationId"], status)


def test_guarded_operations_describe_how_the_guard_refuses(described: list[tuple[APIRoute, Operation]]) -> None:
    for route, operation in described:
        if not is_guarded(route):
            continue
        due = {"401"}
        if knows_the_resident(route):
            due |= {"403"}
        if "{resident_id}" in route.path or "{organization_id}" in route.path:
            due |= {"404"}
        assert due <= set(operation["responses"]), operation["operationId"]
        assert operation["security"] == [{"bearer": []}], operation["operationId"]


def test_lists_are_pages(described: list[tuple[APIRoute, Operation]], document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    lists = [operation for _, operation in described if re.match(r"list[A-Z]", operation["operationId"])]
    for operation in lists:
        if operation["tags"] == ["demo"]:
            continue
        name = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert sorted(schemas[name]["properties"]) == ["items", "next"], operation["operationId"]
        assert sorted(schemas[name]["required"]) == ["items", "next"], operation["operationId"]


def test_updates_take_a_version(described: list[tuple[APIRoute, Operation]]) -> None:
    for route, operation in described:
        if route.methods and route.methods & {"PATCH", "PUT"} and operation["operationId"] not in UNVERSIONED:
            headers = {parameter["name"].lower() for parameter in operation.get("parameters", ())}
            assert "if-match" in headers, operation["operationId"]


def test_posts_take_an_idempotency_key_unless_their_answers_are_never_stored(
    described: list[tuple[APIRoute, Operation]],
) -> None:
    for route, operation in described:
        headers = {parameter["name"] for parameter in operation.get("parameters", ())}
        options = options_of(route.endpoint)
        stored = route.methods == {"POST"} and options.database and options.idempotency
        assert (HEADER in headers) == stored, operation["operationId"]
        assert not stored or "409" in operation["responses"], operation["operationId"]


async def test_the_description_needs_no_other_address(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.status_code == 200
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert links
    assert [link for link in links if not link.startswith("/")] == []
    assert {(await client.get(link)).status_code for link in links} == {200}


def test_production_has_nothing_of_the_demo(test_settings: Settings) -> None:
    key = base64.b64encode(bytes(32)).decode()
    ring = {"sealing": {"a": key}, "active": "a", "blind_index": key, "cursor": key, "signing": key}
    database = {"url": "postgresql+asyncpg://db/hearthline"}
    production = create_app(Settings.model_validate({"environment": "production", "database": database, "keys": ring}))
    install_settings(test_settings)
    paths = {route.path for route in production.routes if isinstance(route, APIRoute)}
    assert "/v1/me/sos" in paths
    assert [path for path in paths if "demo" in path] == []

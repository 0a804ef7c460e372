"""The route class: one transaction per attempt, committed before the answer leaves, done once per key."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Annotated, Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from app.core import access, idempotency
from app.core.access import Actor, CurrentActor, public
from app.core.clock import new_id
from app.core.database import Database, reading, unit_of_work
from app.core.problems import Conflict, Problem, handle_problem
from app.core.routing import IfMatch, Reading, Router, Session, check_version, route_options, set_etag
from app.core.settings import install_settings, settings
from app.identity.models import Community

ACTOR = Actor(kind="account", id=new_id(), community_id=new_id())


class _Asked(BaseModel):
    name: str


class _Made(BaseModel):
    id: uuid.UUID
    name: str


class _AlwaysHim:
    async def authenticate(self, request: Request) -> Actor:
        wanted = request.headers.get("x-actor")
        return ACTOR if wanted is None else Actor(kind="account", id=uuid.UUID(wanted), community_id=ACTOR.community_id)


def _community(name: str) -> Community:
    return Community(name=name, country="DE", time_zone="Europe/Berlin", currency="EUR", languages=["en"])


router = Router(tags=["test"])
attempts: list[str] = []
gate: dict[str, asyncio.Event] = {}


@router.post("/places", status_code=201)
async def make_place(body: _Asked, session: Session, actor: CurrentActor) -> _Made:
    attempts.append(body.name)
    row = _community(body.name)
    session.add(row)
    await session.flush()
    if "started" in gate:
        gate["started"].set()
        await gate["go"].wait()
    return _Made(id=row.id, name=row.name)


@router.post("/places/weighings")
@route_options(writes=False)
async def weigh_place(body: _Asked, connection: Reading, request: Request) -> dict[str, bool]:
    """Answer what is asked with a body, and keep nothing."""
    return {"in_a_unit_of_work": hasattr(request.state, "session")}


@router.post("/places/twins", status_code=201)
async def make_deferred_conflict(body: _Asked, session: Session) -> _Made:
    """Fail at COMMIT, after the endpoint has returned its 201."""
    await session.execute(
        sa.text("CREATE TABLE IF NOT EXISTS deferred_probe (n int, UNIQUE (n) DEFERRABLE INITIALLY DEFERRED)")
    )
    await session.execute(sa.text("INSERT INTO deferred_probe VALUES (1), (1)"))
    return _Made(id=new_id(), name=body.name)


@router.post("/places/flaky", status_code=201)
async def make_flaky(body: _Asked, session: Session) -> _Made:
    """Be the victim of a serialization failure twice."""
    attempts.append(body.name)
    row = _community(f"{body.name} {len(attempts)}")
    session.add(row)
    await session.flush()
    if len(attempts) < 3:
        await session.execute(sa.text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$"))
    return _Made(id=row.id, name=row.name)


class _Refused(Problem):
    code, status, title = "refused", 403, "Refused"


@router.post("/places/refusal")
async def refuse(body: _Asked, session: Session) -> _Made:
    attempts.append(body.name)
    session.add(_community("never"))
    await session.flush()
    async with unit_of_work() as surviving:
        surviving.add(_community(f"counted {body.name}"))
    if body.name == "busy":
        raise Conflict
    raise _Refused


@router.post("/secrets")
@route_options(idempotency=False)
async def make_secret(body: _Asked) -> _Made:
    return _Made(id=new_id(), name=body.name)


@router.get("/places/count")
@public("test")
async def count_places(connection: Reading) -> int:
    return int(await connection.scalar(sa.text("SELECT count(*) FROM identity_community")) or 0)


@router.patch("/places/{place_id}")
async def rename_place(
    place_id: uuid.UUID, body: _Asked, session: Session, if_match: IfMatch, response: Response
) -> _Made:
    row = await session.get_one(Community, place_id)
    check_version(row, if_match)
    row.name = body.name
    await session.flush()
    set_etag(response, row.version)
    return _Made(id=row.id, name=row.name)


async def _subject(request: Request) -> str:
    return str(request.path_params.get("resident_id", "me"))


@router.resident_route("GET", "/whoami")
async def read_whoami(subject: Annotated[str, Depends(_subject)]) -> str:
    return subject


@router.post("/considered")
@public("a test")
@route_options(database=False)
async def consider(body: _Asked) -> None:
    """Take something and keep nothing."""


def _application() -> FastAPI:
    application = FastAPI()
    for kind in (Problem, RequestValidationError, HTTPException):
        application.add_exception_handler(kind, handle_problem)
    application.include_router(router)
    return application


@pytest.fixture
def impatient() -> Iterator[None]:
    before = settings()
    install_settings(before.model_copy(update={"http": before.http.model_copy(update={"body_seconds": 0.05})}))
    yield
    install_settings(before)


@pytest_asyncio.fixture(loop_scope="session")
async def http(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    application = _application()
    previous = access._authenticator
    access.install_authenticator(_AlwaysHim())
    attempts.clear()
    gate.clear()
    transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/v1") as opened:
        yield opened
    access.install_authenticator(previous)
    async with unit_of_work() as session:
        await session.execute(sa.text("DROP TABLE IF EXISTS deferred_probe"))


async def _names() -> list[str]:
    async with reading() as connection:
        return list((await connection.execute(sa.text("SELECT name FROM identity_community ORDER BY name"))).scalars())


async def test_what_was_answered_is_committed(http: httpx.AsyncClient) -> None:
    answer = await http.post("/places", json={"name": "Elm"})
    assert answer.status_code == 201
    assert await _names() == ["Elm"]


async def test_a_failing_commit_never_follows_a_201(http: httpx.AsyncClient) -> None:
    answer = await http.post("/places/twins", json={"name": "x"})
    assert answer.status_code == 409
    assert answer.json()["code"] == "conflict"


async def test_a_retried_attempt_leaves_nothing_of_the_failed_ones(http: httpx.AsyncClient) -> None:
    answer = await http.post("/places/flaky", json={"name": "Elm"})
    assert answer.status_code == 201
    assert attempts == ["Elm"] * 3
    assert await _names() == ["Elm 3"]


async def test_the_consequences_of_a_refusal_survive_it_and_its_changes_do_not(http: httpx.AsyncClient) -> None:
    answer = await http.post("/places/refusal", json={"name": "x"})
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:hearthline:problem:refused",
        "title": "Refused",
        "status": 403,
        "code": "refused",
        "instance": "/v1/places/refusal",
    }
    assert await _names() == ["counted x"]


async def test_the_same_key_and_body_is_answered_again_not_done_again(http: httpx.AsyncClient) -> None:
    first = await http.post("/places", json={"name": "Elm"}, headers={"Idempotency-Key": "k"})
    second = await http.post("/places", json={"name": "Elm"}, headers={"Idempotency-Key": "k"})
    assert (second.status_code, second.json()) == (first.status_code, first.json())
    assert second.headers["Idempotent-Replayed"] == "true"
    assert attempts == ["Elm"]


async def test_a_stored_answer_is_sealed(http: httpx.AsyncClient) -> None:
    await http.post("/places", json={"name": "Elmstreet"}, headers={"Idempotency-Key": "k"})
    async with reading() as connection:
        stored = await connection.scalar(sa.text("SELECT answer FROM core_idempotent_answer"))
    assert stored is not None
    assert "Elmstreet" not in stored


async def test_the_same_key_with_another_body_is_malformed(http: httpx.AsyncClient) -> None:
    await http.post("/places", json={"name": "Elm"}, headers={"Idempotency-Key": "k"})
    answer = await http.post("/places", json={"name": "Oak"}, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert await _names() == ["Elm"]


async def test_keys_of_two_people_are_two_keys(http: httpx.AsyncClient) -> None:
    for actor in (new_id(), new_id()):
        headers = {"Idempotency-Key": "k", "x-actor": str(actor)}
        assert (await http.post("/places", json={"name": "Elm"}, headers=headers)).status_code == 201
    assert await _names() == ["Elm", "Elm"]


async def test_a_request_still_running_under_the_key_is_a_conflict_to_retry(http: httpx.AsyncClient) -> None:
    gate.update(started=asyncio.Event(), go=asyncio.Event())
    headers = {"Idempotency-Key": "k"}
    first = asyncio.create_task(http.post("/places", json={"name": "Elm"}, headers=headers))
    await gate["started"].wait()
    second = await http.post("/places", json={"name": "Elm"}, headers=headers)
    assert (second.status_code, second.headers["Retry-After"]) == (409, "1")
    gate["go"].set()
    assert (await first).status_code == 201
    assert await _names() == ["Elm"]


async def test_a_final_refusal_is_kept_and_a_passing_one_is_not(http: httpx.AsyncClient) -> None:
    for name in ("x", "x", "busy", "busy"):
        await http.post("/places/refusal", json={"name": name}, headers={"Idempotency-Key": name})
    assert attempts == ["x", "busy", "busy"]


async def test_a_late_refusal_does_not_replace_what_was_done(database: Database) -> None:
    claim = idempotency.Claim.of(ACTOR.id, "POST", "/v1/places", "k", b"{}")
    for status in (201, 403):
        async with unit_of_work() as session:
            await idempotency.store(session, claim, Response(b"{}", status))
    async with unit_of_work() as session:
        kept = await idempotency.replay(session, claim)
    assert kept is not None
    assert kept.status_code == 201


async def test_answers_that_carry_secrets_are_never_stored(http: httpx.AsyncClient) -> None:
    answers = [await http.post("/secrets", json={"name": "x"}, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json() != answers[1].json()
    async with reading() as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM core_idempotent_answer")) == 0


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tkey"])
async def test_a_bad_key_is_malformed(http: httpx.AsyncClient, key: str) -> None:
    answer = await http.post("/places", json={"name": "Elm"}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/header/Idempotency-Key")
    assert await _names() == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"name": "a\\u0000b"}', "/body/name"),
        (b'{"name": "\x00"}', "/body"),
        (b'{"name": "\\ud800"}', "/body"),
        (b'{"name": {"deep": ["\\u0000"]}}', "/body/name/deep/0"),
        (b'{"name": ', "/body"),
        (b"[]", "/body"),
        (b'{"name": 3}', "/body/name"),
        (b"{}", "/body/name"),
    ],
)
async def test_what_cannot_be_stored_is_refused_with_a_pointer(
    http: httpx.AsyncClient, body: bytes, pointer: str
) -> None:
    answer = await http.post("/places", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)
    assert await _names() == []


async def test_an_escaped_backslash_before_u0000_is_text(http: httpx.AsyncClient) -> None:
    answer = await http.post("/places", content=b'{"name": "\\\\u0000"}', headers={"content-type": "application/json"})
    assert answer.status_code == 201
    assert await _names() == ["\\u0000"]


async def test_a_deeply_nested_body_is_malformed(http: httpx.AsyncClient) -> None:
    body = b'{"name": ' + b"[" * 700 + rb'"\ud83d\ude00"' + b"]" * 700 + b"}"
    answer = await http.post("/places", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422


async def test_a_nul_in_the_address_is_a_bad_request(http: httpx.AsyncClient) -> None:
    assert (await http.get("/places/count?x=%00")).status_code == 400


async def test_a_stale_version_is_412_and_changes_nothing(http: httpx.AsyncClient) -> None:
    made = (await http.post("/places", json={"name": "Elm"})).json()
    renamed = await http.patch(f"/places/{made['id']}", json={"name": "Oak"}, headers={"If-Match": '"1"'})
    assert (renamed.status_code, renamed.headers["etag"]) == (200, '"2"')
    stale = await http.patch(f"/places/{made['id']}", json={"name": "Ash"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    unquoted = await http.patch(f"/places/{made['id']}", json={"name": "Ash"}, headers={"If-Match": "3"})
    assert unquoted.status_code == 422
    assert await _names() == ["Oak"]


async def test_a_resident_route_is_two_routes_with_two_names(http: httpx.AsyncClient) -> None:
    someone = new_id()
    assert (await http.get("/me/whoami")).json() == "me"
    assert (await http.get(f"/residents/{someone}/whoami")).json() == str(someone)
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    names = {route.operation_id or route.unique_id for route in routes if "whoami" in route.path}
    assert names == {"readMyWhoami", "readResidentWhoami"}


async def test_what_is_asked_with_a_body_and_keeps_nothing_opens_no_transaction(http: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "k-weighing-1"}
    for name in ("Elm", "Oak"):  # a key says nothing where nothing is done
        answer = await http.post("/places/weighings", json={"name": name}, headers=key)
        assert (answer.status_code, answer.json()) == (200, {"in_a_unit_of_work": False})
    refused = await http.post("/places/weighings", content=b'{"name": "a\\u0000b"}')
    assert refused.status_code == 422


async def test_reading_routes_read_what_was_committed(http: httpx.AsyncClient) -> None:
    await http.post("/places", json={"name": "Elm"})
    assert (await http.get("/places/count")).json() == 1


async def _raw(application: FastAPI, path: str, hang_up: asyncio.Event, content_type: bytes) -> int | None:
    """Announce a body that never comes, hang up when told to, and return the status of the answer."""
    answered: list[int] = []

    async def receive() -> dict[str, Any]:
        await hang_up.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"content-type", content_type), (b"content-length", b"10")],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("test", 80),
        "client": ("127.0.0.1", 1),
        "root_path": "",
    }
    await application(scope, receive, send)
    return answered[0] if answered else None


@pytest.mark.parametrize("content_type", [b"application/json", b"text/plain"])
async def test_who_sends_slowly_holds_no_transaction(http: httpx.AsyncClient, content_type: bytes) -> None:
    hang_up = asyncio.Event()
    waiting = [
        asyncio.create_task(_raw(_application(), "/v1/places", hang_up, content_type))
        for _ in range(settings().database.writing_pool + 1)
    ]
    await asyncio.sleep(0)
    async with unit_of_work() as session:
        assert await session.scalar(sa.select(1)) == 1
    assert not any(task.done() for task in waiting)
    hang_up.set()
    assert set(await asyncio.gather(*waiting)) == {400}, "who hangs up is no error of ours"


async def test_a_body_is_not_waited_for_for_ever(http: httpx.AsyncClient, impatient: None) -> None:
    assert await _raw(_application(), "/v1/places", asyncio.Event(), b"application/json") == 400


async def test_nobody_is_waited_for_for_ever_where_no_transaction_is_opened_either(
    http: httpx.AsyncClient, impatient: None
) -> None:
    async with asyncio.timeout(5):
        assert await _raw(_application(), "/v1/considered", asyncio.Event(), b"application/json") == 400

"""A planned endpoint answers what the framework would have answered; only the way there is shorter."""

import uuid
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from app.core.endpoints import planned
from app.core.problems import handle_problem
from app.core.routing import UnitOfWorkRoute, route_options
from app.main import create_app

calls: list[str] = []


class Colour(StrEnum):
    """Something to choose from."""

    RED = "red"
    BLUE = "blue"


class Thing(BaseModel):
    """Something to send."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=2)
    on: date | None = None


class Shown(Thing):
    """Something to be shown."""

    id: uuid.UUID


async def once(limit: Annotated[int, Query(ge=1, le=9)] = 5, tags: Annotated[list[str] | None, Query()] = None) -> Any:
    """Be needed by two."""
    calls.append("once")
    return limit, tuple(tags or ())


Once = Annotated[Any, Depends(once)]


async def version(
    response: Response, request: Request, needed: Once, if_match: Annotated[str | None, Header()] = None
) -> str:
    """Take from everywhere, and say something on the answer."""
    response.headers["X-Version"] = f"{request.method} {if_match} {needed[0]}"
    return if_match or "none"


async def plain(needed: Once, key: Annotated[str, Header(alias="X-Key", min_length=3)]) -> str:
    """Need a header that has to be there."""
    return f"{key}{needed}"


def routes(route_class: type[APIRoute]) -> FastAPI:
    """Return an application of the same endpoints in routes of a class."""
    router = APIRouter(route_class=route_class)

    @router.get("/things/{thing_id}/{day}")
    @route_options(database=False)
    async def get_thing(
        thing_id: uuid.UUID,
        day: Annotated[date, Path()],
        again: Once,
        said: Annotated[str, Depends(version)],
        colour: Colour = Colour.RED,
    ) -> dict[str, Any]:
        return {"id": thing_id, "day": day, "said": said, "colour": colour, "again": again}

    @router.post("/things", status_code=201)
    @route_options(database=False)
    async def create_thing(data: Thing, key: Annotated[str, Depends(plain)], response: Response) -> Shown:
        response.headers["Location"] = f"/things/{key}"
        return Shown(**data.model_dump(), id=uuid.UUID(int=7))

    @router.post("/things/optional")
    @route_options(database=False)
    async def maybe_thing(response: Response, data: Thing | None = None) -> Shown | None:
        response.status_code = 202
        return None if data is None else Shown(**data.model_dump(), id=uuid.UUID(int=8))

    @router.delete("/things/{thing_id}", status_code=204)
    @route_options(database=False)
    async def delete_thing(thing_id: int) -> None:
        calls.append(f"deleted {thing_id}")

    @router.get("/raw")
    @route_options(database=False)
    async def raw() -> Response:
        return Response("as it is", 418, headers={"X-Own": "1"})

    app = FastAPI()
    app.include_router(router)
    for kind in (Exception,):
        app.add_exception_handler(kind, handle_problem)
    return app


IDENTIFIER = uuid.UUID(int=5)
JSON = {"content-type": "application/json"}
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", f"/things/{IDENTIFIER}/2026-02-03", {}),
    ("GET", f"/things/{IDENTIFIER}/2026-02-03?limit=3&tags=a&tags=b&colour=blue", {"headers": {"If-Match": '"3"'}}),
    ("GET", f"/things/{IDENTIFIER}/2026-02-03?limit=30&colour=green&tags=a", {}),
    ("GET", "/things/nothing/never", {}),
    ("GET", f"/things/{IDENTIFIER}/2026-02-03?unknown=1", {}),
    ("POST", "/things", {"headers": {"X-Key": "abc"}, "json": {"name": "lamp", "on": "2026-01-01"}}),
    ("POST", "/things", {"json": {"name": "lamp"}}),
    ("POST", "/things", {"headers": {"X-Key": "a"}, "json": {"name": "l", "more": 1}}),
    ("POST", "/things", {"headers": {"X-Key": "abc"}}),
    ("POST", "/things", {"headers": {"X-Key": "abc"} | JSON, "content": b'{"name": '}),
    ("POST", "/things", {"headers": {"X-Key": "abc", "content-type": "text/plain"}, "content": b'{"name": "lamp"}'}),
    ("POST", "/things", {"headers": {"X-Key": "abc"}, "content": b'{"name": "lamp"}'}),
    (
        "POST",
        "/things",
        {"headers": {"X-Key": "abc", "content-type": "application/x+json"}, "content": b'{"name":"la"}'},
    ),
    ("POST", "/things", {"headers": {"X-Key": "abc"} | JSON, "content": b"[1, 2]"}),
    ("POST", "/things", {"headers": {"X-Key": "abc"} | JSON, "content": b"null"}),
    ("POST", "/things", {"headers": {"X-Key": "abc"} | JSON, "content": b"[" * 100_000}),
    ("POST", "/things", {"headers": {"X-Key": "abc"} | JSON, "content": b'{"name": "\xff\xff"}'}),
    ("POST", "/things?limit=0", {"headers": {"X-Key": "abc"}, "json": {"name": "lamp"}}),
    ("POST", "/things/optional", {}),
    ("POST", "/things/optional", {"json": {"name": "lamp"}}),
    ("POST", "/things/optional", {"headers": JSON, "content": b"null"}),
    ("DELETE", "/things/3", {}),
    ("DELETE", "/things/x", {}),
    ("GET", "/raw", {}),
    ("PUT", "/raw", {}),
]


async def _ask(app: FastAPI, method: str, path: str, given: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.request(method, path, **given)
        headers = dict(answer.headers)
        if answer.status_code != 422:
            return answer.status_code, headers, answer.content
        # The framework says what is wrong with a dependency once for everyone who needs it; once is enough.
        del headers["content-length"]
        document = answer.json()
        errors = document.pop("errors")
        return 422, headers, (document, [error for place, error in enumerate(errors) if error not in errors[:place]])


class _Framework(UnitOfWorkRoute):
    """The same route with the framework calling the endpoint."""

    plan = None


@pytest.mark.parametrize(("method", "path", "given"), REQUESTS)
async def test_a_plan_answers_what_the_framework_answers(method: str, path: str, given: dict[str, Any]) -> None:
    ours, theirs = routes(UnitOfWorkRoute), routes(_Framework)
    calls.clear()
    expected = await _ask(theirs, method, path, given)
    called = calls.copy()
    calls.clear()
    assert await _ask(ours, method, path, given) == expected
    assert calls == called


def test_what_is_needed_twice_is_called_once_and_streams_are_left_to_the_framework() -> None:
    router = APIRouter()

    async def stream() -> Any:
        yield b"1"

    async def opened() -> Any:
        yield 1

    router.add_api_route("/stream", stream)
    router.add_api_route("/opened", route_with(opened))
    router.add_api_route("/blocking", route_with(lambda: 1))
    assert [planned(route) for route in router.routes if isinstance(route, APIRoute)] == [None, None, None]


def route_with(dependency: Any) -> Any:
    """Return an endpoint that needs ``dependency``."""

    async def endpoint(needed: Annotated[int, Depends(dependency)]) -> int:
        return needed

    return endpoint


def test_every_endpoint_is_planned_unless_it_makes_its_answer_itself() -> None:
    left = {
        route.path
        for route in create_app().router.routes
        if isinstance(route, UnitOfWorkRoute) and route.plan is None and not route.path.startswith("/demo/")
    }
    assert left == {
        "/v1/media/{media_id}",  # a file
        "/v1/attractions/{attraction_id}/photos/{photo_id}",  # a file
        "/v1/itineraries/{itinerary_id}/calendar",  # a file
        "/v1/organizations/{organization_id}/office-orders/{order_id}/tickets.pdf",  # a file
        "/v1/organizations/{organization_id}/timesheet",  # a file
        *(f"/v1/{of}/timeline/record" for of in ("me", "residents/{resident_id}")),  # a file
        *(f"/v1/{of}/timeline/printed-record" for of in ("me", "residents/{resident_id}")),  # a file
        *(f"/v1/{of}/timeline/stream" for of in ("me", "residents/{resident_id}")),
        "/v1/me/inbox/stream",  # a stream
        "/v1/duty-desk/queue/stream",
        "/v1/queue-tickets/{queue_ticket_id}/stream",
        "/v1/unsubscriptions/{token}",  # a page
        "/portal/gates",  # a page
        "/portal/live",  # a stream
        "/portal/video-visits",  # a page
        "/v1/calendars/{secret}",  # a file
        *(  # documents
            f"/v1/{of}/{what}.pdf"
            for of in ("me", "residents/{resident_id}", "organizations/{organization_id}")
            for what in ("invoices/{invoice_id}", "payment-receipts/{payment_id}")
        ),
        *(f"/v1/{of}/bill-statements/{{month}}.pdf" for of in ("me", "residents/{resident_id}")),
        "/v1/organizations/{organization_id}/provider-statements/{month}.pdf",
        *(f"/v1/callbacks/twilio/{of}" for of in ("calls/{delivery_id}/speech", "calls/{delivery_id}/keys", "replies")),
    }

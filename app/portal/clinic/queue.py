"""The lines of those who walk in: numbers are given, called to a room, put back, handed on."""

import asyncio
import uuid
from typing import Annotated, Any, Final
from urllib.parse import quote, unquote

from fastapi import Query as InQuery
from starlette.responses import Response

from app.core.routing import route_options
from app.portal.clinic import composing
from app.portal.clinic.knowing import House, asked, house_of, shown
from app.portal.clinic.texts import WORDS
from app.portal.ground.asking import Refused
from app.portal.ground.forms import Form, Posted
from app.portal.ground.pages import address, again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor

router = pages_router("/portal/clinic")

MOST: Final = 200
MOST_FOUND: Final = 12
ROOM: Final = "clinic_room"
_DONE: Final = {"done": "number_done", "skipped": "number_skipped"}
_A_DAY: Final = 86_400
Find = Annotated[str, InQuery(max_length=100)]


async def _lines(visit: Visit, house: House) -> dict[str, Any]:
    tickets, departments = await asyncio.gather(
        visit.api.get(f"{house.api}/queue-tickets", with_skipped=True),
        visit.api.pages(f"{house.api}/departments", MOST),
    )
    found = composing.lines(tickets["items"], departments, visit.language, WORDS[visit.language]["whole_clinic"])
    return {
        "tab": "queue",
        "lines": found,
        "targets": [(line.id, line.name) for line in found],
        "room": unquote(visit.request.cookies.get(ROOM, ""))[:30],
        "minutes": composing.minutes,
        "base": f"{house.address}/queue",
    }


async def _page(visit: Visit, house: House, find: str) -> dict[str, Any]:
    lines = await _lines(visit, house)
    found = await visit.api.get("/v1/residents", query=find, limit=MOST_FOUND) if find.strip() else {"items": []}
    return {**lines, "find": find, "found": found["items"]}


@router.get("/{organization_id}/queue", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_queue(visit: Visitor, organization_id: uuid.UUID, find: Find = "") -> Response:
    """Show who waits in which line, and whom a number can be given."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "queue", **await _page(visit, house, find))


@router.get("/{organization_id}/queue/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_queue_part(visit: Visitor, organization_id: uuid.UUID) -> Response:
    """Show the lines alone, for a page that is open."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "queue_part", **await _lines(visit, house))


@router.post("/{organization_id}/queue/tickets", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def give_number(visit: Visitor, form: Posted, organization_id: uuid.UUID) -> Response:
    """Give somebody who walked in the next number."""
    house = await house_of(visit, organization_id)
    body = {"resident_id": form.text("resident_id", 40), "department_id": form.text("department_id", 40) or None}
    return await _done(visit, form, house, f"{house.api}/queue-tickets", body, "taken")


@router.post("/{organization_id}/queue/calls", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def call_next(visit: Visitor, form: Posted, organization_id: uuid.UUID) -> Response:
    """Call whoever is next to a room, which this browser remembers."""
    house = await house_of(visit, organization_id)
    room = form.text("room", 30)
    body = {"department_id": form.text("department_id", 40) or None, "room": room or None}
    answer = await _done(visit, form, house, f"{house.api}/queue-calls", body, "called")
    answer.set_cookie(ROOM, quote(room), max_age=30 * _A_DAY, path="/portal/clinic", httponly=True, samesite="lax")
    return answer


@router.post("/{organization_id}/queue/tickets/{ticket_id}/{act}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def act_on_number(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, ticket_id: uuid.UUID, act: str
) -> Response:
    """Call a number, once more or out of turn, put it back, hand it on, or be done with it."""
    house = await house_of(visit, organization_id)
    path = f"/v1/queue-tickets/{ticket_id}"
    if act in ("call", "again"):
        body: dict[str, Any] = {"room": form.text("room", 30) or None, "again": act == "again"}
        return await _done(visit, form, house, f"{path}/call", body, "called")
    if act == "return":
        return await _done(visit, form, house, f"{path}/return", None, "returned")
    if act == "transfer":
        body = {"department_id": form.text("department_id", 40) or None}
        return await _done(visit, form, house, f"{path}/transfer", body, "transferred")
    if act in ("done", "skipped"):
        return await _done(visit, form, house, f"{path}/outcome", {"state": act}, _DONE[act])
    if act == "left":
        if trouble := await asked(visit, form, "DELETE", path):
            return shown(visit, house, "queue", trouble=trouble, **await _page(visit, house, ""))
        return again(f"{house.address}/queue", "number_left")
    raise Refused(404, {"code": "not_found", "status": 404})


async def _done(visit: Visit, form: Form, house: House, path: str, body: Any, done: str) -> Response:
    if trouble := await asked(visit, form, "POST", path, body):
        return shown(visit, house, "queue", trouble=trouble, **await _page(visit, house, form.text("find", 100)))
    return again(address(f"{house.address}/queue"), done)

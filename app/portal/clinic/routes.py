"""The clinic's day, and one appointment of it."""

import asyncio
import uuid
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import Query as InQuery
from starlette.responses import Response

from app.core import clock
from app.core.routing import Router, route_options
from app.portal.clinic import (
    boards,
    booking,
    charts,
    composing,
    filing,
    prescribing,
    questions,
    queue,
    referring,
    seeing,
)
from app.portal.clinic.knowing import House, asked, clinics_of, house_of, shown
from app.portal.ground.asking import Refused, unless_hidden
from app.portal.ground.changing import Trouble
from app.portal.ground.forms import Posted
from app.portal.ground.moments import day_named, instant
from app.portal.ground.pages import address, again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor

router = pages_router("/portal/clinic")

MOST: Final = 200
_SAID: Final = {"arrived": "arrived", "checked-in": "checked_in", "fulfilled": "fulfilled", "noshow": "noshow"}
Day = Annotated[str, InQuery(max_length=10)]
Who = Annotated[str, InQuery(max_length=40)]


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_clinic(visit: Visitor) -> Response:
    """Lead to the clinic the visitor works at."""
    found = clinics_of(visit)
    if not found:
        raise Refused(403, {"code": "forbidden", "status": 403})
    return again(f"/portal/clinic/{found[0]}")


async def _day(visit: Visit, house: House, day: str, who: str) -> dict[str, Any]:
    there = house.there
    chosen = day_named(day) or there.today()
    appointments, doctors, tickets = await asyncio.gather(
        visit.api.pages(f"{house.api}/appointments", MOST, **{"from": there.midnight(chosen)}),
        visit.api.pages(f"{house.api}/practitioners", MOST),
        visit.api.get(f"{house.api}/queue-tickets"),
    )
    mine = next((one["id"] for one in doctors if one.get("account_id") == str(visit.actor.id)), None)
    shown_of = who if who == "all" or any(one["id"] == who for one in doctors) else (mine or "all")
    # The day has 23 or 25 hours twice a year.
    end = there.midnight(chosen + timedelta(days=1))
    items = [one for one in appointments if instant(one["starts_at"]) < end]
    rows, counts = composing.day_of(items, clock.now(), shown_of)
    query = {"day": chosen.isoformat() if chosen != there.today() else "", "who": shown_of}
    return {
        "tab": "day",
        "chosen": chosen,
        "is_today": chosen == there.today(),
        "earlier": address(house.address, day=(chosen - timedelta(days=1)).isoformat(), who=shown_of),
        "later": address(house.address, day=(chosen + timedelta(days=1)).isoformat(), who=shown_of),
        "rows": rows,
        "counts": counts,
        "doctors": [(one["id"], one["name"]) for one in doctors if one.get("is_active", True)],
        "who": shown_of,
        "mine": mine,
        "part": address(f"{house.address}/part", **query),
        "query": query,
        "booking": address(f"{house.address}/book", day=query["day"], who=shown_of),
        "walk_ins": sum(one["state"] == "waiting" for one in tickets["items"]),
    }


@router.get("/{organization_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_day(visit: Visitor, organization_id: uuid.UUID, day: Day = "", who: Who = "") -> Response:
    """Show whom the clinic sees on a day, and how far it is."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "day", **await _day(visit, house, day, who))


@router.get("/{organization_id}/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_day_part(visit: Visitor, organization_id: uuid.UUID, day: Day = "", who: Who = "") -> Response:
    """Show the list alone, for a page that is open."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "day_part", **await _day(visit, house, day, who))


@router.post("/{organization_id}/appointments/{appointment_id}/outcome", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def say_outcome(visit: Visitor, form: Posted, organization_id: uuid.UUID, appointment_id: uuid.UUID) -> Response:
    """Write down that somebody has come, was called in, was seen, or did not come."""
    house = await house_of(visit, organization_id)
    status, day, who = form.text("status", 20), form.text("day", 10), form.text("who", 40)
    trouble = await asked(visit, form, "POST", f"/v1/appointments/{appointment_id}/outcome", {"status": status})
    if trouble is not None:
        return shown(visit, house, "day", trouble=trouble, **await _day(visit, house, day, who))
    if status == "checked-in" and house.sees_charts:
        one = await visit.api.get(f"/v1/appointments/{appointment_id}")
        return again(address(f"{house.address}/patients/{one['resident_id']}", appointment=appointment_id))
    return again(address(house.address, day=day, who=who), _SAID.get(status, ""))


@router.post("/{organization_id}/delays", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def tell_delay(visit: Visitor, form: Posted, organization_id: uuid.UUID) -> Response:
    """Tell those who come next how much later it will be."""
    house = await house_of(visit, organization_id)
    late, who = form.number("late") or 0, form.uuid("practitioner")
    path = f"{house.api}/practitioners/{who}/delays"
    if trouble := await asked(visit, form, "POST", path, {"late_by": f"PT{late}M"}):
        return shown(visit, house, "day", trouble=trouble, **await _day(visit, house, "", str(who)))
    return again(address(house.address, who=who), "delay")


async def _appointment(
    visit: Visit, house: House, appointment_id: uuid.UUID, since: str, anybody: str, trouble: Trouble | None = None
) -> dict[str, Any]:
    one = await visit.api.get(f"/v1/appointments/{appointment_id}")
    if one["organization_id"] != str(house.id):
        raise Refused(404, {"code": "not_found", "status": 404})
    there = house.there
    can_move = one["status"] in ("booked", "pending") and instant(one["ends_at"]) > clock.now()
    first = max(there.midnight(day_named(since) or there.today()), clock.now())
    whose = None if anybody else one["practitioner_id"]
    profile, prepared, (slots, _) = await asyncio.gather(
        unless_hidden(visit.api.get(f"/v1/residents/{one['resident_id']}/profile")),
        visit.api.get(f"/v1/appointments/{appointment_id}/preparation"),
        booking.free(visit, house, one["visit_type_id"], whose, first) if can_move else asyncio.sleep(0, ([], "")),
    )
    questions = {item["key"]: item["text"][visit.language] for item in prepared["checklist"]}
    return {
        "tab": "day",
        "one": one,
        "row": composing.row(one, clock.now()),
        "profile": profile,
        "answers": [(questions.get(said["key"], said["key"]), said["answer"]) for said in prepared["answers"]],
        "said": prepared["text"],
        "slots": composing.by_day(slots, there),
        "nearby": booking.nearby(trouble, house),
        "can_move": can_move,
        "anybody": bool(anybody),
        "first": first.astimezone(there.time_zone).date(),
        "base": f"{house.address}/appointments/{appointment_id}",
    }


@router.get("/{organization_id}/appointments/{appointment_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_appointment(
    visit: Visitor, organization_id: uuid.UUID, appointment_id: uuid.UUID, since: Day = "", anybody: Day = ""
) -> Response:
    """Show an appointment, with the free times it can be moved to."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "appointment", **await _appointment(visit, house, appointment_id, since, anybody))


@router.post("/{organization_id}/appointments/{appointment_id}/{act}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def change_appointment(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, appointment_id: uuid.UUID, act: str
) -> Response:
    """Move an appointment, call it off, or answer what the clinic is asked for."""
    house = await house_of(visit, organization_id)
    reason = form.text("reason", 1000) or None
    body: dict[str, Any]
    if act == "move":
        starts_at, _, practitioner = form.text("slot", 120).partition("|")
        body = {"starts_at": starts_at, "practitioner_id": practitioner or None}
    elif act == "cancellation":
        body = {"reason": reason}
    elif act == "answer":
        accepts = form.text("answer", 20) == "accepted"
        body = {"answer": "accepted"} if accepts else {"answer": "declined", "reason": reason}
    else:
        raise Refused(404, {"code": "not_found", "status": 404})
    trouble: Trouble | None = await asked(visit, form, "POST", f"/v1/appointments/{appointment_id}/{act}", body)
    if trouble is not None:
        page = await _appointment(visit, house, appointment_id, "", "", trouble)
        return shown(visit, house, "appointment", trouble=trouble, **page)
    return again(f"{house.address}/appointments/{appointment_id}", act)


# The wall's screen comes first: its address begins as the others do.
ROUTERS: Final[tuple[Router, ...]] = (
    boards.router,
    booking.router,
    router,
    queue.router,
    charts.router,
    filing.router,
    prescribing.router,
    referring.router,
    questions.router,
    seeing.router,
)

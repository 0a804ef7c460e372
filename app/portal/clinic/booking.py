"""Booking from the desk: for whom, what, with whom and from which day; the free times are the API's to know."""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Depends
from fastapi import Query as InQuery
from starlette.responses import Response

from app.core import clock
from app.core.routing import route_options
from app.portal.clinic import composing
from app.portal.clinic.knowing import House, house_of, shown
from app.portal.clinic.texts import WORDS
from app.portal.ground.asking import Refused, unless_hidden
from app.portal.ground.changing import Trouble, trouble_of
from app.portal.ground.forms import Form, Posted
from app.portal.ground.moments import day_named, instant
from app.portal.ground.pages import address, again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor

router = pages_router("/portal/clinic")

MOST: Final = 200
MOST_FOUND: Final = 12
MOST_SLOTS: Final = 40
MOST_AHEAD: Final = 30
ANYBODY: Final = "all"
_AHEAD: Final = ("booked", "pending", "proposed", "arrived", "checked-in")
Find = Annotated[str, InQuery(max_length=100)]
Id = Annotated[str, InQuery(max_length=40)]
Day = Annotated[str, InQuery(max_length=10)]
Cursor = Annotated[str, InQuery(max_length=1_000)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a time is looked for: for whom, which visit, with whom, from which day on."""

    find: str = ""
    resident_id: str = ""
    visit_type: str = ""
    who: str = ""
    day: str = ""
    after: str = ""

    def at(self, house: House, **other: str) -> str:
        """Return the page's address with what is wanted, but for what is given."""
        names = ("find", "resident_id", "visit_type", "who", "day")
        return address(f"{house.address}/book", **{name: getattr(self, name) for name in names} | other)


async def free(
    visit: Visit, house: House, visit_type: str, practitioner: str | None, first: datetime, after: str = ""
) -> tuple[list[Any], str]:
    """Return the clinic's free times from an instant on, and where the ones after them begin."""
    found = await visit.api.get(
        "/v1/slots",
        visit_type=visit_type,
        practitioner=practitioner,
        earliest=first,
        limit=MOST_SLOTS,
        cursor=after or None,
    )
    slots = [slot for slot in found["items"] if slot["clinic"]["organization_id"] == str(house.id)]
    return slots, found["next"] or ""


def nearby(trouble: Trouble | None, house: House) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Return by day what the API offers in place of a time that is not to be had."""
    offered = trouble.refusal.problem.get("alternatives", ()) if trouble else ()
    return composing.by_day(offered, house.there)


async def _page(visit: Visit, house: House, wanted: Wanted, trouble: Trouble | None = None) -> dict[str, Any]:
    there = house.there
    chosen = max(day_named(wanted.day) or there.today(), there.today())
    page: dict[str, Any] = {
        "tab": "day",
        "wanted": wanted,
        "chosen": chosen,
        "found": [],
        "person": None,
        "nearby": nearby(trouble, house),
        "base": f"{house.address}/book",
        "post": f"{house.address}/appointments",
    }
    if not wanted.resident_id:
        if wanted.find.strip():
            found = await visit.api.get("/v1/residents", query=wanted.find, limit=MOST_FOUND)
            page["found"] = [(one, wanted.at(house, find="", resident_id=one["resident_id"])) for one in found["items"]]
        return page
    base = f"/v1/residents/{wanted.resident_id}"
    person, types, doctors, before = await asyncio.gather(
        unless_hidden(visit.api.get(f"{base}/profile")),
        visit.api.pages(f"{house.api}/visit-types", MOST),
        visit.api.pages(f"{house.api}/practitioners", MOST),
        visit.api.get(f"{base}/appointments", limit=MOST_AHEAD),
    )
    kinds = [(one["id"], one["name"][visit.language]) for one in types if one["is_active"]]
    people = [(one["id"], one["name"]) for one in doctors if one.get("is_active", True)]
    kind = wanted.visit_type if any(wanted.visit_type == key for key, _ in kinds) else (kinds[0][0] if kinds else "")
    who = wanted.who if any(wanted.who == key for key, _ in people) else ANYBODY
    first = max(there.midnight(chosen), clock.now())
    slots: list[Any] = []
    after = ""
    if kind:
        slots, after = await free(visit, house, kind, None if who == ANYBODY else who, first, wanted.after)
    return page | {
        "person": person or {"name": WORDS[visit.language]["patient"], "birth_date": None},
        "kinds": kinds,
        "kind": kind,
        "people": people,
        "who": who,
        "anybody": ANYBODY,
        "slots": composing.by_day(slots, there),
        "later": wanted.at(house, visit_type=kind, who=who, day=chosen.isoformat(), after=after) if after else "",
        "ahead": [
            one
            for one in reversed(before["items"])
            if one["organization_id"] == str(house.id)
            and one["status"] in _AHEAD
            and instant(one["ends_at"]) > clock.now()
        ],
    }


def _is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


async def _wanted(
    find: Find = "", resident_id: Id = "", visit_type: Id = "", who: Id = "", day: Day = "", after: Cursor = ""
) -> Wanted:
    return Wanted(find, resident_id if _is_id(resident_id) else "", visit_type, who, day, after)


@router.get("/{organization_id}/book", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_booking(
    visit: Visitor, organization_id: uuid.UUID, wanted: Annotated[Wanted, Depends(_wanted)]
) -> Response:
    """Show whom a time can be booked for, and then the free times."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "book", **await _page(visit, house, wanted))


@router.post("/{organization_id}/appointments", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def book(visit: Visitor, form: Posted, organization_id: uuid.UUID) -> Response:
    """Book a time for a patient; where it is gone meanwhile, say so and offer others."""
    house = await house_of(visit, organization_id)
    resident_id = form.uuid("resident_id")
    if resident_id is None:
        return again(f"{house.address}/book")
    wanted = Wanted("", str(resident_id), form.text("visit_type", 40), form.text("who", 40), form.text("day", 10))
    try:
        made = await _booked(visit, form, wanted)
    except Refused as refusal:
        trouble = trouble_of(visit, refusal, WORDS)
        return shown(visit, house, "book", trouble=trouble, **await _page(visit, house, wanted, trouble))
    return again(f"{house.address}/appointments/{made}", "booked")


async def _booked(visit: Visit, form: Form, wanted: Wanted) -> str:
    """Hold the time, confirm it, and return the appointment's id: what is not confirmed is let go by itself."""
    starts_at, _, practitioner = form.text("slot", 120).partition("|")
    body = {
        "resident_id": wanted.resident_id,
        "visit_type_id": wanted.visit_type,
        "practitioner_id": practitioner,
        "starts_at": starts_at,
    }
    held = await visit.api.post("/v1/appointments", body, key=form.key)
    key = f"{form.key}-yes" if form.key else None
    await visit.api.post(f"/v1/appointments/{held['id']}/confirmation", key=key)
    return str(held["id"])

"""The gates of an attraction: where one scans, what was scanned, who was turned away and why, what does not fit."""

import asyncio
import uuid
from datetime import date, timedelta
from typing import Annotated, Any, Final

from fastapi import Query as InQuery
from starlette.responses import Response

from app.core import clock
from app.core.qr_codes import qr_code
from app.core.routing import route_options
from app.core.settings import settings
from app.portal.attraction.days import ONE
from app.portal.attraction.knowing import PREFIX, Place, place_of, wrong_of
from app.portal.ground.asking import Refused
from app.portal.ground.changing import FINE, Wrong
from app.portal.ground.forms import Posted
from app.portal.ground.moments import instant
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visitor

router = pages_router(PREFIX)

RESOLUTIONS: Final = ("harmless", "our_mistake", "misuse")
_GATES: Final = f"{ONE}/gates"
_LATELY: Final = timedelta(minutes=10)
_MOST_SCANS: Final = 50
_WRONG_CLOCK: Final = 120  # seconds: from then on tickets are misjudged
Day = Annotated[str, InQuery(max_length=10)]
Show = Annotated[str, InQuery(max_length=10)]


async def _gates(place: Place, day: date, show: str) -> dict[str, Any]:
    outcomes = [show] if show in ("refused", "conflict") else None
    known, visitors, scans = await asyncio.gather(
        place.visit.api.pages("/v1/gates", 200),
        place.get(f"visitor-days/{day}"),
        place.get("gate-scans", day=day, outcome=outcomes, limit=_MOST_SCANS),
    )
    conflicts: list[Any] = []
    if place.is_keeper:
        path = f"/v1/attractions/{place.attraction_id}/admission-conflicts"
        conflicts = await place.visit.api.pages(path, 50)
    here = [one for one in known if one["attraction_id"] == str(place.attraction_id)]
    return {
        "gates": [(one, _standing(one)) for one in here],
        "clock_wrong": _WRONG_CLOCK,
        "visitors": visitors,
        "scans": scans["items"],
        "has_more": scans["next"] is not None,
        "conflicts": conflicts,
        "resolutions": [(one, place.words[f"resolution_{one}"]) for one in RESOLUTIONS],
        "day": day,
        "today": place.their.today(),
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1),
        "which": show if outcomes else "all",
    }


def _standing(gate: Any) -> str:
    """Say how a gate stands: heard lately, a while ago, never, or put aside."""
    if not gate["is_active"]:
        return "aside"
    if gate["heard_at"] is None:
        return "never"
    return "lately" if clock.now() - instant(gate["heard_at"]) < _LATELY else "silent"


@router.get(_GATES, include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_gates(
    visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID, day: Day = "", show: Show = ""
) -> Response:
    """Show the gates and what was scanned on a day."""
    place = await place_of(visit, organization_id, attraction_id)
    return place.show("gates.html", "gates", **await _gates(place, place.day_of(day), show))


@router.get(f"{_GATES}/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_gates_part(
    visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID, day: Day = "", show: Show = ""
) -> Response:
    """Show what was scanned on a day, for a page that is open."""
    place = await place_of(visit, organization_id, attraction_id)
    return place.show("gates_part.html", "gates", **await _gates(place, place.day_of(day), show))


async def _gates_again(place: Place, wrong: Wrong) -> Response:
    found = await _gates(place, place.their.today(), "")
    return place.show("gates.html", "gates", status=wrong.status, wrong=wrong, **found)


@router.post(_GATES, include_in_schema=False)
@route_options(database=False, idempotency=False)
async def add_gate(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Add a gate."""
    place = await place_of(visit, organization_id, attraction_id)
    try:
        await visit.api.post(f"/v1/attractions/{attraction_id}/gates", {"name": form.text("name", 200)}, key=form.key)
    except Refused as refused:
        return await _gates_again(place, wrong_of(visit, refused))
    return again(f"{place.base}/gates", "gate_added")


@router.get(f"{_GATES}/{{gate_id}}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_gate(
    visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID, gate_id: uuid.UUID
) -> Response:
    """Show how a device is brought to a gate, and what the gate is called."""
    place = await place_of(visit, organization_id, attraction_id)
    return await _show_gate(place, gate_id)


async def _show_gate(place: Place, gate_id: uuid.UUID, wrong: Wrong = FINE) -> Response:
    known = await place.visit.api.pages("/v1/gates", 200)
    found = next(
        (one for one in known if one["id"] == str(gate_id) and one["attraction_id"] == str(place.attraction_id)), None
    )
    if found is None:
        raise Refused(404, {"code": "not_found", "status": 404})
    link = f"/portal/gates?gate={gate_id}"
    whole = settings().http.public_url.rstrip("/") + link
    return place.show(
        "gate.html",
        "gates",
        status=wrong.status,
        wrong=wrong,
        gate=found,
        link=link,
        whole=whole,
        qr=qr_code(whole),
        standing=_standing(found),
        clock_wrong=_WRONG_CLOCK,
    )


@router.post(f"{_GATES}/{{gate_id}}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def set_gate(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID, gate_id: uuid.UUID
) -> Response:
    """Call a gate otherwise, or put it aside."""
    place = await place_of(visit, organization_id, attraction_id)
    body = {"name": form.text("name", 200), "is_active": form.flag("is_active")}
    try:
        await visit.api.put(f"/v1/gates/{gate_id}", body, version=form.number("version"))
    except Refused as refused:
        return await _show_gate(place, gate_id, wrong_of(visit, refused))
    return again(f"{place.base}/gates/{gate_id}", "gate_set")


@router.post(f"{_GATES}/conflicts/{{conflict_id}}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def resolve_conflict(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID, conflict_id: uuid.UUID
) -> Response:
    """Say what it was that somebody was let in twice."""
    place = await place_of(visit, organization_id, attraction_id)
    body = {"resolution": form.text("resolution", 20), "note": form.text("note", 1000)}
    try:
        await visit.api.post(f"/v1/admission-conflicts/{conflict_id}/resolution", body, key=form.key)
    except Refused as refused:
        return await _gates_again(place, wrong_of(visit, refused))
    return again(f"{place.base}/gates", "resolved")

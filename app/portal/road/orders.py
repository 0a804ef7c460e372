"""An order of help at home, as whoever carries it out needs it: the way in, the code at the door, what is done."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from starlette.responses import Response

from app.core.routing import route_options
from app.portal.ground.asking import Refused
from app.portal.ground.changing import Change, changed
from app.portal.ground.forms import Form, Posted
from app.portal.ground.moments import instant
from app.portal.ground.pages import again, words_of
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor
from app.portal.road import composing
from app.portal.road.routes import page
from app.portal.road.texts import WORDS

router = pages_router("/portal/road/orders/{order_id}")

_MOST_WORDS: Final = 300
_ACTS: Final[Mapping[str, tuple[str, ...]]] = {
    "assigned": ("on-the-way", "start", "no-access"),
    "on_the_way": ("start", "no-access"),
    "started": ("notes", "completion"),
    "no_access": ("notes",),
    "finished": ("notes",),
    "closed": ("notes",),
}
"""What whoever goes there may do, by how the order stands; the API decides."""


async def _page(visit: Visit, order_id: UUID, *, status: int = 200, trouble: str = "", door: Any = None) -> Response:
    order = await visit.api.get(f"/v1/home-orders/{order_id}")
    stop = next((one for one in (await _day(visit, order)) if one["id"] == str(order_id)), None)
    acts = _ACTS.get(order["state"], ()) if stop else ()
    values = {"order": order, "stop": stop, "acts": acts, "place": composing.place_of(order), "door": door}
    look = composing.BADGES[order["state"]]
    return page(visit, "road/order.html", status=status, trouble=trouble, state_badge=look, **values)


async def _day(visit: Visit, order: Mapping[str, Any]) -> list[Any]:
    day = instant(order["starts_at"]).astimezone(visit.time_zone).date()
    items: list[Any] = (await visit.api.get("/v1/me/home-orders", date=day))["items"]
    return items


async def _changed(visit: Visit, form: Form, order_id: UUID, act: str, body: Any = None) -> Response:
    change = Change("POST", f"/v1/home-orders/{order_id}/{act}", body)
    trouble = await changed(visit, form, change, WORDS)
    if trouble is not None:
        return await _page(visit, order_id, status=trouble.status, trouble=trouble.said)
    return again(f"/portal/road/orders/{order_id}", "order")


async def _missing(visit: Visit, order_id: UUID, key: str) -> Response:
    return await _page(visit, order_id, status=422, trouble=words_of(WORDS, visit.language)[key])


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_order(visit: Visitor, order_id: UUID) -> Response:
    """Show an order to whoever carries it out."""
    return await _page(visit, order_id)


@router.post("/door", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_way_in(visit: Visitor, form: Posted, order_id: UUID) -> Response:
    """Show how to get in: only when it is pressed, as each showing is on record; no copy of it is kept."""
    del form
    try:
        door = await visit.api.get(f"/v1/home-orders/{order_id}/door")
    except Refused as refusal:
        if refusal.code != "door_not_shown":
            raise
        return await _missing(visit, order_id, "trouble_door_not_shown")
    return await _page(visit, order_id, door=door)


@router.post("/on-the-way", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def set_out_for_order(visit: Visitor, form: Posted, order_id: UUID) -> Response:
    """Say that one is on the way."""
    return await _changed(visit, form, order_id, "on-the-way")


@router.post("/start", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def start_order(visit: Visitor, form: Posted, order_id: UUID) -> Response:
    """Begin, with the code the resident tells."""
    code = form.text("code", 20).replace(" ", "")
    if len(code) != 6 or not code.isdecimal():
        return await _missing(visit, order_id, "start_code_missing")
    return await _changed(visit, form, order_id, "start", {"code": code})


@router.post("/no-access", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def say_no_access(visit: Visitor, form: Posted, order_id: UUID) -> Response:
    """Say that nobody answers the door."""
    note = form.text("note", _MOST_WORDS)
    if not note:
        return await _missing(visit, order_id, "reason_missing")
    return await _changed(visit, form, order_id, "no-access", {"note": note})


@router.post("/notes", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def write_order_note(visit: Visitor, form: Posted, order_id: UUID) -> Response:
    """Write down what was found; that the resident is unwell raises an alarm."""
    text = form.text("text", 2_000)
    if not text:
        return await _missing(visit, order_id, "note_missing")
    body = {"text": text, "is_resident_unwell": form.flag("unwell")}
    return await _changed(visit, form, order_id, "notes", body)


@router.post("/completion", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def finish_order(visit: Visitor, form: Posted, order_id: UUID) -> Response:
    """End the work: each step is done, or it is said why not."""
    body = {"done": form.many("done", 40), "undone_reason": form.text("undone_reason", _MOST_WORDS) or None}
    return await _changed(visit, form, order_id, "completion", body)

"""Calling off slots together: who is concerned is said beforehand, asked once more, and followed until it is done."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Final

from fastapi import Query as InQuery
from starlette.responses import Response

from app.core import clock
from app.core.routing import route_options
from app.portal.attraction.days import ONE
from app.portal.attraction.knowing import PREFIX, Place, both, place_of, wrong_of
from app.portal.ground.asking import Refused
from app.portal.ground.changing import FINE, Wrong
from app.portal.ground.forms import Form, Posted
from app.portal.ground.moments import instant
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visitor

router = pages_router(PREFIX)

REASONS: Final = ("weather", "technical", "staffing", "safety", "event", "other")
_MESSAGE: Final = 500
_MOST: Final = 300  # a form has no more fields; nothing may be left out unsaid
_ALL: Final = f"{ONE}/cancellations"
Ids = Annotated[list[str] | None, InQuery(alias="slot")]
Day = Annotated[str, InQuery(max_length=10)]


@router.get(_ALL, include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_cancellations(visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Show what was called off."""
    place = await place_of(visit, organization_id, attraction_id)
    items = await place.pages("slot-cancellations", 100)
    return place.show("cancellations.html", "cancellations", items=items, today=place.their.today())


@router.get(f"{_ALL}/new", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def ask_cancellation(
    visit: Visitor,
    organization_id: uuid.UUID,
    attraction_id: uuid.UUID,
    slot: Ids = None,
    day: Day = "",
) -> Response:
    """Show how many orders, people and how much money it concerns, and ask why."""
    place = await place_of(visit, organization_id, attraction_id)
    chosen = await _ahead(place, place.day_of(day)) if day else list(slot or ())
    return await _asked(place, chosen)


async def _ahead(place: Place, day: date) -> list[str]:
    """Return the slots of a day that are not over and not called off."""
    now = clock.now()
    return [
        one["id"] for one in await place.slots(day) if one["state"] != "cancelled" and instant(one["ends_at"]) > now
    ]


async def _preview(place: Place, chosen: Sequence[str]) -> Any:
    return await place.visit.api.post(f"{place.api}/slot-cancellation-previews", {"slot_ids": list(chosen)})


async def _asked(place: Place, chosen: Sequence[str], form: Form | None = None, wrong: Wrong = FINE) -> Response:
    """Return the page that asks why, with what is said so far."""
    if not chosen:
        told = wrong if wrong.text else Wrong(place.words["trouble_none_chosen"], {}, 422)
        return _none(place, told)
    if len(chosen) > _MOST:
        return _none(place, Wrong(place.words["trouble_too_many"].format(most=_MOST), {}, 422))
    try:
        preview = await _preview(place, chosen)
    except Refused as refused:
        return _none(place, wrong_of(place.visit, refused))
    values = _said(form) if form else {"reason": "", "message": {}}
    return place.show(
        "cancellation_new.html",
        "cancellations",
        status=wrong.status,
        wrong=wrong,
        preview=preview,
        open_slots=[one for one in preview["slots"] if one["state"] in ("open", "closed")],
        odd_slots=[one for one in preview["slots"] if one["state"] in ("cancelled", "over")],
        reasons=[(one, place.words[f"reason_{one}"]) for one in REASONS],
        values=values,
    )


def _none(place: Place, wrong: Wrong) -> Response:
    """Return the page that says why nothing can be asked about, and where slots are chosen."""
    today = place.their.today()
    return place.show("none_chosen.html", "cancellations", status=wrong.status, wrong=wrong, today=today)


def _said(form: Form) -> dict[str, Any]:
    message = {"en": form.text("message_en", _MESSAGE), "zh-CN": form.text("message_zh", _MESSAGE)}
    return {"reason": form.text("reason", 20), "message": both(message)}


@router.post(f"{_ALL}/confirmation", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def confirm_cancellation(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID
) -> Response:
    """Ask once more, with everything that is about to happen."""
    place = await place_of(visit, organization_id, attraction_id)
    return await _confirming(place, form)


async def _confirming(place: Place, form: Form, wrong: Wrong = FINE) -> Response:
    chosen, values = form.many("slot", 40), _said(form)
    if values["reason"] not in REASONS:
        missing = Wrong(place.words["trouble_422"], {"reason": place.words["wrong_reason"]}, 422)
        return await _asked(place, chosen, form, missing)
    if len(values["message"]) == 1:
        # Half of those who have tickets would read nothing of it.
        missing = Wrong(place.words["trouble_one_language"], {}, 422)
        return await _asked(place, chosen, form, missing)
    try:
        preview = await _preview(place, chosen)
    except Refused as refused:
        return await _asked(place, (), form, wrong_of(place.visit, refused))
    open_slots = [one for one in preview["slots"] if one["state"] in ("open", "closed")]
    return place.show(
        "cancellation_confirm.html",
        "cancellations",
        status=wrong.status,
        wrong=wrong,
        preview=preview,
        open_slots=open_slots,
        odd_slots=[one for one in preview["slots"] if one["state"] in ("cancelled", "over")],
        values=values,
    )


@router.post(_ALL, include_in_schema=False)
@route_options(database=False, idempotency=False)
async def cancel_slots(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Call the slots off, all of them or none."""
    place = await place_of(visit, organization_id, attraction_id)
    if not form.flag("sure"):
        return await _confirming(place, form, Wrong(place.words["trouble_not_sure"], {}, 422))
    body = {"slot_ids": form.many("slot", 40), **_said(form)}
    try:
        begun = await visit.api.post(f"{place.api}/slot-cancellations", body, key=form.key)
    except Refused as refused:
        return await _confirming(place, form, wrong_of(visit, refused))
    return again(f"{place.base}/cancellations/{begun['id']}", "cancelled")


async def _progress(place: Place, cancellation_id: uuid.UUID) -> dict[str, Any]:
    one = await place.get(f"slot-cancellations/{cancellation_id}")
    over = one["tickets"] - one["waiting"]["tickets"] - one["failed"]["tickets"]
    refused = one["card_refunds"].get("failed", 0)
    return {"one": one, "over": max(over, 0), "refused": refused, "reachable": one["orders"] - one["counter_orders"]}


@router.get(f"{_ALL}/{{cancellation_id}}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_cancellation(
    visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID, cancellation_id: uuid.UUID
) -> Response:
    """Show how far it has come."""
    place = await place_of(visit, organization_id, attraction_id)
    return place.show("cancellation.html", "cancellations", **await _progress(place, cancellation_id))


@router.get(f"{_ALL}/{{cancellation_id}}/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_cancellation_part(
    visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID, cancellation_id: uuid.UUID
) -> Response:
    """Show how far it has come, for a page that is open."""
    place = await place_of(visit, organization_id, attraction_id)
    return place.show("cancellation_part.html", "cancellations", **await _progress(place, cancellation_id))


@router.post(f"{_ALL}/{{cancellation_id}}/retry", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def retry_cancellation(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID, cancellation_id: uuid.UUID
) -> Response:
    """Try again what could not be given back."""
    place = await place_of(visit, organization_id, attraction_id)
    await visit.api.post(f"{place.api}/slot-cancellations/{cancellation_id}/retry", key=form.key)
    return again(f"{place.base}/cancellations/{cancellation_id}", "retried")

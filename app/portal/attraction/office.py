"""The ticket office: a till that one person answers for, a sale with its proofs, and the tickets with their codes."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Final

from fastapi import Query as InQuery
from starlette.responses import Response

from app.core import clock
from app.core.routing import route_options
from app.portal.attraction.days import ONE
from app.portal.attraction.knowing import PREFIX, Place, minor, place_of, wrong_of
from app.portal.attraction.tills import till_of
from app.portal.ground.asking import Refused
from app.portal.ground.changing import FINE, Wrong
from app.portal.ground.forms import Form, Posted
from app.portal.ground.moments import instant
from app.portal.ground.pages import address, again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visitor
from app.portal.ground.wording import worded

router = pages_router(PREFIX)

DOCUMENTS: Final = ("identity_card", "passport", "residence_permit", "social_security_card", "other")
_OFFICE: Final = f"{ONE}/office"
_MOST: Final = 50
Day = Annotated[str, InQuery(max_length=10)]


async def _office(place: Place, day: date, form: Form | None = None) -> dict[str, Any]:
    till, slots, offer = await asyncio.gather(till_of(place), place.slots(day), _sold_here(place))
    now = clock.now()
    ahead = [one for one in slots if one["state"] == "open" and instant(one["entry_until"]) > now and one["left"] > 0]
    chosen = form.text("slot_id", 40) if form else ""
    return {
        "till": till,
        "day": day,
        "today": place.their.today(),
        "tomorrow": place.their.today() + timedelta(days=1),
        "slots": ahead,
        "chosen": chosen,
        "products": offer,
        "quantities": {one["id"]: (form.text(f"q-{one['id']}", 3) if form else "") for one in offer},
        "proofs": sorted({one["needs_entitlement"] for one in offer if one["needs_entitlement"]}),
        "shown": form.many("shown", 40) if form else [],
        "currency": till["currency"] if till else "",
    }


async def _sold_here(place: Place) -> list[Any]:
    """Return what is sold at the counter."""
    return await place.pages("office-products", 200)


async def _show_office(place: Place, day: date, form: Form | None = None, wrong: Wrong = FINE) -> Response:
    return place.show("office.html", "office", status=wrong.status, wrong=wrong, **await _office(place, day, form))


@router.get(_OFFICE, include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_office(visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID, day: Day = "") -> Response:
    """Show one's till, and what can be sold at it."""
    place = await place_of(visit, organization_id, attraction_id)
    return await _show_office(place, place.day_of(day))


@router.post(f"{_OFFICE}/till", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def open_till(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Open a till with its cash counted."""
    place = await place_of(visit, organization_id, attraction_id)
    counted = minor(form.text("counted", 20), form.text("currency", 3) or "CNY")
    if counted is None:
        return await _show_office(place, place.their.today(), wrong=_no_amount(place, "counted"))
    try:
        await visit.api.post(f"{place.of}/office-shifts", {"counted": counted}, key=form.key)
    except Refused as refused:
        return await _show_office(place, place.their.today(), wrong=wrong_of(visit, refused))
    return again(f"{place.base}/office", "till_open")


@router.post(f"{_OFFICE}/till/closing", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def close_till(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Close one's till with its cash counted."""
    place = await place_of(visit, organization_id, attraction_id)
    till = await till_of(place)
    if till is None:
        return again(f"{place.base}/office")
    counted = minor(form.text("counted", 20), till["currency"])
    if counted is None:
        return await _show_office(place, place.their.today(), wrong=_no_amount(place, "counted"))
    body = {"counted": counted, "explanation": form.text("explanation") or None}
    try:
        await visit.api.post(f"{place.of}/office-shifts/{till['id']}/closing", body, key=form.key)
    except Refused as refused:
        wrong = wrong_of(visit, refused)
        if (difference := refused.problem.get("difference_amount")) is not None:
            text = place.words["till_differs"].format(difference=place.money(int(difference), till["currency"]))
            wrong = Wrong(text, {"explanation": place.words["till_explain"]}, refused.status)
        return await _show_office(place, place.their.today(), wrong=wrong)
    return again(f"{place.base}/office", "till_closed")


def _no_amount(place: Place, name: str) -> Wrong:
    return Wrong(place.words["trouble_422"], {name: place.words["wrong_amount"]}, 422)


def _wanted(form: Form, products: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the items of a cart that a form asks for."""
    slot_id = form.text("slot_id", 40)
    found = []
    for one in products:
        quantity = form.number(f"q-{one['id']}") or 0
        if quantity > 0:
            item = {"slot_id": slot_id, "product_id": one["id"], "quantity": min(quantity, _MOST)}
            found.append(item)
    return found


@router.post(f"{_OFFICE}/quote", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def quote_sale(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Say what it costs, and ask how it is paid."""
    place = await place_of(visit, organization_id, attraction_id)
    return await _quoted(place, form)


async def _quoted(place: Place, form: Form, wrong: Wrong = FINE) -> Response:
    day = place.day_of(form.text("day", 10))
    till, products, slots = await asyncio.gather(till_of(place), _sold_here(place), place.slots(day))
    by_id = {one["id"]: one for one in products}
    items = _wanted(form, products)
    if till is None or not items:
        nothing = Wrong(place.words["trouble_nothing_chosen" if till else "trouble_no_till"], {}, 422)
        return await _show_office(place, day, form, nothing)
    # Whose they are is asked once it is known what they cost.
    asked = [
        one | ({"holders": [{"name": "–"}] * one["quantity"]} if by_id[one["product_id"]]["is_named"] else {})
        for one in items
    ]
    shown = form.many("shown", 40)
    try:
        quote = await place.visit.api.post(f"{place.of}/office-quotes", {"items": asked, "shown": shown})
    except Refused as refused:
        return await _show_office(place, day, form, wrong_of(place.visit, refused))
    lines = [
        {
            "name": worded(by_id[one["product_id"]]["name"], place.visit.language),
            "quantity": one["quantity"],
            "amount": one["amount"],
            "product_id": one["product_id"],
            "is_named": by_id[one["product_id"]]["is_named"],
        }
        for one in quote["items"]
    ]
    return place.show(
        "sale.html",
        "office",
        status=wrong.status,
        wrong=wrong,
        lines=lines,
        quote=quote,
        shown=shown,
        day=day,
        slot=next((one for one in slots if one["id"] == form.text("slot_id", 40)), None),
        slot_id=form.text("slot_id", 40),
        given=form.given("tendered", "slip", "method"),
        documents=[(one, place.words[f"document_{one}"]) for one in DOCUMENTS],
        form=form,
    )


def _with_names(form: Form, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return items with the names that were filled in."""
    for item in items:
        key = item["product_id"]
        names = form.many(f"name-{key}", 100)
        kinds, ends = form.many(f"document-{key}", 40), form.many(f"document-end-{key}", 6)
        holders = [
            {"name": name.strip(), "document_kind": kind or None, "document_end": end.strip() or None}
            for name, kind, end in zip(names, kinds, ends, strict=False)
        ]
        if holders:
            item["holders"] = holders
    return items


@router.post(f"{_OFFICE}/sale", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def sell(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Sell what was quoted; the tickets are good at once."""
    place = await place_of(visit, organization_id, attraction_id)
    till, products = await asyncio.gather(till_of(place), _sold_here(place))
    if till is None:
        return await _show_office(place, place.their.today(), wrong=Wrong(place.words["trouble_no_till"], {}, 409))
    total, method = form.number("total") or 0, form.text("method", 10)
    body: dict[str, Any] = {
        "items": _with_names(form, _wanted(form, products)),
        "shown": form.many("shown", 40),
        "total": total,
        "method": "none" if total == 0 else method,
    }
    if body["method"] == "cash" and form.text("tendered", 20):
        body["tendered"] = minor(form.text("tendered", 20), till["currency"])
        if body["tendered"] is None:
            return await _quoted(place, form, _no_amount(place, "tendered"))
    if body["method"] == "terminal":
        body["slip"] = form.text("slip", 60)
    try:
        sold = await visit.api.post(f"{place.of}/office-shifts/{till['id']}/sales", body, key=form.key)
    except Refused as refused:
        return await _quoted(place, form, wrong_of(visit, refused))
    order_id = sold["cart"]["orders"][0]["id"]
    return again(address(f"{place.base}/orders/{order_id}", change=sold["change_amount"] or ""), "sold")

"""Orders: of a day, looked for by a code or a name, and one of them with its tickets, its money and its scans."""

import asyncio
import uuid
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Final

from fastapi import Query as InQuery
from starlette.responses import Response

from app.core import clock
from app.core.qr_codes import QrCode, qr_code
from app.core.routing import route_options
from app.portal.attraction.days import ONE
from app.portal.attraction.knowing import PREFIX, Place, place_of, wrong_of
from app.portal.attraction.tills import till_of
from app.portal.ground.asking import Refused
from app.portal.ground.changing import FINE, Wrong
from app.portal.ground.forms import Form, Posted
from app.portal.ground.pages import address, again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visitor
from app.portal.ground.wording import worded

router = pages_router(PREFIX)

_ORDERS: Final = f"{ONE}/orders"
_ORDER: Final = f"{_ORDERS}/{{order_id}}"
_NONCE: Final = uuid.UUID("7a1b0d0e-9d0e-5f0c-9a64-3c4c9f9d7e11")
_A_PAGE: Final = 100
Day = Annotated[str, InQuery(max_length=10)]
Cursor = Annotated[str, InQuery(max_length=400)]


@router.get(_ORDERS, include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_orders(
    visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID, day: Day = "", cursor: Cursor = ""
) -> Response:
    """Show what was sold for a day, a page at a time: to find a ticket whose code cannot be shown."""
    place = await place_of(visit, organization_id, attraction_id)
    return await _list(place, place.day_of(day), cursor)


async def _list(
    place: Place, day: date, cursor: str = "", wrong: Wrong = FINE, looked: Mapping[str, Any] | None = None
) -> Response:
    span = place.span(day)
    page = await place.visit.api.get(
        f"{place.of}/ticket-orders", since=span["from"], until=span["to"], limit=_A_PAGE, cursor=cursor or None
    )
    return place.show(
        "orders.html",
        "office",
        status=wrong.status,
        wrong=wrong,
        day=day,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1),
        orders=_here(place, page["items"]),
        more=address(f"{place.base}/orders", day=day, cursor=page["next"]) if page["next"] else "",
        is_first=not cursor,
        **{"code": "", "name": "", "found": None, "is_cut": False, **(looked or {})},
    )


def _here(place: Place, orders: list[Any]) -> list[tuple[Any, list[Any]]]:
    """Return orders with those of their tickets that are for this place."""
    of_it = str(place.attraction_id)
    return [
        (order, tickets)
        for order in orders
        if (tickets := [one for one in order["tickets"] if one["attraction_id"] == of_it])
    ]


@router.post(f"{_ORDERS}/search", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def search_orders(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Look for an order by a code or a name; neither stands in an address."""
    place = await place_of(visit, organization_id, attraction_id)
    code, name, day = form.text("code", 400), form.text("name", 100), place.day_of(form.text("day", 10))
    since = place.midnight(day - timedelta(days=31)).isoformat()
    body = {"code": code} if code else {"name": name, "since": since}
    looked: dict[str, Any] = {"code": code, "name": name}
    try:
        found = await visit.api.post(f"{place.of}/ticket-order-searches", body)
    except Refused as refused:
        return await _list(place, day, "", wrong_of(visit, refused), looked)
    shown = looked | {"found": _here(place, found["items"]), "is_cut": found["is_cut"]}
    return await _list(place, day, looked=shown)


async def _known(place: Place, order_id: uuid.UUID) -> dict[str, Any]:
    order = await place.visit.api.get(f"/v1/ticket-orders/{order_id}")
    if order["organization_id"] != str(place.organization_id):
        raise Refused(404, {"code": "not_found", "status": 404})
    mine = [one for one in order["tickets"] if one["attraction_id"] == str(place.attraction_id)]
    gates, products, record, till, *codes = await asyncio.gather(
        place.visit.api.pages("/v1/gates", 200),
        place.pages("office-products", 200),
        place.visit.api.get(f"{place.of}/ticket-orders/{order_id}/record"),
        till_of(place),
        *(_code(place, one) for one in mine),
    )
    return {
        "order": order,
        "tickets": list(zip(mine, codes, strict=True)),
        "names": {one["id"]: worded(one["name"], place.visit.language) for one in products},
        "record": record,
        "numbers": {one["id"]: number for number, one in enumerate(mine, 1)},
        "till": till,
        "good": [one for one in mine if one["state"] == "valid"],
        "gates": [
            (one["id"], one["name"])
            for one in gates
            if one["is_active"] and one["attraction_id"] == str(place.attraction_id)
        ],
    }


async def _code(place: Place, ticket: Mapping[str, Any]) -> QrCode | None:
    """Return a ticket's code; ``None`` where it has none, or the visitor may not show it."""
    if ticket["state"] not in ("valid", "admitted"):
        return None
    try:
        found = await place.visit.api.get(f"/v1/tickets/{ticket['id']}/code")
    except Refused:
        return None
    return qr_code(found["text"])


async def _show(place: Place, order_id: uuid.UUID, wrong: Wrong = FINE, **more: Any) -> Response:
    given = {"change": 0, "meant": None} | more
    known = await _known(place, order_id)
    return place.show("order.html", "office", status=wrong.status, wrong=wrong, **given, **known)


@router.get(_ORDER, include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_order(
    visit: Visitor,
    organization_id: uuid.UUID,
    attraction_id: uuid.UUID,
    order_id: uuid.UUID,
    change: Annotated[str, InQuery(max_length=15)] = "",
) -> Response:
    """Show an order with its tickets and their codes, its money and its scans."""
    place = await place_of(visit, organization_id, attraction_id)
    return await _show(place, order_id, change=int(change) if change.isdecimal() else 0)


@router.get(f"{_ORDER}/tickets.pdf", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def print_order(
    visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID, order_id: uuid.UUID
) -> Response:
    """Hand out the tickets of an order on paper."""
    place = await place_of(visit, organization_id, attraction_id)
    path = f"{place.of}/office-orders/{order_id}/tickets.pdf"
    answer = await visit.api.ask("GET", path, headers={"accept": "application/pdf"})
    headers = {"Cache-Control": "no-store", "Content-Disposition": 'inline; filename="tickets.pdf"'}
    return Response(answer.body, media_type="application/pdf", headers=headers)


@router.post(f"{_ORDER}/sending", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def send_again(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID, order_id: uuid.UUID
) -> Response:
    """Tell whoever has the tickets once more that they are good, and where they are."""
    place = await place_of(visit, organization_id, attraction_id)
    try:
        await visit.api.post(f"/v1/ticket-orders/{order_id}/reminders", key=form.key)
    except Refused as refused:
        return await _show(place, order_id, wrong_of(visit, refused))
    return again(f"{place.base}/orders/{order_id}", "sent_again")


@router.post(f"{_ORDER}/refund", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def refund(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID, order_id: uuid.UUID
) -> Response:
    """Say what is given back for the chosen tickets, by the rule or in full; then give it back."""
    place = await place_of(visit, organization_id, attraction_id)
    known = await _known(place, order_id)
    chosen = [one for one in known["good"] if one["id"] in form.many("ticket", 40)]
    in_full, reason = place.is_keeper and form.text("basis", 10) == "full", form.text("reason", 500)
    meant = {
        "ids": [one["id"] for one in chosen],
        "in_full": in_full,
        "reason": reason,
        "amount": sum(one["price" if in_full else "refundable"] for one in chosen),
    }
    wrong = _unfit(place, known, meant)
    if wrong.text or not form.flag("confirmed"):
        shown = {} if wrong.text and not form.flag("confirmed") else {"meant": meant}
        return await _show(place, order_id, wrong, **shown)
    try:
        await _given_back(place, form, known, meant)
    except Refused as refused:
        told = wrong_of(visit, refused)
        if isinstance(amount := refused.problem.get("amount"), int):
            meant["amount"] = amount
        return await _show(place, order_id, told, meant=meant)
    return again(f"{place.base}/orders/{order_id}", "given_back")


def _unfit(place: Place, known: Mapping[str, Any], meant: Mapping[str, Any]) -> Wrong:
    """Return what is missing before something can be given back."""
    if not meant["ids"]:
        return Wrong(place.words["trouble_nothing_chosen"], {}, 422)
    if meant["in_full"] and len(meant["reason"]) < 3:
        return Wrong(place.words["trouble_422"], {"refund_reason": place.words["wrong_why"]}, 422)
    if known["order"]["channel"] == "office" and not meant["in_full"] and known["till"] is None:
        return Wrong(place.words["trouble_no_till"], {}, 422)
    return FINE


async def _given_back(place: Place, form: Form, known: Mapping[str, Any], meant: Mapping[str, Any]) -> None:
    api, order = place.visit.api, known["order"]
    amount = form.number("amount")
    amount = meant["amount"] if amount is None else amount
    if order["channel"] == "office" and not meant["in_full"]:
        # Over the counter the money is handed over at once, and out of one's own till.
        due = known["record"]["to_hand_back"]
        body = {"order_id": order["id"], "ticket_ids": meant["ids"], "amount": amount + due}
        slip = form.text("slip", 60)
        path = f"{place.of}/office-shifts/{known['till']['id']}/refunds"
        await api.post(path, body | ({"slip": slip} if slip else {}), key=form.key)
        return
    body = {"ticket_ids": meant["ids"], "amount": amount, "by_rule": not meant["in_full"]}
    path = f"/v1/ticket-orders/{order['id']}/refunds"
    await api.post(path, body | {"reason": meant["reason"] or None}, key=form.key)


@router.post(f"{_ORDER}/handing-back", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def hand_back(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID, order_id: uuid.UUID
) -> Response:
    """Hand money over the counter that was given back already: a slot was called off, or somebody decided so."""
    place = await place_of(visit, organization_id, attraction_id)
    till = await till_of(place)
    if till is None:
        return await _show(place, order_id, Wrong(place.words["trouble_no_till"], {}, 422))
    body: dict[str, Any] = {"order_id": str(order_id), "ticket_ids": [], "amount": form.number("amount") or 0}
    if slip := form.text("slip", 60):
        body["slip"] = slip
    try:
        await visit.api.post(f"{place.of}/office-shifts/{till['id']}/refunds", body, key=form.key)
    except Refused as refused:
        return await _show(place, order_id, wrong_of(visit, refused))
    return again(f"{place.base}/orders/{order_id}", "handed_back")


@router.post(f"{_ORDER}/admission", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def admit_by_hand(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID, order_id: uuid.UUID
) -> Response:
    """Let somebody in by a ticket whose code cannot be scanned, and say why."""
    place = await place_of(visit, organization_id, attraction_id)
    known = await _known(place, order_id)
    gate_id, ticket_id, why = form.uuid("gate_id"), form.uuid("ticket_id"), form.text("reason", 1000)
    here = gate_id is not None and str(gate_id) in {one for one, _ in known["gates"]}
    if not here or str(ticket_id) not in {one["id"] for one, _ in known["tickets"]} or not why:
        wrong = Wrong(place.words["trouble_422"], {} if why else {"reason": place.words["wrong_why"]}, 422)
        return await _show(place, order_id, wrong)
    now = clock.now().isoformat()
    # Of one press one scan, however often it is sent.
    nonce = str(uuid.uuid5(_NONCE, f"{visit.session_id}:{form.key}"))
    scan = {"nonce": nonce, "ticket_id": str(ticket_id), "override_reason": why, "direction": "entry"}
    body = {"sent_at": now, "scans": [scan | {"scanned_at": now}]}
    try:
        found = await visit.api.post(f"/v1/gates/{gate_id}/scans", body)
    except Refused as refused:
        return await _show(place, order_id, wrong_of(visit, refused))
    result = found["results"][0]
    if result["outcome"] != "admitted":
        reason = place.words[f"scan_{result['reason']}"] if result["reason"] else ""
        return await _show(place, order_id, Wrong(place.words["trouble_not_admitted"].format(reason=reason), {}, 409))
    return again(f"{place.base}/orders/{order_id}", "admitted")

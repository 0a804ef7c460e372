"""One order of help at home: who comes and when, calling it off, giving stars, and saying that something was wrong."""

import asyncio
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from app.core import clock
from app.core.routing import route_options
from app.portal.ground.asking import unless_hidden
from app.portal.ground.changing import Trouble
from app.portal.ground.forms import Posted
from app.portal.ground.moments import instant
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Residing, Visit
from app.portal.push.offering import offered
from app.portal.resident_life.paying import look_at_bank, promise_of
from app.portal.resident_life.residing import answered, page

router = pages_router("/me/services/orders")

_CAN_BE_CALLED_OFF: Final = frozenset({"held", "placed", "assigned", "on_the_way"})
_DONE: Final = frozenset({"finished", "closed"})
_TELLS: Final = timedelta(days=30)
"""As long as an order is rated, and complained of."""
KINDS: Final = ("late", "incomplete", "poor_work", "damage", "conduct", "charge", "not_done")
SEVERITIES: Final = ("minor", "serious", "total")
WISHES: Final = ("refund", "rework")
STARS: Final = (1, 2, 3, 4, 5)


def _at(order_id: uuid.UUID, rest: str = "") -> str:
    return f"/v1/home-orders/{order_id}{rest}"


def _page_of(order_id: uuid.UUID) -> str:
    return f"/me/services/orders/{order_id}"


@router.get("/{order_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_order(visit: Residing, order_id: uuid.UUID) -> Response:
    """Show an order: who comes, when, and what can be done about it."""
    return await _order_page(visit, order_id)


@router.get("/{order_id}/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_order_part(visit: Residing, order_id: uuid.UUID) -> Response:
    """Show how an order stands alone, for a page that is open."""
    return page(visit, "order_part.html", **await _order(visit, order_id))


async def _order_page(visit: Visit, order_id: uuid.UUID, trouble: Trouble | None = None) -> Response:
    is_new = visit.request.query_params.get("done") in ("ordered", "held")
    shown, offer = await asyncio.gather(_order(visit, order_id), offered(visit, after=is_new))
    await look_at_bank(visit, shown["promise"])
    return page(visit, "order.html", trouble, **shown, **offer)


async def _order(visit: Visit, order_id: uuid.UUID) -> dict[str, Any]:
    order, rating, complaint = await asyncio.gather(
        visit.api.get(_at(order_id)),
        unless_hidden(visit.api.get(_at(order_id, "/rating"))),
        unless_hidden(visit.api.get(_at(order_id, "/complaint"))),
    )
    service = await unless_hidden(visit.api.get(f"/v1/home-services/{order['service_id']}"))
    is_recent = clock.now() < instant(order["ends_at"]) + _TELLS
    is_done, is_there = order["state"] in _DONE, order["state"] == "started"
    promise = await promise_of(visit, order_id) if _is_waiting_for_money(order) else None
    return {
        "order": order,
        "service": service["name"] if service else {},
        "rating": rating,
        "complaint": complaint,
        "promise": promise,
        "money_is": _money(order, promise),
        "can_call_off": order["state"] in _CAN_BE_CALLED_OFF,
        "can_rate": is_done and is_recent and rating is None,
        "can_complain": (is_done or order["fee"] > 0) and is_recent and complaint is None,
        "extra": next((one for one in order["extras"] if one["state"] == "asked"), None) if is_there else None,
    }


def _is_waiting_for_money(order: Mapping[str, Any]) -> bool:
    """Say whether an order is not sure of its money: while it is held, and each time of what recurs on a card."""
    known = (order["payment"] or {}).get("authorization")
    return order["state"] in _CAN_BE_CALLED_OFF and known in ("pending", "requires_action", "failed", "lapsed")


def _money(order: Mapping[str, Any], promise: Mapping[str, Any] | None) -> str:
    """Return what is to be said of an order's money, as a word; empty where there is nothing to say of it."""
    known = (order["payment"] or {}).get("authorization")
    if order["state"] == "held" and promise is None:
        return "asks_other"
    if not _is_waiting_for_money(order) or known == "pending":
        return ""
    if known == "requires_action":
        return "asks" if promise is not None else ""
    return "failed" if order["state"] == "held" else ""


@router.get("/{order_id}/calling-off", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_calling_off(visit: Residing, order_id: uuid.UUID) -> Response:
    """Say what calling an order off costs, before it is called off."""
    return await _calling_off(visit, order_id)


async def _calling_off(visit: Visit, order_id: uuid.UUID, trouble: Trouble | None = None) -> Response:
    order = await visit.api.get(_at(order_id))
    if order["state"] not in _CAN_BE_CALLED_OFF:
        return await _order_page(visit, order_id, trouble)
    fee = trouble.refusal.problem.get("fee") if trouble else None
    return page(visit, "calling_off.html", trouble, order=order, fee=fee_of(order) if fee is None else fee)


def fee_of(order: Mapping[str, Any]) -> int:
    """Return what calling an order off costs now, in minor units; the API holds whoever calls off to what was shown."""
    is_free = order["state"] == "held" or order["is_late"] or clock.now() <= instant(order["free_until"])
    return 0 if is_free else int(order["late_fee"])


@router.post("/{order_id}/calling-off", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def call_order_off(visit: Residing, form: Posted, order_id: uuid.UUID) -> Response:
    """Call an order off at the cost that was shown."""
    body = {"reason": "changed_mind", "fee": form.number("fee")}
    _, trouble = await answered(visit, visit.api.post(_at(order_id, "/cancellation"), body, key=form.key))
    if trouble is not None:
        return await _calling_off(visit, order_id, trouble)
    return again(_page_of(order_id), "called_off")


@router.get("/{order_id}/rating", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_rating(visit: Residing, order_id: uuid.UUID) -> Response:
    """Ask how it was."""
    return page(visit, "rating.html", order=await visit.api.get(_at(order_id)), comment="", stars=STARS)


@router.post("/{order_id}/rating", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def give_stars(visit: Residing, form: Posted, order_id: uuid.UUID) -> Response:
    """Give stars for what was done."""
    comment = form.text("comment", 1_000)
    body = {"stars": form.number("stars"), "comment": comment or None}
    _, trouble = await answered(visit, visit.api.post(_at(order_id, "/rating"), body, key=form.key))
    if trouble is None or trouble.refusal.code == "rating_exists":
        return again(_page_of(order_id), "rated")
    order = await visit.api.get(_at(order_id))
    return page(visit, "rating.html", trouble, order=order, comment=comment, stars=STARS)


@router.get("/{order_id}/complaint", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_complaint(
    visit: Residing, order_id: uuid.UUID, kind: str = "", severity: str = "", wish: str = ""
) -> Response:
    """Ask what was wrong, one question after the other."""
    return await _complaint(visit, order_id, {"kind": kind, "severity": severity, "wish": wish})


async def _complaint(
    visit: Visit, order_id: uuid.UUID, said: dict[str, str], trouble: Trouble | None = None, statement: str = ""
) -> Response:
    order = await visit.api.get(_at(order_id))
    asked = (("kind", KINDS), ("severity", SEVERITIES), ("wish", WISHES))
    said = {name: said[name] for name, known in asked if said[name] in known}
    question, choices = next(((name, known) for name, known in asked if name not in said), ("", ()))
    return page(
        visit,
        "complaint.html",
        trouble,
        order=order,
        said=said,
        question=question,
        choices=choices,
        statement=statement,
        base=f"{_page_of(order_id)}/complaint",
    )


@router.post("/{order_id}/complaint", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def open_complaint(visit: Residing, form: Posted, order_id: uuid.UUID) -> Response:
    """Say what was wrong."""
    statement = form.text("statement", 4_000)
    said = {name: form.text(name, 20) for name in ("kind", "severity", "wish")}
    body = {**said, "statement": statement}
    _, trouble = await answered(visit, visit.api.post(_at(order_id, "/complaint"), body, key=form.key))
    if trouble is None or trouble.refusal.code == "complaint_exists":
        return again(_page_of(order_id), "complained")
    return await _complaint(visit, order_id, said, trouble, statement)


@router.post("/{order_id}/complaint/withdrawal", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def withdraw_complaint(visit: Residing, form: Posted, order_id: uuid.UUID) -> Response:
    """Take a complaint back."""
    _, trouble = await answered(visit, visit.api.post(_at(order_id, "/complaint/withdrawal"), key=form.key))
    if trouble is not None:
        return await _order_page(visit, order_id, trouble)
    return again(_page_of(order_id), "complaint_withdrawn")


@router.post("/{order_id}/more-time/{extra_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def answer_more_time(visit: Residing, form: Posted, order_id: uuid.UUID, extra_id: uuid.UUID) -> Response:
    """Say whether whoever came may stay longer, at the cost that was shown."""
    is_approved = form.text("says") == "yes"
    path = _at(order_id, f"/extra-time/{extra_id}/answer")
    _, trouble = await answered(visit, visit.api.post(path, {"is_approved": is_approved}, key=form.key))
    if trouble is not None:
        return await _order_page(visit, order_id, trouble)
    return again(_page_of(order_id), "more_time" if is_approved else "no_more_time")


@router.post("/{order_id}/another-way", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def pay_another_way(visit: Residing, form: Posted, order_id: uuid.UUID) -> Response:
    """Let go of an order that waits for money that will not come, and ask for the same again: how is it paid?"""
    order = await visit.api.get(_at(order_id))
    body = {"reason": "changed_mind", "fee": 0}
    _, trouble = await answered(visit, visit.api.post(_at(order_id, "/cancellation"), body, key=form.key))
    if trouble is not None and order["state"] in _CAN_BE_CALLED_OFF:
        return await _order_page(visit, order_id, trouble)
    minutes = int((instant(order["ends_at"]) - instant(order["starts_at"])).total_seconds() // 60)
    chosen = {"minutes": minutes, "at": order["starts_at"]}
    return again(f"/me/services/book/{order['service_id']}?{urlencode(chosen)}")

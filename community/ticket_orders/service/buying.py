"""Buying what was composed: written down, promised, and taken, all of it or nothing, in a few statements.

The places are taken last: their pool is locked from there until the unit of work ends, and everybody else waits for it.
"""

import hashlib
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.reservations.api import (
    allocate,
    confirm_allocations,
    extend_allocations,
    move_allocations,
    require_left,
)
from community.ticket_orders import rules
from community.ticket_orders.problems import CartExists, LimitReached, OfferOver
from community.ticket_orders.repository import tickets, writing
from community.ticket_orders.repository.writing import Limit
from community.ticket_orders.schemas.shown import CartPublic
from community.ticket_orders.service import paying
from community.ticket_orders.service.composing import Composed, Draft, Part
from community.ticket_orders.service.confirming import confirm
from community.ticket_orders.views import orders
from community.ticket_waitlist.service.offering import taken_up


@dataclass(frozen=True, slots=True)
class Purchase:
    """Who buys, for whom, and how it is paid."""

    community_id: uuid.UUID
    resident_id: uuid.UUID | None
    account_id: uuid.UUID | None
    channel: rules.Channel
    method: rules.Method
    payment_method_id: uuid.UUID | None = None
    digest: bytes | None = None
    wait_id: uuid.UUID | None = None


async def buy(session: AsyncSession, actor: Actor, composed: Composed, purchase: Purchase) -> CartPublic:
    """Buy all of a cart and return it: held where a bank has to answer first, otherwise valid at once.

    Raises ``PoolExhausted`` naming all that is not there, ``CartExists``, ``LimitReached``, ``OfferOver`` where it is
    about an entry of the waiting list, and what billing refuses.
    """
    connection = await session.connection()
    portions = composed.portions()
    if purchase.wait_id is None:
        await require_left(connection, portions)
    now = clock.now()
    is_held = purchase.method == "card" and composed.total > 0
    hold_until = rules.hold_ends(now, composed.hold_minutes, composed.last_entry) if is_held else None
    cart_id = clock.new_id()
    shown = []
    for part in composed.parts:
        order = _order(part, composed, purchase, cart_id, hold_until)
        order["buyer_id"] = actor.id
        order["confirmed_at"] = None if is_held else now
        known = await writing.add(session, actor, order, [_given(one) for one in part.tickets])
        if known is not None:
            raise CartExists(cart_id=str(known))
        state = "held" if is_held else "valid"
        rows = [_row(ticket, part.id, state) for ticket in part.tickets]
        shown.append(orders.shown({**order, "refunded_amount": 0, "close_reason": None}, rows))
    limits = composed.limits()
    if limits and purchase.resident_id is not None:
        await _count(session, purchase.community_id, purchase.resident_id, limits)
    are_promised = is_held and await _ask_for_money(session, composed)
    await _take(session, composed, purchase, hold_until)
    if are_promised:
        await confirm(session, await tickets.some_locked(session, [part.id for part in composed.parts]))
        return await orders.cart(connection, cart_id)
    return orders.cart_of(shown)


async def _ask_for_money(session: AsyncSession, composed: Composed) -> bool:
    """Ask for the promise of what each part comes to; say whether all of it is there already."""
    rows = await tickets.some_locked(session, [part.id for part in composed.parts if part.total])
    return all([await paying.authorize(session, row, is_present=True) for row in rows])


async def _count(
    session: AsyncSession, community_id: uuid.UUID, resident_id: uuid.UUID, limits: Sequence[Limit]
) -> None:
    beyond = await writing.count(await session.connection(), community_id, resident_id, limits)
    if beyond:
        first = beyond[0]
        raise LimitReached(product_id=str(first.product_id), day=first.day.isoformat(), most=first.most)


async def _take(session: AsyncSession, composed: Composed, purchase: Purchase, hold_until: datetime | None) -> None:
    portions = composed.portions()
    until = None if hold_until is None else hold_until + rules.GRACE
    if purchase.wait_id is None:
        await allocate(session, portions, origin_kind=rules.ORIGIN, hold_until=until)
        return
    wanted = Counter((ticket.offer.slot_id, ticket.offer.product_id) for ticket in composed.tickets)
    held = await taken_up(session, purchase.resident_id, purchase.wait_id, wanted)
    if not held:
        raise OfferOver
    made = await move_allocations(session, held, portions, origin_kind=rules.ORIGIN)
    await (confirm_allocations(session, made) if until is None else extend_allocations(session, made, until))


def _order(
    part: Part, composed: Composed, purchase: Purchase, cart_id: uuid.UUID, hold_until: datetime | None
) -> dict[str, Any]:
    method = purchase.method if part.total else "none"
    digest = purchase.digest and hashlib.sha256(purchase.digest + part.organization_id.bytes).digest()
    return {
        "id": part.id,
        "community_id": purchase.community_id,
        "organization_id": part.organization_id,
        "cart_id": cart_id,
        "resident_id": purchase.resident_id,
        "account_id": purchase.account_id,
        "channel": purchase.channel,
        "state": "confirmed" if hold_until is None else "held",
        "digest": digest,
        "hold_until": hold_until,
        "starts_at": part.starts_at,
        "ends_at": part.ends_at,
        "total_amount": part.total,
        "discount_amount": part.discount,
        "currency": composed.currency,
        "payment_method": method,
        "payment_method_id": purchase.payment_method_id if method == "card" else None,
        "voucher_id": part.voucher["id"] if part.voucher is not None else None,
        "lines": paying.lines(part),
        "terms": {str(one.offer.attraction_id): _terms(one) for one in part.tickets},
    }


def _terms(ticket: Draft) -> dict[str, Any]:
    terms = ticket.offer.terms
    return {
        "refunds": [list(step) for step in terms.refunds],
        "may_change": terms.may_change,
        "change_notice": int(terms.change_notice.total_seconds()),
    }


def _given(ticket: Draft) -> dict[str, Any]:
    """Return the values of a ticket's own columns as JSON takes them."""
    return {name: str(value) if isinstance(value, uuid.UUID) else value for name, value in _values(ticket).items()}


def _row(ticket: Draft, order_id: uuid.UUID, state: str) -> Mapping[str, Any]:
    """Return a new ticket as it is shown."""
    return {
        **_values(ticket),
        "order_id": order_id,
        "state": state,
        "revision": 1,
        "refunded_amount": 0,
        "admitted_at": None,
    }


def _values(ticket: Draft) -> dict[str, Any]:
    offer = ticket.offer
    return {
        "id": ticket.id,
        "attraction_id": offer.attraction_id,
        "slot_id": offer.slot_id,
        "product_id": offer.product_id,
        "holder": ticket.holder,
        "card_id": ticket.card_id,
        "persons": offer.persons,
        "list_amount": ticket.list_amount,
        "price_amount": ticket.price,
        "addons": [
            {
                "addon_id": str(addon.id),
                "name": dict(addon.name),
                "quantity": quantity,
                "amount": addon.amount * quantity,
            }
            for addon, quantity in ticket.addons
        ],
        "valid_from": offer.starts_at,
        "valid_until": ticket.valid_until,
        "is_named": offer.is_named,
        "needs_entitlement": offer.needs_entitlement,
        "counted_on": ticket.counted_on,
        "reentry": offer.reentry,
    }

"""The money of tickets: promised when they are bought, taken as soon as all of the cart is promised."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import api as billing
from app.core import clock
from app.core.access import SYSTEM_ID
from community.ticket_orders.models import TicketOrder
from community.ticket_orders.rules import CATEGORY, REFERENCE
from community.ticket_orders.service.composing import Part

DUE_AFTER: Final = timedelta(days=14)


async def authorize(session: AsyncSession, row: TicketOrder, *, is_present: bool) -> bool:
    """Ask for the promise of an order's money; say whether it is there already.

    A card is the buyer's own, or the resident's for whom they buy. Raises what billing refuses.
    """
    payers = [row.buyer_id, row.account_id] if row.payment_method == "card" else [row.account_id]
    for payer in dict.fromkeys(one for one in payers if one is not None):
        try:
            found = await billing.authorize(
                session, _wanted(row, payer, is_present=is_present and payer == row.buyer_id)
            )
        except billing.PaymentMethodUnusable:
            if payer == row.account_id:
                raise
            continue
        return found.state == "authorized"
    raise billing.PaymentMethodUnusable


async def settle(session: AsyncSession, row: TicketOrder) -> None:
    """Take the money of a locked order, or say that it is owed at the desk; once, however often it is asked."""
    if row.resident_id is None or row.total_amount == 0:
        return  # what is paid where it is sold, the office keeps; what costs nothing is owed by nobody
    connection = await session.connection()
    known = (await billing.authorizations_for(connection, REFERENCE, [row.id])).get(row.id)
    if known is not None and known.state == "settled":
        return
    if known is None:
        await authorize(session, row, is_present=False)
    found = [billing.Line(**line) for line in row.lines]
    settling = billing.Settling(found, max(row.ends_at, clock.now()) + DUE_AFTER)
    await billing.settle(session, row.buyer_id or SYSTEM_ID, REFERENCE, row.id, settling)


async def give_back(session: AsyncSession, by: uuid.UUID | None, row: TicketOrder, amount: int, reason: str) -> None:
    """Give back a part of what a locked order came to, as it was paid; of what the office took, the office does."""
    if amount == 0 or row.resident_id is None:
        return
    await settle(session, row)
    await billing.refund_charge(session, by or SYSTEM_ID, REFERENCE, row.id, amount, reason)


async def void(session: AsyncSession, rows: Sequence[TicketOrder]) -> None:
    """Let go what was promised for orders, or will be."""
    for row in rows:
        if row.payment_method == "card":
            await billing.void(session, REFERENCE, row.id)


async def are_promised(session: AsyncSession, rows: Sequence[TicketOrder]) -> bool:
    """Say whether the money of all orders of a cart is promised."""
    asked = [row.id for row in rows if row.payment_method == "card"]
    known = await billing.authorizations_for(await session.connection(), REFERENCE, asked)
    return all(one in known and known[one].state == "authorized" for one in asked)


def lines(part: Part) -> list[dict[str, Any]]:
    """Return what a part of a cart comes to, line by line: tickets of a kind together, then what goes with them."""
    found: dict[str, dict[str, Any]] = {}
    for ticket in part.tickets:
        offer = ticket.offer
        amount = ticket.list_amount - ticket.discount
        _add(found, f"ticket:{offer.product_id}", dict(offer.name), 1, amount, offer.tax_rate)
        for addon, quantity in ticket.addons:
            _add(found, f"addon:{addon.id}", dict(addon.name), quantity, addon.amount * quantity, addon.tax_rate)
    return [line for line in found.values() if line["amount"]]


def _add(
    found: dict[str, dict[str, Any]], code: str, name: dict[str, str], quantity: int, amount: int, tax_rate: int
) -> None:
    line = found.setdefault(code, {"code": code, "name": name, "quantity": 0, "amount": 0, "tax_rate": tax_rate})
    line["quantity"] += quantity
    line["amount"] += amount


def _wanted(row: TicketOrder, payer: uuid.UUID, *, is_present: bool) -> billing.Authorizing:
    if row.resident_id is None:
        raise AssertionError("what nobody lives here for is paid where it is sold")
    return billing.Authorizing(
        community_id=row.community_id,
        resident_id=row.resident_id,
        organization_id=row.organization_id,
        payer_account_id=payer,
        amount=row.total_amount,
        currency=row.currency,
        category=CATEGORY,
        reference_kind=REFERENCE,
        reference_id=row.id,
        service_at=row.starts_at,
        payment_method_id=row.payment_method_id,
        is_present=is_present,
        ordered_by=row.buyer_id,
    )

"""The money of an order: promised when it is ordered, raised for more time, taken when it is done, let go if not."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import api as billing
from app.core import clock
from app.core.access import SYSTEM_ID
from community.housekeeping.models import HomeService, ServiceOffer
from community.orders.models import Order
from community.orders.rules import LINES, REFERENCE

DUE_AFTER: Final = timedelta(days=14)


async def authorize(session: AsyncSession, row: Order, *, is_present: bool) -> Any:
    """Ask for the promise of an order's money; return how it stands, ``authorized`` if it is there already.

    A card is the orderer's own, or the resident's in whose name they order. Raises what billing refuses.
    """
    payers = [row.ordered_by, row.account_id] if row.payment_method == "card" else [row.account_id]
    for payer in dict.fromkeys(payers):
        can_prove = is_present and payer == row.ordered_by
        wanted = _wanted(row, row.total_amount, payer, row.payment_method_id, is_present=can_prove)
        try:
            return await billing.authorize(session, wanted)
        except billing.PaymentMethodUnusable:
            if payer == row.account_id or row.payment_method != "card":
                raise
    raise billing.PaymentMethodUnusable


async def extend(session: AsyncSession, row: Order) -> None:
    """Ask for the promise of what an order comes to with the time that was added; raises what billing refuses."""
    await billing.extend_authorization(session, REFERENCE, row.id, row.total_amount + row.extra_amount)


async def void(session: AsyncSession, row: Order) -> None:
    """Let go what was promised, or will be."""
    await billing.void(session, REFERENCE, row.id)


async def settle(session: AsyncSession, by: uuid.UUID | None, row: Order) -> bool:
    """Say what an order came to; say whether anything is owed for it."""
    lines = await _lines(session, row)
    return await _settle(session, by, row, lines)


async def settle_fee(session: AsyncSession, by: uuid.UUID | None, row: Order) -> None:
    """Say what is owed for an order that was called off late, or for a closed door; let the rest go."""
    if row.fee_amount == 0:
        await void(session, row)
        return
    code = "no_access" if row.state == "no_access" else "late_cancellation"
    await _settle(session, by, row, [billing.Line(code, LINES[code], 1, row.fee_amount)])


async def _settle(session: AsyncSession, by: uuid.UUID | None, row: Order, lines: Sequence[billing.Line]) -> bool:
    settling = billing.Settling(lines=lines, due_at=clock.now() + DUE_AFTER)
    if not await billing.authorizations_for(await session.connection(), REFERENCE, [row.id]):
        # Called off before its money was asked for: it is owed all the same, and paid to the provider.
        payer = row.ordered_by if row.payment_method == "card" else row.account_id
        await billing.authorize(session, _wanted(row, settling.amount, payer, None))
    return await billing.settle(session, by or SYSTEM_ID, REFERENCE, row.id, settling) is not None


def _wanted(
    row: Order, amount: int, payer: uuid.UUID, payment_method_id: uuid.UUID | None, *, is_present: bool = False
) -> billing.Authorizing:
    return billing.Authorizing(
        community_id=row.community_id,
        resident_id=row.resident_id,
        organization_id=row.organization_id,
        payer_account_id=payer,
        amount=amount,
        currency=row.currency,
        category=row.category,
        reference_kind=REFERENCE,
        reference_id=row.id,
        service_at=row.starts_at,
        payment_method_id=payment_method_id,
        is_present=is_present,
        ordered_by=row.ordered_by,
    )


async def _lines(session: AsyncSession, row: Order) -> list[billing.Line]:
    """Return the price as it was agreed, and the time that was added."""
    service = await session.get_one(HomeService, row.service_id)
    offer = await session.get_one(ServiceOffer, row.offer_id)
    options = {option["code"]: option["name"] for option in offer.options}
    found = []
    for line in row.lines:
        kind, code = line["kind"], line["code"]
        name = service.name if kind == "work" else options.get(code, LINES[kind]) if kind == "option" else LINES[kind]
        found.append(billing.Line(kind if code is None else f"{kind}:{code}", name, line["quantity"], line["amount"]))
    if row.extra_amount:
        found.append(billing.Line("extra_time", LINES["extra_time"], 1, row.extra_amount))
    return found

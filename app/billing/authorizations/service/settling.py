"""What was promised is taken when the work is done, let go when it is not, and given back when it was wrong."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing.authorizations import repository, rules
from app.billing.authorizations.models import Authorization, CardPayment, CardRefund
from app.billing.authorizations.problems import NotAuthorized, NothingToRefund
from app.billing.authorizations.schemas import Settling
from app.billing.authorizations.service import carrying, telling
from app.billing.authorizations.service.authorizing import claim_of
from app.billing.charges.models import Charge, Payment, PlatformFee
from app.billing.charges.rules import fee_of, shares
from app.billing.charges.service import counting as charges
from app.billing.subsidies.service import reserving
from app.core import clock

WAIVED: Final = "waived"


@dataclass(frozen=True, slots=True)
class _Paid:
    """The card payments of an authorization, and what is on its way back, by payment of the charge."""

    card_payments: Mapping[uuid.UUID, CardPayment]
    on_their_way: Mapping[uuid.UUID, int]

    def refundable(self, payment: Payment) -> int:
        """Return what is left of a payment; nothing of a refund that came back, which is no payment on a card."""
        if payment.kind == "card" and payment.source_id not in self.card_payments:
            return 0
        return payment.amount - payment.refunded_amount - self.on_their_way.get(payment.id, 0)


async def settle(
    session: AsyncSession, actor_id: uuid.UUID, reference_kind: str, reference_id: uuid.UUID, settling: Settling
) -> Charge | None:
    """Say what something came to: open its charge, take what was promised of it, let the rest go.

    Returns the charge, or ``None`` if it came to nothing. What was not promised stays owed, all of it if the promise
    failed or lapsed; then programmes pay what they still can. Raises ``NotAuthorized``.
    """
    authorization = await repository.lock_live(session, reference_kind, reference_id)
    if authorization is None:
        authorization = await repository.lock_lost(session, reference_kind, reference_id)
    if authorization is None or authorization.state == "settled":
        raise NotAuthorized(state=authorization.state if authorization else "none")
    payments = await repository.lock_card_payments(session, authorization.id)
    charge = None
    if authorization.state in rules.OVER:
        found = await reserving.reserve(session, claim_of(authorization), settling.amount, at_most=settling.amount)
        authorization.subsidy_amount = min(found, authorization.amount)
    if settling.amount > 0:
        charge = await charges.open_charge(session, actor_id, await _owed(session, authorization, settling))
        await reserving.pay(session, charge, authorization.id, actor_id)
    else:
        await reserving.release(session, authorization.id)
    _capture(payments, 0 if charge is None else charges.open_amount(charge))
    authorization.state, authorization.closed_at = "settled", clock.now()
    await session.flush()
    return charge


async def void(session: AsyncSession, reference_kind: str, reference_id: uuid.UUID) -> None:
    """Let go what was promised for something, if it was; what is on its way is let go when it arrives."""
    authorization = await repository.lock_live(session, reference_kind, reference_id)
    if authorization is None or authorization.state == "settled":
        return
    for payment in await repository.lock_card_payments(session, authorization.id):
        if payment.state not in rules.ENDED:
            carrying.wish_for(payment, "cancel")
            payment.renew_at = None
    await telling.end(session, authorization, "voided")


async def refund(
    session: AsyncSession, by: uuid.UUID, reference_kind: str, reference_id: uuid.UUID, amount: int, reason: str
) -> Charge:
    """Waive a part of what something came to and give back what was paid of it; return its charge.

    Whoever paid gets back in proportion: a card on the card, a programme into its budget at once; what a provider took
    itself stays with the provider to be given back at its desk. Raises ``NothingToRefund``, ``NotAuthorized``.
    """
    authorization = await repository.lock_live(session, reference_kind, reference_id)
    if authorization is None or authorization.state != "settled":
        raise NotAuthorized(state=authorization.state if authorization else "none")
    payments = {one.id: one for one in await repository.lock_card_payments(session, authorization.id)}
    charge = await charges.locked_charge_of(session, reference_kind, reference_id)
    if charge is None or amount > charge.amount - charge.credited_amount:
        raise NothingToRefund(refundable_amount=0 if charge is None else charge.amount - charge.credited_amount)
    await charges.waive(session, charge, amount, by, reason)
    # What is waived of an amount still owed is nothing to give back.
    too_much = charge.paid_amount - (charge.amount - charge.credited_amount)
    on_their_way, came_back = await _not_counted(session, charge)
    left = too_much - sum(on_their_way.values()) - came_back
    if left > 0:
        await _give_back(session, charge, _Paid(payments, on_their_way), left, (by, reason))
    return charge


async def _owed(session: AsyncSession, authorization: Authorization, settling: Settling) -> charges.Owed:
    rates = sa.select(col(PlatformFee.rate)).where(col(PlatformFee.organization_id) == authorization.organization_id)
    rate = await session.scalar(rates) if settling.takes_fee else 0
    return charges.Owed(
        community_id=authorization.community_id,
        payer_id=authorization.resident_id,
        organization_id=authorization.organization_id,
        amount=settling.amount,
        currency=authorization.currency,
        reference_kind=authorization.reference_kind,
        reference_id=authorization.reference_id,
        due_at=settling.due_at,
        collected_by="platform",
        fee_amount=fee_of(settling.amount, rate or 0),
        billed_to=authorization.payer_account_id,
        category=authorization.category,
        lines=[line.as_json() for line in settling.lines],
    )


def _capture(payments: Sequence[CardPayment], left: int) -> None:
    """Take what is owed from what is held, the first hold first; what is not needed is let go."""
    for payment in payments:
        if payment.state in rules.ENDED or payment.wish == "cancel":
            continue
        payment.renew_at = None
        amount = min(left, payment.amount)
        if amount == 0:
            carrying.wish_for(payment, "cancel")
            continue
        payment.capture_amount = amount
        left -= amount
        if payment.state == "authorized":
            carrying.wish_for(payment, "capture")


async def _not_counted(session: AsyncSession, charge: Charge) -> tuple[dict[uuid.UUID, int], int]:
    """Return what is on its way back to cards, by payment of the charge, and what could not be given back so.

    Neither is given back here once more: the one arrives, the other was told and goes another way.
    """
    found = (
        sa.select(col(CardRefund.payment_id), col(CardRefund.state), sa.func.sum(col(CardRefund.amount)))
        .join(Payment, col(Payment.id) == col(CardRefund.payment_id))
        .where(col(Payment.charge_id) == charge.id, col(CardRefund.state) != "succeeded")
        .group_by(col(CardRefund.payment_id), col(CardRefund.state))
    )
    on_their_way: dict[uuid.UUID, int] = {}
    came_back = 0
    for payment_id, state, amount in await session.execute(found):
        if state == "failed":
            came_back += int(amount)
        elif payment_id is not None:
            on_their_way[payment_id] = on_their_way.get(payment_id, 0) + int(amount)
    return on_their_way, came_back


async def _give_back(
    session: AsyncSession,
    charge: Charge,
    of: _Paid,
    amount: int,
    why: tuple[uuid.UUID, str],
) -> None:
    by, reason = why
    found = sa.select(Payment).where(col(Payment.charge_id) == charge.id, col(Payment.refunds_id).is_(None))
    locked = found.order_by(col(Payment.id)).with_for_update().execution_options(populate_existing=True)
    paid = list((await session.scalars(locked)).all())
    left = [of.refundable(one) for one in paid]
    for one, share in zip(paid, shares(min(amount, sum(left)), left), strict=True):
        if share and one.kind == "card" and one.source_id is not None:
            await carrying.give_back(session, of.card_payments[one.source_id], share, by, reason, one)
        elif share and one.kind in ("subsidy", "sponsor"):
            await charges.give_back(session, charge, one, share, by, reason)
            if one.kind == "subsidy" and one.source_id is not None:
                await reserving.give_back(session, one.source_id, share)

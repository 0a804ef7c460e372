"""Charges and payments: opened, paid, given back, waived, cancelled; each change with its entry in the ledger."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing.charges import rules
from app.billing.charges.models import CREDIT_REASON, REASON, Charge, Credit, Payment
from app.billing.charges.problems import (
    PaymentsToRefund,
    TooMuchCredited,
    TooMuchPaid,
    TooMuchRefunded,
)
from app.billing.charges.rules import Collector, Parties, PaymentKind
from app.billing.events import ChargeCredited, ChargeOpened, ChargePaid, ChargeReopened
from app.billing.ledger.rules import EntryKind, Move
from app.billing.ledger.service import Occasion, enter
from app.core import clock
from app.core.events import emit
from app.core.sealing import seal


@dataclass(frozen=True, slots=True)
class Owed:
    """What somebody owes, to whom and for what; ``fee_amount`` is the platform's of what it collects."""

    community_id: uuid.UUID
    payer_id: uuid.UUID
    organization_id: uuid.UUID
    amount: int
    currency: str
    reference_kind: str
    reference_id: uuid.UUID
    due_at: datetime
    collected_by: Collector = "organization"
    fee_amount: int = 0
    billed_to: uuid.UUID | None = None
    category: str | None = None
    lines: Sequence[dict[str, Any]] = field(default=())


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment that arrived in another way than at a desk; ``source_id`` is what it came by, and pays once.

    ``is_return``: it is a refund that came back, whatever is owed by now.
    """

    kind: PaymentKind
    amount: int
    source_id: uuid.UUID
    by: uuid.UUID
    programme_id: uuid.UUID | None = None
    is_return: bool = False


async def open_charge(session: AsyncSession, actor_id: uuid.UUID, owed: Owed) -> Charge:
    """Open a charge and return it. What it is for has one charge at a time: the database refuses another."""
    charge = Charge(
        community_id=owed.community_id,
        payer_id=owed.payer_id,
        organization_id=owed.organization_id,
        amount=owed.amount,
        currency=owed.currency,
        reference_kind=owed.reference_kind,
        reference_id=owed.reference_id,
        due_at=owed.due_at,
        collected_by=owed.collected_by,
        fee_amount=owed.fee_amount,
        billed_to=owed.billed_to,
        category=owed.category,
        lines=list(owed.lines),
        opened_by=actor_id,
    )
    session.add(charge)
    await session.flush()
    await enter_of(
        session, charge, "charge", charge.id, rules.charging(_parties(charge), charge.amount, owed.fee_amount)
    )
    await emit(session, ChargeOpened(**_fact(charge)))
    return charge


async def cancel_charge(session: AsyncSession, reference_kind: str, reference_id: uuid.UUID) -> None:
    """Cancel the charge of something, if it has one; raises ``PaymentsToRefund`` while something is paid.

    Raises ``ValueError`` for what the platform collects: it has an invoice, and is waived with a credit note.
    """
    charge = await locked_charge_of(session, reference_kind, reference_id)
    if charge is None:
        return
    if charge.collected_by == "platform":
        raise ValueError("what the platform collects is waived, not cancelled")
    if charge.paid_amount:
        raise PaymentsToRefund(paid_amount=charge.paid_amount)
    amount, fee = charge.amount - charge.credited_amount, charge.fee_amount - charge.credited_fee
    charge.state, charge.closed_at = "cancelled", clock.now()
    await session.flush()
    if amount:
        await enter_of(session, charge, "cancellation", charge.id, rules.charging(_parties(charge), -amount, -fee))


async def locked_charge_of(session: AsyncSession, reference_kind: str, reference_id: uuid.UUID) -> Charge | None:
    """Return the charge of something that is not cancelled, locked, or ``None``."""
    found = sa.select(Charge).where(
        col(Charge.reference_kind) == reference_kind,
        col(Charge.reference_id) == reference_id,
        col(Charge.state) != "cancelled",
    )
    return await session.scalar(found.with_for_update().execution_options(populate_existing=True))


async def take_payment(session: AsyncSession, charge: Charge, paid: Paid) -> Payment:
    """Count what arrived for a locked charge and return it: the database refuses to count one source twice.

    Raises ``TooMuchPaid``, ``ValueError`` for a way that does not lead there.
    """
    if not paid.is_return and paid.amount > open_amount(charge):
        raise TooMuchPaid(open_amount=open_amount(charge))
    payment = new_payment(charge, paid.kind, paid.amount, paid.by)
    payment.source_id, payment.programme_id = paid.source_id, paid.programme_id
    await arrived(session, charge, payment)
    return payment


async def give_back(
    session: AsyncSession, charge: Charge, paid: Payment, amount: int, by: uuid.UUID, reason: str
) -> Payment:
    """Count what was given back of a payment, both locked, and return the refund; raises ``TooMuchRefunded``."""
    if amount > paid.amount - paid.refunded_amount:
        raise TooMuchRefunded(refundable_amount=paid.amount - paid.refunded_amount)
    paid.refunded_amount += amount
    refund = new_payment(charge, cast("PaymentKind", paid.kind), amount, by)
    refund.taken_by = paid.taken_by
    refund.refunds_id, refund.programme_id, refund.reason = paid.id, paid.programme_id, seal(reason, REASON)
    await arrived(session, charge, refund)
    return refund


async def waive(session: AsyncSession, charge: Charge, amount: int, by: uuid.UUID, reason: str) -> Credit:
    """Waive a part of what a locked charge comes to, and return it: what a credit note is made from.

    Nothing is given back by it; what was paid already is the resident's then. Raises ``TooMuchCredited``.
    """
    if amount > charge.amount - charge.credited_amount:
        raise TooMuchCredited(creditable_amount=charge.amount - charge.credited_amount)
    credit = Credit(
        community_id=charge.community_id,
        payer_id=charge.payer_id,
        organization_id=charge.organization_id,
        charge_id=charge.id,
        amount=amount,
        fee_amount=rules.credited_fee(charge.amount, charge.fee_amount, charge.credited_amount + amount)
        - charge.credited_fee,
        currency=charge.currency,
        credited_by=by,
        reason=seal(reason, CREDIT_REASON),
    )
    session.add(credit)
    charge.credited_amount += amount
    charge.credited_fee += credit.fee_amount
    await _stand(session, charge)
    moves = rules.charging(_parties(charge), -amount, -credit.fee_amount)
    await enter_of(session, charge, "credit", credit.id, moves)
    await emit(session, ChargeCredited(**_fact(charge), credit_id=credit.id))
    return credit


def open_amount(charge: Charge) -> int:
    """Return what is still owed, in minor units; never below zero."""
    return max(0, charge.amount - charge.credited_amount - charge.paid_amount)


def new_payment(
    charge: Charge, kind: PaymentKind, amount: int, by: uuid.UUID, *, received_at: datetime | None = None
) -> Payment:
    return Payment(
        community_id=charge.community_id,
        payer_id=charge.payer_id,
        organization_id=charge.organization_id,
        charge_id=charge.id,
        kind=kind,
        amount=amount,
        taken_by=rules.taken_by_default(kind),
        currency=charge.currency,
        received_at=received_at or clock.now(),
        recorded_by=by,
    )


async def arrived(session: AsyncSession, charge: Charge, payment: Payment) -> None:
    """Count a payment, or what was given back of one, and enter it."""
    kind: EntryKind = "payment" if payment.refunds_id is None else "refund"
    amount = payment.amount if kind == "payment" else -payment.amount
    session.add(payment)
    charge.paid_amount += amount
    await _stand(session, charge)
    paid_by = cast("PaymentKind", payment.kind)
    taken_by = cast("Collector", payment.taken_by)
    moves = rules.paying(_parties(charge), paid_by, amount, payment.programme_id, taken_by=taken_by)
    await enter_of(session, charge, kind, payment.id, moves, payment.id)


async def _stand(session: AsyncSession, charge: Charge) -> None:
    """Say how a charge stands now, and tell when it is paid, or owed again."""
    before = charge.state
    charge.state = rules.state_of(charge.amount - charge.credited_amount, charge.paid_amount)
    if charge.state == before:
        await session.flush()
        return
    charge.closed_at = clock.now() if charge.state == "paid" else None
    await session.flush()
    event = ChargePaid if charge.state == "paid" else ChargeReopened
    await emit(session, event(**_fact(charge)))


def _fact(charge: Charge) -> dict[str, Any]:
    return {
        "aggregate_id": charge.id,
        "community_id": charge.community_id,
        "payer_id": charge.payer_id,
        "organization_id": charge.organization_id,
        "reference_kind": charge.reference_kind,
        "reference_id": charge.reference_id,
    }


async def enter_of(
    session: AsyncSession,
    charge: Charge,
    kind: EntryKind,
    source_id: uuid.UUID,
    moves: Sequence[Move],
    payment_id: uuid.UUID | None = None,
) -> None:
    """Enter what happened to a locked charge, and keep what of it is payable to its organization."""
    payable = sum(move.amount for move in moves if move.account.kind == "payable")
    if payable:
        charge.payable_amount -= payable
        await session.flush()
    occasion = Occasion(
        community_id=charge.community_id,
        kind=kind,
        source_id=source_id,
        currency=charge.currency,
        organization_id=charge.organization_id,
        charge_id=charge.id,
        payment_id=payment_id,
    )
    await enter(session, occasion, moves)


def _parties(charge: Charge) -> Parties:
    collected_by = cast("Collector", charge.collected_by)
    return Parties(charge.community_id, charge.payer_id, charge.organization_id, collected_by)

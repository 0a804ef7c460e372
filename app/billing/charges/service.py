"""Charges and payments: opened, paid, given back, cancelled; each change with its entry in the ledger."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing.charges import rules
from app.billing.charges.models import REASON, REFERENCE, Charge, Entry, Payment, Posting
from app.billing.charges.problems import (
    ChargeNotOpen,
    OtherCurrency,
    PaymentKnown,
    PaymentsToRefund,
    TooMuchPaid,
    TooMuchRefunded,
)
from app.billing.charges.rules import EntryKind, PaymentKind
from app.billing.charges.schemas import PaymentRecord, RefundRecord
from app.billing.events import ChargePaid, ChargeReopened
from app.core import audit, clock
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import FieldError, Malformed, NotFound
from app.core.sealing import blind_index, seal


@dataclass(frozen=True, slots=True)
class Owed:
    """What somebody owes, to whom and for what."""

    community_id: uuid.UUID
    payer_id: uuid.UUID
    organization_id: uuid.UUID
    amount: int
    currency: str
    reference_kind: str
    reference_id: uuid.UUID
    due_at: datetime


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
        opened_by=actor_id,
    )
    session.add(charge)
    await session.flush()
    await _enter(session, charge, "charge", charge.amount)
    return charge


async def cancel_charge(session: AsyncSession, reference_kind: str, reference_id: uuid.UUID) -> None:
    """Cancel the charge of something, if it has one; raises ``PaymentsToRefund`` while something is paid."""
    found = sa.select(Charge).where(
        col(Charge.reference_kind) == reference_kind,
        col(Charge.reference_id) == reference_id,
        col(Charge.state) != "cancelled",
    )
    charge = await session.scalar(found.with_for_update().execution_options(populate_existing=True))
    if charge is None:
        return
    if charge.paid_amount:
        raise PaymentsToRefund(paid_amount=charge.paid_amount)
    charge.state, charge.closed_at = "cancelled", clock.now()
    await session.flush()
    await _enter(session, charge, "cancellation", charge.amount)


async def record_payment(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, charge_id: uuid.UUID, data: PaymentRecord
) -> Payment:
    """Record what an organization's desk took for a charge and return it.

    Raises ``NotFound``, ``ChargeNotOpen``, ``OtherCurrency``, ``TooMuchPaid``, ``PaymentKnown``, ``Malformed`` for one
    that lies ahead.
    """
    charge = await _locked(session, organization_id, charge_id)
    key = None if data.reference is None else _key(data.kind, data.reference)
    if key is not None:
        # Another desk may be recording it for another charge at this moment: who comes second sees what the first did.
        await session.execute(_ONE_AT_A_TIME, {"what": f"billing_payment:{organization_id}:{key.hex()}"})
        if (known := await session.scalar(_known(organization_id, data.kind, key))) is not None:
            raise PaymentKnown(payment_id=str(known))
    if charge.state != "open":
        raise ChargeNotOpen(state=charge.state)
    if data.currency != charge.currency:
        raise OtherCurrency(currency=charge.currency)
    if data.amount > charge.amount - charge.paid_amount:
        raise TooMuchPaid(open_amount=charge.amount - charge.paid_amount)
    now = clock.now()
    if data.received_at is not None and data.received_at > now:
        raise Malformed(errors=[FieldError("/body/received_at", "lies ahead", "in_the_future")])
    payment = Payment(
        community_id=charge.community_id,
        payer_id=charge.payer_id,
        organization_id=organization_id,
        charge_id=charge.id,
        kind=data.kind,
        amount=data.amount,
        currency=charge.currency,
        received_at=data.received_at or now,
        recorded_by=actor.id,
        reference=None if data.reference is None else seal(data.reference, REFERENCE),
        reference_key=key,
    )
    session.add(payment)
    await _pay(session, charge, data.amount)
    await _enter(session, charge, "payment", data.amount, payment)
    await _record(session, actor, "payment:record", charge, payment)
    return payment


async def refund_payment(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    charge_id: uuid.UUID,
    payment_id: uuid.UUID,
    data: RefundRecord,
) -> Payment:
    """Record what an organization's desk gave back of a payment and return the refund; what it was for is owed again.

    Raises ``NotFound``, ``TooMuchRefunded``.
    """
    charge = await _locked(session, organization_id, charge_id)
    paid = await session.get(Payment, payment_id, with_for_update=True, populate_existing=True)
    if paid is None or paid.charge_id != charge.id or paid.refunds_id is not None:
        raise NotFound
    if data.amount > paid.amount - paid.refunded_amount:
        raise TooMuchRefunded(refundable_amount=paid.amount - paid.refunded_amount)
    paid.refunded_amount += data.amount
    refund = Payment(
        community_id=charge.community_id,
        payer_id=charge.payer_id,
        organization_id=organization_id,
        charge_id=charge.id,
        kind=paid.kind,
        amount=data.amount,
        currency=charge.currency,
        received_at=clock.now(),
        recorded_by=actor.id,
        refunds_id=paid.id,
        reason=seal(data.reason, REASON),
    )
    session.add(refund)
    await _pay(session, charge, -data.amount)
    await _enter(session, charge, "refund", data.amount, refund)
    await _record(session, actor, "payment:refund", charge, refund)
    return refund


_ONE_AT_A_TIME: Final = sa.select(
    sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(sa.bindparam("what", type_=sa.Text), 0))
)
_KINDS: Final[dict[str, PaymentKind]] = {kind: kind for kind in rules.MONEY}


def _key(kind: str, reference: str) -> bytes:
    return blind_index("billing_payment", f"{kind}:{reference.casefold()}")


def _known(organization_id: uuid.UUID, kind: str, key: bytes) -> sa.Select[uuid.UUID]:
    return sa.select(col(Payment.id)).where(
        col(Payment.organization_id) == organization_id, col(Payment.kind) == kind, col(Payment.reference_key) == key
    )


async def _locked(session: AsyncSession, organization_id: uuid.UUID, charge_id: uuid.UUID) -> Charge:
    charge = await session.get(Charge, charge_id, with_for_update=True, populate_existing=True)
    if charge is None or charge.organization_id != organization_id:
        raise NotFound
    return charge


async def _pay(session: AsyncSession, charge: Charge, amount: int) -> None:
    """Count what was paid (or given back, negative), and tell when the charge is paid, or owed again."""
    before = charge.state
    charge.paid_amount += amount
    charge.state = rules.state_of(charge.amount, charge.paid_amount)
    charge.closed_at = clock.now() if charge.state == "paid" else None
    await session.flush()
    if charge.state == before:
        return
    event = ChargePaid if charge.state == "paid" else ChargeReopened
    await emit(
        session,
        event(
            aggregate_id=charge.id,
            community_id=charge.community_id,
            payer_id=charge.payer_id,
            organization_id=charge.organization_id,
            reference_kind=charge.reference_kind,
            reference_id=charge.reference_id,
        ),
    )


async def _enter(
    session: AsyncSession, charge: Charge, kind: EntryKind, amount: int, payment: Payment | None = None
) -> None:
    entry = Entry(
        organization_id=charge.organization_id,
        charge_id=charge.id,
        payment_id=payment.id if payment else None,
        kind=kind,
        currency=charge.currency,
    )
    session.add(entry)
    await session.flush()
    moved = rules.postings(kind, amount, _KINDS[payment.kind] if payment else None)
    session.add_all(Posting(entry_id=entry.id, account=account, amount=value) for account, value in moved.items())
    await session.flush()


async def _record(session: AsyncSession, actor: Actor, action: str, charge: Charge, payment: Payment) -> None:
    await audit.record(
        session,
        actor,
        action,
        resident_id=charge.payer_id,
        object_id=payment.id,
        community_id=charge.community_id,
    )

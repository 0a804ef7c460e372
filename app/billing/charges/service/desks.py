"""What an organization's desk, or the platform's, took or gave back by hand: counted once, whoever records it."""

import uuid
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing.charges import rules
from app.billing.charges.models import REFERENCE, Charge, Payment
from app.billing.charges.problems import ChargeNotOpen, OtherCurrency, PaymentKnown, TooMuchPaid
from app.billing.charges.rules import Collector
from app.billing.charges.schemas import PaymentRecord, PlatformPaymentRecord, RefundRecord
from app.billing.charges.service.counting import arrived, give_back, new_payment, open_amount
from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.core.sealing import blind_index, seal

_ONE_AT_A_TIME: Final = sa.select(
    sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(sa.bindparam("what", type_=sa.Text), 0))
)


async def record_payment(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, charge_id: uuid.UUID, data: PaymentRecord
) -> Payment:
    """Record what an organization's desk took for a charge and return it.

    Raises ``NotFound``, ``ChargeNotOpen``, ``OtherCurrency``, ``TooMuchPaid``, ``PaymentKnown``, ``Malformed`` for one
    that lies ahead.
    """
    charge = await _locked(session, organization_id, charge_id)
    return await _record_taken(session, actor, charge, data, "organization", str(organization_id))


async def record_platform_payment(
    session: AsyncSession, actor: Actor, charge_id: uuid.UUID, data: PlatformPaymentRecord
) -> Payment:
    """Record what arrived at the platform for a charge that it collects, and return it.

    Raises ``NotFound``, ``ChargeNotOpen``, ``OtherCurrency``, ``TooMuchPaid``, ``PaymentKnown``, ``Malformed`` for one
    that lies ahead. A transfer may pay several charges, each once.
    """
    charge = await _locked_platform(session, actor, charge_id)
    return await _record_taken(session, actor, charge, data, "platform", f"platform:{charge.id}")


async def _record_taken(
    session: AsyncSession,
    actor: Actor,
    charge: Charge,
    data: PaymentRecord | PlatformPaymentRecord,
    taken_by: Collector,
    counted_in: str,
) -> Payment:
    said = data.reference if taken_by == "organization" or data.reference is None else f"{counted_in}:{data.reference}"
    key = None if said is None else _key(data.kind, said)
    if key is not None:
        # Another desk may be recording it for another charge at this moment: who comes second sees what the first did.
        await session.execute(_ONE_AT_A_TIME, {"what": f"billing_payment:{counted_in}:{key.hex()}"})
        if (known := await session.scalar(_known(charge.organization_id, data.kind, key))) is not None:
            raise PaymentKnown(payment_id=str(known))
    if charge.state != "open":
        raise ChargeNotOpen(state=charge.state)
    if data.currency != charge.currency:
        raise OtherCurrency(currency=charge.currency)
    if data.amount > open_amount(charge):
        raise TooMuchPaid(open_amount=open_amount(charge))
    now = clock.now()
    if data.received_at is not None and data.received_at > now:
        raise Malformed(errors=[FieldError("/body/received_at", "lies ahead", "in_the_future")])
    payment = new_payment(charge, data.kind, data.amount, actor.id, received_at=data.received_at or now)
    payment.taken_by = taken_by
    payment.reference = None if data.reference is None else seal(data.reference, REFERENCE)
    payment.reference_key = key
    await arrived(session, charge, payment)
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

    Raises ``NotFound``, ``TooMuchRefunded``. What came another way than over the desk goes back that way, not here.
    """
    charge = await _locked(session, organization_id, charge_id)
    return await _refund_taken(session, actor, charge, payment_id, data, "organization")


async def refund_platform_payment(
    session: AsyncSession, actor: Actor, payment_id: uuid.UUID, data: RefundRecord
) -> Payment:
    """Record what the platform gave back of a transfer or a sponsor's payment, and return the refund.

    Raises ``NotFound``, ``TooMuchRefunded``.
    """
    charge_id = await session.scalar(sa.select(col(Payment.charge_id)).where(col(Payment.id) == payment_id))
    if charge_id is None:
        raise NotFound
    charge = await _locked_platform(session, actor, charge_id)
    return await _refund_taken(session, actor, charge, payment_id, data, "platform")


async def _refund_taken(
    session: AsyncSession, actor: Actor, charge: Charge, payment_id: uuid.UUID, data: RefundRecord, taken_by: Collector
) -> Payment:
    paid = await session.get(Payment, payment_id, with_for_update=True, populate_existing=True)
    if paid is None or paid.charge_id != charge.id or not rules.is_given_back_by_hand(paid, taken_by):
        raise NotFound
    refund = await give_back(session, charge, paid, data.amount, actor.id, data.reason)
    await _record(session, actor, "payment:refund", charge, refund)
    return refund


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


async def _locked_platform(session: AsyncSession, actor: Actor, charge_id: uuid.UUID) -> Charge:
    charge = await session.get(Charge, charge_id, with_for_update=True, populate_existing=True)
    if charge is None or charge.community_id != actor.community_id or charge.collected_by != "platform":
        raise NotFound
    return charge


async def _record(session: AsyncSession, actor: Actor, action: str, charge: Charge, payment: Payment) -> None:
    await audit.record(
        session,
        actor,
        action,
        resident_id=charge.payer_id,
        object_id=payment.id,
        community_id=charge.community_id,
    )

"""The SQL that finds what a dispute is about and locks it: the charge first, as whoever pays for it or out does."""

import uuid
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing.authorizations.models import Authorization, CardPayment
from app.billing.charges.models import CHARGES, PAYMENTS, Charge
from app.billing.disputes.models import Dispute, Freeze
from app.billing.disputes.rules import Facts


class Disputed(NamedTuple):
    """A card payment that is disputed, what it was promised for, and the charge it paid, locked."""

    payment: CardPayment
    authorization: Authorization
    charge: Charge | None


async def disputed(session: AsyncSession, of: Facts) -> Disputed | None:
    """Return what a dispute is about, or ``None`` if no payment of ours is known by that name."""
    by = col(CardPayment.ref) == of.intent if of.intent else col(CardPayment.charge_ref) == of.charge
    payment = await session.scalar(sa.select(CardPayment).where(by))
    if payment is None:
        return None
    authorization = await session.get_one(Authorization, payment.authorization_id)
    paid = sa.select(PAYMENTS.c.charge_id).where(
        PAYMENTS.c.source_id == payment.id, PAYMENTS.c.refunds_id.is_(None), PAYMENTS.c.kind == "card"
    )
    charge_id = await session.scalar(paid)
    charge = None if charge_id is None else await lock_charge(session, charge_id)
    return Disputed(payment, authorization, charge)


async def lock_charge(session: AsyncSession, charge_id: uuid.UUID) -> Charge:
    """Return a charge, locked."""
    return await session.get_one(Charge, charge_id, with_for_update=True, populate_existing=True)


async def lock_told(session: AsyncSession, gateway: str, ref: str) -> Dispute | None:
    """Return the dispute a gateway calls so, locked, or ``None``; what it is about is locked before."""
    found = sa.select(Dispute).where(col(Dispute.gateway) == gateway, col(Dispute.ref) == ref)
    return await session.scalar(found.with_for_update().execution_options(populate_existing=True))


async def lock(session: AsyncSession, dispute_id: uuid.UUID) -> Dispute | None:
    """Return a dispute, locked, or ``None``."""
    return await session.get(Dispute, dispute_id, with_for_update=True, populate_existing=True)


async def lock_charges_of(session: AsyncSession, reference_kind: str, reference_id: uuid.UUID) -> None:
    """Lock the charges of something, so that nothing of them is paid out at this moment."""
    of = (CHARGES.c.reference_kind == reference_kind, CHARGES.c.reference_id == reference_id)
    await session.execute(sa.select(CHARGES.c.id).where(*of).order_by(CHARGES.c.id).with_for_update())


async def lock_freeze(session: AsyncSession, reference_kind: str, reference_id: uuid.UUID) -> Freeze | None:
    """Return what is held back of something, locked, or ``None``; its charges are locked before."""
    found = sa.select(Freeze).where(
        col(Freeze.reference_kind) == reference_kind,
        col(Freeze.reference_id) == reference_id,
        col(Freeze.lifted_at).is_(None),
    )
    return await session.scalar(found.with_for_update().execution_options(populate_existing=True))

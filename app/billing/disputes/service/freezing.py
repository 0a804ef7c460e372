"""Holding an amount back for another reason than a bank's dispute, such as a complaint about what was done."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.disputes import repository
from app.billing.disputes.models import Freeze
from app.core import clock


async def freeze(session: AsyncSession, reference_kind: str, reference_id: uuid.UUID, amount: int) -> None:
    """Let an amount of what something came to, or will, not be paid out; said again, the latest amount holds.

    What has been paid out already is held back of what else the organization is to be paid.
    """
    await repository.lock_charges_of(session, reference_kind, reference_id)
    frozen = await repository.lock_freeze(session, reference_kind, reference_id)
    if frozen is None:
        now = clock.now()
        session.add(Freeze(reference_kind=reference_kind, reference_id=reference_id, amount=amount, frozen_at=now))
    else:
        frozen.amount = amount
    await session.flush()


async def unfreeze(session: AsyncSession, reference_kind: str, reference_id: uuid.UUID) -> None:
    """Let be paid out again what was held back of something, if it was."""
    await repository.lock_charges_of(session, reference_kind, reference_id)
    frozen = await repository.lock_freeze(session, reference_kind, reference_id)
    if frozen is not None:
        frozen.lifted_at = clock.now()
        await session.flush()

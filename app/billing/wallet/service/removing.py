"""Removing cards: at once here, and soon after at the gateway."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.wallet import repository
from app.billing.wallet.problems import CardInUse
from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import NotFound


async def remove(session: AsyncSession, actor: Actor, method_id: uuid.UUID) -> None:
    """Remove a card of the actor's; the worker has it forgotten at the gateway.

    Raises ``NotFound``, and ``CardInUse`` while something is to be paid with it: whoever is expected is not to stay
    away for want of a card. What recurs and named it asks for another when its turn comes.
    """
    method = await repository.find_method(session, actor.id, method_id)
    if method is None:
        raise NotFound
    if payments := await repository.payments_under_way(session, method):
        raise CardInUse(payments=payments)
    now = clock.now()
    method.state, method.removed_at, method.ask_at, method.asked = "removed", now, now, 0
    await session.flush()
    await audit.record(session, actor, "payment_method:remove", object_id=method.id, community_id=method.community_id)


async def forget(session: AsyncSession, account_id: uuid.UUID) -> None:
    """Remove all cards of somebody who is being erased, and let the gateway forget them."""
    await repository.remove_all(session, account_id)

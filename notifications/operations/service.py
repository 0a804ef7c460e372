"""Sending what was given up on after all."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit
from app.core.access import Actor
from notifications.delivery.service import replay


async def replay_parked(session: AsyncSession, actor: Actor, delivery_ids: Sequence[uuid.UUID] | None) -> int:
    """Queue the community's parked deliveries again, those named or all of use; return how many."""
    replayed = await replay(session, delivery_ids, community_id=actor.community_id)
    await audit.record(session, actor, "delivery:replay", details={"replayed": replayed})
    return replayed

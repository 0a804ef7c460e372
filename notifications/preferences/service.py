"""Silencing a category on a channel."""

import uuid

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from notifications.preferences.models import PREFERENCES


async def mute(session: AsyncSession, account_id: uuid.UUID, category: str, channel: str) -> None:
    """Silence ``category`` on ``channel`` for a person; once or often, it is the same."""
    now = clock.now()
    key = {"account_id": account_id, "category": category, "channel": channel}
    own = {"id": clock.new_id(), "created_at": now, "updated_at": now, "version": 1, "muted": True}
    await session.execute(
        insert(PREFERENCES)
        .values(key | own)
        .on_conflict_do_update(
            index_elements=list(key), set_={"muted": True, "updated_at": now, "version": PREFERENCES.c.version + 1}
        )
    )

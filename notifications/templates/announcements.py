"""The SQL of words that are kept once for many readers: written, read by id, forgotten."""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.core.batches import delete_past
from app.core.sealing import seal, unseal
from notifications.templates.models import ANNOUNCEMENTS

_CONTEXT: Final = "notifications_announcement.texts"
_AMONG = sa.select(ANNOUNCEMENTS.c.id, ANNOUNCEMENTS.c.texts).where(
    ANNOUNCEMENTS.c.id == sa.any_(sa.bindparam("announcement_ids", type_=ARRAY(sa.Uuid)))
)

Texts = Mapping[str, Mapping[str, str]]
"""Language → ``title`` and ``body``."""


async def keep_announcement(
    session: AsyncSession, announcement_id: uuid.UUID, texts: Texts, expires_at: datetime
) -> None:
    """Keep what notices that refer to ``announcement_id`` say, for longer than those are kept."""
    sealed = seal(json.dumps(texts, ensure_ascii=False), _CONTEXT)
    row = {"id": announcement_id, "texts": sealed, "expires_at": expires_at}
    await session.execute(sa.insert(ANNOUNCEMENTS), row)


async def announcements(connection: AsyncConnection, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return announcements' texts as JSON; those that are unknown or past their time are left out."""
    rows = await connection.execute(_AMONG, {"announcement_ids": list(ids)})
    return {row.id: unseal(row.texts, _CONTEXT) for row in rows}


async def forget_announcements(session: AsyncSession) -> int:
    """Delete a batch of what is past its time; return how many went."""
    return await delete_past(session, ANNOUNCEMENTS, "expires_at", clock.now())

"""Showing a notice's attempts to those who may see them; what others than the recipient read is on record."""

import uuid

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.core.problems import NotFound
from notifications.attempts import views
from notifications.attempts.access import may_see
from notifications.attempts.schemas import NoticeAttempts


async def notice(connection: AsyncConnection, actor: Actor, notice_id: uuid.UUID) -> NoticeAttempts:
    """Return a notice with every attempt; raises ``NotFound`` for all but its recipient and the resident's staff."""
    found = await views.notice(connection, actor.community_id, notice_id)
    if found is None or not await may_see(connection, actor, account_id=found.account_id, about=found.about):
        raise NotFound
    if found.account_id != actor.id:
        await audit.record(connection, actor, "notice:read", resident_id=found.about, object_id=notice_id)
    return found

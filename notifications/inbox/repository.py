"""The SQL that marks inbox items as read."""

import uuid

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, wakeups
from notifications.inbox.models import INBOX
from notifications.inbox.rules import wake_channel

_own = INBOX.c.account_id == sa.bindparam("owner", type_=sa.Uuid)
_now = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_item = sa.bindparam("item_id", type_=sa.Uuid)

# Reading twice keeps the first time.
_MARK_ONE = sa.update(INBOX).where(_own, INBOX.c.id == _item).values(read_at=sa.func.coalesce(INBOX.c.read_at, _now))
_MARK_UP_TO = sa.update(INBOX).where(_own, INBOX.c.id <= _item, INBOX.c.read_at.is_(None)).values(read_at=_now)


async def mark_one(session: AsyncSession, account_id: uuid.UUID, item_id: uuid.UUID) -> bool:
    """Mark one of the account's items as read; return whether it exists."""
    binds = {"owner": account_id, "item_id": item_id, "now": clock.now()}
    wakeups.request(session, wake_channel(account_id))
    return await session.scalar(_MARK_ONE.returning(INBOX.c.id), binds) is not None


async def mark_up_to(session: AsyncSession, account_id: uuid.UUID, item_id: uuid.UUID) -> list[uuid.UUID]:
    """Mark every unread item of the account up to ``item_id`` as read; return which."""
    binds = {"owner": account_id, "item_id": item_id, "now": clock.now()}
    wakeups.request(session, wake_channel(account_id))
    return list(await session.scalars(_MARK_UP_TO.returning(INBOX.c.id), binds))

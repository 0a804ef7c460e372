"""The SQL that reads a notice with its deliveries and its inbox item."""

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from notifications.attempts.schemas import DeliveryPublic, NoticeAttempts
from notifications.delivery.models import DELIVERIES
from notifications.delivery.rules import first_id
from notifications.inbox.models import INBOX

_notice_id = sa.bindparam("notice_id", type_=sa.Uuid)
_community = sa.bindparam("community_id", type_=sa.Uuid)
_SHARED = ("community_id", "account_id", "about", "notice_key", "category", "urgency")
_OWN = tuple(name for name in DeliveryPublic.model_fields if name != "written_at")
_DELIVERIES = (
    sa.select(*(DELIVERIES.c[name] for name in (*_SHARED, *_OWN)))
    .where(
        DELIVERIES.c.notice_id == _notice_id,
        DELIVERIES.c.community_id == _community,
        DELIVERIES.c.id >= sa.bindparam("first_id", type_=sa.Uuid),
    )
    .order_by(DELIVERIES.c.id)
)
_ITEM = sa.select(*(INBOX.c[name] for name in _SHARED), INBOX.c.read_at).where(
    INBOX.c.id == _notice_id, INBOX.c.community_id == _community
)


async def notice(connection: AsyncConnection, community_id: uuid.UUID, notice_id: uuid.UUID) -> NoticeAttempts | None:
    """Return a notice of the community as its recipient got it, ``None`` if there is no such notice (any more)."""
    binds = {"notice_id": notice_id, "community_id": community_id, "first_id": first_id([notice_id])}
    deliveries = (await connection.execute(_DELIVERIES, binds)).all()
    item = (await connection.execute(_ITEM, binds)).one_or_none()
    known = item or next(iter(deliveries), None)
    if known is None:
        return None
    return NoticeAttempts(
        id=notice_id,
        notice=known.notice_key,
        category=known.category,
        urgency=known.urgency,
        account_id=known.account_id,
        about=known.about,
        written_at=clock.instant_of(notice_id),
        read_at=item.read_at if item else None,
        deliveries=[_delivery(row) for row in deliveries],
    )


def _delivery(row: sa.Row[Any]) -> DeliveryPublic:
    return DeliveryPublic(written_at=clock.instant_of(row.id), **{name: getattr(row, name) for name in _OWN})

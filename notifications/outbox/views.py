"""The SQL that reads the outbox."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from notifications.outbox.models import OUTBOX
from notifications.outbox.schemas import OutboxMessagePublic

NEWEST = 200
_LIST = sa.select(OUTBOX).order_by(OUTBOX.c.sent_at.desc(), OUTBOX.c.id.desc()).limit(NEWEST)


async def newest(connection: AsyncConnection) -> list[OutboxMessagePublic]:
    """Return the newest messages, the newest first."""
    return [
        OutboxMessagePublic(
            id=row.id,
            recipient=row.recipient,
            channel=row.channel,
            notice=row.notice_key,
            urgency=row.urgency,
            language=row.language,
            title=row.title,
            body=row.body,
            data=row.data,
            collapse_key=row.collapse_key,
            times_sent=row.times_sent,
            sent_at=row.sent_at,
        )
        for row in await connection.execute(_LIST)
    ]


def by_recipient(messages: list[OutboxMessagePublic]) -> dict[str, list[OutboxMessagePublic]]:
    """Return the messages of each phone or address, whoever was sent something last first."""
    grouped: dict[str, list[OutboxMessagePublic]] = {}
    for message in messages:
        grouped.setdefault(message.recipient, []).append(message)
    return grouped

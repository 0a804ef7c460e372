"""The SQL that reads the outbox."""

import re
import uuid
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from notifications.outbox.models import OUTBOX
from notifications.outbox.schemas import OutboxMessagePublic

NEWEST = 200
_LIST = sa.select(OUTBOX).order_by(OUTBOX.c.sent_at.desc(), OUTBOX.c.id.desc()).limit(NEWEST)

_TO_A_PHONE = sa.select(OUTBOX.c.community_id, OUTBOX.c.recipient, OUTBOX.c.channel, OUTBOX.c.delivery_id).where(
    OUTBOX.c.id == sa.bindparam("message_id", type_=sa.Uuid), OUTBOX.c.channel.in_(["sms", "voice"])
)
_NUMBER: Final = re.compile(r"\((\+\d+)\)$")


@dataclass(frozen=True, slots=True)
class OutboxPhone:
    """A phone that a text message (``sms``) or a call (``voice``) would have reached."""

    community_id: uuid.UUID
    number: str
    channel: str
    delivery_id: uuid.UUID


async def outbox_phone(connection: AsyncConnection, message_id: uuid.UUID) -> OutboxPhone | None:
    """Return the phone a text message or a call in the outbox went to, ``None`` if there is no such message."""
    row = (await connection.execute(_TO_A_PHONE, {"message_id": message_id})).one_or_none()
    number = _NUMBER.search(row.recipient) if row else None
    return OutboxPhone(row.community_id, number[1], row.channel, row.delivery_id) if row and number else None


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


def about(messages: list[OutboxMessagePublic], thing: uuid.UUID) -> list[OutboxMessagePublic]:
    """Return those messages that are about a thing: an alarm, a sign-in that was begun."""
    wanted = str(thing)
    return [one for one in messages if wanted in one.collapse_key or wanted in one.data.values()]


def by_recipient(messages: list[OutboxMessagePublic]) -> dict[str, list[OutboxMessagePublic]]:
    """Return the messages of each phone or address, whoever was sent something last first."""
    grouped: dict[str, list[OutboxMessagePublic]] = {}
    for message in messages:
        grouped.setdefault(message.recipient, []).append(message)
    return grouped

"""Writing to the circle, taking back what one wrote, and saying how far one has read."""

import uuid

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.problems import NotFound
from app.core.sealing import seal
from app.core.tables import table_of
from app.core.touching import touch
from app.media.api import Purpose, attach, detach
from eldercare.messages.access import Participant, readers
from eldercare.messages.models import TEXT_CONTEXT, CircleMessage, CircleReadMark
from eldercare.messages.notices import MESSAGE
from eldercare.messages.problems import MessageWithdrawn
from eldercare.messages.schemas import MessageWrite
from eldercare.messages.views import MEDIA_KIND
from notifications.api import send

_marks = table_of(CircleReadMark)
_insert_mark = insert(_marks)
_MARK = _insert_mark.on_conflict_do_update(
    index_elements=["resident_id", "account_id"],
    set_={
        "read_up_to": _insert_mark.excluded.read_up_to,
        "updated_at": _insert_mark.excluded.updated_at,
        "version": _marks.c.version + 1,
    },
    # A phone that was without a network for a while does not unread what another phone has shown.
    where=_marks.c.read_up_to < _insert_mark.excluded.read_up_to,
)


async def write(session: AsyncSession, writer: Participant, data: MessageWrite) -> CircleMessage:
    """Write to the circle and return the message; everybody else who reads it hears that there is one.

    A ``client_key`` the author has used before gives that message back. Raises ``NotFound`` for photos that are not the
    author's uploads, and what ``attach`` raises.
    """
    subject, author = writer.subject, writer.actor
    if data.client_key is not None:
        known = await _of_key(session, subject.resident_id, author.id, data.client_key)
        if known is not None:
            return known
    message = CircleMessage(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        author_id=author.id,
        client_key=data.client_key,
        text=seal(data.text, TEXT_CONTEXT) if data.text else None,
        photos=len(data.photo_ids),
    )
    session.add(message)
    await session.flush()
    for photo_id in data.photo_ids:
        await attach(
            session,
            author,
            photo_id,
            purpose=Purpose.PHOTO,
            kind=MEDIA_KIND,
            object_id=message.id,
            resident_id=subject.resident_id,
        )
    await mark_read(session, writer, message.id)
    everyone = await readers(await session.connection(), subject.account_id, subject.resident_id)
    await send(
        session,
        MESSAGE,
        [account_id for account_id in everyone if account_id != author.id],
        community_id=subject.community_id,
        dedupe_key=f"circle_message:{message.id}",
        collapse_key=f"circle_messages:{subject.resident_id}",
        variables={"author": author.id},
        about=subject.resident_id,
        data={"resident_id": str(subject.resident_id), "message_id": str(message.id)},
    )
    await _record(session, writer, "circle_message:write", message.id)
    return message


async def withdraw(session: AsyncSession, writer: Participant, message_id: uuid.UUID) -> None:
    """Take back one's own message, or any as the resident: its words and photos are gone, that it was there stays.

    Raises ``NotFound`` for other people's and for what was written before one joined, ``MessageWithdrawn``.
    """
    message = await _found(session, writer, message_id)
    if message.author_id != writer.actor.id and writer.subject.relation != "self":
        raise NotFound
    if message.withdrawn_at is not None:
        raise MessageWithdrawn
    message.text, message.photos, message.withdrawn_at = None, 0, clock.now()
    await session.flush()
    await detach(session, MEDIA_KIND, message.id)
    await _record(session, writer, "circle_message:withdraw", message.id)


async def forget_photos(session: AsyncSession, author_id: uuid.UUID) -> int:
    """Remove the photos of a person who is being erased from all circles, and return how many.

    Their messages go as the table declares; what is attached to them is kept as the resident's and would stay.
    """
    with_photos = sa.select(col(CircleMessage.id)).where(
        col(CircleMessage.author_id) == author_id, col(CircleMessage.photos) > 0
    )
    return sum([await detach(session, MEDIA_KIND, message_id) for message_id in await session.scalars(with_photos)])


async def mark_read(session: AsyncSession, reader: Participant, up_to: uuid.UUID) -> None:
    """Say that one has read up to a message; it never goes back. Raises ``NotFound``."""
    await _found(session, reader, up_to)
    mark = CircleReadMark(
        community_id=reader.subject.community_id,
        resident_id=reader.subject.resident_id,
        account_id=reader.actor.id,
        read_up_to=up_to,
    )
    await session.execute(_MARK, mark.model_dump())


async def _found(session: AsyncSession, reader: Participant, message_id: uuid.UUID) -> CircleMessage:
    statement = sa.select(CircleMessage).where(
        col(CircleMessage.id) == message_id,
        col(CircleMessage.resident_id) == reader.subject.resident_id,
        col(CircleMessage.id) >= clock.id_floor(reader.since),
    )
    message: CircleMessage | None = await session.scalar(statement.with_for_update())
    if message is None:
        raise NotFound
    return message


async def _of_key(
    session: AsyncSession, resident_id: uuid.UUID, author_id: uuid.UUID, client_key: uuid.UUID
) -> CircleMessage | None:
    found: CircleMessage | None = await session.scalar(
        sa.select(CircleMessage).where(
            col(CircleMessage.resident_id) == resident_id,
            col(CircleMessage.author_id) == author_id,
            col(CircleMessage.client_key) == client_key,
        )
    )
    return found


async def _record(session: AsyncSession, writer: Participant, action: str, message_id: uuid.UUID) -> None:
    of = writer.subject
    await touch(session, "messages", message_id, community_id=of.community_id, resident_id=of.resident_id)
    await audit.record(
        session,
        writer.actor,
        action,
        resident_id=writer.subject.resident_id,
        object_id=message_id,
        community_id=writer.subject.community_id,
    )

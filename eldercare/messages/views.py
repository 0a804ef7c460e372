"""The SQL that reads a circle's conversation: its messages, and how far each has read."""

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.audit import trace_binds, traced
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.sealing import unseal
from app.core.tables import table_of
from app.identity.api import account_name, people
from app.media.api import MediaPublic, attached
from eldercare.messages.access import Participant, readers
from eldercare.messages.models import TEXT_CONTEXT, CircleMessage, CircleReadMark
from eldercare.messages.schemas import MessagePublic, ReadMark

MEDIA_KIND = "eldercare.circle_message"
_CURSOR = "eldercare.circle_messages"
_MOST_COUNTED = 100

_messages = table_of(CircleMessage)
_marks = table_of(CircleReadMark)
_resident_id = sa.bindparam("resident_id", type_=sa.Uuid)
# Ids are made in the order of time: those since an instant are those above its first.
_first_id = sa.bindparam("first_id", type_=sa.Uuid)
_named = sa.select(_messages, account_name(_messages.c.author_id).label("author_name"))

_LIST = (
    _named.where(
        _messages.c.resident_id == _resident_id,
        _messages.c.id >= _first_id,
        after((_messages.c.id,), ("after_id",), descending=True),
    )
    .order_by(_messages.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_LIST_TRACED = traced(_LIST, "circle_message:list")
_ONE = _named.where(_messages.c.id == sa.bindparam("message_id", type_=sa.Uuid))
_MARKS = sa.select(_marks.c.account_id, _marks.c.read_up_to).where(_marks.c.resident_id == _resident_id)
_UNREAD = sa.select(sa.func.count()).select_from(
    sa.select(_messages.c.id)
    .where(
        _messages.c.resident_id == _resident_id,
        _messages.c.id >= _first_id,
        _messages.c.id > sa.bindparam("read_up_to", type_=sa.Uuid),
        _messages.c.author_id != sa.bindparam("account_id", type_=sa.Uuid),
        _messages.c.withdrawn_at.is_(None),
    )
    .limit(_MOST_COUNTED)
    .subquery()
)


async def messages(connection: AsyncConnection, reader: Participant, page: PageRequest) -> Page[MessagePublic]:
    """Return a page of the conversation, the latest message first, back to when the reader joined."""
    (last_id,) = decode_cursor(_CURSOR, page.cursor) if page.cursor else (None,)
    resident_id = reader.subject.resident_id
    binds: dict[str, Any] = {
        "resident_id": resident_id,
        "first_id": clock.id_floor(reader.since),
        "after_id": uuid.UUID(last_id) if last_id else None,
        "limit": page.limit + 1,
    }
    statement = _LIST
    if reader.subject.relation != "self":
        statement = _LIST_TRACED
        binds |= trace_binds(reader.actor, resident_id=resident_id, community_id=reader.subject.community_id)
    rows = (await connection.execute(statement, binds)).all()
    return Page(
        items=await _shown(connection, rows[: page.limit]), next=next_cursor(_CURSOR, rows, page.limit, ("id",))
    )


async def message(connection: AsyncConnection, message_id: uuid.UUID) -> MessagePublic:
    """Return a message that is known to be there."""
    rows = (await connection.execute(_ONE, {"message_id": message_id})).all()
    return (await _shown(connection, rows))[0]


async def _shown(connection: AsyncConnection, rows: Any) -> list[MessagePublic]:
    with_photos = [row.id for row in rows if row.photos]
    photos: dict[uuid.UUID, list[MediaPublic]] = {}
    if with_photos:
        photos = await attached(connection, MEDIA_KIND, with_photos)
    return [
        MessagePublic(
            id=row.id,
            author_id=row.author_id,
            author_name=row.author_name,
            written_at=row.created_at,
            text=unseal(row.text, TEXT_CONTEXT) if row.text else None,
            photos=photos.get(row.id, []),
            withdrawn_at=row.withdrawn_at,
        )
        for row in rows
    ]


async def read_marks(connection: AsyncConnection, reader: Participant) -> list[ReadMark]:
    """Return how far everybody who reads along has read, the resident first; the caller's own with what is unread."""
    subject = reader.subject
    accounts = await readers(connection, subject.account_id, subject.resident_id)
    known = await people(connection, accounts)
    rows = await connection.execute(_MARKS, {"resident_id": subject.resident_id})
    read: dict[uuid.UUID, uuid.UUID] = {row.account_id: row.read_up_to for row in rows}
    binds = {
        "resident_id": subject.resident_id,
        "account_id": reader.actor.id,
        "first_id": clock.id_floor(reader.since),
        "read_up_to": read.get(reader.actor.id, uuid.UUID(int=0)),
    }
    unread = await connection.scalar(_UNREAD, binds)
    return [
        ReadMark(
            account_id=account_id,
            name=known[account_id].name if account_id in known else None,
            read_up_to=read.get(account_id),
            unread=unread if account_id == reader.actor.id else None,
        )
        for account_id in accounts
    ]

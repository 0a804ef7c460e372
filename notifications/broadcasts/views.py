"""The SQL that reads broadcasts."""

import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.identity.api import Member
from notifications.broadcasts.access import KNOWN, member_binds
from notifications.broadcasts.models import BROADCASTS
from notifications.broadcasts.schemas import BroadcastPublic
from notifications.templates.announcements import announcements

_CURSOR = "notifications.broadcasts"
_LIST = (
    sa.select(BROADCASTS)
    .where(KNOWN, after([BROADCASTS.c.id], ["after_id"], descending=True))
    .order_by(BROADCASTS.c.id.desc())
    .limit(sa.bindparam("size", type_=sa.Integer))
)
_ONE = sa.select(BROADCASTS).where(BROADCASTS.c.id == sa.bindparam("broadcast_id", type_=sa.Uuid))
_CANCELLED = sa.select(BROADCASTS.c.id).where(
    BROADCASTS.c.id == sa.any_(sa.bindparam("broadcast_ids", type_=ARRAY(sa.Uuid))),
    BROADCASTS.c.state == sa.literal("cancelled"),
)


async def broadcasts(connection: AsyncConnection, member: Member, page: PageRequest) -> Page[BroadcastPublic]:
    """Return a page of the broadcasts a member may know of, the newest first."""
    position = decode_cursor(_CURSOR, page.cursor)[0] if page.cursor else None
    binds = member_binds(member) | {"after_id": position, "size": page.limit + 1}
    rows = (await connection.execute(_LIST, binds)).all()
    items = await _shown(connection, rows[: page.limit])
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ["id"]))


async def broadcast(connection: AsyncConnection, broadcast_id: uuid.UUID) -> BroadcastPublic:
    """Return a broadcast that exists."""
    rows = (await connection.execute(_ONE, {"broadcast_id": broadcast_id})).all()
    return (await _shown(connection, rows))[0]


async def cancelled(connection: AsyncConnection, broadcast_ids: Iterable[str]) -> set[str]:
    """Return which of these broadcasts are cancelled."""
    found = await connection.scalars(_CANCELLED, {"broadcast_ids": [uuid.UUID(text) for text in broadcast_ids]})
    return {str(broadcast_id) for broadcast_id in found}


async def _shown(connection: AsyncConnection, rows: Sequence[sa.Row[Any]]) -> list[BroadcastPublic]:
    texts = await announcements(connection, [row.id for row in rows])
    return [
        BroadcastPublic.model_validate(
            {
                **{name: getattr(row, name) for name in BroadcastPublic.model_fields if name != "texts"},
                "texts": [
                    {"language": language, **words} for language, words in json.loads(texts.get(row.id, "{}")).items()
                ],
            }
        )
        for row in rows
    ]

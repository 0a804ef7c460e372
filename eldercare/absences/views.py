"""The SQL that reads absences: a resident's, the latest first, and when residents were away."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.paging import PageRequest, after, decode_cursor, next_cursor
from eldercare.absences.models import ABSENCES
from eldercare.absences.rules import TimeAway

_INSTANT = sa.DateTime(timezone=True)
_KIND = "eldercare.check_in_pauses"
_LIST = (
    sa.select(ABSENCES)
    .where(
        ABSENCES.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        after((ABSENCES.c.starts_at, ABSENCES.c.id), ("after_starts_at", "after_id"), descending=True),
    )
    .order_by(ABSENCES.c.starts_at.desc(), ABSENCES.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_until = sa.func.least(ABSENCES.c.ends_at, ABSENCES.c.ended_at)
_AWAY = (
    sa.select(ABSENCES.c.resident_id, ABSENCES.c.kind, ABSENCES.c.starts_at, _until.label("ends_at"))
    .where(
        ABSENCES.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
        ABSENCES.c.ends_at > sa.bindparam("since", type_=_INSTANT),
        _until > ABSENCES.c.starts_at,
        ABSENCES.c.starts_at <= sa.bindparam("now", type_=_INSTANT),
    )
    .order_by(ABSENCES.c.starts_at)
)

_STAYS = (
    sa.select(
        ABSENCES.c.id, ABSENCES.c.resident_id, ABSENCES.c.starts_at, _until.label("ends_at"), ABSENCES.c.created_at
    )
    .where(
        ABSENCES.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
        _until > sa.bindparam("now", type_=_INSTANT),
    )
    .order_by(ABSENCES.c.starts_at, ABSENCES.c.id)
)


async def list_absences(
    connection: AsyncConnection, resident_id: uuid.UUID, page: PageRequest
) -> tuple[list[sa.Row[Any]], str | None]:
    """Return a page of a resident's absences, the latest first, and the cursor of the next one."""
    starts_at, last_id = decode_cursor(_KIND, page.cursor) if page.cursor else (None, None)
    binds: dict[str, Any] = {
        "resident_id": resident_id,
        "limit": page.limit + 1,
        "after_starts_at": datetime.fromisoformat(starts_at) if starts_at else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
    rows = (await connection.execute(_LIST, binds)).all()
    return list(rows[: page.limit]), next_cursor(_KIND, rows, page.limit, ("starts_at", "id"))


async def stays_ahead(
    connection: AsyncConnection, resident_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, list[tuple[uuid.UUID, datetime, datetime, datetime]]]:
    """Return the absences of residents that are not over: which, from when, until when, and when that was stated."""
    binds = {"resident_ids": list(resident_ids), "now": clock.now()}
    found: defaultdict[uuid.UUID, list[tuple[uuid.UUID, datetime, datetime, datetime]]] = defaultdict(list)
    for row in await connection.execute(_STAYS, binds):
        found[row.resident_id].append((row.id, row.starts_at, row.ends_at, row.created_at))
    return found


async def times_away(
    connection: AsyncConnection, resident_ids: Iterable[uuid.UUID], since: datetime
) -> dict[uuid.UUID, list[TimeAway]]:
    """Return when residents were away or in hospital between ``since`` and now, by resident."""
    binds = {"resident_ids": list(resident_ids), "since": since, "now": clock.now()}
    found: defaultdict[uuid.UUID, list[TimeAway]] = defaultdict(list)
    for row in await connection.execute(_AWAY, binds):
        found[row.resident_id].append(TimeAway(row.kind, row.starts_at, row.ends_at))
    return found

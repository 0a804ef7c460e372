"""Saying that something a page shows has changed, where no fact says so: nobody but open pages is to know."""

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar, Final, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import wakeups
from app.core.event_tables import EventRecord
from app.core.events import QUIET_CHANNEL, Event, emit, emit_many
from app.core.tables import table_of

Part = Literal[
    "attraction", "broadcast", "check_in", "medication", "messages", "queue", "rota", "vitals", "visit", "wellbeing"
]


class PageTouched(Event):
    """What pages show of ``part`` is not what it was; ``aggregate_id`` is the thing that changed."""

    name: ClassVar[str] = "core.page_touched.v1"

    part: Part
    resident_id: uuid.UUID | None = None
    organization_id: uuid.UUID | None = None


async def touch(
    session: AsyncSession,
    part: Part,
    thing_id: uuid.UUID,
    *,
    community_id: uuid.UUID,
    resident_id: uuid.UUID | None = None,
    organization_id: uuid.UUID | None = None,
) -> None:
    """Have open pages look again at a part of what they show, of whom or whose is named, after the commit."""
    await emit(
        session,
        PageTouched(
            aggregate_id=thing_id,
            community_id=community_id,
            part=part,
            resident_id=resident_id,
            organization_id=organization_id,
        ),
    )


_RECORD: Final = table_of(EventRecord)
_COLUMNS: Final = ("id", "name", "aggregate_id", "community_id", "payload", "critical", "occurred_at")
# SQLAlchemy takes a bind that is called like a column for a value to SET.
TOUCHED: Final = (
    sa.insert(_RECORD)
    .values({name: sa.bindparam(f"touched_{name}", type_=_RECORD.c[name].type) for name in _COLUMNS})
    .cte("touched")
)
"""A touch as a part of another statement, one of a hot path; execute it with ``touched_binds``."""


def touched_binds(
    session: AsyncSession, part: Part, thing_id: uuid.UUID, *, community_id: uuid.UUID, resident_id: uuid.UUID
) -> dict[str, Any]:
    """Return the parameters of ``TOUCHED``; open pages look again once the session committed."""
    wakeups.request(session, QUIET_CHANNEL)
    fact = PageTouched(aggregate_id=thing_id, community_id=community_id, part=part, resident_id=resident_id)
    values = {name: getattr(fact, name) for name in _COLUMNS if name != "payload"}
    return {f"touched_{name}": value for name, value in (values | {"payload": fact.payload()}).items()}


async def touch_many(session: AsyncSession, part: Part, table: sa.Table, ids: Iterable[uuid.UUID]) -> None:
    """Have open pages look again at these rows of ``table``, each of its resident, in one statement."""
    payload = sa.func.jsonb_build_object("part", sa.literal(part, sa.Text), "resident_id", table.c.resident_id)
    rows = sa.select(
        table.c.id.label("aggregate_id"), table.c.community_id, sa.cast(payload, JSONB).label("payload")
    ).where(table.c.id == sa.any_(sa.bindparam("touched_ids", type_=sa.ARRAY(sa.Uuid))))
    binds: dict[str, Any] = {"touched_ids": list(ids)}
    await emit_many(session, PageTouched, rows, binds)

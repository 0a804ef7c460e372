"""The SQL of the last resort: what is stuck, and what the desk was told of it."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.due import Due
from app.core.parked_rows import stuck_rows
from app.core.tables import table_of
from notifications.last_resort.models import StuckQueue
from notifications.last_resort.rules import Told

_queues = table_of(StuckQueue)
_THIS = sa.and_(
    _queues.c.due_name == sa.bindparam("of_due", type_=sa.Text),
    _queues.c.community_id == sa.bindparam("of_community", type_=sa.Uuid),
)
_OPEN = (
    insert(_queues)
    .values(
        due_name=sa.bindparam("of_due", type_=sa.Text),
        community_id=sa.bindparam("of_community", type_=sa.Uuid),
        times=0,
        row_ids=[],
    )
    .on_conflict_do_nothing()
)
_HOLD = sa.select(_queues.c.told_at, _queues.c.times, _queues.c.row_ids).where(_THIS).with_for_update()
_KEEP = sa.update(_queues).where(_THIS)


async def hold_told(session: AsyncSession, due: Due, community_id: uuid.UUID) -> Told:
    """Return what the community's desk was told of a queue, held: nobody else tells it until the transaction ends."""
    this = {"of_due": due.name, "of_community": community_id}
    await session.execute(_OPEN, this)
    told_at, times, row_ids = (await session.execute(_HOLD, this)).one()
    return Told(told_at, times, frozenset(row_ids))


async def keep_told(
    session: AsyncSession, due: Due, community_id: uuid.UUID, *, at: datetime, times: int, row_ids: Sequence[uuid.UUID]
) -> None:
    """Keep what the desk has been told."""
    this = {"of_due": due.name, "of_community": community_id}
    await session.execute(_KEEP.values(told_at=at, times=times, row_ids=list(row_ids)), this)


async def community_of(session: AsyncSession, due: Due, row_id: uuid.UUID) -> uuid.UUID | None:
    """Return the community of a queue's row, if the row is still there."""
    return await session.scalar(sa.select(due.rows.c.community_id).where(due.rows.c.id == row_id))


async def stuck_in(session: AsyncSession, due: Due, community_id: uuid.UUID) -> Sequence[sa.Row[Any]]:
    """Return ``id``, ``due_at`` and ``resident_id`` of the community's rows that are stuck in a queue, oldest first.

    ``resident_id`` is empty where the queue's table has none.
    """
    stuck = stuck_rows(due).where(due.rows.c.community_id == community_id)
    oldest_first = stuck.order_by(stuck.selected_columns.due_at, due.rows.c.id)
    resident_id = due.rows.c.get("resident_id", sa.null().label("resident_id"))
    return (await session.execute(oldest_first.add_columns(resident_id))).all()

"""The SQL that reads what is known of those who could go: where they are that day, what they did, whom they know."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.dispatch.api import Busy
from app.reservations.api import taken
from community.order_dispatch import rules
from community.orders.access import Subject
from community.orders.models import ORDERS
from community.orders.rules import WITH_WORKER
from community.orders.service.assigning import place_of
from community.workers.rules import WorkerDay

_INSTANT: Final = sa.DateTime(timezone=True)
_workers = sa.bindparam("worker_ids", type_=ARRAY(sa.Uuid))
_since, _until = (sa.bindparam(name, type_=_INSTANT) for name in ("since", "until"))


_VISITS: Final = (
    sa.select(ORDERS.c.worker_id, sa.func.count().label("visits"))
    .where(
        ORDERS.c.worker_id == sa.any_(_workers),
        ORDERS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        ORDERS.c.starts_at >= _since,
        ORDERS.c.state.in_([sa.literal(state, sa.Text) for state in ("finished", "closed")]),
    )
    .group_by(ORDERS.c.worker_id)
)
_WORK: Final = (
    sa.select(ORDERS.c.worker_id, sa.func.sum(ORDERS.c.ends_at - ORDERS.c.starts_at).label("work"))
    .where(
        ORDERS.c.worker_id == sa.any_(_workers),
        ORDERS.c.starts_at >= _since,
        ORDERS.c.starts_at < _until,
        ORDERS.c.state.in_([sa.literal(state, sa.Text) for state in (*WITH_WORKER, "finished", "closed")]),
    )
    .group_by(ORDERS.c.worker_id)
)
_ORDER: Final = audit.traced(
    sa.select(ORDERS).where(ORDERS.c.id == sa.bindparam("order_id", type_=sa.Uuid)), "order:candidates"
)
_PLACES: Final = sa.select(ORDERS.c.id, ORDERS.c.place).where(
    ORDERS.c.id == sa.any_(sa.bindparam("order_ids", type_=ARRAY(sa.Uuid)))
)


async def order(connection: AsyncConnection, actor: Actor, subject: Subject) -> sa.Row[Any]:
    """Return an order whose reader's rights were checked; that they look at who could go is on record."""
    traced = audit.trace_binds(actor, resident_id=subject.resident_id, object_id=subject.id)
    row: sa.Row[Any] = (await connection.execute(_ORDER, {"order_id": subject.id, **traced})).one()
    return row


async def visits(
    connection: AsyncConnection, workers: Sequence[WorkerDay], resident_id: uuid.UUID, until: datetime
) -> dict[uuid.UUID, int]:
    """Return how often each was with a resident in the last year."""
    binds = {"worker_ids": _accounts(workers), "resident_id": resident_id, "since": until - rules.KNOWN_FOR}
    return {row.worker_id: row.visits for row in await connection.execute(_VISITS, binds)}


async def work(
    connection: AsyncConnection, workers: Sequence[WorkerDay], day: tuple[datetime, datetime]
) -> dict[uuid.UUID, timedelta]:
    """Return how much of orders each did, and is to do, in the four weeks that a day ends."""
    binds = {"worker_ids": _accounts(workers), "since": day[1] - rules.WORK_LOOKS_BACK, "until": day[1]}
    return {row.worker_id: row.work for row in await connection.execute(_WORK, binds)}


async def busy(
    connection: AsyncConnection,
    workers: Sequence[WorkerDay],
    span: tuple[datetime, datetime],
    without: Collection[uuid.UUID] = (),
) -> defaultdict[uuid.UUID, list[Busy]]:
    """Return what each is to do in a stretch of time, whatever it is, and where if it is an order's.

    The orders ``without`` are left out.
    """
    whose = {one.calendar_id: one.account_id for one in workers}
    rows = [row for row in await taken(connection, whose, *span) if row.origin_id not in without]
    places = await _places(connection, [row.origin_id for row in rows])
    found: defaultdict[uuid.UUID, list[Busy]] = defaultdict(list)
    for row in rows:
        found[whose[row.resource_id]].append(Busy(row.blocks_from, row.blocks_until, places.get(row.origin_id)))
    return found


async def _places(connection: AsyncConnection, order_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Any]:
    rows: Any = await connection.execute(_PLACES, {"order_ids": list(order_ids)})
    return {row.id: place_of(row) for row in rows}


def _accounts(workers: Sequence[WorkerDay]) -> list[uuid.UUID]:
    return [one.account_id for one in workers]

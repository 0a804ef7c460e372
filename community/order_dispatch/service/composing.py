"""A provider's orders in a plan of more than orders: what there is of a day, and what became of it, all or nothing."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.core.access import Actor
from app.dispatch.api import Job, Worker
from app.identity.api import community
from community.housekeeping.models import OFFERS as SERVICE_OFFERS
from community.order_dispatch.models import SEARCHES
from community.order_dispatch.service.candidates import job_of, worker_of
from community.order_dispatch.views import facts
from community.orders import repository as orders
from community.orders.models import ORDERS
from community.orders.rules import AHEAD, day_bounds
from community.orders.service import assigning
from community.orders.service.changing import HEARTHLINE, By
from community.workers.rules import WorkerDay
from community.workers.views.days import workers_for

_A_DAY: Final = timedelta(days=1)
_INSTANT: Final = sa.DateTime(timezone=True)
_OPEN: Final = (
    sa.select(ORDERS, sa.func.coalesce(SEARCHES.c.mode, SERVICE_OFFERS.c.dispatch).label("mode"))
    .join(SERVICE_OFFERS, SERVICE_OFFERS.c.id == ORDERS.c.offer_id)
    .outerjoin(SEARCHES, SEARCHES.c.order_id == ORDERS.c.id)
    .where(
        ORDERS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
        ORDERS.c.starts_at >= sa.bindparam("since", type_=_INSTANT),
        ORDERS.c.starts_at < sa.bindparam("until", type_=_INSTANT),
        ORDERS.c.state.in_([sa.literal(state, sa.Text) for state in (*AHEAD, "started")]),
    )
    .order_by(ORDERS.c.starts_at, ORDERS.c.id)
)


@dataclass(frozen=True, slots=True)
class OrderToPlan:
    """An order of a day as a planner takes it: ``job`` is all of it, whoever goes already.

    ``asks`` says whether whoever goes is asked first, as the provider wants it.
    """

    id: uuid.UUID
    version: int
    resident_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    is_ahead: bool
    missing: int
    going: tuple[uuid.UUID, ...]
    job: Job
    asks: bool


async def orders_to_plan(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, day: date, *, without_own: bool
) -> tuple[list[OrderToPlan], list[Worker]]:
    """Return a provider's open orders of a local day, and its workers who are there then.

    Nobody is sent where they do not come to, or where somebody of the other sex was wished for: they are excluded.
    ``without_own`` workers are busy with none of these orders.
    """
    place = await community(connection, actor.community_id)
    span = day_bounds(day, place.time_zone)
    binds = {"organization_id": organization_id, "since": span[0], "until": span[1]}
    rows = list(await connection.execute(_OPEN, binds))
    known = await workers_for(connection, organization_id, span)
    own = [row.id for row in rows] if without_own else []
    busy = await facts.busy(connection, known, (span[0] - _A_DAY, span[1] + _A_DAY), own)
    now = clock.now()
    return (
        [
            OrderToPlan(
                id=row.id,
                version=row.version,
                resident_id=row.resident_id,
                starts_at=row.starts_at,
                ends_at=row.ends_at + row.extra_duration,
                is_ahead=row.state in AHEAD and row.starts_at > now,
                missing=0 if row.worker_id else 1,
                going=(row.worker_id,) if row.worker_id else (),
                job=_job(row, known, now),
                asks=row.mode == "offer",
            )
            for row in rows
        ],
        [worker_of(one, busy[one.account_id], span) for one in known],
    )


def _job(row: sa.Row[tuple[object, ...]], known: list[WorkerDay], now: datetime) -> Job:
    job = job_of(row)
    barred = {
        one.account_id
        for one in known
        if (row.wished_sex is not None and one.sex != row.wished_sex)
        or (job.place is not None and not one.comes_to(job.place))
    }
    # What has passed is no time to begin at.
    earliest = min(job.wanted_at, max(job.starts_from, now))
    return replace(job, excluded=job.excluded | barred, starts_from=earliest)


async def hold_orders(
    session: AsyncSession, organization_id: uuid.UUID, versions: Mapping[uuid.UUID, int]
) -> frozenset[uuid.UUID]:
    """Lock orders until the unit of work ends; return which changed since they had these versions."""
    rows = {row.id: row for row in await orders.all_locked(session, versions)}
    now = clock.now()
    return frozenset(
        order_id
        for order_id, version in versions.items()
        if (row := rows.get(order_id)) is None
        or row.organization_id != organization_id
        or row.version != version
        or row.state not in AHEAD
        or row.starts_at <= now
    )


async def send_to_order(
    session: AsyncSession, actor: Actor, order_id: uuid.UUID, account_id: uuid.UUID, starts_at: datetime
) -> None:
    """Send a worker to a held order, as its provider decided on a whole day; everybody concerned is told.

    They may be there for something else at that time, so their hours for orders are not asked. Raises what ``assign``
    raises.
    """
    if actor.kind == "system":
        by = HEARTHLINE
    else:
        by = By("operator" if actor.holds("operator", organization_kind="operator") else "provider", actor)
    await assigning.assign(session, by, order_id, account_id, starts_at=starts_at, despite=["hours", "language"])

"""The SQL that reads a provider's desk: its orders with whom they are for and where, and its people's day."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.dispatch.api import Place, travel_time
from app.identity.api import community, homes, organizations_named
from app.reservations.api import taken
from community.order_dispatch import rules
from community.order_dispatch.schemas import (
    BoardOrderPublic,
    DayExceptionPublic,
    OrderCustomerPublic,
    SpanPublic,
    WorkerDayPublic,
    WorkerDaysPublic,
    WorkerTaskPublic,
)
from community.order_dispatch.views.queue import WITH_SEARCH, search_of
from community.orders.access import Subject
from community.orders.models import FIX, ORDERS, POSITIONS
from community.orders.rules import OVER, WITH_WORKER, day_bounds, local_date
from community.orders.schemas.shown import OrderPositionPublic
from community.orders.service.assigning import place_of
from community.orders.views import orders
from community.workers.models import EXCEPTIONS, WORKERS
from community.workers.views.days import here, workers_for

_KIND: Final = "community.order_board"
_INSTANT: Final = sa.DateTime(timezone=True)
_LONGER_THAN_ANY: Final = timedelta(days=1)
"""No order is as long: what began before that is over."""
_organization = sa.bindparam("organization_id", type_=sa.Uuid)
_BOARD: Final = audit.traced_each(
    WITH_SEARCH.where(
        ORDERS.c.organization_id == _organization,
        ORDERS.c.starts_at > sa.bindparam("earliest", type_=_INSTANT),
        ORDERS.c.ends_at + ORDERS.c.extra_duration > sa.bindparam("since", type_=_INSTANT),
        ORDERS.c.starts_at < sa.bindparam("until", type_=_INSTANT),
        after((ORDERS.c.starts_at, ORDERS.c.id), ("after_starts_at", "after_id")),
    )
    .order_by(ORDERS.c.starts_at, ORDERS.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer)),
    "orders:list_day",
)
_POSITIONS: Final = sa.select(POSITIONS).where(
    POSITIONS.c.order_id == sa.any_(sa.bindparam("order_ids", type_=ARRAY(sa.Uuid)))
)
_STATE: Final = sa.select(ORDERS.c.state).where(ORDERS.c.id == sa.bindparam("order_id", type_=sa.Uuid))
# What somebody does for another provider is no business of this one: when, but neither what nor where.
_OWN: Final = sa.select(ORDERS.c.id, ORDERS.c.place).where(
    ORDERS.c.id == sa.any_(sa.bindparam("order_ids", type_=ARRAY(sa.Uuid))), ORDERS.c.organization_id == _organization
)
_WORKERS: Final = sa.select(WORKERS).where(WORKERS.c.organization_id == _organization).order_by(WORKERS.c.id)
_EXCEPTIONS: Final = (
    sa.select(EXCEPTIONS)
    .where(
        EXCEPTIONS.c.worker_id == sa.any_(sa.bindparam("worker_ids", type_=ARRAY(sa.Uuid))),
        EXCEPTIONS.c.ends_local > sa.bindparam("since_local", type_=sa.DateTime(timezone=False)),
        EXCEPTIONS.c.starts_local < sa.bindparam("until_local", type_=sa.DateTime(timezone=False)),
    )
    .order_by(EXCEPTIONS.c.starts_local, EXCEPTIONS.c.id)
)


async def board(
    connection: AsyncConnection,
    actor: Actor,
    organization_id: uuid.UUID,
    span: tuple[datetime, datetime],
    page: PageRequest,
    language: str,
) -> Page[BoardOrderPublic]:
    """Return a page of a provider's orders in a stretch of time, in order; reading them is on record for each.

    Where a home is stands there as long as there is something to do, and whose it is as long as they live here.
    """
    starts_at, last_id = decode_cursor(_KIND, page.cursor) if page.cursor else (None, None)
    binds = {
        "organization_id": organization_id,
        "now": clock.now(),
        "earliest": span[0] - _LONGER_THAN_ANY,
        "since": span[0],
        "until": span[1],
        "limit": page.limit + 1,
        "after_starts_at": datetime.fromisoformat(starts_at) if starts_at else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
        **audit.trace_each_binds(actor, shown=page.limit, object_id=organization_id),
    }
    rows = list(await connection.execute(_BOARD, binds))
    shown = rows[: page.limit]
    publics = await orders.publics(connection, shown)
    found = await homes(connection, {row.resident_id for row in shown})
    positions = await _positions(connection, [row.id for row in shown if row.state == "on_the_way"])
    items = []
    for row, public in zip(shown, publics, strict=True):
        home = found.get(row.resident_id)
        items.append(
            BoardOrderPublic(
                **public.model_dump(),
                **orders.place(row, is_shown=public.state not in OVER),
                **search_of(row, language),
                name=home.name if home else None,
                language=home.language if home else None,
                position=positions.get(row.id),
            )
        )
    return Page(items=items, next=next_cursor(_KIND, rows, page.limit, ["starts_at", "id"]))


async def _positions(
    connection: AsyncConnection, order_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, OrderPositionPublic]:
    if not order_ids:
        return {}
    rows = await connection.execute(_POSITIONS, {"order_ids": list(order_ids)})
    return {
        row.order_id: OrderPositionPublic(**orjson.loads(unseal(row.fix, FIX)), measured_at=row.measured_at)
        for row in rows
    }


async def customer(connection: AsyncConnection, actor: Actor, subject: Subject) -> OrderCustomerPublic:
    """Return whom an order is for: to the provider, and to whoever comes as long as it is theirs to do; on record.

    Raises ``NotFound`` for who carried it out, and once the resident is known no more.
    """
    state = await connection.scalar(_STATE, {"order_id": subject.id})
    home = (await homes(connection, [subject.resident_id])).get(subject.resident_id)
    answers = bool(subject.sides & {"provider", "operator"})
    if home is None or not (answers or state in WITH_WORKER):
        raise NotFound
    await audit.record(connection, actor, "order_customer:read", resident_id=subject.resident_id, object_id=subject.id)
    return OrderCustomerPublic(name=home.name, language=home.language)


async def worker_days(
    connection: AsyncConnection, community_id: uuid.UUID, organization_id: uuid.UUID, day: date | None
) -> WorkerDaysPublic:
    """Return a day (``None``: today where the community is) of everybody who goes to homes for a provider.

    However many they are, the statements are as many.
    """
    time_zone = (await community(connection, community_id)).time_zone
    chosen = day or local_date(clock.now(), time_zone)
    span = day_bounds(chosen, time_zone)
    staff = await here(connection, organization_id)
    rows = [
        row
        for row in await connection.execute(_WORKERS, {"organization_id": organization_id})
        if row.account_id in staff
    ]
    days = {one.worker_id: one for one in await workers_for(connection, organization_id, span)}
    exceptions = await _exceptions(connection, [row.id for row in rows], chosen)
    tasks = await _tasks(connection, rows, organization_id, span)
    items = []
    for row in rows:
        shifts = days[row.id].shifts if row.id in days else ()
        hours = [SpanPublic(starts_at=max(one.starts_at, span[0]), ends_at=min(one.ends_at, span[1])) for one in shifts]
        spans = [(one.starts_at, one.ends_at) for one in shifts]
        items.append(
            WorkerDayPublic(
                worker_id=row.id,
                account_id=row.account_id,
                worker=row.display_name,
                vehicle=row.vehicle,
                latitude=row.latitude,
                longitude=row.longitude,
                is_sent=row.is_active and row.suspended_at is None,
                hours=hours,
                exceptions=exceptions[row.id],
                tasks=_ways(row, tasks[row.calendar_id], spans),
            )
        )
    named = await organizations_named(connection, community_id, [organization_id])
    return WorkerDaysPublic(
        organization_id=organization_id,
        provider=named[organization_id].name,
        day=chosen,
        time_zone=time_zone,
        starts_at=span[0],
        ends_at=span[1],
        items=items,
    )


async def _exceptions(
    connection: AsyncConnection, worker_ids: Sequence[uuid.UUID], day: date
) -> defaultdict[uuid.UUID, list[DayExceptionPublic]]:
    midnight = datetime.combine(day, datetime.min.time())
    binds = {
        "worker_ids": list(worker_ids),
        "since_local": midnight,
        "until_local": midnight + timedelta(days=1),
    }
    found: defaultdict[uuid.UUID, list[DayExceptionPublic]] = defaultdict(list)
    for row in await connection.execute(_EXCEPTIONS, binds):
        found[row.worker_id].append(DayExceptionPublic(kind=row.kind, starts=row.starts_local, ends=row.ends_local))
    return found


async def _tasks(
    connection: AsyncConnection, rows: Sequence[Any], organization_id: uuid.UUID, span: tuple[datetime, datetime]
) -> defaultdict[uuid.UUID, list[tuple[Any, Any]]]:
    """Return what is taken of each calendar, in order of time, with the order it is for if it is this provider's."""
    busy = await taken(connection, [row.calendar_id for row in rows], *span)
    binds = {"order_ids": [one.origin_id for one in busy], "organization_id": organization_id}
    own = {row.id: row for row in await connection.execute(_OWN, binds)}
    found: defaultdict[uuid.UUID, list[tuple[Any, Any]]] = defaultdict(list)
    for one in sorted(busy, key=lambda each: (each.starts_at, each.ends_at)):
        found[one.resource_id].append((one, own.get(one.origin_id)))
    return found


def _ways(
    row: Any, tasks: Sequence[tuple[Any, Any]], hours: Sequence[tuple[datetime, datetime]]
) -> list[WorkerTaskPublic]:
    """Return what somebody is to do with the way to each, from where they set out or from what is before."""
    speed = rules.SPEEDS[row.vehicle]
    at: Place | None = None if row.latitude is None else Place(row.latitude, row.longitude)
    free_from: datetime | None = None
    made = []
    for one, own in tasks:
        spot = None if own is None else place_of(own)
        way = None if at is None or spot is None else travel_time(at, spot, speed)
        made.append(
            WorkerTaskPublic(
                starts_at=one.starts_at,
                ends_at=one.ends_at,
                order_id=None if own is None else own.id,
                way=way,
                is_late=free_from is not None and one.starts_at < free_from + (way or timedelta()),
                is_outside_hours=not any(since <= one.starts_at and one.ends_at <= until for since, until in hours),
            )
        )
        at, free_from = spot, one.ends_at if free_from is None else max(free_from, one.ends_at)
    return made

"""The SQL that locks series, and finds their days, pauses and orders."""

import uuid
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.problems import NotFound
from community.order_series.models import DAYS, PAUSES, SERIES, OrderDay, OrderPause, OrderSeries
from community.order_series.problems import SeriesEnded
from community.orders.models import ORDERS, Order

CHANNEL: Final = "community_order_series"
"""Wakes whoever plans."""

_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_RESIDENTS: Final = sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))
_INSTANT: Final = sa.DateTime(timezone=True)
_SERIES_ID: Final = sa.bindparam("series_id", type_=sa.Uuid)
_NOW: Final = sa.bindparam("moment", type_=_INSTANT)
_SOME: Final = (
    sa.select(OrderSeries)
    .where(col(OrderSeries.id) == sa.any_(_IDS))
    .order_by(col(OrderSeries.id))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_OF_RESIDENTS: Final = (
    sa.select(SERIES.c.id)
    .where(SERIES.c.resident_id == sa.any_(_RESIDENTS), SERIES.c.state == sa.literal("active", sa.Text))
    .order_by(SERIES.c.id)
)
_OPEN: Final = (
    sa.select(Order)
    .where(
        col(Order.series_id) == _SERIES_ID,
        col(Order.state).in_([sa.literal(state, sa.Text) for state in ("held", "placed", "assigned")]),
    )
    .order_by(col(Order.id))
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_FIRST_WORKER: Final = (
    sa.select(ORDERS.c.worker_id)
    .where(
        ORDERS.c.series_id == _SERIES_ID,
        ORDERS.c.state.in_([sa.literal(state, sa.Text) for state in ("finished", "closed")]),
    )
    .order_by(ORDERS.c.occurrence_at)
    .limit(sa.literal_column("1"))
)
_WAKE: Final = (
    sa.update(SERIES)
    .where(SERIES.c.state == sa.literal("active", sa.Text))
    .values(plan_at=_NOW, updated_at=_NOW, version=SERIES.c.version + 1)
)
_HEEDING: Final = (
    sa.select(SERIES.c.id)
    .where(
        SERIES.c.community_id == sa.any_(_IDS),
        SERIES.c.state == sa.literal("active", sa.Text),
        SERIES.c.holidays != sa.literal("ignore", sa.Text),
    )
    .order_by(SERIES.c.id)
)
_REOPEN: Final = (
    sa.update(SERIES)
    .where(SERIES.c.resident_id == sa.any_(_RESIDENTS), SERIES.c.end_reason == sa.literal("closed", sa.Text))
    .values(state="active", ended_at=None, end_reason=None, plan_at=_NOW, updated_at=_NOW, version=SERIES.c.version + 1)
)
_WAKE_RESIDENTS: Final = _WAKE.where(SERIES.c.resident_id == sa.any_(_RESIDENTS))


async def all_locked(session: AsyncSession, ids: Collection[uuid.UUID]) -> Sequence[OrderSeries]:
    """Return series, locked in one order."""
    return (await session.scalars(_SOME, {"ids": list(ids)})).all()


async def locked(session: AsyncSession, resident_id: uuid.UUID, series_id: uuid.UUID) -> OrderSeries:
    """Return a resident's series that goes on, locked; raises ``NotFound``, ``SeriesEnded``."""
    found = await all_locked(session, [series_id])
    if not found or found[0].resident_id != resident_id:
        raise NotFound
    if found[0].state != "active":
        raise SeriesEnded
    return found[0]


async def of_residents(session: AsyncSession, resident_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Return what goes on for residents."""
    return list(await session.scalars(_OF_RESIDENTS, {"resident_ids": list(resident_ids)}))


async def open_orders(session: AsyncSession, series_id: uuid.UUID) -> Sequence[Order]:
    """Return the orders of a series to which nobody has set out, locked."""
    return (await session.scalars(_OPEN, {"series_id": series_id})).all()


async def first_worker(session: AsyncSession, series_id: uuid.UUID) -> uuid.UUID | None:
    """Return who carried out the first order of a series that was."""
    found: uuid.UUID | None = await session.scalar(_FIRST_WORKER, {"series_id": series_id})
    return found


async def set_day(session: AsyncSession, series: OrderSeries, day: date, **values: Any) -> None:
    """Say what is different on a day; what is not named stays as it was said."""
    now = clock.now()
    row = OrderDay(series_id=series.id, resident_id=series.resident_id, day=day, **values)
    given = {column.name: getattr(row, column.name) for column in DAYS.c}
    added = insert(DAYS).values(given)
    changed = {name: added.excluded[name] for name in values}
    await session.execute(
        added.on_conflict_do_update(
            index_elements=["series_id", "day"],
            set_=changed | {"updated_at": now, "version": DAYS.c.version + 1},
        )
    )


async def clear_day(session: AsyncSession, series_id: uuid.UUID, day: date) -> bool:
    """Let a day be as the others; say whether it was not."""
    found = sa.delete(DAYS).where(DAYS.c.series_id == series_id, DAYS.c.day == day).returning(DAYS.c.id)
    return (await session.execute(found)).first() is not None


async def carry_days(session: AsyncSession, series_id: uuid.UUID, to_id: uuid.UUID, first: date) -> None:
    """Let the days that differ, from one on, be another series'."""
    await session.execute(
        sa.update(DAYS)
        .where(DAYS.c.series_id == series_id, DAYS.c.day >= first)
        .values(series_id=to_id, version=DAYS.c.version + 1)
    )


async def end_pauses(session: AsyncSession, series_id: uuid.UUID) -> None:
    """End what pauses a series: what has begun ends now, what is ahead is forgotten."""
    now = clock.now()
    ahead = PAUSES.c.since_at >= now
    await session.execute(sa.delete(PAUSES).where(PAUSES.c.series_id == series_id, ahead))
    await session.execute(
        sa.update(PAUSES)
        .where(PAUSES.c.series_id == series_id, sa.or_(PAUSES.c.until_at.is_(None), PAUSES.c.until_at > now))
        .values(until_at=now, updated_at=now, version=PAUSES.c.version + 1)
    )


async def carry_pauses(session: AsyncSession, series_id: uuid.UUID, to_id: uuid.UUID) -> None:
    """Let another series pause as one does that it goes on from."""
    of = sa.select(OrderPause).where(
        col(OrderPause.series_id) == series_id,
        sa.or_(col(OrderPause.until_at).is_(None), col(OrderPause.until_at) > clock.now()),
    )
    for row in (await session.scalars(of)).all():
        session.add(
            OrderPause(resident_id=row.resident_id, series_id=to_id, since_at=row.since_at, until_at=row.until_at)
        )
    await session.flush()


async def heeding(session: AsyncSession, community_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Return what heeds the holidays of communities."""
    return list(await session.scalars(_HEEDING, {"ids": list(community_ids)}))


async def reopen(session: AsyncSession, resident_ids: Collection[uuid.UUID]) -> None:
    """Let go on what ended because residents were closed."""
    await session.execute(_REOPEN, {"resident_ids": list(resident_ids), "moment": clock.now()})


async def wake_residents(session: AsyncSession, resident_ids: Collection[uuid.UUID]) -> None:
    """Have what goes on for residents gone through."""
    await session.execute(_WAKE_RESIDENTS, {"resident_ids": list(resident_ids), "moment": clock.now()})

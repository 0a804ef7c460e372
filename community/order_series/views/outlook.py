"""What is ahead of a series: its occurrences, the days that differ, pauses, and the orders there are."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.wall_time import zone
from app.identity.api import local_calendar
from community.order_series.models import DAYS, PAUSES
from community.order_series.rules import FURTHEST, Pause, Rhythm, Slot, slots
from community.orders.models import ORDERS

_INSTANT: Final = sa.DateTime(timezone=True)
_SERIES_ID: Final = sa.bindparam("series_id", type_=sa.Uuid)
_NOW: Final = sa.bindparam("moment", type_=_INSTANT)
_DAYS: Final = sa.select(DAYS).where(DAYS.c.series_id == _SERIES_ID, DAYS.c.day >= sa.bindparam("first", type_=sa.Date))
_PAUSES: Final = (
    sa.select(PAUSES)
    .where(
        PAUSES.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        sa.or_(PAUSES.c.series_id == _SERIES_ID, PAUSES.c.series_id.is_(None)),
        sa.or_(PAUSES.c.until_at.is_(None), PAUSES.c.until_at > _NOW),
    )
    .order_by(PAUSES.c.since_at, PAUSES.c.id)
)
# What a change of the series or an absence called off is as if it had never been.
_ORDERS: Final = (
    sa.select(*(ORDERS.c[name] for name in ("id", "state", "occurrence_at", "starts_at", "wanted_at")))
    .where(
        ORDERS.c.series_id == _SERIES_ID,
        ORDERS.c.occurrence_at >= sa.bindparam("since", type_=_INSTANT),
        sa.or_(
            ORDERS.c.cancel_reason.is_(None),
            ORDERS.c.cancel_reason.not_in([sa.literal(reason, sa.Text) for reason in ("series", "away")]),
        ),
    )
    .order_by(ORDERS.c.occurrence_at)
)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is ahead of a series, by the rule's days."""

    slots: list[Slot]
    days: dict[date, sa.Row[Any]]
    pauses: list[Pause]
    orders: dict[date, sa.Row[Any]]
    calendar: dict[date, bool]


async def outlook(connection: AsyncConnection, series: Any, until: datetime) -> Outlook:
    """Return what begins of a series from now on, without orders that went with a change of it or an absence."""
    now = clock.now()
    since = now - FURTHEST
    first = since.date() - timedelta(days=1)
    special = await local_calendar(connection, series.community_id, first, (until + FURTHEST).date())
    calendar = {one.day: one.is_workday for one in special}
    days = await _days_of(connection, series.id, first)
    wall = zone(series.time_zone)
    orders = await _orders_of(connection, series.id, since)
    paused = await pauses_of(connection, series.resident_id, series.id, now)
    ahead = _changed(slots(rhythm_of(series), since, until + FURTHEST, calendar), days)
    return Outlook(
        slots=[slot for slot in ahead if now < slot.starts_at < until],
        days=days,
        pauses=[Pause(one.since_at, one.until_at) for one in paused],
        orders={one.occurrence_at.astimezone(wall).date(): one for one in orders},
        calendar=calendar,
    )


def rhythm_of(series: Any) -> Rhythm:
    """Return when a series recurs."""
    return Rhythm(
        rrule=series.rrule,
        begins=series.begins,
        time_zone=series.time_zone,
        starts_on=series.starts_on,
        counts_from=series.counts_from,
        ends_on=series.ends_on,
        holidays=series.holidays,
    )


def _changed(planned: Iterable[Slot], days: dict[date, sa.Row[Any]]) -> list[Slot]:
    instead = {day: row.starts_at for day, row in days.items() if row.starts_at is not None}
    return [replace(slot, starts_at=instead.get(slot.day, slot.starts_at)) for slot in planned]


async def _days_of(connection: AsyncConnection, series_id: uuid.UUID, first: date) -> dict[date, sa.Row[Any]]:
    """Return the days of a series, from one on, that are not as the others."""
    rows = await connection.execute(_DAYS, {"series_id": series_id, "first": first})
    return {row.day: row for row in rows}


async def pauses_of(
    connection: AsyncConnection, resident_id: uuid.UUID, series_id: uuid.UUID, now: datetime
) -> list[sa.Row[Any]]:
    """Return the pauses of a series that are not over, with the resident's absences."""
    binds = {"resident_id": resident_id, "series_id": series_id, "moment": now}
    return list(await connection.execute(_PAUSES, binds))


async def _orders_of(connection: AsyncConnection, series_id: uuid.UUID, since: datetime) -> list[sa.Row[Any]]:
    """Return the orders of a series' occurrences from an instant on."""
    return list(await connection.execute(_ORDERS, {"series_id": series_id, "since": since}))

"""Once a day: sum up the day that is over, and learn anew what is usual in a home and of its devices."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.database import connection_of
from community.home_care.models import CARES, DAYS, SILENCES
from community.home_care.rules import days, mornings
from community.home_care.rules.settings import MORNING, Settings, morning_before
from community.home_care.views import movements
from community.home_devices.models import DEVICES, ENTITIES
from community.home_states.models import READINGS
from community.homes.models import HOMES

LEARN_AFTER: Final = timedelta(minutes=15)  # after the day began as a home sees it: until then its night goes on

_INSTANT: Final = sa.DateTime(timezone=True)
_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_CARES: Final = (
    sa.select(
        *(CARES.c[name] for name in ("id", "home_id", "resident_id", "community_id", "settings", "usual")),
        HOMES.c.time_zone,
        HOMES.c.state,
    )
    .join(HOMES, HOMES.c.id == CARES.c.home_id)
    .where(CARES.c.id == sa.any_(_IDS))
    .order_by(CARES.c.home_id)
)
_period = (
    sa.func.unnest(
        sa.bindparam("ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("sinces", type_=ARRAY(_INSTANT)),
        sa.bindparam("untils", type_=ARRAY(_INSTANT)),
    )
    .table_valued("home_id", "since", "until")
    .render_derived("period")
)
_UNHEARD: Final = (
    sa.select(_period.c.home_id)
    .distinct()
    .select_from(_period.join(SILENCES, SILENCES.c.home_id == _period.c.home_id))
    .where(SILENCES.c.since < _period.c.until, sa.func.coalesce(SILENCES.c.over_at, _period.c.until) > _period.c.since)
)
_KNOWN: Final = sa.select(
    *(DAYS.c[name] for name in ("home_id", "day", "first_at", "stays")),
).where(
    DAYS.c.home_id == sa.any_(_IDS), DAYS.c.day >= sa.bindparam("first", type_=sa.Date), sa.not_(DAYS.c.is_left_out)
)
_learned = (
    sa.func.unnest(
        sa.bindparam("ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("usuals", type_=ARRAY(JSONB)),
        sa.bindparam("nexts", type_=ARRAY(_INSTANT)),
    )
    .table_valued("id", sa.column("usual", JSONB), "next_at")
    .render_derived("learned")
)
_LEARNED: Final = (
    sa.update(CARES)
    .where(CARES.c.id == _learned.c.id)
    .values(usual=_learned.c.usual, learn_at=_learned.c.next_at, updated_at=sa.bindparam("at", type_=_INSTANT))
)


def _habits(of: str, percentile: float, fewest: int) -> Any:
    """Return SQL for how far messages of a home or device lay apart on a day: long, but not the longest."""
    owner = ENTITIES.c.home_id if of == "home" else ENTITIES.c.device_id
    gap = READINGS.c.at - sa.func.lag(READINGS.c.at).over(partition_by=owner, order_by=READINGS.c.at)
    gaps = (
        sa.select(owner.label("owner_id"), gap.label("gap"))
        .select_from(
            ENTITIES.join(
                READINGS,
                sa.and_(READINGS.c.resident_id == ENTITIES.c.resident_id, READINGS.c.entity_id == ENTITIES.c.id),
            )
        )
        .where(
            ENTITIES.c.home_id == sa.any_(_IDS),
            READINGS.c.id >= sa.bindparam("floor", type_=sa.Uuid),
            READINGS.c.id < sa.bindparam("ceiling", type_=sa.Uuid),
        )
        .subquery("gaps")
    )
    long = sa.func.percentile_cont(percentile).within_group(gaps.c.gap)
    return (
        sa.select(gaps.c.owner_id, long.label("long"))
        .where(gaps.c.gap > timedelta(0))
        .group_by(gaps.c.owner_id)
        .having(sa.func.count() >= fewest)
        .subquery("habit")
    )


def _learn_habit(table: sa.Table, habit: Any) -> sa.Update:
    # A habit is given up slowly: one lively day makes no silence of a quiet one.
    before = sa.func.coalesce(table.c.heard_every, sa.literal(timedelta(0), sa.Interval))
    slower = before.op("*", return_type=sa.Interval())(sa.literal(0.8, sa.Double))
    learned = sa.func.greatest(habit.c.long, slower)
    return sa.update(table).where(table.c.id == habit.c.owner_id).values(heard_every=learned)


_HABITS: Final = (
    _learn_habit(HOMES, _habits("home", 0.99, 100)),
    _learn_habit(DEVICES, _habits("device", 0.95, 5)),
)


async def learn(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Sum up the last day of homes, and learn what is usual there."""
    now = clock.now()
    rows = (await session.execute(_CARES, {"ids": list(ids)})).all()
    yesterdays = {row.home_id: _yesterday(row, now) for row in rows}
    active = [row for row in rows if row.state == "active"]
    await _sum_up(session, active, yesterdays)
    usual = await _usual(session, active, now)
    home_ids = [row.home_id for row in active]
    habits = {"ids": home_ids, "floor": clock.id_floor(now - timedelta(days=1)), "ceiling": clock.id_floor(now)}
    for statement in _HABITS:
        await session.execute(statement, habits)
    binds = {
        "ids": [row.id for row in rows],
        "usuals": [usual.get(row.home_id, row.usual) for row in rows],
        "nexts": [next_learning(now, ZoneInfo(row.time_zone)) for row in rows],
    }
    await session.execute(_LEARNED, binds | {"at": now})


def next_learning(now: datetime, zone: ZoneInfo) -> datetime:
    """Return when a home's day is summed up next: early on its morrow."""
    began = morning_before(now - LEARN_AFTER, zone).astimezone(zone)
    morrow = datetime.combine(began.date() + timedelta(days=1), MORNING, zone)
    return (morrow + LEARN_AFTER).astimezone(now.tzinfo)


def _yesterday(row: Any, now: datetime) -> date:
    return now.astimezone(ZoneInfo(row.time_zone)).date() - timedelta(days=1)


async def _sum_up(session: AsyncSession, rows: Sequence[Any], yesterdays: Mapping[uuid.UUID, date]) -> None:
    if not rows:
        return
    spans = {row.home_id: days.bounds(yesterdays[row.home_id], ZoneInfo(row.time_zone)) for row in rows}
    moved = await movements.of_homes(
        connection_of(session),
        {home_id: (since - timedelta(hours=12), until) for home_id, (since, until) in spans.items()},
    )
    binds = {
        "ids": list(spans),
        "sinces": [since for since, _ in spans.values()],
        "untils": [until for _, until in spans.values()],
    }
    unheard = set(await session.scalars(_UNHEARD, binds))
    made = [
        _day_row(row, yesterdays[row.home_id], moved.get(row.home_id, []), is_unheard=row.home_id in unheard)
        for row in rows
    ]
    await session.execute(insert(DAYS).values(made).on_conflict_do_nothing())


def _day_row(row: Any, day: date, moved: Sequence[movements.Moved], *, is_unheard: bool) -> dict[str, Any]:
    zone, settings, now = ZoneInfo(row.time_zone), Settings.of(row.settings), clock.now()
    since, until = days.bounds(day, zone)
    found = days.summed_up(moved, day, zone, settings)
    return {
        "id": clock.new_id(),
        "created_at": now,
        "updated_at": now,
        "version": 1,
        "home_id": row.home_id,
        "resident_id": row.resident_id,
        "community_id": row.community_id,
        "day": day,
        "ends_at": until,
        "rooms": found.rooms,
        "first_at": found.first_at,
        "last_at": found.last_at,
        "night_visits": found.night_visits,
        "stays": found.stays,
        "is_left_out": is_unheard or settings.is_away_between(since, until),
    }


async def _usual(session: AsyncSession, rows: Sequence[Any], now: datetime) -> dict[uuid.UUID, dict[str, Any]]:
    zones = {row.home_id: ZoneInfo(row.time_zone) for row in rows}
    firsts: dict[uuid.UUID, list[tuple[date, float]]] = defaultdict(list)
    stays: dict[uuid.UUID, list[list[int]]] = defaultdict(list)
    binds = {"ids": list(zones), "first": (now - timedelta(days=mornings.DAYS + 1)).date()}
    for known in await session.execute(_KNOWN, binds):
        stays[known.home_id].append(known.stays)
        if known.first_at is not None:
            firsts[known.home_id].append((known.day, mornings.minute_of(known.first_at, zones[known.home_id])))
    return {
        home_id: {"mornings": mornings.learn(firsts[home_id]).stored(), "stay": days.usual_stay(stays[home_id])}
        for home_id in zones
    }

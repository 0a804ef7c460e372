"""A day's doses: what everybody takes tomorrow becomes rows that fall due.

Ours: the planning job, from regimens whose horizon comes near to the doses of one more day. The limit: one SQL script
that a person wrote for just this (times of day in one zone, no rules, no meals), with the same effects on the same
rows. Its ids sort by time, as ours do: random ones would cost it the locality of its index.
"""

import asyncio
import time
from datetime import UTC, datetime

import sqlalchemy as sa

from app.core import clock, embedded
from app.core.clock import ManualClock
from app.core.database import reading
from benchmarks import place, population
from benchmarks.report import Comparison, Series, out, show
from eldercare.medication import jobs
from eldercare.medication.rules import PLANNING_INTERVAL

ROUNDS = 3
DOSES_A_DAY = 2

_REGIMEN, _VERSION = (population._ID.format(kind=kind) for kind in ("a", "b"))
_ACCOUNT, _RESIDENT = (population._ID.format(kind=kind) for kind in (1, 2))
_REGIMENS = (
    f"""
INSERT INTO eldercare_regimen (id, created_at, updated_at, version, community_id, resident_id, account_id, state,
    version_id, drug_index, planned_until, plan_at)
SELECT {_REGIMEN}, :now, :now, 1, '{population.COMMUNITY}', {_RESIDENT}, {_ACCOUNT}, 'active', {_VERSION}, '\\x00',
       date_trunc('hour', :now) + interval '1 day', :now FROM generate_series(1, :count) n""",
    f"""
INSERT INTO eldercare_regimen_version (id, regimen_id, resident_id, number, valid_from, created_by, drug, quantity,
    unit, timing, times, meals, meal_offset, weekdays, starts_on, dose_window, reminds, reminders, critical)
SELECT {_VERSION}, {_REGIMEN}, {_RESIDENT}, 1, :now, {_ACCOUNT}, 'sealed', 1, '{{tablet}}', 'times', '{{08:00,20:00}}',
       '{{}}', interval '0', '{{1,2,3,4,5,6,7}}', '2026-01-01', interval '2 hours', true,
       ARRAY[interval '15 minutes'], false FROM generate_series(1, :count) n""",
    "VACUUM ANALYZE",
)

_LIMIT = """
WITH due AS (
    SELECT r.id, r.planned_until FROM eldercare_regimen r WHERE r.plan_at <= :now FOR NO KEY UPDATE SKIP LOCKED
), planned AS (
    INSERT INTO eldercare_dose (id, created_at, updated_at, version, community_id, resident_id, account_id, regimen_id,
        version_id, kind, due_at, local_date, state, critical, reminds, quantity, unit, window_ends_at, remind_at,
        reminders_sent, reprieves, late, confirmed)
    SELECT uuidv7(), :now, :now, 1, r.community_id, r.resident_id, r.account_id, r.id, v.id, 'planned', due_at,
        CAST(day AS date), 'scheduled', v.critical, v.reminds, v.quantity, v.unit, due_at + v.dose_window, due_at,
        0, 0, false, false
    FROM due
    JOIN eldercare_regimen r ON r.id = due.id
    JOIN eldercare_regimen_version v ON v.id = r.version_id
    CROSS JOIN generate_series(date_trunc('day', due.planned_until AT TIME ZONE 'UTC'),
        (:now + interval '2 days') AT TIME ZONE 'UTC', interval '1 day') day
    CROSS JOIN unnest(v.times) wall
    CROSS JOIN LATERAL (SELECT (CAST(day AS date) + wall) AT TIME ZONE 'UTC' AS due_at) moment
    WHERE due_at >= due.planned_until AND due_at < date_trunc('hour', :now) + interval '2 days'
      AND CAST(extract(isodow FROM day) AS integer) = ANY (v.weekdays) AND CAST(day AS date) >= v.starts_on
    ON CONFLICT DO NOTHING
)
UPDATE eldercare_regimen r SET planned_until = date_trunc('hour', :now) + interval '2 days',
    plan_at = :now + interval '1 day', updated_at = :now
FROM due WHERE r.id = due.id
"""
_DONE = sa.text("""
    SELECT (SELECT count(*) FROM eldercare_dose), (SELECT count(DISTINCT due_at) FROM eldercare_dose),
           (SELECT count(*) FROM eldercare_regimen WHERE plan_at = :again)""").bindparams(
    sa.bindparam("again", type_=sa.DateTime(timezone=True))
)


async def _effects(url: str, now: datetime) -> tuple[int, ...]:
    async with place.hearthline(url), reading() as connection:
        again = now + PLANNING_INTERVAL
        return tuple((await connection.execute(_DONE, {"again": again})).one())


async def _ours(url: str, residents: int, now: datetime) -> tuple[float, float]:
    """Return residents per second and the MiB the process's memory rose by."""
    previous = clock.install(ManualClock(now))  # both plan the same hours, however long the rounds take
    try:
        async with place.hearthline(url):
            before = place.peak_memory()
            started = time.perf_counter()
            handled = await jobs.plan()
            seconds = time.perf_counter() - started
    finally:
        clock.install(previous)
    if handled != residents:
        raise AssertionError(f"planned {handled} of {residents}")
    return residents / seconds, place.peak_memory() - before


async def _limit(url: str, residents: int, now: datetime) -> float:
    started = time.perf_counter()
    await place.execute(url, _LIMIT, now=now)
    return residents / (time.perf_counter() - started)


def run(server: embedded.EmbeddedServer, residents: int = 100_000) -> None:
    """Measure and print."""
    template, now = "doses_template", datetime.now(UTC)
    prepared = (*population.PEOPLE, *_REGIMENS)
    asyncio.run(place.execute(place.migrated(server, template), *prepared, now=now, count=residents))
    ours, limit = Series("Hearthline", "residents/s"), Series("one SQL script", "residents/s")
    growth: list[float] = []
    for number in range(ROUNDS):
        url = place.cloned(server, "doses_ours", template)
        rate, grown = asyncio.run(_ours(url, residents, now))
        ours.add(rate)
        growth.append(grown)
        other = place.cloned(server, "doses_limit", template)
        limit.add(asyncio.run(_limit(other, residents, now)))
        if number == 0:
            mine, theirs = asyncio.run(_effects(url, now)), asyncio.run(_effects(other, now))
            if mine != theirs or mine != (residents * DOSES_A_DAY, DOSES_A_DAY, residents):
                raise AssertionError(f"the two do not do the same: {mine} and {theirs}")
    show(
        f"A day's doses: {DOSES_A_DAY} for each of {residents:,} residents",
        [Comparison("plan", ours, limit, 0.5)],
    )
    out.print(f"memory grew by {max(growth):.0f} MiB while {residents * DOSES_A_DAY:,} doses were planned\n")
    for name in ("doses_ours", "doses_limit", template):
        server.drop_database(name)

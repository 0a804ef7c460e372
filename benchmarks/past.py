"""Vital signs with a long past: what judging, recording and reading the present cost, by how many readings lie behind.

Everything that is asked about the present is answered from rows of the present and from the latest readings of a code:
the cost is to stay the same, however long the past is. People measure twice a day: ten million readings are those of
2,000 people over seven years, ten thousand those of 200 over 25 days. Needs 4 GB of disk while it runs.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from app.core import clock, embedded, partitions
from app.core.database import reading, unit_of_work
from app.core.paging import PageRequest
from app.policies.journeys.timeline.access import require_reader
from app.policies.journeys.timeline.rules.kinds import KINDS
from app.policies.journeys.timeline.schemas import Wanted
from app.policies.journeys.timeline.views import timeline
from benchmarks import place, population
from benchmarks.report import Comparison, Series, show
from benchmarks.vitals import actor, subject
from eldercare.vitals import repository
from eldercare.vitals.rules.codes import HEART_RATE
from eldercare.vitals.schemas import ReadingQuery
from eldercare.vitals.service import alerts, readings
from eldercare.vitals.views import readings as views

ROUNDS = 7
RESIDENTS = 200  # that are asked about
FEW = 10_000
MOST_EACH = 5_000
CALLS = 100  # per round

# ``:each`` readings of each of ``:count`` residents, one every twelve hours before now.
_HISTORY = f"""
INSERT INTO eldercare_vital_reading (id, resident_id, code, value, measured_at, received_at, source_kind, source_id,
    status)
SELECT CAST(lpad(to_hex(CAST(floor(extract(epoch FROM at) * 1000) AS bigint)), 12, '0') || '70008000'
           || lpad(to_hex(n), 12, '0') AS uuid),
       CAST('00000002-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid), '{HEART_RATE}', 60 + number % 40, at, at,
       'device', CAST('00000001-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid), 'final'
FROM generate_series(1, :each) number, generate_series(1, :count) n,
     LATERAL (SELECT :now - (number * interval '12 hours') AS at) measured"""
_STANDINGS = f"""
INSERT INTO eldercare_vital_standing (resident_id, code, reading_id, value, measured_at, received_at, side)
SELECT DISTINCT ON (resident_id) resident_id, code, id, value, measured_at, received_at, 'inside'
FROM eldercare_vital_reading WHERE id >= CAST(:floor AS uuid) AND code = '{HEART_RATE}'
ORDER BY resident_id, id DESC"""
_THRESHOLDS = f"""
INSERT INTO eldercare_vital_threshold (id, created_at, updated_at, version, community_id, resident_id, code, number,
    low, high, hysteresis, needed, looked_at, fresh_for, severity, set_by, set_at)
SELECT CAST('00000010-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid), :now, :now, 1,
       '{population.COMMUNITY}', CAST('00000002-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid), '{HEART_RATE}',
       1, 40, 140, 5, 3, 5, interval '31 days', 2, '{population.identifier(1, 1)}', :now
FROM generate_series(1, :count) n"""
_CLINIC = population.identifier(8, 2)
_CLINICIAN = population.identifier(1, 1)
# Somebody is responsible, or nothing would be judged.
_RESPONSIBLE = (
    f"""
INSERT INTO identity_organization (id, created_at, updated_at, version, community_id, kind, name,
    requires_second_factor)
VALUES ('{_CLINIC}', :now, :now, 1, '{population.COMMUNITY}', 'clinic', 'Clinic', false)""",
    f"""
INSERT INTO identity_membership (id, created_at, updated_at, version, account_id, organization_id, role)
VALUES ('{population.identifier(9, 2)}', :now, :now, 1, '{_CLINICIAN}', '{_CLINIC}', 'clinician')""",
    f"""
INSERT INTO eldercare_responsible_clinician (id, created_at, updated_at, version, community_id, account_id,
    organization_id, named_by, named_at)
VALUES ('{population.identifier(9, 3)}', :now, :now, 1, '{population.COMMUNITY}', '{_CLINICIAN}', '{_CLINIC}',
        '{_CLINICIAN}', :now)""",
)


async def _milliseconds(call: Callable[[int], Awaitable[object]]) -> list[float]:
    """Return what a call took in the middle, round by round; it is given another resident each time."""
    found = []
    for number in range(ROUNDS):
        started = time.perf_counter()
        for count in range(CALLS):
            await call(1 + (number * CALLS + count) % RESIDENTS)
        found.append((time.perf_counter() - started) / CALLS * 1000)
    return found


async def _present(url: str) -> dict[str, list[float]]:
    """Return what questions about the present cost, in milliseconds."""

    async def one(resident: int) -> None:
        at = clock.now().isoformat()
        batch = [{"code": HEART_RATE, "unit": "/min", "value": 71.0, "measured_at": at}]
        async with unit_of_work() as session:
            await readings.take(session, actor(resident), subject(resident), "atomic", batch)

    async def judged(resident: int) -> None:
        async with unit_of_work() as session:
            (found,) = await repository.watched(session, subject(resident).resident_id, [HEART_RATE])
            if len(found.values) != 5:
                raise AssertionError(f"{len(found.values)} readings looked at")
            await alerts.judge_readings(session, found.resident_id, population.COMMUNITY, [HEART_RATE])

    async def latest(resident: int) -> None:
        async with reading() as connection:
            await views.latest(connection, actor(resident), subject(resident))

    async def listed(resident: int) -> None:
        page = PageRequest(20, None)
        async with reading() as connection:
            await views.list_readings(connection, actor(resident), subject(resident), page, ReadingQuery())

    async def of_one(resident: int) -> None:
        page, query = PageRequest(20, None), ReadingQuery(signs=[HEART_RATE])
        async with reading() as connection:
            await views.list_readings(connection, actor(resident), subject(resident), page, query)

    async def told(resident: int) -> None:
        async with reading() as connection:
            reader = await require_reader(connection, actor(resident), subject(resident).resident_id)
            page = await timeline.list_items(connection, reader, PageRequest(20, None), Wanted(kinds=KINDS))
            if len(page.items) != 20:
                raise AssertionError(f"{len(page.items)} items")

    calls = {
        "a page of the timeline": told,
        "record one reading that has limits": one,
        "judge a threshold": judged,
        "the latest of each code": latest,
        "list 20 of all codes": listed,
        "list 20 of one code": of_one,
    }
    async with place.hearthline(url, plans="auto"):
        for call in calls.values():
            await call(1)  # connections opened, statements prepared
        return {name: await _milliseconds(call) for name, call in calls.items()}


async def _make_months(url: str, since: datetime) -> None:
    first = partitions.month_of(since)
    months = (datetime.now(UTC).year - first.year) * 12 + datetime.now(UTC).month - first.month + 1
    async with place.hearthline(url), unit_of_work() as session:
        connection = await session.connection()
        await connection.run_sync(partitions.create_partitions, "eldercare_vital_reading", first, months)


def run(server: embedded.EmbeddedServer, size: int = 10_000_000) -> None:
    """Measure and print; ``size`` is how many readings the long past has."""
    found: dict[int, dict[str, list[float]]] = {}
    for readings_behind in (FEW, size):
        url = place.migrated(server, "past")
        now = datetime.now(UTC)
        prepared = (
            *population.ACCOUNTS,
            _HISTORY,
            _STANDINGS,
            _THRESHOLDS,
            *_RESPONSIBLE,
            "VACUUM ANALYZE",
        )
        residents = max(RESIDENTS, readings_behind // MOST_EACH)
        each = readings_behind // residents
        floor = clock.id_floor(now - timedelta(days=7))
        asyncio.run(_make_months(url, now - each * timedelta(hours=12)))
        asyncio.run(place.execute(url, *prepared, now=now, count=residents, each=each, floor=floor))
        found[readings_behind] = asyncio.run(_present(url))
        server.drop_database("past")
    show(
        f"Vital signs: {size:,} readings behind, against {FEW:,}",
        [
            Comparison(
                name, Series(f"{size:,}", "ms", found[size][name]), Series(f"{FEW:,}", "ms", few), 2, at_most=True
            )
            for name, few in found[FEW].items()
        ],
    )

"""Vital signs: recording in bulk against a bare asyncpg loop, and what the present costs with a long past behind it.

Ours starts from the readings as a request's body holds them: each is checked, converted, identified and stored once,
the latest of each code moves on, limits are looked for, and the batch is put on record. The limit has its columns in
memory, inserts them into the same table with one ``unnest`` per batch, and knows of nothing else.

Needs 4 GB of disk while it runs, with the usual ten million readings.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from app.core import clock, embedded
from app.core.access import Actor
from app.core.database import reading, unit_of_work
from app.core.paging import PageRequest
from app.identity.api import ResidentSubject
from benchmarks import place, population
from benchmarks.report import Comparison, Series, show
from eldercare.vitals import repository
from eldercare.vitals.rules.codes import HEART_RATE, SIGNS
from eldercare.vitals.service import readings
from eldercare.vitals.views import readings as views

ROUNDS = 7
BATCH = 1_000
BATCHES = 40  # per round
RESIDENTS = 200  # each with fifty readings at least: two pages of a list
FEW = 10_000
CALLS = 100  # per round
DAYS = 50

_BARE = """
INSERT INTO eldercare_vital_reading
    (id, resident_id, code, value, measured_at, received_at, source_kind, source_id, device, status)
SELECT id, $1, code, value, measured_at, $2, 'device', $3, device, 'final'
FROM unnest($4::uuid[], $5::text[], $6::float8[], $7::timestamptz[], $8::text[])
    AS given (id, code, value, measured_at, device)"""

# ``:each`` readings of every resident, spread evenly over the days before now.
_HISTORY = f"""
INSERT INTO eldercare_vital_reading (id, resident_id, code, value, measured_at, received_at, source_kind, source_id,
    status)
SELECT CAST(lpad(to_hex(CAST(floor(extract(epoch FROM at) * 1000) AS bigint)), 12, '0') || '70008000'
           || lpad(to_hex(n), 12, '0') AS uuid),
       CAST('00000002-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid), '{HEART_RATE}', 60 + number % 40, at, at,
       'device', CAST('00000001-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid), 'final'
FROM generate_series(1, :each) number, generate_series(1, {RESIDENTS}) n,
     LATERAL (SELECT :now - (number * interval '{DAYS} days' / :each) AS at) measured"""
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
FROM generate_series(1, {RESIDENTS}) n"""
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

Given = list[dict[str, Any]]


def _subject(number: int) -> ResidentSubject:
    return ResidentSubject(
        population.identifier(2, number),
        population.COMMUNITY,
        population.identifier(1, number),
        "UTC",
        "active",
        "self",
    )


def _actor(number: int) -> Actor:
    return Actor(
        "account", population.identifier(1, number), population.COMMUNITY, resident_id=_subject(number).resident_id
    )


def _given(first: datetime) -> Given:
    """Return a batch as a wearable's app sends it: heart rate, saturation, temperature, blood pressure in turn."""
    kinds = [
        (HEART_RATE, "/min", 70.0),
        ("2708-6", "%", 97.0),
        ("8310-5", "[degF]", 98.6),
        ("8480-6", "mm[Hg]", 125.0),
        ("8462-4", "mm[Hg]", 80.0),
    ]
    batch = []
    for number in range(BATCH):
        code, unit, value = kinds[number % len(kinds)]
        at = first + timedelta(seconds=number)
        batch.append(
            {"code": code, "unit": unit, "value": value, "measured_at": at.isoformat(), "device": f"watch-{number % 3}"}
        )
    return batch


async def _take(first: datetime) -> float:
    """Record a batch for each of the first residents, as the route does; return the readings per second."""
    spent = 0.0
    for resident in range(1, BATCHES + 1):
        batch = _given(first)  # made when it is needed, as a request's body is
        started = time.perf_counter()
        async with unit_of_work() as session:
            taken = await readings.take(session, _actor(resident), _subject(resident), "atomic", batch)
        spent += time.perf_counter() - started
        if taken.stored != BATCH:
            raise AssertionError(f"{taken.stored} of {BATCH} stored")
    return BATCHES * BATCH / spent


async def _insert(connection: asyncpg.Connection, first: datetime) -> float:
    """Insert as many batches, for residents after those, that are columns already; return the readings per second."""
    spent = 0.0
    for resident in range(BATCHES + 1, 2 * BATCHES + 1):
        columns = _columns(_given(first))
        started = time.perf_counter()
        await connection.execute(
            _BARE,
            population.identifier(2, resident),
            datetime.now(UTC),
            population.identifier(1, resident),
            *columns,
        )
        spent += time.perf_counter() - started
    return BATCHES * BATCH / spent


def _columns(batch: Given) -> list[list[Any]]:
    instants = [datetime.fromisoformat(one["measured_at"]) for one in batch]
    return [
        [clock.id_of(at, uuid.uuid4().int) for at in instants],
        [one["code"] for one in batch],
        [one["value"] for one in batch],
        instants,
        [one["device"] for one in batch],
    ]


async def _recording(url: str) -> Comparison:
    ours, bare = Series("Hearthline", "readings/s"), Series("bare asyncpg, unnest", "readings/s")
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn)
    begin = datetime.now(UTC) - timedelta(days=5)
    try:
        async with place.hearthline(url, plans="auto"):
            for number in range(ROUNDS + 1):
                # Ours and theirs alternate over the same time, for residents of their own.
                first = begin + timedelta(hours=number)
                rates = (await _take(first), await _insert(connection, first))
                if number:  # the first round warms up
                    ours.add(rates[0])
                    bare.add(rates[1])
    finally:
        await connection.close()
    return Comparison(f"record {BATCH:,} at a time", ours, bare, 0.6)


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
            await readings.take(session, _actor(resident), _subject(resident), "atomic", batch)

    async def judged(resident: int) -> None:
        async with unit_of_work() as session:
            (found,) = await repository.watched(session, _subject(resident).resident_id, [HEART_RATE])
        if len(found.values) != 5:
            raise AssertionError(f"{len(found.values)} readings looked at")

    async def latest(resident: int) -> None:
        async with reading() as connection:
            await views.latest(connection, _actor(resident), _subject(resident))

    async def listed(resident: int) -> None:
        page = PageRequest(20, None)
        async with reading() as connection:
            await views.list_readings(
                connection, _actor(resident), _subject(resident), page, sign=None, first=None, end=None
            )

    async def of_one(resident: int) -> None:
        page = PageRequest(20, None)
        sign = SIGNS[HEART_RATE]
        async with reading() as connection:
            await views.list_readings(
                connection, _actor(resident), _subject(resident), page, sign=sign, first=None, end=None
            )

    calls = {
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


def run(server: embedded.EmbeddedServer, size: int = 10_000_000) -> None:
    """Measure and print; ``size`` is how many readings the long past has."""
    url = place.migrated(server, "vitals")
    now = datetime.now(UTC)
    asyncio.run(place.execute(url, *population.ACCOUNTS, now=now, count=RESIDENTS))
    recording = asyncio.run(_recording(url))
    server.drop_database("vitals")
    found: dict[int, dict[str, list[float]]] = {}
    for readings_behind in (FEW, size):
        url = place.migrated(server, "vitals")
        now = datetime.now(UTC)
        prepared = (
            *population.ACCOUNTS,
            _HISTORY,
            _STANDINGS,
            _THRESHOLDS,
            *_RESPONSIBLE,
            "VACUUM ANALYZE",
        )
        floor = clock.id_floor(now - timedelta(days=DAYS + 1))
        each = max(1, readings_behind // RESIDENTS)
        asyncio.run(place.execute(url, *prepared, now=now, count=RESIDENTS, each=each, floor=floor))
        found[readings_behind] = asyncio.run(_present(url))
        server.drop_database("vitals")
    show(
        f"Vital signs: {size:,} readings behind, against {FEW:,}",
        [
            recording,
            *(
                Comparison(
                    name, Series(f"{size:,}", "ms", found[size][name]), Series(f"{FEW:,}", "ms", few), 2, at_most=True
                )
                for name, few in found[FEW].items()
            ),
        ],
    )

"""Vital signs: recording in bulk against a bare asyncpg loop.

Ours starts from the readings as a request's body holds them: each is checked, converted, identified and stored once,
the latest of each code moves on, limits are looked for, and the batch is put on record. The limit has its columns in
memory, inserts them into the same table with one ``unnest`` per batch, and knows of nothing else.
"""

import asyncio
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from app.core import clock, embedded
from app.core.access import Actor
from app.core.database import unit_of_work
from app.identity.api import ResidentSubject
from benchmarks import place, population
from benchmarks.report import Comparison, Series, show
from eldercare.vitals.rules.codes import HEART_RATE
from eldercare.vitals.service import readings

ROUNDS = 7
BATCH = 1_000
BATCHES = 40  # per round

_BARE = """
INSERT INTO eldercare_vital_reading
    (id, resident_id, code, value, measured_at, received_at, source_kind, source_id, device, status)
SELECT id, $1, code, value, measured_at, $2, 'device', $3, device, 'final'
FROM unnest($4::uuid[], $5::text[], $6::float8[], $7::timestamptz[], $8::text[])
    AS given (id, code, value, measured_at, device)"""

Given = list[dict[str, Any]]


def subject(number: int) -> ResidentSubject:
    return ResidentSubject(
        population.identifier(2, number),
        population.COMMUNITY,
        population.identifier(1, number),
        "UTC",
        "active",
        "self",
    )


def actor(number: int) -> Actor:
    return Actor(
        "account", population.identifier(1, number), population.COMMUNITY, resident_id=subject(number).resident_id
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
            taken = await readings.take(session, actor(resident), subject(resident), "atomic", batch)
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


async def _recording(url: str, rounds: int) -> Comparison:
    ours, bare = Series("Hearthline", "readings/s"), Series("bare asyncpg, unnest", "readings/s")
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn)
    begin = datetime.now(UTC) - timedelta(days=5)
    try:
        async with place.hearthline(url, plans="auto"):
            for number in range(rounds + 1):
                # Ours and theirs alternate over the same time, for residents of their own.
                first = begin + timedelta(hours=number)
                rates = (await _take(first), await _insert(connection, first))
                if number:
                    ours.add(rates[0])
                    bare.add(rates[1])
                else:
                    # The first round warms up; what was planned for an empty table is not kept, as autovacuum sees to.
                    await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    return Comparison(f"record {BATCH:,} at a time", ours, bare, 0.6)


def run(server: embedded.EmbeddedServer, rounds: int = ROUNDS) -> None:
    """Measure and print."""
    url = place.migrated(server, "vitals")
    now = datetime.now(UTC)
    asyncio.run(place.execute(url, *population.ACCOUNTS, now=now, count=2 * BATCHES))
    recording = asyncio.run(_recording(url, rounds))
    server.drop_database("vitals")
    show("Vital signs: recording in bulk", [recording])

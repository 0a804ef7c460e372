"""Care rules over many homes: a look at each of 10,000, against a bare read of the same rows.

A home has 20 entities, five devices, and 28 days behind it from which its mornings were learned. A look finds out
whether the home is heard, whether its devices are, whether its morning is as usual, and what has ended; one in a
hundred has a morning that is too quiet. The limit reads the rows of that in three statements, decides nothing, and
writes nothing. All are to be looked at in less than a minute.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import asyncpg
import orjson
from sqlalchemy.engine import make_url

from app.core import clock, embedded
from benchmarks import home_states, place, population
from benchmarks.report import Comparison, Series, show
from community.home_care import jobs
from community.home_care.rules.mornings import learn
from community.home_care.views import looking

ROUNDS = 5
HOMES = 10_000
EACH = 20
BATCH = 500
NOW = datetime(2026, 4, 20, 9, 30, tzinfo=UTC)

_HEARD = "UPDATE community_home SET last_seen_at = :now, heard_every = interval '3 minutes'"
_DEVICES_HEARD = "UPDATE community_home_device SET last_seen_at = :now, heard_every = interval '1 hour'"
_LISTENING = """
INSERT INTO community_home_listening (id, created_at, updated_at, version, gateway, since, until)
VALUES ('0000000d-0000-7000-8000-000000000001', :now, :now, 1, 'one', :since, :until)"""
_LEARNED = """
UPDATE community_home_care SET usual = CAST(:usual AS jsonb), created_at = :since, evaluate_at = :now,
    learn_at = :until, moved_at = CASE WHEN random() < 0.01 THEN NULL ELSE CAST(:now AS timestamptz) END"""
_AGAIN = "UPDATE community_home_care SET evaluate_at = :now"


async def _measure(url: str, homes: int, rounds: int) -> Comparison:
    ours, bare = Series("Hearthline", "homes/s"), Series("SQL alone", "homes/s")
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn)
    previous = clock.install(clock.ManualClock(NOW))
    try:
        async with place.hearthline(url, plans="auto"):
            while await jobs.adopt():
                pass
            usual = learn([((NOW - timedelta(days=day)).date(), 460.0) for day in range(28)]).stored()
            binds = {"usual": orjson.dumps(usual).decode(), "since": NOW - timedelta(days=60)}
            await place.execute(url, _LEARNED, now=NOW, until=NOW + timedelta(days=1), **binds)
            await connection.execute("VACUUM ANALYZE")
            for number in range(rounds + 1):
                await place.execute(url, _AGAIN, now=NOW)
                rates = (await _look(homes), await _read(connection, homes))
                if number:  # the first finds the quiet mornings and warms everything up
                    ours.add(rates[0])
                    bare.add(rates[1])
    finally:
        clock.install(previous)
        await connection.close()
    return Comparison(f"{homes:,} homes looked at", ours, bare, 0.1)


async def _look(homes: int) -> float:
    started = time.perf_counter()
    count = await jobs.evaluate()
    took = time.perf_counter() - started
    if count != homes:
        raise AssertionError(f"{count} of {homes} looked at")
    return homes / took


async def _read(connection: asyncpg.Connection, homes: int) -> float:
    """Read what a look reads, batch by batch; return the homes per second."""
    rows = await connection.fetch("SELECT id, home_id FROM community_home_care ORDER BY evaluate_at")
    started = time.perf_counter()
    for first in range(0, homes, BATCH):
        batch = rows[first : first + BATCH]
        ids = {"ids": [row["id"] for row in batch], "heard_before": NOW - timedelta(hours=2)}
        home_ids = ids | {"ids": [row["home_id"] for row in batch]}
        for statement, binds in (
            (looking._SNAPSHOTS, ids),
            (looking._INCIDENTS, home_ids),
            (looking._DEVICES, home_ids),
        ):
            await connection.fetch(statement.sql, *statement.values(binds))
    return homes / (time.perf_counter() - started)


def run(server: embedded.EmbeddedServer, homes: int = HOMES, rounds: int = ROUNDS) -> None:
    """Measure and print."""
    url = place.migrated(server, "home_care")
    asyncio.run(place.execute(url, *population.ACCOUNTS, now=NOW, count=homes))
    made = (home_states._HOMES, home_states._DEVICES, home_states._ENTITIES)
    asyncio.run(place.execute(url, *made, now=NOW, homes=homes, each=EACH))
    since, until = NOW - timedelta(days=3), NOW
    asyncio.run(place.execute(url, _HEARD, _DEVICES_HEARD, _LISTENING, now=NOW, since=since, until=until))
    comparison = asyncio.run(_measure(url, homes, rounds))
    server.drop_database("home_care")
    show("Care rules over many homes, one process", [comparison])

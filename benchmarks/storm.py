"""The morning storm: everybody's check-in falls due in the same minute.

Ours: the prompt job, from due rows to prompted rows with their deliveries queued. The limit: one SQL script that a
person wrote for just this, with the same effects on the same rows. The peer: procrastinate, a job queue on the same
PostgreSQL, deferring and finishing one (empty) job per resident.
"""

import asyncio
import time
from datetime import UTC, datetime

import procrastinate
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from app.core import embedded
from app.core.database import reading
from benchmarks import place, population
from benchmarks.report import Comparison, Series, out, show
from eldercare.check_ins import jobs

ROUNDS = 3
PEER_JOBS = 2_000

_LIMIT = """
WITH due AS (
    SELECT c.id, c.due_at, s.answer_window FROM eldercare_check_in c
    JOIN eldercare_check_in_schedule s ON s.id = c.schedule_id
    WHERE c.next_prompt_at <= :now FOR UPDATE OF c SKIP LOCKED
), prompted AS (
    UPDATE eldercare_check_in c SET state = 'prompted', next_prompt_at = NULL, prompted_at = :now,
        settle_by = :now + interval '10 minutes', updated_at = :now, version = version + 1
    FROM due WHERE c.id = due.id
    RETURNING c.id, c.account_id, c.community_id, c.resident_id, c.due_at, c.reply_code, c.settle_by
), keys AS (
    INSERT INTO notifications_dedupe (account_id, dedupe_key, notice_id, expires_at)
    SELECT account_id, 'check_in-' || id || '-prompt-1', gen_random_uuid(), :now + interval '92 days' FROM prompted
    ON CONFLICT DO NOTHING RETURNING account_id, dedupe_key, notice_id
), told AS (
    SELECT p.*, k.notice_id, k.dedupe_key FROM prompted p
    JOIN keys k ON k.account_id = p.account_id AND k.dedupe_key = 'check_in-' || p.id || '-prompt-1'
), inbox AS (
    INSERT INTO notifications_inbox_item (id, community_id, account_id, about, notice_key, category, urgency, variables,
        data, sent_at, expires_at)
    SELECT notice_id, community_id, account_id, resident_id, 'eldercare.check_in_prompt', 'check_ins', 'high',
        jsonb_build_object('due_at', due_at, 'code', reply_code),
        jsonb_build_object('check_in_id', id, 'due_at', due_at, 'late_by_seconds', '0'), :now,
        :now + interval '92 days' FROM told
)
INSERT INTO notifications_delivery (id, notice_id, community_id, account_id, about, notice_key, category, urgency, lane,
    channel, fallbacks, state, send_at, expires_at, attempts, fence, origin_kind, origin_id, dedupe_key, collapse_key,
    variables, data)
SELECT gen_random_uuid(), notice_id, community_id, account_id, resident_id, 'eldercare.check_in_prompt', 'check_ins',
    'high', 1, 'push', '{sms}', 'queued', :now, settle_by, 0, 0, 'eldercare.check_in_prompt', id, dedupe_key,
    'check_in-' || id, jsonb_build_object('due_at', due_at, 'code', reply_code),
    jsonb_build_object('check_in_id', id, 'due_at', due_at, 'late_by_seconds', '0') FROM told
"""
_TABLES = (
    "eldercare_check_in WHERE state = 'prompted'",
    "notifications_dedupe",
    "notifications_inbox_item",
    "notifications_delivery",
)


async def _effects(url: str) -> list[int]:
    async with place.hearthline(url):
        return [await _count(table) for table in _TABLES]


async def _count(table: str) -> int:
    async with reading() as connection:
        return int(await connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0)


async def _ours(url: str, residents: int) -> tuple[float, float]:
    """Return residents per second and the MiB the process's memory rose by."""
    async with place.hearthline(url):
        before = place.peak_memory()
        started = time.perf_counter()
        handled = await jobs.prompt()
        seconds = time.perf_counter() - started
    if handled != residents:
        raise AssertionError(f"prompted {handled} of {residents}")
    return residents / seconds, place.peak_memory() - before


async def _limit(url: str, residents: int) -> float:
    started = time.perf_counter()
    await place.execute(url, _LIMIT, now=datetime.now(UTC))
    return residents / (time.perf_counter() - started)


async def _peer(url: str) -> float:
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    queue = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn))

    @queue.task(name="prompt")
    async def prompt(number: int) -> None:
        """Do nothing: the queue itself is measured."""

    async with queue.open_async():
        await queue.schema_manager.apply_schema_async()
        started = time.perf_counter()
        for number in range(PEER_JOBS):
            await prompt.defer_async(number=number)
        await queue.run_worker_async(wait=False, concurrency=8, install_signal_handlers=False, listen_notify=False)
        return PEER_JOBS / (time.perf_counter() - started)


def run(server: embedded.EmbeddedServer, residents: int = 100_000) -> None:
    """Measure and print."""
    template = "storm_template"
    asyncio.run(
        place.execute(place.migrated(server, template), *population.DUE, now=datetime.now(UTC), count=residents)
    )
    ours, limit = Series("Hearthline", "residents/s"), Series("one SQL script", "residents/s")
    peer = Series("procrastinate", "jobs/s")
    growth: list[float] = []
    for number in range(ROUNDS):
        url = place.cloned(server, "storm_ours", template)
        rate, grown = asyncio.run(_ours(url, residents))
        ours.add(rate)
        growth.append(grown)
        other = place.cloned(server, "storm_limit", template)
        limit.add(asyncio.run(_limit(other, residents)))
        server.drop_database("storm_peer")
        server.create_database("storm_peer")
        peer.add(asyncio.run(_peer(server.url("storm_peer"))))
        if number == 0:
            mine, theirs = asyncio.run(_effects(url)), asyncio.run(_effects(other))
            if mine != theirs or mine != [residents] * len(_TABLES):
                raise AssertionError(f"the two do not do the same: {mine} and {theirs}")
    show(
        f"Morning storm: {residents:,} residents due in the same minute",
        [Comparison("prompt", ours, limit, 0.5), Comparison("prompt", ours, peer, 50)],
    )
    out.print(f"memory grew by {max(growth):.0f} MiB while {residents:,} residents were prompted\n")
    for name in ("storm_ours", "storm_limit", "storm_peer", template):
        server.drop_database(name)

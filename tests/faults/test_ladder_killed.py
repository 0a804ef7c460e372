"""Alarms climb their ladders while the worker is killed: every step is told, none twice, none is left out."""

import asyncio
import random
import secrets
from collections import Counter

import asyncpg

from tests.factories import eldercare_alarms as alarms
from tests.faults.processes import House, Process, looking, until

ALARMS = 12
CLIMBS = 5
LEASE_SECONDS = 2
LADDER = [(1, 1), (1, 2), (1, 3), (2, 3), (3, 3)]
"""(round, step): two of the circle, the desk, and the desk again and again."""

_CLIMBED = "SELECT NOT EXISTS (SELECT FROM eldercare_alarm WHERE next_step_at <= clock_timestamp())"
# Waiting is what the worker's clock is for; the deadlines come to it instead.
_TIME_PASSES = "UPDATE eldercare_alarm SET next_step_at = clock_timestamp()"
_LEFT = """
SELECT (SELECT count(*) FROM eldercare_alarm WHERE next_step_at <= clock_timestamp()),
       (SELECT count(*) FROM notifications_delivery WHERE send_at IS NOT NULL),
       (SELECT count(*) FROM core_event_consumption)"""
_CLIMBING = """
SELECT EXISTS (SELECT FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
                 AND query ~ 'eldercare_(alarm|circle|escalation)')"""
_QUIET = """
SELECT NOT EXISTS (SELECT FROM notifications_delivery WHERE send_at IS NOT NULL)
   AND NOT EXISTS (SELECT FROM core_event_consumption)"""


async def _kill_amid(look: asyncpg.Connection, worker: Process, chance: random.Random) -> tuple[int, ...]:
    """Kill ``worker`` inside a climb, or while notices leave and are learned of; return what it left to be done."""
    left: list[tuple[int, ...]] = [tuple(await look.fetchrow(_LEFT))]
    if left[0][0] and chance.random() < 0.5:
        await until(look, _CLIMBING)
        await asyncio.sleep(chance.uniform(0, 0.2))
    else:
        changes = chance.randint(1, 6)
        async with asyncio.timeout(60):
            while len(left) <= changes and any(left[-1]):
                await asyncio.sleep(0.002)
                now = tuple(await look.fetchrow(_LEFT))
                left += [now] if now != left[-1] else []
    await worker.kill()
    return tuple(await look.fetchrow(_LEFT))


async def _raise_alarms() -> None:
    steps: list[dict[str, object]] = [
        {"target_kind": "circle_member", "target_order": 1},
        {"target_kind": "circle_member", "target_order": 2},
        {"target_kind": "duty_desk"},
    ]
    for _ in range(ALARMS):
        scene = await alarms.scene(circle=2)
        await alarms.plan(scene.resident, [step | {"wait_seconds": 3600} for step in steps])
        await alarms.raised(scene.resident)


async def test_every_ladder_goes_on_where_it_was(home: House) -> None:
    seed = secrets.randbits(32)
    chance = random.Random(seed)
    await _raise_alarms()
    settings = {"HEARTHLINE_WORKER_LEASE_SECONDS": str(LEASE_SECONDS)}
    async with looking(home.url) as look:
        found: list[tuple[int, ...]] = []
        worker = await home.worker(**settings)
        for climb in range(CLIMBS):
            if climb:
                await look.execute(_TIME_PASSES)
            for _ in range(2):
                found.append(await _kill_amid(look, worker, chance))
                worker = await home.worker(**settings)
            await until(look, _CLIMBED)
        await until(look, _QUIET)
        await worker.stop()

        print(f"seed {seed}: (alarms due, notices to send, facts to learn) at each kill: {found}")  # noqa: T201
        await _every_step_was_told_once(look, seed)
        await _every_notice_left(look, seed)


async def _every_step_was_told_once(look: asyncpg.Connection, seed: int) -> None:
    lines = await look.fetch(
        """SELECT alarm_id, kind, CAST(data ->> 'round' AS int) AS round, CAST(data ->> 'step' AS int) AS step
           FROM eldercare_alarm_entry WHERE kind <> 'raised' ORDER BY id"""
    )
    by_alarm: dict[object, list[tuple[str, int, int]]] = {}
    for line in lines:
        by_alarm.setdefault(line["alarm_id"], []).append((line["kind"], line["round"], line["step"]))
    assert len(by_alarm) == ALARMS
    for timeline in by_alarm.values():
        assert timeline == [("told", *rung) for rung in LADDER], seed
    notices = await look.fetch(
        """SELECT n.alarm_id, n.round, n.step, n.account_id, d.channel, n.outcome
           FROM eldercare_alarm_notice n JOIN notifications_delivery d ON d.id = n.delivery_id"""
    )
    told = Counter((row["alarm_id"], row["round"], row["step"], row["account_id"], row["channel"]) for row in notices)
    assert set(told.values()) == {1}, seed
    assert {(row["round"], row["step"]) for row in notices} == set(LADDER)
    assert Counter(row["channel"] for row in notices) == {"push": ALARMS * CLIMBS, "sms": ALARMS * CLIMBS}
    assert {row["outcome"] for row in notices if row["channel"] == "sms"} == {"sent"}, seed


async def _every_notice_left(look: asyncpg.Connection, seed: int) -> None:
    """Each was sent; a message that was under way when the worker died may have been sent again."""
    missing = await look.fetchval(
        """SELECT count(*) FROM notifications_delivery d
           WHERE d.channel = 'sms' AND (d.state <> 'sent'
              OR NOT EXISTS (SELECT FROM notifications_outbox o WHERE o.delivery_id = d.id))"""
    )
    assert missing == 0, seed
    keys = await look.fetchrow("SELECT count(*), count(DISTINCT (account_id, dedupe_key)) FROM notifications_dedupe")
    assert tuple(keys) == (ALARMS * CLIMBS, ALARMS * CLIMBS), seed

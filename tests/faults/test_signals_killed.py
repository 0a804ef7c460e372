"""What happens to many residents at once, with a worker that is killed amid it: each has the alarms they should have.

A missed check-in, a missed dose and slow answers of somebody at home are one alarm; an SOS is one of its own; of who is
away nothing is made but their SOS. Nothing is there twice, and every ladder goes on.
"""

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import asyncpg

from app.core import clock
from app.core.database import unit_of_work
from eldercare.absences.models import Absence
from eldercare.alarms.models import AlarmKind, Severity
from eldercare.check_ins.service import pauses
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import eldercare_medication as medication
from tests.factories import eldercare_wellbeing as wellbeing
from tests.faults.processes import House, Process, looking, until

How = Literal["home", "calls", "away", "leaves", "returns"]
"""``calls``: at home, and presses the button. ``leaves``, ``returns``: says so while all of it is under way."""
EACH = 5
ZONE = "Asia/Shanghai"
LEASE_SECONDS = 2
KILLS = (2, 2, 4, 2)
"""While they are asked and reminded; while some leave, return and call; while windows end; while ladders climb."""
TOGETHER = {"check_in_missed": 1, "medication": 1, "low_activity": 1}

_MARK = """
SELECT (SELECT array_agg(n) FROM (SELECT count(*) AS n FROM eldercare_check_in GROUP BY state ORDER BY state) c),
       (SELECT array_agg(n) FROM (SELECT count(*) AS n FROM eldercare_dose GROUP BY state ORDER BY state) d),
       (SELECT count(*) FROM eldercare_hint), (SELECT count(*) FROM eldercare_hint WHERE alarm_id IS NOT NULL),
       (SELECT count(*) FROM eldercare_alarm_entry),
       (SELECT count(*) FROM notifications_delivery WHERE send_at IS NOT NULL),
       (SELECT count(*) FROM core_event_consumption)"""
# What a killed worker had claimed comes back within its lease; what is held until the morning is nobody's to wait for.
_QUIET = f"""
WITH soon AS (SELECT clock_timestamp() + interval '{3 * LEASE_SECONDS} seconds' AS at)
SELECT NOT EXISTS (SELECT FROM eldercare_check_in, soon WHERE least(next_prompt_at, answer_by) <= at
                   AND state IN ('scheduled', 'prompted'))
   AND NOT EXISTS (SELECT FROM eldercare_dose, soon WHERE least(remind_at, close_at) <= at)
   AND NOT EXISTS (SELECT FROM eldercare_wellbeing_watch, soon WHERE look_at <= at)
   AND NOT EXISTS (SELECT FROM eldercare_alarm, soon WHERE next_step_at <= at)
   AND NOT EXISTS (SELECT FROM notifications_delivery, soon WHERE send_at <= at)
   AND NOT EXISTS (SELECT FROM core_event_consumption)"""
_FALL_DUE = (
    """UPDATE eldercare_check_in c SET due_at = clock_timestamp(), next_prompt_at = clock_timestamp()
       WHERE id = (SELECT id FROM eldercare_check_in WHERE resident_id = c.resident_id AND state = 'scheduled'
                   ORDER BY due_at LIMIT 1) AND resident_id = ANY ($1)""",
    """UPDATE eldercare_dose d SET due_at = clock_timestamp(), remind_at = clock_timestamp(),
           window_ends_at = clock_timestamp() + interval '1 hour'
       WHERE id = (SELECT id FROM eldercare_dose WHERE resident_id = d.resident_id ORDER BY due_at LIMIT 1)
         AND resident_id = ANY ($1)""",
)
# Waiting is what the worker's clock is for; the deadlines come to it instead.
_TIME_PASSES = (
    "UPDATE eldercare_check_in SET answer_by = clock_timestamp() WHERE state = 'prompted'",
    """UPDATE eldercare_dose SET window_ends_at = clock_timestamp(), close_at = clock_timestamp()
       WHERE opened_at IS NOT NULL AND close_at IS NOT NULL""",
    "UPDATE eldercare_wellbeing_watch SET look_at = clock_timestamp()",
)
_NEXT_STEP = "UPDATE eldercare_alarm SET next_step_at = clock_timestamp()"


@dataclass
class _Life:
    """A resident, how they spend the day, and what they have said about being away."""

    scene: alarms.Scene
    how: How
    absence: Absence | None = None

    @property
    def calls(self) -> bool:
        return self.how == "calls" or (self.how == "away" and self.absence is not None and self.absence.kind == "away")


async def _settle_in() -> list[_Life]:
    now = clock.now()
    yesterday = now.astimezone(ZoneInfo(ZONE)).date() - timedelta(days=1)
    lives = []
    for number in range(EACH * len(get_args(How))):
        scene, how = await alarms.scene(circle=1), get_args(How)[number % len(get_args(How))]
        first = {"target_kind": "circle_member", "target_order": 1, "wait_seconds": 3600}
        await alarms.plan(scene.resident, [first, {"target_kind": "duty_desk", "wait_seconds": 3600}])
        plan = await check_ins.plan(scene.resident, channel="call_in", reminders=[])
        await wellbeing.answered(plan, yesterday, minutes=[*[4.0] * 20, *[45.0] * 8], time_zone=ZONE)
        await medication.regimen(scene.resident)
        life = _Life(scene, how)
        if how in ("away", "returns"):
            kind = "away" if number % 2 else "hospital"
            life.absence = await check_ins.pause(scene.resident, now + timedelta(days=1), kind=kind)
        lives.append(life)
    return lives


class _Worker:
    """One worker after the other: each is killed amid something, and the next goes on."""

    def __init__(self, home: House, look: asyncpg.Connection, chance: random.Random) -> None:
        self._home, self._look, self._chance = home, look, chance
        self._running: Process | None = None
        self.marks: list[tuple[object, ...]] = []

    async def start(self) -> None:
        """Start one, if none runs. Small batches: there is more to be killed amid."""
        if self._running is None:
            settings = {"HEARTHLINE_WORKER_LEASE_SECONDS": str(LEASE_SECONDS), "HEARTHLINE_WORKER_BATCH": "4"}
            self._running = await self._home.worker(**settings)

    async def die(self) -> None:
        """Kill it after some changes that it made, or when it makes none any more."""
        assert self._running is not None
        seen = tuple(await self._look.fetchrow(_MARK))
        changes, still = self._chance.randint(1, 12), 0
        while changes and still < 150:
            await asyncio.sleep(0.002)
            now = tuple(await self._look.fetchrow(_MARK))
            changes, still, seen = (changes - 1, 0, now) if now != seen else (changes, still + 1, seen)
        if self._chance.random() < 0.5:
            await asyncio.sleep(self._chance.uniform(0, 0.05))
        await self._running.kill()
        self._running = None
        self.marks.append(seen)

    async def finish(self) -> None:
        """Let it come to an end of all that is due. What is looked at once a minute is looked at when one starts."""
        while True:
            if self._running is None:
                await asyncio.sleep(LEASE_SECONDS)  # what the one before had claimed is there for the next to see
            await self.start()
            try:
                async with asyncio.timeout(2 * LEASE_SECONDS):
                    await until(self._look, _QUIET)
            except TimeoutError:
                assert self._running is not None
                assert not self._running.exited.done(), self._running.written()
                await self._running.stop()
                self._running = None
            else:
                return

    async def stop(self) -> None:
        """Ask the last one to stop."""
        assert self._running is not None
        await self._running.stop()


async def _meanwhile(look: asyncpg.Connection, lives: Sequence[_Life], chance: random.Random) -> None:
    """Have some leave, return and call for help, in any order, while the worker works or lies dead."""
    for life in chance.sample(list(lives), len(lives)):
        resident = life.scene.resident
        if life.how == "leaves":
            life.absence = await check_ins.pause(resident, clock.now() + timedelta(days=1))
        elif life.how == "returns":
            assert life.absence is not None
            subject = await check_ins.subject_of(resident)
            async with unit_of_work() as session:
                await pauses.end_pause(session, check_ins.self_actor(resident), subject, life.absence.id)
            await _fall_due(look, [life])
        if life.calls:
            await alarms.raised(resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL)
        await asyncio.sleep(chance.uniform(0, 0.05))


async def _fall_due(look: asyncpg.Connection, lives: Sequence[_Life]) -> None:
    for statement in _FALL_DUE:
        await look.execute(statement, [life.scene.resident.id for life in lives])


async def test_everybody_has_the_alarms_they_should_have_and_nothing_twice(home: House) -> None:
    seed = secrets.randbits(32)
    chance = random.Random(seed)
    lives = await _settle_in()
    async with looking(home.url) as look, looking(home.url) as writing:
        worker = _Worker(home, look, chance)
        asked, meanwhile, ended, climbed = KILLS
        await worker.start()
        await until(look, "SELECT count(*) = $1 FROM eldercare_wellbeing_watch", len(lives))
        await worker.die()
        await _fall_due(writing, [life for life in lives if life.how != "returns"])
        await _die_again(worker, asked)
        await worker.finish()

        happening = asyncio.create_task(_meanwhile(writing, lives, chance))
        await _die_again(worker, meanwhile)
        await happening
        await worker.finish()

        await worker.die()
        for statement in _TIME_PASSES:
            await writing.execute(statement)
        await _die_again(worker, ended)
        await worker.finish()
        before = await look.fetch("SELECT id, round, step FROM eldercare_alarm ORDER BY id")

        await worker.die()
        await writing.execute(_NEXT_STEP)
        await _die_again(worker, climbed)
        await worker.finish()
        await worker.stop()

        print(f"seed {seed}: killed at {worker.marks}")  # noqa: T201 - for whoever repeats it
        await _each_has_their_alarms(look, lives, seed)
        await _who_is_away_is_left_alone(look, lives, seed)
        await _every_ladder_went_on(look, before, seed)
        await _nothing_is_there_twice(look, seed)


async def _die_again(worker: _Worker, times: int) -> None:
    for _ in range(times):
        await worker.start()
        await worker.die()


async def _each_has_their_alarms(look: asyncpg.Connection, lives: Sequence[_Life], seed: int) -> None:
    rows = await look.fetch(
        """SELECT a.id, a.resident_id, a.stands_alone, a.severity, a.state, s.kind, s.rule_id IS NOT NULL AS has_rule
           FROM eldercare_alarm a JOIN eldercare_alarm_signal s ON s.alarm_id = a.id"""
    )
    assert {row["state"] for row in rows} == {"raised"}
    assert all(row["has_rule"] for row in rows if row["kind"] != "sos"), seed
    found: dict[object, dict[bool, Counter[str]]] = {}
    for row in rows:
        found.setdefault(row["resident_id"], {}).setdefault(row["stands_alone"], Counter())[row["kind"]] += 1
    for life in lives:
        expected: dict[bool, dict[str, int]] = {}
        if life.how in ("home", "calls", "returns"):
            expected[False] = TOGETHER
        if life.calls:
            expected[True] = {"sos": 1}
        assert found.get(life.scene.resident.id, {}) == expected, (life.how, seed)
    together = {row["severity"] for row in rows if not row["stands_alone"]}
    assert together == {Severity.MEDIUM}
    assert await look.fetchval("SELECT count(*) FROM eldercare_alarm") == len({row["id"] for row in rows})


async def _who_is_away_is_left_alone(look: asyncpg.Connection, lives: Sequence[_Life], seed: int) -> None:
    away = [life.scene.resident.id for life in lives if life.how in ("away", "leaves")]
    for table in ("eldercare_check_in", "eldercare_dose"):
        states = await look.fetch(
            f"""SELECT state, count(*) AS n FROM {table}
                WHERE resident_id = ANY ($1) AND closed_at IS NOT NULL GROUP BY 1""",
            away,
        )
        assert {row["state"]: row["n"] for row in states} == {"excused": len(away)}, (table, seed)
    for table in ("eldercare_hint", "eldercare_wellbeing_flag"):
        assert await look.fetchval(f"SELECT count(*) FROM {table} WHERE resident_id = ANY ($1)", away) == 0, table
    # Their people hear of the SOS, and of nothing else that would call them.
    for life in lives:
        if life.how in ("away", "leaves"):
            (contact,) = life.scene.circle
            told = await look.fetchval(
                """SELECT count(*) FROM notifications_delivery
                   WHERE account_id = $1 AND notice_key = 'eldercare.alarm_step' AND channel = 'sms'
                     AND state = 'sent'""",
                contact.id,
            )
            assert told == (1 if life.calls else 0), (life.how, seed)


async def _every_ladder_went_on(look: asyncpg.Connection, before: Sequence[asyncpg.Record], seed: int) -> None:
    """Each step was told, once, after the one before it, and after the time that passed there was one more."""
    stood = {row["id"]: (row["round"], row["step"]) for row in before}
    now = await look.fetch("SELECT id, round, step, next_step_at > clock_timestamp() AS goes_on FROM eldercare_alarm")
    assert all(row["goes_on"] for row in now), seed
    lines = await look.fetch(
        """SELECT alarm_id, CAST(data ->> 'round' AS int) AS round, CAST(data ->> 'step' AS int) AS step
           FROM eldercare_alarm_entry WHERE kind IN ('told', 'skipped') ORDER BY id"""
    )
    told: dict[object, list[tuple[int, int]]] = {}
    for line in lines:
        told.setdefault(line["alarm_id"], []).append((line["round"], line["step"]))
    for row in now:
        climbed = told[row["id"]]
        assert climbed == sorted(set(climbed)), seed
        assert climbed[-1] == (row["round"], row["step"]), seed
        assert stood[row["id"]] == climbed[-2], (climbed, seed)


async def _nothing_is_there_twice(look: asyncpg.Connection, seed: int) -> None:
    once = {
        "eldercare_hint": "resident_id, origin_kind, origin_id",
        "eldercare_alarm_signal": "resident_id, kind, origin_id",
        "eldercare_alarm": "resident_id, stands_alone",
        "eldercare_wellbeing_flag": "resident_id, measure",
        "notifications_dedupe": "account_id, dedupe_key",
        "eldercare_alarm_notice n JOIN notifications_delivery d ON d.id = n.delivery_id": (
            "n.alarm_id, n.round, n.step, n.account_id, d.channel"
        ),
        "core_event WHERE name = 'eldercare.alarm_raised.v1'": "aggregate_id",
        "core_event WHERE name ~ 'eldercare.(check_in|dose)_missed.v1'": "aggregate_id",
    }
    for source, key in once.items():
        rows, distinct = await look.fetchrow(f"SELECT count(*), count(DISTINCT ({key})) FROM {source}")
        assert (rows, rows > 0) == (distinct, True), (source, seed)
    waiting = "SELECT count(*) FROM eldercare_hint WHERE alarm_id IS NULL"
    assert await look.fetchval(waiting) == 0, seed
    for nothing in ("core_parked_row", "core_event_consumption"):
        assert await look.fetchval(f"SELECT count(*) FROM {nothing}") == 0, (nothing, seed)

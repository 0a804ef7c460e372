"""The relay: in order per aggregate, effect and consumption in one commit, a bad fact stands still alone."""

import asyncio
import dataclasses
import random
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock as clocks
from app.core import failures, stopping
from app.core.clock import ManualClock
from app.core.consumption import CLAIM
from app.core.database import Database, connect_raw, reading, unit_of_work
from app.core.events import Event, Subscriber, emit, install_subscribers
from app.core.jobs import run_jobs
from app.core.lag import event_lags
from app.core.parked_events import parked, replay
from app.core.relay import BATCH, RELAY_JOBS, WINDOW, relay_once
from tests.plans import Node, explain, nodes

COMMUNITY = uuid.UUID(int=7)
LATE_REFUSAL = -1
# A number that refers to nothing is refused when the transaction commits, not before.
_CREATE = """CREATE TABLE IF NOT EXISTS relay_effect (
    at bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, subscriber text NOT NULL, aggregate_id uuid NOT NULL,
    number int NOT NULL,
    refused bigint GENERATED ALWAYS AS (CASE WHEN number < 0 THEN number END) STORED
        REFERENCES relay_effect DEFERRABLE INITIALLY DEFERRED)"""
_INSERT = sa.text("""
    INSERT INTO relay_effect (subscriber, aggregate_id, number)
    SELECT :subscriber, fact.aggregate_id, fact.number
    FROM unnest(CAST(:aggregate_ids AS uuid[]), CAST(:numbers AS int[])) AS fact (aggregate_id, number)""")

Handle = Callable[[AsyncSession, Sequence[Any]], Awaitable[None]]


class Step(Event):
    name: ClassVar[str] = "tests.step.v1"
    number: int


class Alert(Event):
    name: ClassVar[str] = "tests.alert.v1"
    critical: ClassVar[bool] = True
    number: int


class BoomError(Exception):
    """What a handler of the tests fails with."""


async def apply(session: AsyncSession, subscriber: str, events: Sequence[Step | Alert]) -> None:
    """Leave a trace of each fact, in its order."""
    await session.execute(
        _INSERT,
        {
            "subscriber": subscriber,
            "aggregate_ids": [event.aggregate_id for event in events],
            "numbers": [event.number for event in events],
        },
    )


async def effects(subscriber: str = "tests.steps") -> dict[uuid.UUID, list[int]]:
    """Return what was applied per aggregate, in the order it was."""
    found: defaultdict[uuid.UUID, list[int]] = defaultdict(list)
    statement = sa.text("SELECT aggregate_id, number FROM relay_effect WHERE subscriber = :subscriber ORDER BY at")
    async with reading() as connection:
        for row in await connection.execute(statement, {"subscriber": subscriber}):
            found[row.aggregate_id].append(row.number)
    return dict(found)


async def pending() -> list[dict[str, Any]]:
    """Return what is not consumed yet."""
    async with reading() as connection:
        rows = await connection.execute(sa.text("SELECT * FROM core_event_consumption ORDER BY sequence, subscriber"))
        return [dict(row._mapping) for row in rows]


async def emit_steps(aggregate_id: uuid.UUID, *numbers: int, event: type[Step | Alert] = Step) -> None:
    """Emit a fact per number, each in a transaction of its own."""
    for number in numbers:
        async with unit_of_work() as session:
            await emit(session, event(aggregate_id=aggregate_id, community_id=COMMUNITY, number=number))


async def relay_all() -> int:
    """Relay until nothing more can be relayed now."""
    total = 0
    while worked := await relay_once():
        total += worked
    return total


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _tables(database: Database, clock: ManualClock) -> AsyncIterator[None]:
    async with database.writing.engine.begin() as connection:
        await connection.execute(sa.text(_CREATE))
    yield


@pytest.fixture
def subscribe() -> Iterator[Callable[..., None]]:
    """Install one subscriber of steps and alerts with the handler a test gives."""
    previous = install_subscribers([])

    def install(*handles: Handle) -> None:
        names = ["tests.steps", "tests.more_steps"]
        install_subscribers(
            [Subscriber(name, (Step, Alert), handle) for name, handle in zip(names, handles, strict=False)]
        )

    yield install
    install_subscribers(previous)


async def apply_steps(session: AsyncSession, events: Sequence[Step | Alert]) -> None:
    """Handle as a subscriber that never fails."""
    await apply(session, "tests.steps", events)


def stumbling(subscriber: str, chance: random.Random) -> Handle:
    """Return a handler that takes its time and fails every fourth time, after its effect."""

    async def handle(session: AsyncSession, events: Sequence[Step | Alert]) -> None:
        await apply(session, subscriber, events)
        for _ in range(chance.randrange(20)):
            await asyncio.sleep(0)
        if chance.random() < 0.25:
            raise BoomError

    return handle


async def test_a_fact_reaches_its_subscriber_as_it_was_emitted(subscribe: Callable[..., None]) -> None:
    got: list[Event] = []

    async def keep(session: AsyncSession, events: Sequence[Event]) -> None:
        got.extend(events)

    subscribe(keep)
    event = Step(aggregate_id=clocks.new_id(), community_id=COMMUNITY, number=4)
    async with unit_of_work() as session:
        await emit(session, event)
    assert await relay_all() == 1
    assert got == [event]
    assert await pending() == []


async def test_order_and_exactly_once_with_two_relays_that_stumble(
    subscribe: Callable[..., None], clock: ManualClock
) -> None:
    chance = random.Random(20260302)
    aggregates = [clocks.new_id() for _ in range(25)]
    each = 12
    subscribe(stumbling("tests.steps", chance), stumbling("tests.more_steps", chance))
    emitting = True

    async def emitter(mine: Sequence[uuid.UUID]) -> None:
        for number in range(each):
            for aggregate_id in mine:
                await emit_steps(aggregate_id, number, event=Alert if chance.random() < 0.5 else Step)

    async def relay() -> None:
        while emitting or await pending():
            await relay_once(batch=chance.choice([3, 10, 40]))
            clock.advance(timedelta(minutes=11))  # past every backoff

    relays = [asyncio.create_task(relay()) for _ in range(2)]
    await asyncio.gather(emitter(aggregates[:12]), emitter(aggregates[12:]))
    emitting = False
    async with asyncio.timeout(120):
        await asyncio.gather(*relays)
    for subscriber in ("tests.steps", "tests.more_steps"):
        applied = await effects(subscriber)
        assert applied == {aggregate_id: list(range(each)) for aggregate_id in aggregates}
    async with reading() as connection:
        assert await parked(connection) == []


async def test_two_relays_never_hold_two_facts_of_one_aggregate(subscribe: Callable[..., None]) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    busy, free = clocks.new_id(), clocks.new_id()

    async def wait(session: AsyncSession, events: Sequence[Step]) -> None:
        await apply_steps(session, events)
        if events[0].aggregate_id == busy:
            inside.set()
            await go_on.wait()

    subscribe(wait)
    await emit_steps(busy, 0)
    first = asyncio.create_task(relay_once())
    await inside.wait()
    await emit_steps(busy, 1)
    assert await relay_once() == 0
    await emit_steps(free, 0)
    assert await relay_once() == 1
    assert await effects() == {free: [0]}
    go_on.set()
    assert await first == 1
    await relay_all()
    assert await effects() == {busy: [0, 1], free: [0]}


async def test_a_relay_that_dies_in_the_middle_loses_and_repeats_nothing(subscribe: Callable[..., None]) -> None:
    inside = asyncio.Event()
    dying = True

    async def die(session: AsyncSession, events: Sequence[Step]) -> None:
        await apply_steps(session, events)
        inside.set()
        if dying:
            await asyncio.Event().wait()

    subscribe(die)
    aggregates = [clocks.new_id() for _ in range(10)]
    for aggregate_id in aggregates:
        await emit_steps(aggregate_id, 0, 1)
    relay = asyncio.create_task(relay_once())
    await inside.wait()
    relay.cancel()
    with pytest.raises(asyncio.CancelledError):
        await relay
    assert await effects() == {}
    dying = False
    await relay_all()
    assert await effects() == {aggregate_id: [0, 1] for aggregate_id in aggregates}


async def test_a_lost_connection_is_not_the_facts_fault(subscribe: Callable[..., None]) -> None:
    killed = 0

    async def lose_connection(session: AsyncSession, events: Sequence[Step]) -> None:
        nonlocal killed
        await apply_steps(session, events)
        if killed < 2:
            killed += 1
            backend = await session.scalar(sa.text("SELECT pg_backend_pid()"))
            other = await connect_raw()
            try:
                await other.execute("SELECT pg_terminate_backend($1, 5000)", backend)
            finally:
                await other.close()
        await session.execute(sa.text("SELECT 1"))

    subscribe(lose_connection)
    aggregate_id = clocks.new_id()
    await emit_steps(aggregate_id, 0, 1, 2)
    for _ in range(2):
        with pytest.raises(DBAPIError):
            await relay_once()
    assert [row["attempts"] for row in await pending()] == [0, 0, 0]
    await relay_all()
    assert await effects() == {aggregate_id: [0, 1, 2]}


async def test_a_deadlock_is_tried_again_and_not_counted(subscribe: Callable[..., None]) -> None:
    calls = 0

    async def deadlock_once(session: AsyncSession, events: Sequence[Step]) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            await session.execute(sa.text("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$"))
        await apply_steps(session, events)

    subscribe(deadlock_once)
    aggregate_id = clocks.new_id()
    await emit_steps(aggregate_id, 0)
    assert await relay_once() == 1
    assert await effects() == {aggregate_id: [0]}


async def test_a_bad_fact_is_found_and_backs_off_alone(subscribe: Callable[..., None], clock: ManualClock) -> None:
    aggregates = [clocks.new_id() for _ in range(20)]
    bad = aggregates[13]

    async def refuse(session: AsyncSession, events: Sequence[Step]) -> None:
        await apply_steps(session, events)
        if any(event.aggregate_id == bad and event.number == 1 for event in events):
            raise BoomError("carries a name that must not be stored")

    subscribe(refuse)
    for number in range(3):
        for aggregate_id in aggregates:
            await emit_steps(aggregate_id, number)
    await relay_all()
    applied = await effects()
    assert applied.pop(bad) == [0]
    assert list(applied.values()) == [[0, 1, 2]] * 19
    failed, behind = await pending()
    assert (failed["attempts"], failed["last_error"], failed["parked_at"]) == (1, "BoomError", None)
    assert clock.now() < failed["due_at"] <= clock.now() + timedelta(seconds=1)
    assert (behind["attempts"], behind["last_error"]) == (0, None)

    assert await relay_once() == 0  # not before its time
    clock.set(failed["due_at"])
    assert await relay_once() == 1
    assert [row["attempts"] for row in await pending()] == [2, 0]


async def test_a_fact_that_fails_only_at_the_commit_is_found_too(subscribe: Callable[..., None]) -> None:
    subscribe(apply_steps)
    aggregates = [clocks.new_id() for _ in range(8)]
    for aggregate_id in aggregates:
        await emit_steps(aggregate_id, LATE_REFUSAL if aggregate_id == aggregates[5] else 0)
    await relay_all()
    assert set(await effects()) == {*aggregates} - {aggregates[5]}
    [failed] = await pending()
    assert (failed["aggregate_id"], failed["last_error"]) == (aggregates[5], "IntegrityError:23503")


async def test_after_its_last_attempt_a_fact_is_parked_seen_and_replayed(
    subscribe: Callable[..., None], clock: ManualClock
) -> None:
    broken = True

    async def refuse(session: AsyncSession, events: Sequence[Step]) -> None:
        if broken:
            raise FileNotFoundError  # an OSError of the handler's own is no outage
        await apply_steps(session, events)

    subscribe(refuse)
    aggregate_id = clocks.new_id()
    await emit_steps(aggregate_id, 0, 1)
    waited = timedelta()
    for attempt in range(1, failures.MAX_ATTEMPTS + 1):
        assert await relay_once() == 1
        [head, _] = await pending()
        assert head["attempts"] == attempt
        waited += max(timedelta(), head["due_at"] - clock.now())
        clock.set(head["due_at"])
    assert timedelta(minutes=25) < waited < timedelta(hours=2)
    assert await relay_once() == 0
    async with reading() as connection:
        [found] = await parked(connection)
        lags = {lane.lane: lane for lane in await event_lags(connection)}
    assert (found.subscriber, found.name, found.aggregate_id) == ("tests.steps", "tests.step.v1", aggregate_id)
    assert (found.attempts, found.last_error, found.waiting) == (failures.MAX_ATTEMPTS, "FileNotFoundError", 1)
    assert (lags["other"].seconds, lags["other"].count) == (0.0, 1)  # what stands behind it waits, but nobody is late

    broken = False
    async with unit_of_work() as session:
        assert await replay(session, subscriber="tests.others") == 0
        assert await replay(session, subscriber="tests.steps", aggregate_id=aggregate_id) == 1
    await relay_all()
    assert await effects() == {aggregate_id: [0, 1]}


async def test_critical_facts_go_first_and_order_holds_across_lanes(subscribe: Callable[..., None]) -> None:
    calls: list[list[tuple[uuid.UUID, int]]] = []

    async def keep(session: AsyncSession, events: Sequence[Step | Alert]) -> None:
        calls.append([(event.aggregate_id, event.number) for event in events])

    subscribe(keep)
    bulk, urgent = clocks.new_id(), clocks.new_id()
    await emit_steps(bulk, 0)
    await emit_steps(urgent, 0)
    await emit_steps(urgent, 1, event=Alert)
    assert await relay_once(critical=True) == 2
    assert calls == [[(urgent, 0)], [(urgent, 1)]]
    assert await relay_once(critical=False) == 1
    assert calls[2:] == [[(bulk, 0)]]


async def test_a_long_queue_of_one_aggregate_takes_few_transactions(subscribe: Callable[..., None]) -> None:
    transactions: set[int] = set()
    largest = 0

    async def count(session: AsyncSession, events: Sequence[Step]) -> None:
        nonlocal largest
        largest = max(largest, len(events))
        transactions.add(id(session))
        await apply_steps(session, events)

    subscribe(count)
    aggregate_id = clocks.new_id()
    async with unit_of_work() as session:
        for number in range(100):
            await emit(session, Step(aggregate_id=aggregate_id, community_id=COMMUNITY, number=number))
    assert await relay_once(batch=60) == 60
    assert len(transactions) == 1
    assert largest == 1
    await relay_all()
    assert await effects() == {aggregate_id: list(range(100))}


async def test_a_fact_its_subscriber_no_longer_reads_is_parked_not_lost(
    subscribe: Callable[..., None], clock: ManualClock
) -> None:
    subscribe(apply_steps)
    await emit_steps(clocks.new_id(), 0)
    async with unit_of_work() as session:
        await session.execute(sa.text('UPDATE core_event SET payload = \'{"number": "many"}\''))
    assert await relay_once() == 1
    assert [row["last_error"] for row in await pending()] == ["ValidationError"]


async def test_a_clock_that_runs_ahead_elsewhere_delays_nothing(
    subscribe: Callable[..., None], clock: ManualClock
) -> None:
    subscribe(apply_steps)
    clock.advance(timedelta(seconds=3))
    await emit_steps(clocks.new_id(), 0)
    clock.advance(-timedelta(seconds=3))
    assert await relay_once() == 1


async def _pile_up(aggregates: int) -> None:
    """Make 100,000 facts of so many aggregates wait."""
    async with unit_of_work() as session:
        await session.execute(
            sa.text("""
                INSERT INTO core_event_consumption
                    (subscriber, sequence, event_id, aggregate_id, critical, due_at, attempts)
                SELECT 'tests.steps', number, gen_random_uuid(),
                    CAST(md5(CAST(number % :aggregates AS text)) AS uuid), false, :due_at, 0
                FROM generate_series(1, 100000) AS number"""),
            {"due_at": clocks.now(), "aggregates": aggregates},
        )


async def _explain_claim(window: int | None) -> Node:
    binds = {"subscriber": "tests.steps", "critical": False, "now": clocks.now(), "batch": BATCH, "window": window}
    async with reading() as connection:
        return await explain(connection, CLAIM, binds)


def _blocks(plan: Node) -> int:
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


async def _analyze() -> None:
    async with reading() as connection:
        await connection.execute(sa.text("ANALYZE core_event_consumption"))


@pytest.mark.parametrize("analyzed", ["never", "when empty", "since"])
@pytest.mark.parametrize("aggregates", [1, 20_000])
async def test_claiming_looks_at_few_of_a_hundred_thousand_facts(aggregates: int, analyzed: str) -> None:
    if analyzed == "when empty":  # as autovacuum does in the moments between two storms
        await _pile_up(aggregates)
        async with unit_of_work() as session:
            await session.execute(sa.text("DELETE FROM core_event_consumption"))
        await _analyze()
    await _pile_up(aggregates)
    if analyzed == "since":
        await _analyze()
    plan = await _explain_claim(WINDOW * BATCH)
    assert not [node for node in nodes(plan) if node["Node Type"] == "Seq Scan"]
    assert {node.get("Index Name") for node in nodes(plan)} >= {
        "ix_core_event_consumption_lane",
        "ix_core_event_consumption_head",
    }
    assert plan["Actual Rows"] == min(aggregates, BATCH)
    assert _blocks(plan) < 20_000  # each look for a head reads three or four


async def test_what_piled_up_behind_a_parked_fact_is_passed_by() -> None:
    await _pile_up(1)
    async with unit_of_work() as session:
        await session.execute(
            sa.text("UPDATE core_event_consumption SET attempts = 9, parked_at = :now WHERE sequence = 1"),
            {"now": clocks.now()},
        )
    plan = await _explain_claim(None)
    assert plan["Actual Rows"] == 0
    assert _blocks(plan) < 15_000  # each row once, and no look for its head


async def test_a_worker_relays_what_was_just_committed(subscribe: Callable[..., None]) -> None:
    applied = asyncio.Event()

    async def tell(session: AsyncSession, events: Sequence[Step | Alert]) -> None:
        await apply_steps(session, events)
        applied.set()

    subscribe(tell)
    stop = asyncio.Event()
    seldom = [dataclasses.replace(job, every=timedelta(hours=1)) for job in RELAY_JOBS]
    worker = asyncio.create_task(run_jobs(seldom, stop))
    async with asyncio.timeout(20):
        for event in (Step, Alert):
            applied.clear()
            await emit_steps(clocks.new_id(), 0, event=event)
            await applied.wait()
        stop.set()
        await worker
    assert len(await effects()) == 2


async def test_stopping_ends_between_two_batches(subscribe: Callable[..., None]) -> None:
    stop = asyncio.Event()

    async def stop_now(session: AsyncSession, events: Sequence[Step]) -> None:
        await apply_steps(session, events)
        stop.set()

    subscribe(stop_now, stop_now)
    await emit_steps(clocks.new_id(), 0)

    with stopping.heeding(stop):
        assert await relay_once() == 1
    assert len(await pending()) == 1
    await relay_all()
    assert await pending() == []

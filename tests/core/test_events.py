"""Facts are written with the change they tell of, once per subscriber, in commit order per aggregate."""

import asyncio
import contextlib
import enum
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock as clocks
from app.core import wakeups
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.core.events import (
    CHANNEL,
    CRITICAL_CHANNEL,
    Event,
    Subscriber,
    _emit_many_statement,
    _many_binds,
    emit,
    emit_many,
    install_subscribers,
)
from tests.core.chores import CHORES, Chore, add_chores, create_chores
from tests.waiting import waits

COMMUNITY = uuid.UUID(int=7)


class Outcome(enum.StrEnum):
    FINE = "fine"


class ChoreDone(Event):
    name: ClassVar[str] = "tests.chore_done.v1"
    outcome: Outcome = Outcome.FINE
    number: int = 0


class ChoreForgotten(Event):
    name: ClassVar[str] = "tests.chore_forgotten.v1"
    critical: ClassVar[bool] = True


class NobodyListens(Event):
    name: ClassVar[str] = "tests.nobody_listens.v1"


async def _ignore(session: AsyncSession, events: Sequence[Event]) -> None:
    """Stand for a subscriber; nothing is relayed here."""


@pytest.fixture(autouse=True)
def subscribers() -> Iterator[None]:
    previous = install_subscribers(
        [
            Subscriber("tests.first", (ChoreDone, ChoreForgotten), _ignore),
            Subscriber("tests.second", (ChoreDone,), _ignore),
        ]
    )
    yield
    install_subscribers(previous)


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _tables(database: Database, clock: ManualClock) -> AsyncIterator[None]:
    await create_chores(database)
    yield


async def _rows(statement: str, **binds: object) -> list[dict[str, Any]]:
    async with reading() as connection:
        return [dict(row._mapping) for row in await connection.execute(sa.text(statement), binds)]


async def _pending() -> list[dict[str, Any]]:
    return await _rows("SELECT * FROM core_event_consumption ORDER BY sequence, subscriber")


async def test_a_fact_is_stored_with_one_consumption_per_subscriber() -> None:
    event = ChoreDone(aggregate_id=clocks.new_id(), community_id=COMMUNITY, number=3)
    async with unit_of_work() as session:
        await emit(session, event)
    [fact] = await _rows("SELECT * FROM core_event")
    assert fact["id"] == event.id
    assert fact["name"] == "tests.chore_done.v1"
    assert fact["payload"] == {"outcome": "fine", "number": 3}
    assert (fact["aggregate_id"], fact["community_id"]) == (event.aggregate_id, COMMUNITY)
    assert fact["occurred_at"] == clocks.now()
    pending = await _pending()
    assert [row["subscriber"] for row in pending] == ["tests.first", "tests.second"]
    assert {(row["event_id"], row["aggregate_id"], row["sequence"]) for row in pending} == {
        (event.id, event.aggregate_id, fact["sequence"])
    }


async def test_a_fact_nobody_subscribed_to_is_stored_all_the_same() -> None:
    async with unit_of_work() as session:
        await emit(session, NobodyListens(aggregate_id=clocks.new_id(), community_id=COMMUNITY))
    assert len(await _rows("SELECT * FROM core_event")) == 1
    assert await _pending() == []


async def test_a_rolled_back_change_leaves_no_fact_and_wakes_nobody() -> None:
    with wakeups.listening(CHANNEL) as woken:
        with contextlib.suppress(RuntimeError):
            async with unit_of_work() as session:
                await emit(session, ChoreDone(aggregate_id=clocks.new_id(), community_id=COMMUNITY))
                raise RuntimeError
        assert not woken.is_set()
    assert await _rows("SELECT * FROM core_event") == []
    assert await _pending() == []


@pytest.mark.parametrize(("event", "channel"), [(ChoreDone, CHANNEL), (ChoreForgotten, CRITICAL_CHANNEL)])
async def test_the_lane_is_woken_after_the_commit(event: type[Event], channel: str) -> None:
    with wakeups.listening(channel) as woken:
        async with unit_of_work() as session:
            await emit(session, event(aggregate_id=clocks.new_id(), community_id=COMMUNITY))
            assert not woken.is_set()
        assert woken.is_set()


async def test_the_sequence_is_taken_under_the_lock_of_the_aggregate() -> None:
    [chore_id] = await add_chores(1)

    async def change(number: int, locked: asyncio.Event, go_on: asyncio.Event) -> None:
        async with unit_of_work() as session:
            chore = await session.get_one(Chore, chore_id)
            chore.number = number
            if number == 1:
                await session.flush()
                locked.set()
                await go_on.wait()
            with session.no_autoflush:
                await emit(session, ChoreDone(aggregate_id=chore_id, community_id=COMMUNITY, number=number))

    locked, go_on = asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(change(1, locked, go_on))
    await locked.wait()
    second = asyncio.create_task(change(2, locked, go_on))
    await waits(second)
    go_on.set()
    await asyncio.gather(first, second)
    facts = await _rows("SELECT payload FROM core_event ORDER BY sequence")
    assert [fact["payload"]["number"] for fact in facts] == [1, 2]


async def test_emit_many_writes_a_fact_per_row_with_ids_of_our_clock(clock: ManualClock) -> None:
    clock.advance(timedelta(days=40))
    ids = await add_chores(300)
    done = (
        sa.update(CHORES)
        .where(CHORES.c.number < sa.bindparam("below"))
        .values(done=1)
        .returning(
            CHORES.c.id.label("aggregate_id"),
            CHORES.c.community_id,
            sa.func.jsonb_build_object("number", CHORES.c.number).label("payload"),
        )
    )
    with wakeups.listening(CHANNEL) as woken:
        async with unit_of_work() as session:
            assert await emit_many(session, ChoreDone, done, {"below": 200}) == 200
        assert woken.is_set()
    facts = await _rows("SELECT * FROM core_event")
    assert {(fact["aggregate_id"], fact["payload"]["number"]) for fact in facts} == {
        (chore_id, number) for number, chore_id in enumerate(ids[:200])
    }
    minted = [fact["id"] for fact in facts]
    assert len(set(minted)) == 200
    assert {(fact.version, fact.variant) for fact in minted} == {(7, uuid.RFC_4122)}
    assert {clocks.instant_of(fact) for fact in minted} == {clock.now()}
    assert {fact["occurred_at"] for fact in facts} == {clock.now()}
    assert len(await _pending()) == 400


async def test_emit_many_keeps_the_order_of_its_select_and_says_when_there_was_nothing() -> None:
    await add_chores(50)
    backwards = sa.select(
        CHORES.c.id.label("aggregate_id"),
        CHORES.c.community_id,
        sa.func.jsonb_build_object("number", CHORES.c.number).label("payload"),
    ).order_by(CHORES.c.number.desc())
    with wakeups.listening(CHANNEL) as woken:
        async with unit_of_work() as session:
            assert await emit_many(session, ChoreDone, backwards.where(CHORES.c.number < 0)) == 0
        assert not woken.is_set()
    async with unit_of_work() as session:
        assert await emit_many(session, ChoreDone, backwards) == 50
    facts = await _rows("SELECT payload FROM core_event ORDER BY sequence")
    assert [fact["payload"]["number"] for fact in facts] == list(range(49, -1, -1))


async def test_a_critical_fact_lifts_what_waits_before_it() -> None:
    mine, other = clocks.new_id(), clocks.new_id()
    async with unit_of_work() as session:
        await emit(session, ChoreDone(aggregate_id=mine, community_id=COMMUNITY))
        await emit(session, ChoreDone(aggregate_id=other, community_id=COMMUNITY))
    async with unit_of_work() as session:
        await emit(session, ChoreForgotten(aggregate_id=mine, community_id=COMMUNITY))
    # The second subscriber does not get the critical fact, so nothing of its own has to hurry.
    assert [(row["subscriber"], row["aggregate_id"], row["critical"]) for row in await _pending()] == [
        ("tests.first", mine, True),
        ("tests.second", mine, False),
        ("tests.first", other, False),
        ("tests.second", other, False),
        ("tests.first", mine, True),
    ]


async def test_emitting_never_waits_for_a_relay_that_is_at_work_on_the_aggregate() -> None:
    mine = clocks.new_id()
    async with unit_of_work() as session:
        await emit(session, ChoreDone(aggregate_id=mine, community_id=COMMUNITY))
    async with unit_of_work() as relay:
        await relay.execute(sa.text("SELECT FROM core_event_consumption FOR UPDATE"))
        async with unit_of_work() as session, asyncio.timeout(5):
            await emit(session, ChoreForgotten(aggregate_id=mine, community_id=COMMUNITY))
    assert [row["critical"] for row in await _pending() if row["subscriber"] == "tests.first"] == [False, True]


def test_a_fact_needs_a_versioned_name() -> None:
    with pytest.raises(TypeError, match=r"Nameless\.name"):

        class Nameless(Event):
            name: ClassVar[str] = "tests.nameless"


def test_two_subscribers_cannot_share_a_name() -> None:
    twice = Subscriber("tests.twice", (ChoreDone,), _ignore)
    with pytest.raises(ValueError, match="same name"):
        install_subscribers([twice, twice])


async def test_facts_that_are_said_to_be_critical_travel_so(database: Database) -> None:
    facts = sa.select(
        sa.literal(clocks.new_id(), sa.Uuid).label("aggregate_id"), sa.literal(COMMUNITY, sa.Uuid).label("community_id")
    )
    async with unit_of_work() as session:
        await emit_many(session, ChoreDone, facts, critical=True)
        await emit_many(session, ChoreDone, facts)
    assert [row["critical"] for row in await _rows("SELECT critical FROM core_event ORDER BY sequence")] == [
        True,
        False,
    ]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _looked_at(node: dict[str, Any]) -> float:
    rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
    return float(rows * node["Actual Loops"])


async def test_a_storm_of_critical_facts_is_not_compared_with_everything_that_waits(database: Database) -> None:
    waiting = sa.text("""
        INSERT INTO core_event_consumption (subscriber, sequence, event_id, aggregate_id, critical, due_at, attempts)
        SELECT 'tests.first', -number, gen_random_uuid(), gen_random_uuid(), false, :due_at, 0
        FROM generate_series(1, 5000) AS number""")
    async with reading() as connection:
        for statement in (waiting, sa.text("DELETE FROM core_event_consumption")):
            await connection.execute(statement, {"due_at": clocks.now()} if statement is waiting else {})
        # Statistics of a queue that is empty at that moment, but not small: autovacuum's, now and then.
        await connection.execute(sa.text("ANALYZE core_event_consumption"))
        await connection.execute(waiting, {"due_at": clocks.now()})
        given = sa.func.unnest(sa.bindparam("ids", type_=ARRAY(sa.Uuid))).table_valued("id").render_derived("given")
        facts = sa.select(given.c.id.label("aggregate_id"), sa.literal(COMMUNITY, sa.Uuid).label("community_id"))
        emitting = _emit_many_statement(facts, critical=True).compile(dialect=postgresql.asyncpg.dialect())  # type: ignore[no-untyped-call]
        binds = emitting.params | _many_binds(ChoreForgotten, critical=True)
        binds |= {"ids": [clocks.new_id() for _ in range(500)]}
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {emitting.string}"
        values = tuple(binds[name] for name in emitting.positiontup or ())
        explained = (await connection.exec_driver_sql(explain, values)).scalar_one()[0]
    assert max(_looked_at(node) for node in _nodes(explained["Plan"])) < 20_000  # of 500 times 5,000

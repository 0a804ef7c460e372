"""Deadlines: claimed by one worker each, in batches; a bad row is set aside alone, tried again, parked, replayed."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import failures, lag, stopping
from app.core.clock import ManualClock
from app.core.database import Database, connect_raw, reading, unit_of_work
from app.core.due import MOST_AT_FAULT, Due, drain, lags
from app.core.parked_rows import Parked, parked, replay, retry_set_aside, stuck_rows
from tests.core.chores import CHORES, DEAF, DUE, VITAL, Chore, add_chores, all_chores, create_chores

Handle = Callable[[AsyncSession, Sequence[uuid.UUID]], Awaitable[None]]


class BoomError(Exception):
    """What a handler of the tests fails with."""


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _tables(database: Database, clock: ManualClock) -> AsyncIterator[None]:
    await create_chores(database)
    yield


async def finish(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Do the chores: what a handler that never fails does."""
    done = sa.update(CHORES).where(CHORES.c.id.in_(ids))
    await session.execute(done.values(done=CHORES.c.done + 1, due_at=None, version=CHORES.c.version + 1))


def refusing(bad: uuid.UUID, error: Callable[[], Exception] = BoomError) -> Handle:
    """Return a handler that fails on one row, after its effect."""

    async def handle(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
        await finish(session, ids)
        if bad in ids:
            raise error()

    return handle


async def done_counts() -> list[int]:
    """Return how often each chore was done."""
    return [row.done for row in await all_chores()]


async def aside() -> Sequence[Parked]:
    """Return what is out of its queue."""
    async with reading() as connection:
        return await parked(connection)


async def test_only_what_is_due_is_handed_out_the_longest_due_first(clock: ManualClock) -> None:
    late = await add_chores(1, due_at=clock.now() - timedelta(hours=1), number=1)
    now = await add_chores(1, number=2)
    await add_chores(1, due_at=clock.now() + timedelta(seconds=1), number=3)
    await add_chores(1, state="cancelled", number=4)
    await add_chores(1, due_at=None, number=5)
    handed: list[uuid.UUID] = []

    async def keep(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
        handed.extend(ids)
        await finish(session, ids)

    assert await drain(DUE, keep) == 2
    assert handed == [*late, *now]
    assert await drain(DUE, keep) == 0
    clock.advance(timedelta(seconds=1))
    assert await drain(DUE, keep) == 1


async def test_each_batch_is_one_unit_of_work_of_bounded_size() -> None:
    await add_chores(25)
    sizes: list[int] = []

    async def keep(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
        sizes.append(len(ids))
        await finish(session, ids)

    assert await drain(DUE, keep, batch=10) == 25
    assert sizes == [10, 10, 5]


async def test_workers_share_the_rows_and_none_is_done_twice() -> None:
    await add_chores(300)

    async def slowly(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
        await finish(session, ids)
        for _ in range(5):
            await session.execute(sa.text("SELECT 1"))

    handled = await asyncio.gather(*(drain(DUE, slowly, batch=20) for _ in range(4)))
    assert sum(handled) == 300
    assert all(handled)
    assert await done_counts() == [1] * 300


async def test_a_row_may_become_due_again_in_the_past() -> None:
    """After an outage a ladder climbs the steps it missed one after the other."""
    await add_chores(1)

    async def climb(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
        await session.execute(
            sa.update(CHORES)
            .where(CHORES.c.id.in_(ids))
            .values(
                done=CHORES.c.done + 1,
                due_at=sa.case((CHORES.c.done < 2, CHORES.c.due_at - sa.text("interval '1 minute'")), else_=None),
            )
        )

    assert await drain(DUE, climb) == 3
    assert await done_counts() == [3]


async def test_a_row_that_a_handler_leaves_due_is_set_aside_and_holds_up_no_other() -> None:
    ids = await add_chores(3)

    async def forget(session: AsyncSession, claimed: Sequence[uuid.UUID]) -> None:
        await finish(session, [chore_id for chore_id in claimed if chore_id != ids[1]])

    assert await drain(DUE, forget) == 3
    assert await done_counts() == [1, 0, 1]
    assert [(row.row_id, row.reason) for row in await aside()] == [(ids[1], "StillDueError")]


async def test_a_handler_may_move_a_row_out_of_the_queue_by_its_state() -> None:
    await add_chores(2)

    async def cancel(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
        await session.execute(sa.update(CHORES).where(CHORES.c.id.in_(ids)).values(state="cancelled"))

    assert await drain(DUE, cancel) == 2


async def test_a_bad_row_is_set_aside_alone_and_comes_back_with_its_own_deadline(clock: ManualClock) -> None:
    ids = await add_chores(40)
    due_at = clock.now()
    clock.advance(timedelta(minutes=5))
    assert await drain(DUE, refusing(ids[23])) == 40
    assert await done_counts() == [int(chore_id != ids[23]) for chore_id in ids]
    [bad] = await aside()
    assert (bad.due_name, bad.row_id, bad.due_at) == ("tests.chores", ids[23], due_at)
    assert (bad.attempts, bad.reason, bad.parked_at) == (1, "BoomError", None)
    assert bad.retry_at is not None
    assert (await all_chores())[23].version == 2

    assert await retry_set_aside() == 0
    assert await drain(DUE, finish) == 0
    clock.set(bad.retry_at)
    assert await retry_set_aside() == 1
    assert (await all_chores())[23].due_at == due_at
    assert await drain(DUE, finish) == 1
    assert await done_counts() == [1] * 40


async def test_failures_add_up_until_the_row_is_parked_and_replayed(clock: ManualClock) -> None:
    [bad] = await add_chores(1)
    for attempt in range(1, failures.MAX_ATTEMPTS + 1):
        assert await drain(DUE, refusing(bad, FileNotFoundError)) == 1
        assert [row.attempts for row in await aside()] == [attempt]
        clock.advance(failures.LONGEST_DELAY)
        await retry_set_aside()
    [given_up] = await aside()
    assert given_up.parked_at is not None
    assert given_up.retry_at is None
    assert await drain(DUE, finish) == 0

    async with unit_of_work() as session:
        assert await replay(session, due_name="tests.others") == 0
        assert await replay(session, due_name="tests.chores", row_id=bad) == 1
    assert await retry_set_aside() == 1
    assert await drain(DUE, finish) == 1
    assert await done_counts() == [1]


async def test_what_a_feature_decided_meanwhile_stands(clock: ManualClock) -> None:
    ids = await add_chores(3)
    for bad in ids:
        await drain(DUE, refusing(bad))
    later = clock.now() + timedelta(days=1)
    async with unit_of_work() as session:
        await session.execute(sa.update(CHORES).where(CHORES.c.id == ids[0]).values(due_at=None))
        await session.execute(sa.update(CHORES).where(CHORES.c.id == ids[1]).values(due_at=later))
        await session.execute(sa.delete(CHORES).where(CHORES.c.id == ids[2]))
    clock.advance(timedelta(minutes=1))
    assert await retry_set_aside() == 0
    assert [row.due_at for row in await all_chores()] == [None, later]
    assert await aside() == []


async def test_success_forgets_the_failures_before_it(clock: ManualClock) -> None:
    [chore_id] = await add_chores(1)
    await drain(DUE, refusing(chore_id))
    clock.advance(timedelta(minutes=1))
    await retry_set_aside()
    await drain(DUE, finish)
    await retry_set_aside()
    async with unit_of_work() as session:
        await session.execute(sa.update(CHORES).values(due_at=clock.now()))
    await drain(DUE, refusing(chore_id))
    assert [row.attempts for row in await aside()] == [1]


async def test_a_lost_connection_sets_nothing_aside() -> None:
    await add_chores(4)

    async def lose_connection(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
        await finish(session, ids)
        backend = await session.scalar(sa.text("SELECT pg_backend_pid()"))
        other = await connect_raw()
        try:
            await other.execute("SELECT pg_terminate_backend($1, 5000)", backend)
        finally:
            await other.close()
        await session.execute(sa.text("SELECT 1"))

    with pytest.raises(DBAPIError):
        await drain(DUE, lose_connection)
    assert await drain(DUE, finish) == 4
    assert await done_counts() == [1] * 4


async def test_a_deadlock_is_tried_again_and_in_the_end_raised() -> None:
    await add_chores(4)
    deadlocks = 2

    async def contend(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
        nonlocal deadlocks
        deadlocks -= 1
        if deadlocks >= 0:
            await session.execute(sa.text("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$"))
        await finish(session, ids)

    assert await drain(DUE, contend) == 4
    await add_chores(1)
    deadlocks = 99
    with pytest.raises(DBAPIError):
        await drain(DUE, contend)
    assert await aside() == []


async def test_a_worker_that_is_killed_leaves_its_rows_to_others() -> None:
    await add_chores(5)
    inside = asyncio.Event()

    async def hang(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
        await finish(session, ids)
        inside.set()
        await asyncio.Event().wait()

    worker = asyncio.create_task(drain(DUE, hang))
    await inside.wait()
    assert await drain(DUE, finish) == 0
    worker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await worker
    assert await drain(DUE, finish) == 5
    assert await done_counts() == [1] * 5


async def test_a_worker_asked_to_stop_ends_after_the_batch_in_hand() -> None:
    await add_chores(30)
    stop = asyncio.Event()

    async def then_stop(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
        await finish(session, ids)
        stop.set()

    with stopping.heeding(stop):
        assert await drain(DUE, then_stop, batch=10) == 10
    assert sum(await done_counts()) == 10
    assert await drain(DUE, finish) == 20


async def test_lag_is_the_age_of_the_oldest_deadline(clock: ManualClock) -> None:
    async def chores_lag() -> tuple[float, int]:
        async with reading() as connection:
            [found] = [found for found in await lags(connection) if found.name == DUE.name]
        return found.seconds, found.count

    assert await chores_lag() == (0.0, 0)
    await add_chores(3)
    await add_chores(1, due_at=clock.now() - timedelta(seconds=90))
    await add_chores(1, due_at=clock.now() - timedelta(days=1), state="cancelled")
    assert await chores_lag() == (90.0, 4)


async def test_claiming_uses_the_index_on_the_deadline(clock: ManualClock) -> None:
    async with unit_of_work() as session:
        await session.execute(
            sa.text("""
                INSERT INTO chore (id, community_id, due_at, state, done, number, version, fence, made_at, updated_at)
                SELECT gen_random_uuid(), gen_random_uuid(), :now, 'open', 0, number, 1, 0, :now, :now
                FROM generate_series(1, 50000) AS number"""),
            {"now": clock.now()},
        )
    async with reading() as connection:
        await connection.execute(sa.text("ANALYZE chore"))
        claim = DUE.claim.params(claim_now=clock.now(), claim_size=500)
        compiled = claim.compile(connection.sync_engine, compile_kwargs={"literal_binds": True})
        assert "FOR NO KEY UPDATE SKIP LOCKED" in str(compiled)
        plan = await connection.execute(sa.text(f"EXPLAIN (FORMAT JSON) {compiled}".replace(":", "\\:")))
    nodes = str(plan.scalar_one())
    assert "ix_chore_due_at" in nodes
    assert "Sort" not in nodes


def test_a_queue_is_declared_once_and_names_a_column_that_is_there() -> None:
    with pytest.raises(ValueError, match=r"named tests\.chores already"):
        Due("tests.chores", Chore, "due_at")
    with pytest.raises(ValueError, match="no column dew_at"):
        Due("tests.misspelt", Chore, "dew_at")


async def test_a_handler_that_fails_on_everything_is_blamed_itself_and_the_storm_waits(clock: ManualClock) -> None:
    await add_chores(200)

    async def broken(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
        raise BoomError

    with pytest.raises(BoomError):
        await drain(DUE, broken)
    assert len(await aside()) == MOST_AT_FAULT
    assert await drain(DUE, finish) == 200 - MOST_AT_FAULT


async def test_many_bad_rows_among_good_ones_are_all_set_aside(clock: ManualClock) -> None:
    ids = await add_chores(120)
    bad = set(ids[::2])

    async def handle(session: AsyncSession, claimed: Sequence[uuid.UUID]) -> None:
        await finish(session, claimed)
        if bad & set(claimed):
            raise BoomError

    assert await drain(DUE, handle) == 120
    assert sum(await done_counts()) == 60
    assert len(await aside()) == 60


async def test_a_vital_row_is_never_given_up_and_counts_as_late_while_it_stands_aside(clock: ManualClock) -> None:
    [bad] = await add_chores(1)
    for _ in range(failures.MAX_ATTEMPTS + 5):
        assert await drain(VITAL, refusing(bad)) == 1
        clock.advance(failures.LONGEST_VITAL_DELAY)
        async with reading() as connection:
            assert await lag.worst(connection) >= failures.LONGEST_VITAL_DELAY
        assert await retry_set_aside() == 1
    assert await drain(VITAL, finish) == 1


async def stuck_now() -> list[uuid.UUID]:
    async with reading() as connection:
        return [row.id for row in await connection.execute(stuck_rows(VITAL))]


async def test_a_human_hears_of_a_vital_row_that_is_stuck_again_and_again(clock: ManualClock) -> None:
    [bad] = await add_chores(1)
    heard = []
    for _ in range(failures.STUCK_AFTER + 2):
        await drain(VITAL, refusing(bad))
        heard += [(chore.fence, await stuck_now()) for chore in await all_chores()]
        clock.advance(failures.LONGEST_VITAL_DELAY)
        await retry_set_aside()
    assert heard == [(0, [])] * (failures.STUCK_AFTER - 1) + [(count, [bad]) for count in (1, 2, 3)]
    assert await drain(VITAL, finish) == 1
    assert await stuck_now() == []


async def test_where_nobody_can_be_made_to_hear_the_row_is_still_tried_again(clock: ManualClock) -> None:
    [bad] = await add_chores(1, number=DEAF)
    for _ in range(failures.STUCK_AFTER):
        assert await drain(VITAL, refusing(bad)) == 1
        clock.advance(failures.LONGEST_VITAL_DELAY)
        assert await retry_set_aside() == 1
    [chore] = await all_chores()
    assert chore.fence == 0
    assert await drain(VITAL, finish) == 1


async def test_a_queue_whose_rows_cannot_come_back_holds_up_no_other(clock: ManualClock) -> None:
    [kept], [free] = (
        await add_chores(1, number=1),
        await add_chores(1, number=2, due_at=clock.now() + timedelta(days=1)),
    )
    await drain(DUE, refusing(kept))
    async with unit_of_work() as session:
        await session.execute(
            sa.text("ALTER TABLE chore ADD CONSTRAINT held CHECK (number <> 1 OR due_at = 'infinity')")
        )
    try:
        clock.advance(timedelta(days=1))
        await drain(VITAL, refusing(free))
        clock.advance(failures.LONGEST_VITAL_DELAY)
        with pytest.raises(DBAPIError):
            await retry_set_aside()
    finally:
        async with unit_of_work() as session:
            await session.execute(sa.text("ALTER TABLE chore DROP CONSTRAINT held"))
    assert await drain(VITAL, finish) == 1

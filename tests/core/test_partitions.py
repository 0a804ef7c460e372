"""Monthly partitions: made ahead, never missing, dropped when their time is over and nothing needs them."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock as clocks
from app.core import event_tables, partitions
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.core.events import Event, Subscriber, emit, install_subscribers

COMMUNITY = uuid.UUID(int=7)
_SOMEBODY_WAITS = sa.text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'core_event'\\:\\:regclass AND NOT granted)"
)


class Passed(Event):
    name = "tests.passed.v1"


async def names() -> list[str]:
    """Return the partitions of the facts."""
    statement = sa.text(
        """SELECT inhrelid::regclass::text FROM pg_inherits
        WHERE inhparent = 'core_event'::regclass ORDER BY 1""".replace("::", "\\:\\:")
    )
    async with reading() as connection:
        return list((await connection.scalars(statement)).all())


async def whereabouts() -> list[str]:
    """Return the partition of each fact."""
    statement = sa.text("SELECT CAST(tableoid AS regclass)\\:\\:text FROM core_event ORDER BY sequence")
    async with reading() as connection:
        return list((await connection.scalars(statement)).all())


async def emit_now() -> None:
    """Emit one fact."""
    async with unit_of_work() as session:
        await emit(session, Passed(aggregate_id=clocks.new_id(), community_id=COMMUNITY))


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _months_of_its_own(database: Database, clock: ManualClock) -> AsyncIterator[None]:
    """Give each test the partitions of its clock's months, and leave the ones found before."""
    before = await names()
    clock.set(datetime(2031, 5, 20, tzinfo=UTC))
    yield
    async with database.writing.engine.begin() as connection:
        for name in set(await names()) - set(before):
            await connection.execute(sa.text(f'DROP TABLE "{name}"'))


async def test_a_new_table_has_its_months_and_a_default() -> None:
    assert "core_event_default" in await names()
    assert len([name for name in await names() if "_y" in name]) >= 4


async def test_the_months_ahead_are_made_once(clock: ManualClock) -> None:
    before = await names()
    made = await partitions.maintain_partitions()
    assert made >= 3
    assert set(await names()) - set(before) == {f"core_event_y2031m{month:02}" for month in (5, 6, 7)}
    assert await partitions.maintain_partitions() == 0
    await emit_now()
    clock.set(datetime(2031, 7, 31, 23, 59, 59, 999_000, tzinfo=UTC))
    await emit_now()
    assert await whereabouts() == ["core_event_y2031m05", "core_event_y2031m07"]


async def test_a_missing_month_refuses_nothing_and_gets_its_rows_later() -> None:
    await emit_now()
    assert await whereabouts() == ["core_event_default"]
    await partitions.maintain_partitions()
    assert await whereabouts() == ["core_event_y2031m05"]


async def test_an_expired_month_goes_unless_a_subscriber_still_needs_it(clock: ManualClock) -> None:
    await partitions.maintain_partitions()

    async def ignore(session: object, events: object) -> None:
        """Stand for a subscriber whose relay does not run."""

    previous = install_subscribers([Subscriber("tests.waiting", (Passed,), ignore)])
    try:
        await emit_now()
    finally:
        install_subscribers(previous)
    clock.set(datetime(2031, 6, 1, tzinfo=UTC) + event_tables.KEEP - timedelta(seconds=1))
    await partitions.maintain_partitions()
    assert "core_event_y2031m05" in await names()
    clock.advance(timedelta(seconds=1))
    await partitions.maintain_partitions()
    assert "core_event_y2031m05" in await names()
    async with unit_of_work() as session:
        await session.execute(sa.text("DELETE FROM core_event_consumption"))
    await partitions.maintain_partitions()
    assert "core_event_y2031m05" not in await names()
    assert {"core_event_y2031m06", "core_event_default"} <= set(await names())


async def test_who_reads_while_a_month_is_made_and_another_goes_is_not_refused(clock: ManualClock) -> None:
    await partitions.maintain_partitions()
    clock.set(datetime(2031, 9, 1, tzinfo=UTC) + event_tables.KEEP)
    months = {name for name in await names() if "_y2031" in name}
    async with unit_of_work() as reader:
        # The lock of somebody who has found the table, and has not come to its partitions yet.
        await reader.execute(sa.text("LOCK TABLE ONLY core_event IN ACCESS SHARE MODE"))
        maintaining = asyncio.create_task(partitions.maintain_partitions())
        while not await reader.scalar(_SOMEBODY_WAITS):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)
        assert await reader.scalar(sa.text("SELECT count(*) FROM core_event")) == 0
    await maintaining
    assert not months & set(await names())
    assert "core_event_y2032m02" in await names()


async def test_two_workers_do_not_get_in_each_others_way() -> None:
    async with unit_of_work() as other:
        await other.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('hearthline.partitions', 0))"))
        assert await partitions.maintain_partitions() == 0
    assert await partitions.maintain_partitions() >= 3


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("core_event_y2031m05", True),
        ("core_event_default", True),
        ("core_event", False),
        ("core_event_consumption", False),
        ("core_parked_row_default", False),
        ("core_event_y2031", False),
    ],
)
def test_a_partition_is_told_from_a_table(name: str, expected: bool) -> None:
    assert partitions.is_partition(name) is expected


@given(st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.timezones()), st.integers(-30, 30))  # noqa: DTZ001
def test_months_follow_each_other_without_gaps(instant: datetime, count: int) -> None:
    month = partitions.month_of(instant)
    assert month <= instant < partitions.following(month)
    assert partitions.following(partitions.following(month, count), -count) == month
    assert clocks.id_floor(month) <= clocks.id_floor(instant) < clocks.id_floor(partitions.following(month))

"""Connections are kept and handed on, but never with something of the one before, and never once they are doubtful."""

import asyncio
from contextlib import suppress

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.core.connections import Connections
from app.core.database import Database, connection_of, is_retryable, is_unreachable, reading, unit_of_work
from app.core.statements import HotStatement, fetch_row

_MY_PROCESS = sa.text("SELECT pg_backend_pid()")


async def _process() -> int:
    async with reading() as connection:
        return int((await connection.execute(_MY_PROCESS)).scalar_one())


async def test_the_one_used_last_is_handed_out_next(database: Database) -> None:
    assert await _process() == await _process()


async def test_whoever_finds_none_free_is_told_after_a_while(database: Database) -> None:
    few = Connections(database.reading.engine, size=1, patience=0.05)
    async with few.connection():
        with pytest.raises(PoolTimeoutError) as refused:
            async with few.connection():
                pass
    assert is_unreachable(refused.value)
    async with few.connection() as connection:
        assert await connection.scalar(sa.text("SELECT 1")) == 1
    await few.dispose()


async def test_a_waiting_one_is_served_when_another_gives_back(database: Database) -> None:
    few = Connections(database.reading.engine, size=1, patience=30)

    async def ask() -> int:
        async with few.connection() as connection:
            return int((await connection.execute(_MY_PROCESS)).scalar_one())

    assert len(set(await asyncio.gather(*(ask() for _ in range(5))))) == 1
    await few.dispose()


async def test_what_was_cut_off_in_the_middle_is_not_used_again(database: Database) -> None:
    begun = asyncio.Event()
    processes: list[int] = []

    async def long() -> None:
        async with unit_of_work() as session:
            processes.append(int((await session.execute(_MY_PROCESS)).scalar_one()))
            await session.execute(sa.text("CREATE TABLE half_done ()"))
            begun.set()
            await session.execute(sa.text("SELECT pg_sleep(60)"))

    task = asyncio.create_task(long())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with unit_of_work() as session:
        assert (await session.execute(_MY_PROCESS)).scalar_one() not in processes
        assert await session.scalar(sa.text("SELECT to_regclass('half_done')")) is None


async def test_a_dead_connection_is_noticed_before_it_is_lent(database: Database) -> None:
    async with reading() as idle:
        victim = int((await idle.execute(_MY_PROCESS)).scalar_one())
        dead = idle.driver
    async with unit_of_work() as session:
        await session.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": victim})
    while not dead.is_closed():  # noqa: ASYNC110 - nothing here could set an event
        await asyncio.sleep(0)
    assert await _process() != victim


async def test_a_commit_of_what_had_failed_is_an_error_not_a_silent_rollback(database: Database) -> None:
    async def swallowing() -> None:
        async with unit_of_work() as session:
            await session.execute(sa.text("CREATE TABLE lost ()"))
            with suppress(DBAPIError):
                await session.execute(sa.text("SELECT 1 / 0"))

    with pytest.raises(RuntimeError, match="had failed"):
        await swallowing()
    async with unit_of_work() as session:
        assert await session.scalar(sa.text("SELECT to_regclass('lost')")) is None


async def test_the_driver_is_in_the_same_transaction(database: Database) -> None:
    async with unit_of_work() as session:
        await connection_of(session).driver.execute("CREATE TEMPORARY TABLE shared (n int) ON COMMIT DROP")
        await session.execute(sa.text("INSERT INTO shared VALUES (1)"))
        assert await connection_of(session).driver.fetchval("SELECT n FROM shared") == 1


async def test_what_fails_at_the_commit_is_told_as_sqlalchemy_tells_it(database: Database) -> None:
    async def failing(at_commit: str) -> None:
        async with unit_of_work() as session:
            await session.execute(sa.text("CREATE TEMPORARY TABLE fails (n int) ON COMMIT DROP"))
            await session.execute(
                sa.text(
                    "CREATE FUNCTION pg_temp.fail() RETURNS trigger LANGUAGE plpgsql AS "
                    f"$$ BEGIN RAISE EXCEPTION USING ERRCODE = '{at_commit}'; END $$"
                )
            )
            await session.execute(
                sa.text(
                    "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON fails DEFERRABLE INITIALLY DEFERRED "
                    "FOR EACH ROW EXECUTE FUNCTION pg_temp.fail()"
                )
            )
            await session.execute(sa.text("INSERT INTO fails VALUES (1)"))

    with pytest.raises(OperationalError) as lost_a_race:
        await failing("40001")
    assert is_retryable(lost_a_race.value)
    with pytest.raises(IntegrityError):
        await failing("23505")
    async with unit_of_work() as session:
        assert await session.scalar(sa.text("SELECT 1")) == 1


async def test_a_savepoint_takes_back_what_came_after_it(database: Database) -> None:
    async with unit_of_work() as session:
        await session.execute(sa.text("CREATE TEMPORARY TABLE steps (n int) ON COMMIT DROP"))
        await session.execute(sa.text("INSERT INTO steps VALUES (1)"))
        with suppress(DBAPIError):
            async with session.begin_nested():
                await session.execute(sa.text("INSERT INTO steps VALUES (2)"))
                await session.execute(sa.text("SELECT 1 / 0"))
        await session.execute(sa.text("INSERT INTO steps VALUES (3)"))
        assert (await session.scalars(sa.text("SELECT n FROM steps ORDER BY n"))).all() == [1, 3]


async def test_nobody_but_the_unit_of_work_ends_its_transaction(database: Database) -> None:
    async with unit_of_work() as session:
        for end in (session.commit, session.rollback):
            with pytest.raises(TypeError):
                await end()


async def test_a_unit_of_work_never_goes_on_on_another_connection(database: Database) -> None:
    async def losing() -> None:
        async with unit_of_work() as session:
            mine = connection_of(session).driver
            async with reading() as other:
                await other.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": mine.get_server_pid()})
            with suppress(ConnectionError):
                await fetch_row(connection_of(session), "SELECT pg_sleep(60)")
            await session.execute(sa.text("CREATE TABLE escaped ()"))

    with pytest.raises(SQLAlchemyError):
        await losing()
    async with unit_of_work() as session:
        assert await session.scalar(sa.text("SELECT to_regclass('escaped')")) is None


async def test_a_value_of_the_wrong_type_is_our_mistake_not_the_databases(database: Database) -> None:
    async with reading() as connection:
        with pytest.raises(DBAPIError) as wrong:
            await fetch_row(connection, "SELECT $1::int", "three")
        assert not is_unreachable(wrong.value)
        assert not connection.closed


async def test_a_hot_statement_returns_rows_with_names_and_documents(database: Database) -> None:
    document = sa.bindparam("document", type_=JSONB)
    statement = HotStatement(sa.select(document.label("document"), sa.func.generate_series(1, 2).label("number")))
    async with reading() as connection:
        rows = await statement.rows(connection, {"document": {"en": ["a", 1]}})
        assert [(row.number, row.document) for row in rows] == [(1, {"en": ["a", 1]}), (2, {"en": ["a", 1]})]
        assert [row.document for row in await statement.rows(connection, {"document": None})] == [None, None]
        with pytest.raises(KeyError):
            await statement.rows(connection, {})


async def test_a_hot_statement_asks_for_every_value(database: Database) -> None:
    statement = HotStatement(sa.select(sa.bindparam("wanted", type_=sa.Integer) + sa.literal(2)))
    async with reading() as connection:
        row = await statement.row(connection, {"wanted": 3})
        assert row is not None
        assert row[0] == 5
        with pytest.raises(KeyError):
            await statement.row(connection, {"wantd": 3})

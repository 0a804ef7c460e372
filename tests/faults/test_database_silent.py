"""The database's host vanishes without a word: nobody waits for the kernel, and everything goes on by itself."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from app.core import clock, connections, driver, embedded, failures, wakeups
from app.core import database as databases
from app.core.database import Database, connect_raw, is_unreachable, reading, take_time, unit_of_work
from app.core.settings import DatabaseSettings
from app.core.statements import fetch_row
from eldercare.sos import service as sos
from tests.faults.own_server import standing_on
from tests.faults.people import OPEN, check_in_id, settle_in, signed_in
from tests.faults.processes import Nursery, eventually, house, looking, until
from tests.faults.silent_line import Line, line_to
from tests.faults.test_storm_killed import pushing_to
from tests.sinks.fcm import fcm_sink

BOUND = 30.0  # seconds, on a badly overloaded machine; the kernel's own patience is a quarter of an hour
_ONE = sa.text("SELECT 1")


@pytest_asyncio.fixture(loop_scope="session")
async def line(server: embedded.EmbeddedServer, database: Database) -> AsyncIterator[Line]:
    """Lend a line to the database of the test."""
    where = server.socket_directory / ".s.PGSQL.5432"
    async with line_to(where, database.url.render_as_string(hide_password=False)) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def through(line: Line, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Let this process reach the database through the line, and not wait long."""
    monkeypatch.setattr(connections, "FAREWELL", 0.1)
    previous = databases._database
    settings = DatabaseSettings(pool_timeout=1, statement_timeout=1, writing_pool=2, reading_pool=2)
    opened = databases.open_database(line.url, settings)
    try:
        yield
    finally:
        databases._database = opened
        await databases.close_database()
        databases._database = previous


async def _read() -> None:
    async with reading() as connection:
        await connection.execute(_ONE)


async def _read_by_the_driver() -> None:
    async with reading() as connection:
        await fetch_row(connection, "SELECT 1")


async def _write() -> None:
    async with unit_of_work() as session:
        await session.execute(_ONE)


async def _all_connections(count: int) -> None:
    """Have every pool hold ``count`` connections."""

    async def read(together: asyncio.Barrier) -> None:
        async with reading() as connection:
            await connection.execute(_ONE)
            await together.wait()

    async def write(together: asyncio.Barrier) -> None:
        async with unit_of_work() as session:
            await session.execute(_ONE)
            await together.wait()

    together = asyncio.Barrier(2 * count)
    await asyncio.gather(*(work(together) for work in (read, write) for _ in range(count)))


@pytest.mark.usefixtures("through")
@pytest.mark.parametrize("work", [_read, _read_by_the_driver, _write])
async def test_one_silent_connection_costs_a_bounded_time_and_takes_the_others_with_it(
    line: Line, work: Callable[[], Awaitable[None]]
) -> None:
    await _all_connections(2)
    line.cut()
    line.mend()  # what is new gets through at once
    with pytest.raises(Exception) as caught:  # noqa: PT011 - what it is is asked below
        await asyncio.wait_for(work(), BOUND)
    assert is_unreachable(caught.value)
    assert failures.is_excused(caught.value)
    for other in (_read, _read_by_the_driver, _write):
        await asyncio.wait_for(other(), BOUND)  # a second silent one would raise


@pytest.mark.usefixtures("through")
async def test_nobody_to_connect_to_is_the_databases_fault(line: Line) -> None:
    line.cut()
    with pytest.raises(ConnectionError) as caught:
        await asyncio.wait_for(_read(), BOUND)
    assert failures.is_excused(caught.value)


@pytest.mark.usefixtures("through")
async def test_ending_does_not_wait_for_each_silent_connection(line: Line) -> None:
    await _all_connections(2)
    line.cut()
    await asyncio.wait_for(databases.close_database(), 2 * (1 + driver.GRACE))  # saying goodbye is a command, too


@pytest.mark.usefixtures("through")
async def test_a_statement_that_may_take_time_is_waited_for_and_no_other() -> None:
    slowly = sa.text(f"SELECT pg_sleep({1 + driver.GRACE + 0.5})")
    async with unit_of_work() as session:
        await take_time(session, timedelta(minutes=1))
        await session.execute(slowly)

    async def without_being_allowed() -> None:
        async with unit_of_work() as session:
            await session.execute(slowly)

    with pytest.raises(sa.exc.DBAPIError) as caught:
        await without_being_allowed()
    assert getattr(caught.value.orig, "sqlstate", None) == "57014"  # query_canceled: PostgreSQL's own refusal
    async with databases.database().writing.connection() as connection:
        assert connection.driver._config.command_timeout == 1 + driver.GRACE


def _options(connection: driver.Connection) -> list[int]:
    wire = connection._transport.get_extra_info("socket")
    return [wire.getsockopt(level, option) for level, option, _ in driver._SOCKET_OPTIONS]


@pytest.mark.usefixtures("through")
async def test_every_socket_asks_whether_the_other_end_is_there() -> None:
    wanted = [1, driver.QUIET, 3, 3, driver.UNACKNOWLEDGED]
    assert (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, driver.UNACKNOWLEDGED) in driver._SOCKET_OPTIONS
    raw = await connect_raw()
    assert _options(raw) == wanted
    await raw.close()
    for door in (databases.database().reading, databases.database().writing):
        async with door.connection() as connection:
            assert _options(connection.driver) == wanted


@pytest.mark.usefixtures("through")
async def test_the_line_for_wake_ups_comes_back(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeups, "HEARTBEAT", 0.5)
    await wakeups.start()
    try:
        await asyncio.wait_for(wakeups.connected(), BOUND)
        with wakeups.listening("tests.a") as woken:
            line.cut()
            line.mend()
            await asyncio.wait_for(woken.wait(), BOUND)  # as everybody is when it is back
    finally:
        await wakeups.stop()


async def test_an_sos_does_not_wait_for_a_database_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sos, "LONGEST_TRY", 0.01)
    monkeypatch.setattr(sos, "PATIENCE", 0.0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(sos.insisting(asyncio.Event().wait), BOUND)


async def test_requests_get_a_503_and_succeed_afterwards(nursery: Nursery, line: Line, tmp_path: Path) -> None:
    impatient = {"HEARTHLINE_DATABASE_POOL_TIMEOUT": "1", "HEARTHLINE_DATABASE_STATEMENT_TIMEOUT": "1"}
    await settle_in(line.url, 1, then=(OPEN,))
    async with standing_on(line.url):
        headers = await signed_in(1)
    async with house(nursery, line.url, tmp_path, **impatient) as home:
        api = await home.api()
        async with httpx.AsyncClient(base_url=api.url, timeout=BOUND, headers=headers) as client:
            assert (await client.get("/v1/me/check-ins")).status_code == 200
            line.cut()
            keyed = {"Idempotency-Key": str(clock.new_id())}
            path = f"/v1/me/check-ins/{check_in_id(1)}/answer"
            for answer in await asyncio.gather(
                client.get("/v1/me/check-ins"), client.post(path, json={"status": "ok"}, headers=keyed)
            ):
                assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), answer.text
                assert int(answer.headers["Retry-After"]) > 0
            line.mend()
            answered = await client.post(path, json={"status": "ok"}, headers=keyed)
            assert answered.status_code == 200, answered.text
            assert not api.exited.done()


async def test_the_worker_reconnects_and_goes_on(
    nursery: Nursery, server: embedded.EmbeddedServer, database: Database, line: Line, tmp_path: Path
) -> None:
    residents = 300
    impatient = {"HEARTHLINE_DATABASE_POOL_TIMEOUT": "1", "HEARTHLINE_DATABASE_STATEMENT_TIMEOUT": "1"}
    await settle_in(line.url, residents)
    async with fcm_sink() as sink, house(nursery, line.url, tmp_path, **impatient) as home:
        pace = {"HEARTHLINE_WORKER_BATCH": "25", "HEARTHLINE_WORKER_LEASE_SECONDS": "3"}
        worker = await home.worker(**pushing_to(sink, tmp_path), **pace)
        async with looking(database.url) as look:
            await until(look, "SELECT count(*) >= 1 FROM notifications_delivery WHERE state = 'sent'")
            line.cut()
            line.mend()
            await until(look, "SELECT NOT EXISTS (SELECT FROM eldercare_check_in WHERE asked_at IS NULL)")

            async def all_sent() -> bool:
                found = await look.fetch("SELECT state, count(*) FROM notifications_delivery GROUP BY 1")
                return [tuple(row) for row in found] == [("sent", residents)]

            await eventually(all_sent)
            assert await look.fetchval("SELECT count(*) FROM core_parked_row") == 0
        assert len(sink.screens) == residents
        assert await worker.stop() == 0, worker.written()

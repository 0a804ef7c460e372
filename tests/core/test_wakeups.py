"""Wake-ups reach this process at once and others by one NOTIFY; the line comes back when PostgreSQL does."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from app.core import wakeups
from app.core.database import Database, connect_raw, unit_of_work

TOPIC = "hearthline_public"


@pytest_asyncio.fixture(loop_scope="session")
async def line(database: Database) -> AsyncIterator[None]:
    """Start the process's line."""
    await wakeups.start()
    yield
    await wakeups.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def elsewhere(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """Stand for another process on the same database."""
    connection = await connect_raw()
    yield connection
    await connection.close()


async def _heard(woken: asyncio.Event) -> None:
    await asyncio.wait_for(woken.wait(), 20)
    woken.clear()


async def _line_pid(connection: asyncpg.Connection) -> int:
    found = await connection.fetchval(
        """SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
           AND (query LIKE 'LISTEN%' OR query LIKE '%pg_notify%')"""
    )
    assert isinstance(found, int)
    return found


async def test_only_the_channels_listened_to_wake() -> None:
    with wakeups.listening("tests.a", "tests.b") as woken:
        wakeups.request(None, "tests.c")
        assert not woken.is_set()
        wakeups.request(None, "tests.b")
        assert woken.is_set()
    woken.clear()
    wakeups.request(None, "tests.b")
    assert not woken.is_set()


async def test_nothing_is_woken_before_the_commit(database: Database) -> None:
    with wakeups.listening("tests.a") as woken:
        async with unit_of_work() as session:
            wakeups.request(session, "tests.a")
            assert not woken.is_set()
        assert woken.is_set()


@pytest.mark.usefixtures("line")
async def test_another_process_hears_of_many_requests_at_once(elsewhere: asyncpg.Connection) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    await elsewhere.add_listener(TOPIC, lambda *heard: said.put_nowait(heard[3]))
    for _ in range(100):
        wakeups.request(None, "tests.b")
        wakeups.request(None, "tests.a")
    assert await asyncio.wait_for(said.get(), 20) == "tests.a,tests.b"
    wakeups.request(None, "tests.last")
    assert await asyncio.wait_for(said.get(), 20) == "tests.last"  # and nothing in between


@pytest.mark.usefixtures("line")
async def test_between_two_notifies_requests_are_gathered(
    elsewhere: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeups, "GAP", 1.0)
    said: asyncio.Queue[str] = asyncio.Queue()
    await elsewhere.add_listener(TOPIC, lambda *heard: said.put_nowait(heard[3]))
    wakeups.request(None, "tests.first")
    assert await asyncio.wait_for(said.get(), 20) == "tests.first"
    for channel in ("tests.a", "tests.b", "tests.c"):
        wakeups.request(None, channel)
        await elsewhere.execute("SELECT 1")
    assert await asyncio.wait_for(said.get(), 20) == "tests.a,tests.b,tests.c"


@pytest.mark.usefixtures("line")
async def test_what_is_requested_while_the_line_speaks_is_said_next(elsewhere: asyncpg.Connection) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    await elsewhere.add_listener(TOPIC, lambda *heard: said.put_nowait(heard[3]))
    wakeups.request(None, "tests.a")
    for _ in range(2):
        await asyncio.sleep(0)
    wakeups.request(None, "tests.a")
    wakeups.request(None, "tests.b")
    heard = [await asyncio.wait_for(said.get(), 20) for _ in range(2)]
    assert heard == ["tests.a", "tests.a,tests.b"]


@pytest.mark.usefixtures("line")
async def test_what_another_process_says_wakes_this_one(elsewhere: asyncpg.Connection) -> None:
    with wakeups.listening("tests.b") as woken:
        await elsewhere.execute("SELECT pg_notify($1, 'tests.a,tests.b')", TOPIC)
        await _heard(woken)


@pytest.mark.usefixtures("line")
async def test_its_own_words_do_not_wake_it_twice(elsewhere: asyncpg.Connection) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    await elsewhere.add_listener(TOPIC, lambda *heard: said.put_nowait(heard[3]))
    with wakeups.listening("tests.a") as woken, wakeups.listening("tests.end") as end:
        wakeups.request(None, "tests.a")
        woken.clear()
        assert await asyncio.wait_for(said.get(), 20) == "tests.a"
        await elsewhere.execute("SELECT pg_notify($1, 'tests.end')", TOPIC)
        await _heard(end)
        assert not woken.is_set()


@pytest.mark.usefixtures("line")
async def test_a_lost_line_comes_back_and_wakes_everybody(elsewhere: asyncpg.Connection) -> None:
    with wakeups.listening("tests.a") as woken:
        await elsewhere.execute("SELECT pg_terminate_backend($1, 5000)", await _line_pid(elsewhere))
        await _heard(woken)  # who knows what was missed
        await asyncio.wait_for(wakeups.connected(), 20)
        await elsewhere.execute("SELECT pg_notify($1, 'tests.a')", TOPIC)
        await _heard(woken)


@pytest.mark.usefixtures("line")
async def test_what_could_not_be_said_is_said_when_the_line_is_back(elsewhere: asyncpg.Connection) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    await elsewhere.add_listener(TOPIC, lambda *heard: said.put_nowait(heard[3]))
    await elsewhere.execute("SELECT pg_terminate_backend($1, 5000)", await _line_pid(elsewhere))
    wakeups.request(None, "tests.a")
    assert await asyncio.wait_for(said.get(), 20) == "tests.a"


async def test_what_is_heard_as_the_line_ends_still_wakes(database: Database) -> None:
    ended = await connect_raw()
    ended.terminate()
    with wakeups.listening("tests.a") as woken:
        wakeups._Line()._hear(ended, 1, TOPIC, "tests.a")
        assert woken.is_set()


@pytest.mark.usefixtures("line")
async def test_one_line_per_process() -> None:
    with pytest.raises(RuntimeError, match="started already"):
        await wakeups.start()


async def test_without_a_line_this_process_still_wakes(database: Database) -> None:
    await wakeups.start()
    await wakeups.stop()
    await wakeups.stop()
    with wakeups.listening("tests.a") as woken:
        wakeups.request(None, "tests.a")
        assert woken.is_set()

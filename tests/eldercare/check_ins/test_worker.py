"""The worker's signs of life, the watchdog outside, and the texts of the notices."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
import sqlalchemy as sa

from app import assembly
from app.core import stopping
from app.core.clock import ManualClock
from app.core.database import reading
from app.core.jobs import run_jobs
from app.core.settings import Settings, WorkerSettings, install_settings
from app.identity.models import Resident
from eldercare.check_ins import jobs, notices
from eldercare.check_ins.service import outages
from notifications.templates.completeness import complaints
from notifications.templates.notices import Notice
from notifications.templates.notices import notices as declared
from tests.factories import eldercare_check_ins as made


class Watcher:
    """A watchdog on loopback that counts the pings."""

    def __init__(self) -> None:
        self.pings = 0
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.pings += 1
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@pytest_asyncio.fixture(loop_scope="session")
async def watcher(test_settings: Settings) -> AsyncIterator[Watcher]:
    found = Watcher()
    server = await asyncio.start_server(found.answer, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ping"
    worker = WorkerSettings(watchdog_url=found.url, watchdog_seconds=30, lag_limit_seconds=60)
    install_settings(test_settings.model_copy(update={"worker": worker}))
    async with server:
        yield found
    install_settings(test_settings)


@pytest.mark.usefixtures("database", "subscribed")
async def test_the_watchdog_is_pinged_only_while_we_keep_up(
    resident: Resident, clock: ManualClock, watcher: Watcher
) -> None:
    await made.plan(resident)
    watchdog = jobs.Watchdog()
    await watchdog.watch()
    await watchdog.watch()
    assert watcher.pings == 1
    clock.advance(timedelta(minutes=31, seconds=1))  # the check-in is due, and nobody works on it
    await watchdog.watch()
    assert watcher.pings == 1
    await jobs.prompt()
    clock.advance(timedelta(seconds=30))
    await watchdog.watch()
    assert watcher.pings == 2


@pytest.mark.usefixtures("database", "clock")
async def test_a_watchdog_out_of_reach_stops_nothing(test_settings: Settings) -> None:
    worker = WorkerSettings(watchdog_url="http://127.0.0.1:9/ping")
    install_settings(test_settings.model_copy(update={"worker": worker}))
    try:
        assert await jobs.Watchdog().watch() == 0
    finally:
        install_settings(test_settings)


async def gaps() -> list[timedelta]:
    async with reading() as connection:
        return list((await connection.scalars(sa.text("SELECT ended_at - started_at FROM eldercare_outage"))).all())


@pytest.mark.usefixtures("database")
async def test_silence_is_remembered_once_however_many_workers_come_back(clock: ManualClock) -> None:
    await outages.beat()
    clock.advance(timedelta(minutes=2))
    await outages.beat()
    clock.advance(timedelta(minutes=20))
    await asyncio.gather(*(outages.beat() for _ in range(4)))
    assert await gaps() == [timedelta(minutes=20)]


@pytest.mark.usefixtures("database")
async def test_only_a_worker_shows_life(clock: ManualClock) -> None:
    await jobs.show_life()
    clock.advance(timedelta(hours=1))
    await jobs.close()
    assert await gaps() == []

    with stopping.heeding(asyncio.Event()):
        await jobs.show_life()
        clock.advance(timedelta(hours=1))
        await jobs.close()
    assert await gaps() == [timedelta(hours=1)]


@pytest.mark.usefixtures("database")
async def test_a_worker_notices_the_silence_of_the_api_while_it_lasts(clock: ManualClock) -> None:
    with stopping.heeding(asyncio.Event()):
        await jobs.close()
        clock.advance(timedelta(minutes=1))
        await jobs.close()
        assert await gaps() == [], "an API that never was is not missed"
        await jobs.show_api_life()
        for _ in range(5):
            clock.advance(timedelta(minutes=1))
            await asyncio.gather(*(jobs.close() for _ in range(3)))
        assert await gaps() == [timedelta(minutes=5)]
        clock.advance(timedelta(minutes=1))
        await asyncio.gather(*(jobs.show_api_life() for _ in range(2)))
        clock.advance(timedelta(minutes=1))
        await jobs.close()
    assert await gaps() == [timedelta(minutes=6)]


@pytest.mark.usefixtures("database")
async def test_an_api_process_shows_life() -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(run_jobs(assembly.API_JOBS, stop))
    async with asyncio.timeout(10):
        while not (parts := await living()):
            pass
    stop.set()
    await running
    assert parts == ["api"]


async def living() -> list[str]:
    async with reading() as connection:
        return list((await connection.scalars(sa.text("SELECT part FROM eldercare_heartbeat"))).all())


def test_every_notice_has_all_its_texts() -> None:
    ours = [notice for notice in declared().values() if notice.package == notices.__package__]
    assert len(ours) == 11
    assert [complaint for notice in ours for complaint in complaints(notice)] == []


def test_a_locked_phone_shows_no_reason_for_a_pause() -> None:
    shown: Notice = notices.PAUSE_ANNOUNCED
    assert set(shown.variables) == {"resident", "starts_at", "ends_at"}

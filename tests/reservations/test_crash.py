"""A process that dies between a hold and its confirmation leaves a hold that ends by itself, and nothing else."""

import asyncio
import os
import signal
import sys
from datetime import timedelta

import pytest
from sqlalchemy.engine import make_url

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import Database, reading
from app.reservations import api as reservations
from app.reservations.api import CalendarTaken
from tests.conftest import ROOT
from tests.reservations.conftest import PLACE, Calendars, take, want

_HOLDER = """
import asyncio, sys, uuid
from datetime import datetime, timedelta
from app import assembly
from app.core import clock
from app.core.clock import ManualClock
from app.core.database import open_database, unit_of_work
from app.core.settings import DatabaseSettings
from app.reservations import api as reservations

async def main(url, calendar, at, now):
    clock.install(ManualClock(datetime.fromisoformat(now)))
    assembly.install()
    open_database(url, DatabaseSettings())
    start = datetime.fromisoformat(at)
    want = reservations.Want(uuid.UUID(calendar), start, start + timedelta(minutes=30), uuid.UUID(int=3))
    by = {"origin_kind": "test", "taken_by": uuid.UUID(int=3)}
    async with unit_of_work() as session:
        held = await reservations.take(session, [want], hold_until=clock.now() + timedelta(minutes=10), **by)
    async with unit_of_work() as session:
        await reservations.confirm(session, held)
        print("confirming", flush=True)
        await asyncio.sleep(600)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_process_that_dies_before_its_commit_leaves_a_hold_that_ends(
    database: Database, calendars: Calendars, clock: ManualClock
) -> None:
    (carer,) = await calendars()
    at = clock.now() + timedelta(hours=1)
    url = make_url(database.url).render_as_string(hide_password=False)
    arguments = (url, str(carer), at.isoformat(), clocks.now().isoformat())
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-c", _HOLDER, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    assert await asyncio.wait_for(process.stdout.readline(), 90) == b"confirming\n"
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    with pytest.raises(CalendarTaken) as refused:
        await take(want(carer, at))  # waits for the database to notice, and then it is a hold
    (conflict,) = refused.value.extensions["conflicts"]
    assert [one["state"] for one in conflict["taken"]] == ["held"]
    clock.advance(timedelta(minutes=10))
    await take(want(carer, at))
    async with reading() as connection:
        assert await reservations.recount(connection, PLACE) == []

"""The recount of the books, as the command says it."""

import asyncio
import os
import sys

import sqlalchemy as sa

from app.core import clock as clocks
from app.core.database import Database, unit_of_work
from app.reservations import api as reservations
from tests.conftest import DATA, ROOT
from tests.reservations.conftest import PLACE


async def recounted(database: Database) -> tuple[int | None, str]:
    """Run the command on the tests' database; return its exit status and what it said."""
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "app.cli", "reservations", "recount"),
        cwd=ROOT,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("HEARTHLINE_")},
            "HEARTHLINE_DIRECTORY": str(DATA),
            "HEARTHLINE_DATABASE_URL": database.url.render_as_string(hide_password=False),
            "COLUMNS": "240",
        },
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await asyncio.wait_for(running.communicate(), 240)
    return running.returncode, said.decode()


async def test_the_books_are_recounted_and_what_must_not_be_is_an_exit_status(database: Database) -> None:
    async with unit_of_work() as session:
        pool = await reservations.open_pool(
            session, community_id=PLACE, kind="day", subject_id=clocks.new_id(), capacity=5
        )
    assert await recounted(database) == (0, "calendars and pools are what their rows say\n")
    async with unit_of_work() as session:
        await session.execute(sa.text("UPDATE reservations_pool SET taken = 1 WHERE id = :id"), {"id": pool})
    status, said = await recounted(database)
    assert status == 1
    (row,) = (line for line in said.splitlines() if str(pool) in line)
    assert " count " in row
    assert str(PLACE) in row

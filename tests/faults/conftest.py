"""A house of real processes on the database of the test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from app.core.database import Database
from app.core.settings import Settings
from tests.architecture.kept_world import Keeping
from tests.emptying import Emptying
from tests.faults.processes import House, Nursery, end_orphans, house


@pytest_asyncio.fixture(loop_scope="session")
async def home(
    nursery: Nursery,
    database: Database,
    emptying: Emptying,
    keeping: Keeping,
    test_settings: Settings,
    tmp_path: Path,
) -> AsyncIterator[House]:
    """Lend a house on the database that the factories write to."""
    async with house(nursery, database.url, tmp_path) as opened:
        yield opened
    await end_orphans(database, spare=[emptying.pid, *keeping.pids])

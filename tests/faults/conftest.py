"""A house of real processes on the database of the test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from app.core.database import Database
from app.core.settings import Settings
from tests.faults.processes import House, Nursery, house, open_nursery


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def nursery() -> AsyncIterator[Nursery]:
    """Run what forks processes."""
    async with open_nursery() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def home(nursery: Nursery, database: Database, test_settings: Settings, tmp_path: Path) -> AsyncIterator[House]:
    """Lend a house on the database that the factories write to."""
    async with house(nursery, database.url, tmp_path) as opened:
        yield opened

"""A resident about whom one thing of each kind is known."""

import pytest_asyncio

from app.core.clock import ManualClock
from app.core.database import Database
from tests.factories.lived import Lived, live


@pytest_asyncio.fixture(loop_scope="session")
async def lived(database: Database, clock: ManualClock) -> Lived:
    """Return a resident with a history: something happened every ten minutes, one thing of each kind."""
    return await live(clock)

"""The scene of FHIR's tests."""

import pytest_asyncio

from app.core.clock import ManualClock
from app.core.database import Database
from tests.factories import fhir
from tests.factories.fhir import Scene


@pytest_asyncio.fixture(loop_scope="session")
async def scene(database: Database, clock: ManualClock) -> Scene:
    """Insert a clinic with its own system, its doctor, and a resident."""
    return await fhir.scene()

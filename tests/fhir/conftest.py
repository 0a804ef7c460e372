"""The scene of FHIR's tests."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app.core.clock import ManualClock
from app.core.database import Database
from app.core.settings import MediaSettings, Settings, install_settings
from tests.factories import fhir
from tests.factories.fhir import Scene
from tests.fhir import records
from tests.fhir.records import Ward


@pytest_asyncio.fixture(loop_scope="session")
async def scene(database: Database, clock: ManualClock) -> Scene:
    """Insert a clinic with its own system, its doctor, and a resident."""
    return await fhir.scene()


@pytest_asyncio.fixture(loop_scope="session")
async def ward(client: httpx.AsyncClient, scene: Scene) -> Ward:
    """Have the clinic treat the resident."""
    return await records.ward(client, scene)


@pytest.fixture
def directory(tmp_path: Path, test_settings: Settings) -> Iterator[Path]:
    """Keep files in a directory of the test's own."""
    install_settings(test_settings.model_copy(update={"media": MediaSettings(directory=tmp_path)}))
    yield tmp_path
    install_settings(test_settings)

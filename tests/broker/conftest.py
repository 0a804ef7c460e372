"""A broker for each test, with two homes let in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.settings import Settings, install_settings
from tests.broker.scenes import HOME, OTHER, OTHERS_SECRET, SECRET
from tests.emulators.mosquitto import Mosquitto, mosquitto


@pytest.fixture(autouse=True)
def _settings(test_settings: Settings) -> Iterator[None]:
    """Leave the settings as they were: those who come after share keys with the processes they start."""
    yield
    install_settings(test_settings)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Run a Mosquitto whose homes come from files."""
    with mosquitto(tmp_path) as running:
        running.let_in(HOME, SECRET)
        running.let_in(OTHER, OTHERS_SECRET)
        yield running

"""What tests of the demo stand on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.settings import MediaSettings, Settings, install_settings


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, test_settings: Settings) -> Iterator[None]:
    """Keep what people upload in a directory of its own."""
    install_settings(test_settings.model_copy(update={"media": MediaSettings(directory=tmp_path)}))
    yield
    install_settings(test_settings)

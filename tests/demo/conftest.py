"""What tests of the demo stand on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.settings import MediaSettings, Settings, install_settings


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, test_settings: Settings) -> Iterator[None]:
    """Keep what people upload, and the sandbox's credentials, in a directory of its own."""
    own = {"media": MediaSettings(directory=tmp_path), "directory": tmp_path}
    install_settings(test_settings.model_copy(update=own))
    yield
    install_settings(test_settings)

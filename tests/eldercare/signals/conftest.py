"""What every test of hints stands on."""

from collections.abc import Iterator

import pytest

from app.core.events import install_subscribers
from eldercare.signals.subscribers import SUBSCRIBERS


@pytest.fixture
def subscribed() -> Iterator[None]:
    """Let hints, and nobody else, hear of alarms."""
    previous = install_subscribers(SUBSCRIBERS)
    yield
    install_subscribers(previous)

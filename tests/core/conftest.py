"""What the kernel's tests share."""

from collections.abc import Iterator

import pytest

from tests.core import chores


@pytest.fixture(autouse=True)
def _withdraw_chores() -> Iterator[None]:
    """Leave no queue behind that other tests of this process have no table for."""
    yield
    chores.withdraw()

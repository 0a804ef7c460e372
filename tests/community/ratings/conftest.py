"""Help that was had, to be rated."""

import pytest_asyncio

from app.core.clock import ManualClock
from tests.community.complaints.conftest import done
from tests.community.orders import conftest as orders

scene, subscribed = orders.scene, orders.subscribed
"""Fixtures of the neighbours."""


@pytest_asyncio.fixture(loop_scope="session")
async def order(scene: orders.Scene, clock: ManualClock) -> orders.Body:
    """Help that was had, to be paid to the provider."""
    return await done(scene, clock)

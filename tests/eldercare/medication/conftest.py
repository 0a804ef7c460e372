"""A community on UTC with a resident who has a phone, and only medication subscribed to what happens."""

from collections.abc import Iterator

import pytest
import pytest_asyncio

from app.core.clock import ManualClock
from app.core.database import Database
from app.core.events import install_subscribers
from app.identity.models import Community, Resident
from eldercare.medication.subscribers import SUBSCRIBERS
from tests.factories import identity
from tests.factories import notifications as sent


@pytest.fixture
def subscribed() -> Iterator[None]:
    """Let medication, and nobody else, hear of what happens."""
    previous = install_subscribers(SUBSCRIBERS)
    yield
    install_subscribers(previous)


@pytest_asyncio.fixture(loop_scope="session")
async def place(database: Database, clock: ManualClock) -> Community:
    """Return a community that lives by UTC."""
    return await identity.community(time_zone="UTC")


@pytest_asyncio.fixture(loop_scope="session")
async def resident(place: Community) -> Resident:
    """Return a resident who can be reached by push and by SMS."""
    person = await identity.account(place, name="Grace", phone="+8613800000001")
    await sent.phone(person)
    return await identity.resident(place, person=person)

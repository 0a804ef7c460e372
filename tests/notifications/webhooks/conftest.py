"""A receiver on the loopback address, where this process lets endpoints be, and an agency that serves a resident."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio

from app.core.clock import ManualClock
from app.core.database import Database
from app.core.settings import Settings, WebhookSettings, install_settings
from app.identity.models import Account, Community, Organization, Resident
from tests.factories import identity
from tests.sinks.webhooks import Receiver, receiver


@dataclass(frozen=True, slots=True)
class Scene:
    """A resident, the agency that serves them, and who coordinates it."""

    community: Community
    resident: Resident
    agency: Organization
    coordinator: Account


@pytest_asyncio.fixture(loop_scope="session")
async def scene(database: Database, clock: ManualClock) -> Scene:
    """Return the people of the tests."""
    community = await identity.community()
    resident = await identity.resident(community)
    agency = await identity.organization(community, "care_agency")
    await identity.agreement(agency, ["alarms:read", "check_ins:read"], resident)
    coordinator = await identity.staff(agency, "coordinator", name="Cora", email="cora@example.org")
    return Scene(community, resident, agency, coordinator)


@pytest_asyncio.fixture(loop_scope="session")
async def sink(test_settings: Settings) -> AsyncIterator[Receiver]:
    """Run a receiver and let endpoints be on this machine."""
    async with receiver() as running:
        chosen = WebhookSettings(allow_private=True, timeout=0.5)
        install_settings(test_settings.model_copy(update={"webhooks": chosen}))
        yield running
        install_settings(test_settings)

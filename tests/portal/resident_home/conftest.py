"""A resident who is asked every morning, takes something, sees a doctor, and has a circle."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app import assembly
from app.core.clock import ManualClock
from app.core.database import Database, unit_of_work
from app.core.events import install_subscribers
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Account, Resident
from eldercare.check_ins import jobs
from notifications.sending import jobs as sending
from tests.factories import eldercare_alarms as alarms
from tests.portal.ground import visitor


@dataclass
class Living:
    """A resident at home, on a Monday at eight in the morning (UTC), and who is around them."""

    app: FastAPI
    scene: alarms.Scene
    person: Account
    clock: ManualClock

    @property
    def resident(self) -> Resident:
        """The resident."""
        return self.scene.resident

    def browser(
        self, account: Account | None = None, *, language: str = "en"
    ) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        """Open a browser in which the resident, or somebody else, is signed in."""
        return visitor(self.app, account or self.person, language=language)

    async def passes(self, minutes: float) -> None:
        """Let time pass, and whatever falls due in it be done."""
        self.clock.advance(timedelta(minutes=minutes))
        await settle([*RELAY_JOBS, *sending.JOBS, *jobs.JOBS])


@pytest.fixture
def subscribed() -> Iterator[None]:
    """Let everybody hear of what happens."""
    assembly.load_tables()
    previous = install_subscribers(assembly.SUBSCRIBERS)
    yield
    install_subscribers(previous)


@pytest_asyncio.fixture(loop_scope="session")
async def living(app: FastAPI, database: Database, subscribed: None, clock: ManualClock) -> Living:
    """Hand out the resident."""
    del database, subscribed
    scene = await alarms.scene()
    async with unit_of_work() as session:
        person = await session.get_one(Account, scene.resident.account_id)
    return Living(app, scene, person, clock)

"""A scene for sending: a loopback FCM that the push channel of this process talks to, a resident and a relative."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from app.core import clock as clocks
from app.core.database import Database, unit_of_work
from app.core.events import Subscriber, install_subscribers
from app.core.sending_settings import PushSettings
from app.core.settings import Settings, install_settings
from app.identity.models import Account, Community, Resident
from notifications.api import Notice, send
from notifications.channels.registry import close_channels
from notifications.events import DeliverySettled
from tests.factories import identity
from tests.notifications.notices import ALARM
from tests.sinks.fcm import PROJECT, FcmSink, fcm_sink
from tests.sinks.twilio import TwilioSink, twilio_provider

ORIGIN = UUID(int=99)


@dataclass
class Scene:
    """A community with a resident and a relative who can be reached by SMS and mail."""

    community: Community
    resident: Resident
    relative: Account

    async def tell(self, notice: Notice = ALARM, key: str = "alarm:1", **options: object) -> list[UUID]:
        """Write a notice about the resident to the relative, with an origin."""
        variables = {"resident": self.resident.id} | ({"due_at": clocks.now()} if "due_at" in notice.variables else {})
        given: dict[str, object] = {
            "about": self.resident.id,
            "origin": ("tests.alarm", ORIGIN),
            "variables": variables,
        }
        async with unit_of_work() as session:
            return await send(
                session,
                notice,
                [self.relative.id],
                community_id=self.community.id,
                dedupe_key=key,
                **(given | options),  # type: ignore[arg-type]  # each test knows what it gives
            )


@pytest_asyncio.fixture(loop_scope="session")
async def scene(database: Database, clock: clocks.ManualClock) -> Scene:
    """Return the people of the tests."""
    community = await identity.community()
    resident = await identity.resident(community, name="Grace")
    relative = await identity.account(community, name="Ada", phone="+8613800000001", email="ada@example.org")
    return Scene(community, resident, relative)


@pytest_asyncio.fixture(loop_scope="session")
async def sink(test_settings: Settings, tmp_path: Path) -> AsyncIterator[FcmSink]:
    """Run a loopback FCM and make it this process's push provider."""
    await close_channels()
    async with fcm_sink() as running:
        push = PushSettings(
            providers=("fcm",),
            fcm_project=PROJECT,
            fcm_endpoint=running.url,
            fcm_credentials=running.write_credentials(tmp_path),
            fcm_timeout=1.0,
        )
        install_settings(test_settings.model_copy(update={"push": push}))
        yield running
        install_settings(test_settings)
        await close_channels()


@pytest_asyncio.fixture(loop_scope="session")
async def provider(test_settings: Settings) -> AsyncIterator[TwilioSink]:
    """Make a loopback Twilio the provider of text messages and calls."""
    async with twilio_provider(test_settings) as running:
        yield running


@pytest.fixture
def told() -> Iterator[list[DeliverySettled]]:
    """Collect what deliveries tell; the relay has to run."""
    seen: list[DeliverySettled] = []

    async def handle(_: object, events: Sequence[DeliverySettled]) -> None:
        seen.extend(events)

    previous = install_subscribers([Subscriber("tests.settled", (DeliverySettled,), handle)])
    yield seen
    install_subscribers(previous)

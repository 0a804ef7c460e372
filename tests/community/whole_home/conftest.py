"""A resident, those who are called, their phones, a broker, a gateway, and a home that is set up by its resident."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from typing import Any, Final

import aiomqtt
import httpx
import pytest_asyncio

from app import assembly
from app.broker.api import Message
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.sending_settings import PushSettings
from app.core.settings import Settings, install_settings
from app.demo.simulated_home import COMMAND_TOPICS, Said, SimulatedHome
from app.demo.simulated_life import Door
from app.gateway import attend
from app.identity.models import Account
from community.home_care import jobs as care_jobs
from community.home_commands import jobs as command_jobs
from community.home_devices import jobs as device_jobs
from community.home_inbox import jobs as inbox_jobs
from community.home_inbox.service.taking import Inbox
from community.home_states import jobs as state_jobs
from community.homes import jobs as home_jobs
from eldercare.check_ins import jobs as check_in_jobs
from eldercare.ladders import jobs as ladder_jobs
from notifications.channels.registry import close_channels
from notifications.sending import jobs as sending_jobs
from tests.broker.scenes import settings_for
from tests.emulators.mosquitto import Mosquitto, mosquitto
from tests.factories import eldercare_alarms as alarming
from tests.factories import sign_in
from tests.factories.notifications import phone
from tests.sinks.fcm import PROJECT, FcmSink, fcm_sink

Body = dict[str, Any]
JOBS: Final = (
    *(*RELAY_JOBS, *home_jobs.JOBS, *device_jobs.JOBS, *inbox_jobs.JOBS, *state_jobs.JOBS, *care_jobs.JOBS),
    *(*command_jobs.JOBS, *check_in_jobs.JOBS, *ladder_jobs.JOBS, *sending_jobs.JOBS),
)
STEP: Final = {"wait_seconds": 60, "channels": ["push", "inbox"]}


class Counting(Inbox):
    """The gateway's inbox; it tells how much is stored."""

    def __init__(self) -> None:
        super().__init__()
        self.stored = 0
        self._changed = asyncio.Condition()

    async def take(self, messages: Sequence[Message]) -> None:
        """Store ``messages``."""
        await super().take(messages)
        async with self._changed:
            self.stored += len(messages)
            self._changed.notify_all()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Return once ``is_so()``, which is asked whenever something was stored."""
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(is_so)


@dataclass
class House:
    """What a day needs: the clock, the home's hub at the broker, and the way to ask and to be told."""

    clock: ManualClock
    client: httpx.AsyncClient
    scene: alarming.Scene
    broker: Mosquitto
    sink: FcmSink
    inbox: Counting = field(default_factory=Counting)
    hub: SimulatedHome = field(default_factory=SimulatedHome)
    said: int = 0
    line: aiomqtt.Client = None  # type: ignore[assignment]  # there as soon as the hub is connected
    door: Door = None  # type: ignore[assignment]  # as above

    async def ask(
        self, method: str, path: str, body: Any = None, *, by: Account | None = None, expect: int = 200
    ) -> Any:
        """Ask as somebody, the resident unless it is said who, and return what is answered."""
        headers = await (sign_in.sign_in(by) if by else sign_in.sign_in_resident(self.scene.resident))
        answer = await self.client.request(method, f"/v1{path}", json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def until(self, at: datetime) -> None:
        """Let it be later, and let the workers do what is due then."""
        self.clock.set(at)
        await settle(JOBS)

    async def listens(self, since: datetime) -> None:
        """Write down that the gateway listened all the while: the clock jumps further than its own notes reach."""
        async with unit_of_work() as session:
            await assembly.home_listened(session, "gateway of the test", since)

    async def says(self, said: Iterable[Said]) -> None:
        """Let the hub say this, the gateway store it, and the workers do what follows."""
        for one in said:
            await self.line.publish(self.door.topics + one.topic, one.payload, qos=1, retain=one.is_retained)
            self.said += 1
        await self.heard()
        await settle(JOBS)

    async def heard(self) -> None:
        """Return once all that was said is stored."""
        await self.inbox.until(lambda: self.inbox.stored >= self.said)

    async def obeys(self) -> None:
        """Let the hub hear the next command and do it."""
        async with asyncio.timeout(60):
            message = await anext(aiter(self.line.messages))
        assert isinstance(message.payload, bytes)
        await self.says(self.hub.answer(message.topic.value.removeprefix(self.door.topics), message.payload))

    @asynccontextmanager
    async def at_the_broker(self, credentials: Body) -> AsyncIterator[None]:
        """Be the home's hub, with the credentials its resident was shown."""
        login = f"//{credentials['username']}:{credentials['secret']}@"
        self.door = Door.of(self.broker.url().replace("//", login))
        async with self.door.client() as self.line:
            for topic in COMMAND_TOPICS:
                await self.line.subscribe(self.door.topics + topic, qos=1)
            yield


def on_the_wall(day: datetime, at: time) -> datetime:
    """Return a time of a day, by the clock on the wall."""
    return day.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)


@pytest_asyncio.fixture(loop_scope="session")
async def house(
    client: httpx.AsyncClient, clock: ManualClock, test_settings: Settings, tmp_path: Path
) -> AsyncIterator[House]:
    """Run the broker, the push provider and the gateway; the home is not set up yet."""
    scene = await alarming.scene(circle=2)
    for number, person in enumerate((*scene.circle, scene.desk), 1):
        await phone(person, fid=f"fid-{number}")
    targets: list[Body] = [
        {"target_kind": "circle_member", "target_order": 1},
        {"target_kind": "circle_member", "target_order": 2},
        {"target_kind": "duty_desk"},
    ]
    await alarming.plan(scene.resident, [target | STEP for target in targets])
    await close_channels()
    stop = asyncio.Event()
    with mosquitto(tmp_path, provisioning="dynsec") as broker:
        async with fcm_sink() as sink:
            push = PushSettings(
                providers=("fcm",),
                fcm_project=PROJECT,
                fcm_endpoint=sink.url,
                fcm_credentials=sink.write_credentials(tmp_path),
                fcm_timeout=5.0,
            )
            mqtt = settings_for(broker, provisioning="dynsec")
            install_settings(test_settings.model_copy(update={"push": push, "mqtt": mqtt}))
            made = House(clock, client, scene, broker, sink)
            gateway = asyncio.create_task(attend(made.inbox, assembly.GATEWAY_JOBS, stop))
            try:
                yield made
            finally:
                stop.set()
                async with asyncio.timeout(60):
                    await gateway
                install_settings(test_settings)
                await close_channels()

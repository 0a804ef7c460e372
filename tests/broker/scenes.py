"""What several tests of the broker need: a consumer that keeps what it is given, a gateway, a home's hub."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import aiomqtt
from pydantic import SecretStr

from app.broker.connection import Connection
from app.broker.intake import Intake
from app.broker.messages import Message
from app.core.keys import keys
from app.core.mqtt_settings import MqttSettings
from tests.emulators.mosquitto import GATEWAY, GATEWAY_SECRET, Mosquitto

HOME, SECRET = "aaaabbbbccccdddd", "the home's own secret"
OTHER, OTHERS_SECRET = "eeeeffffgggghhhh", "another home's secret"


class Keeper:
    """Stores in memory; ``fails`` may raise instead, ``gate`` holds it up."""

    def __init__(self) -> None:
        self.kept: list[Message] = []
        self.batches: list[int] = []
        self.fails: Callable[[Sequence[Message]], None] = lambda _: None
        self.gate = asyncio.Event()
        self.gate.set()
        self.alone: list[bytes] = []
        self.begun: list[str] = []
        self.unread = ""
        self.is_taking = asyncio.Event()
        self._changed = asyncio.Event()

    @property
    def filters(self) -> Sequence[str]:
        """All of every home."""
        return ("homes/#",)

    def may_be_overtaken(self, message: Message) -> bool:
        """Say so of whatever is no alarm and is read already."""
        return not self.is_urgent(message) and not (self.unread and self.unread in message.topic)

    def is_urgent(self, message: Message) -> bool:
        """Say whether it is an alarm."""
        return message.topic.endswith("/smoke")

    def begin_anew(self, session: str) -> None:
        """Remember which session began."""
        self.begun.append(session)

    async def take(self, messages: Sequence[Message]) -> None:
        """Keep ``messages``."""
        self.is_taking.set()
        await self.gate.wait()
        self.fails(messages)
        self.kept += messages
        self.batches.append(len(messages))
        self._changed.set()

    async def take_alone(self, message: Message) -> None:
        """Keep what was refused apart."""
        self.alone.append(message.payload)
        self.fails([message])

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Return once ``is_so()``, which is asked whenever something was kept."""
        async with asyncio.timeout(60):
            while not is_so():
                self._changed.clear()
                await self._changed.wait()

    def payloads(self) -> list[bytes]:
        """Return what was kept, in order."""
        return [message.payload for message in self.kept]


class Gateway:
    """A gateway within the test; ``crash`` ends it as a power cut would, ``leave`` in order."""

    def __init__(self, settings: MqttSettings, keeper: Keeper, client_id: str) -> None:
        self.keeper = keeper
        self.intake = Intake(keeper, settings)
        self.connection = Connection(settings, client_id, self.intake, keeper.filters, keys().blind_index)
        self.connections = 0
        self._stop = asyncio.Event()
        self._done = asyncio.Event()
        self._connected = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Connect, and go on doing so."""
        self._tasks = [
            asyncio.create_task(self.connection.keep(self._stop, self._note, self._done)),
            asyncio.create_task(self._store()),
        ]

    async def connected(self, times: int = 1) -> None:
        """Return once it has connected so many ``times`` in all."""
        async with asyncio.timeout(60):
            while self.connections < times:
                self._connected.clear()
                await self._connected.wait()

    async def leave(self) -> None:
        """Stop as at SIGTERM."""
        self._stop.set()
        async with asyncio.timeout(60):
            await asyncio.gather(*self._tasks)

    async def crash(self) -> None:
        """Stop as at SIGKILL: nothing is said any more."""
        client = self.connection._client
        if client is not None:
            client._client._sock_close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _note(self) -> None:
        self.connections += 1
        self._connected.set()

    async def _store(self) -> None:
        await self.intake.run()
        self._done.set()


def settings_for(broker: Mosquitto, **more: object) -> MqttSettings:
    """Return how a gateway reaches ``broker``."""
    chosen: dict[str, object] = {
        "url": SecretStr(broker.url()),
        "username": GATEWAY,
        "password": SecretStr(GATEWAY_SECRET),
        "ca_file": broker.certificate.file if broker.certificate else None,
    }
    return MqttSettings.model_validate(chosen | more)


@asynccontextmanager
async def gateway(
    broker: Mosquitto, keeper: Keeper | None = None, client_id: str = "gateway-0", **more: object
) -> AsyncIterator[Gateway]:
    """Run a gateway at ``broker`` for as long as the block does, connected when it begins."""
    running = Gateway(settings_for(broker, **more), keeper or Keeper(), client_id)
    running.begin()
    try:
        await running.connected()
        yield running
    finally:
        running.keeper.gate.set()
        await running.crash()


@asynccontextmanager
async def hub(
    broker: Mosquitto, home: str = HOME, secret: str = SECRET, *, protocol: int = aiomqtt.ProtocolVersion.V311
) -> AsyncIterator[aiomqtt.Client]:
    """Connect as a home's hub does; most speak MQTT 3.1.1."""
    spoken = aiomqtt.ProtocolVersion(protocol)
    trusts = ssl.create_default_context(cafile=str(broker.certificate.file)) if broker.certificate else None
    async with aiomqtt.Client(
        "127.0.0.1", broker.port, username=home, password=secret, protocol=spoken, timeout=2, tls_context=trusts
    ) as client:
        yield client


async def say(client: aiomqtt.Client, rest: str, payload: str | bytes, qos: int = 1, *, retain: bool = False) -> None:
    """Publish under the home's prefix."""
    await client.publish(f"homes/{HOME}/{rest}", payload, qos, retain)

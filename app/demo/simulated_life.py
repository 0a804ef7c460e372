"""A made-up home that is at a broker: it announces itself, lives through its days, and obeys commands."""

import asyncio
import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

import aiomqtt

from app.core import clock
from app.demo.simulated_days import DAY, Moment
from app.demo.simulated_home import COMMAND_TOPICS, Said, SimulatedHome

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_COMES_BACK = 2.0  # seconds until the next try


@dataclass(frozen=True, slots=True)
class Door:
    """Where a home's broker is and as whom it enters; ``topics`` is what stands before each of its topics."""

    host: str
    port: int
    is_encrypted: bool
    username: str
    password: str

    @classmethod
    def of(cls, url: str) -> "Door":
        """Return the door of ``mqtt[s]://<key>:<secret>@<host>[:<port>]``; raises ``ValueError`` for anything else."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not (parts.hostname and parts.username and parts.password):
            raise ValueError("is not like mqtt://key:secret@host:1883")
        return cls(
            parts.hostname,
            parts.port or _PORTS[parts.scheme],
            parts.scheme == "mqtts",
            unquote(parts.username),
            unquote(parts.password),
        )

    @property
    def topics(self) -> str:
        """The part of the broker that is this home's."""
        return f"homes/{self.username}/"

    def client(self) -> aiomqtt.Client:
        """Return what will connect."""
        context = ssl.create_default_context() if self.is_encrypted else None
        return aiomqtt.Client(self.host, self.port, username=self.username, password=self.password, tls_context=context)


class Life:
    """One home's days; time runs ``speed`` times as fast as on the wall."""

    def __init__(self, door: Door, speed: float = 1.0, say: Callable[[str], None] = lambda _: None) -> None:
        self._door = door
        self._speed = speed
        self._say = say
        self._home = SimulatedHome()

    async def announce(self, happenings: Sequence[str]) -> None:
        """Say what there is and what happens now, and leave."""
        async with self._door.client() as client:
            await self._tell(client, self._home.announce())
            await self._happen(client, happenings)

    async def happen(self, happenings: Sequence[str]) -> None:
        """Say what happens now, in a home that announced itself before, and leave.

        What happened before is over then: a detector says so by itself, and this one would say it tomorrow.
        """
        async with self._door.client() as client:
            for what in happenings:
                await self._tell(client, self._home.calm(what))
            await self._happen(client, happenings)

    async def withdraw(self) -> None:
        """Take back everything that was announced."""
        async with self._door.client() as client:
            await self._tell(client, self._home.withdraw())

    async def live(self, begins: datetime, happenings: Sequence[str], stop: asyncio.Event) -> None:
        """Live from ``begins``, a time on the home's wall, until ``stop``; comes back when the broker was away."""
        started, waiting = clock.now(), list(happenings)
        while not stop.is_set():
            try:
                async with self._door.client() as client:
                    await self._tell(client, self._home.announce())
                    self._say("the home has announced itself")
                    await self._happen(client, waiting)
                    waiting.clear()
                    here = begins + (clock.now() - started) * self._speed
                    await self._until_stopped(client, here, stop)
            except aiomqtt.MqttError:
                self._say("the broker is away, or does not let this home in")
                await _pause(stop, _COMES_BACK)

    async def _until_stopped(self, client: aiomqtt.Client, here: datetime, stop: asyncio.Event) -> None:
        tasks = [
            asyncio.create_task(self._obey(client)),
            asyncio.create_task(self._days(client, here)),
            asyncio.create_task(stop.wait()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _obey(self, client: aiomqtt.Client) -> None:
        for topic in COMMAND_TOPICS:
            await client.subscribe(self._door.topics + topic, qos=1)
        async for message in client.messages:
            topic = message.topic.value.removeprefix(self._door.topics)
            said = self._home.answer(topic, message.payload)
            if said:
                self._say(f"obeys {topic}")
            await self._tell(client, said)

    async def _days(self, client: aiomqtt.Client, here: datetime) -> None:
        for at, moment in _moments(here):
            await asyncio.sleep(max(0.0, (at - here).total_seconds()) / self._speed)
            here = at
            self._say(f"{at:%H:%M} {moment.device}: {', '.join(f'{k}={v}' for k, v in moment.becomes.items())}")
            await self._tell(client, self._home.change(moment.device, moment.becomes))

    async def _happen(self, client: aiomqtt.Client, happenings: Iterable[str]) -> None:
        for what in happenings:
            self._say(f"it happens: {what}")
            await self._tell(client, self._home.happen(what))

    async def _tell(self, client: aiomqtt.Client, said: Iterable[Said]) -> None:
        for one in said:
            await client.publish(self._door.topics + one.topic, one.payload, qos=1, retain=one.is_retained)


def _moments(here: datetime) -> Iterable[tuple[datetime, Moment]]:
    """Yield what comes after ``here``, day after day."""
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        for moment in DAY:
            at = midnight + timedelta(hours=moment.at.hour, minutes=moment.at.minute)
            if at > here:
                yield at, moment
        midnight += timedelta(days=1)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return

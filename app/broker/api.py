"""The way to homes: hearing what they say so that nothing is lost, saying something to them, and letting them in."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from app.broker import connection
from app.broker.connection import Connection
from app.broker.credentials import acl_text, password_line, write_files
from app.broker.dynamic_security import ControlRefused, DynamicSecurity, dynamic_security, ensure_home, remove_home
from app.broker.embedded import GATEWAY as EMBEDDED_USER
from app.broker.embedded import HOST as EMBEDDED_HOST
from app.broker.embedded import directory as embedded_directory
from app.broker.embedded import is_wanted as is_embedded
from app.broker.embedded import run as run_embedded
from app.broker.embedded import settings_for
from app.broker.forgetting import forget_kept
from app.broker.intake import Intake
from app.broker.messages import Consumer, Message, NotConnected, Publisher, Unanswered, Unconfirmed
from app.broker.seats import seated
from app.core.database import database
from app.core.keys import keys
from app.core.mqtt_settings import MqttSettings
from app.core.settings import Settings, settings

__all__ = [
    "EMBEDDED_HOST",
    "EMBEDDED_USER",
    "Consumer",
    "ControlRefused",
    "DynamicSecurity",
    "Message",
    "NotConnected",
    "Publisher",
    "Unanswered",
    "Unconfirmed",
    "acl_text",
    "dynamic_security",
    "embedded_directory",
    "ensure_home",
    "forget_kept",
    "forgets_in_time",
    "is_connected",
    "is_embedded",
    "is_wanted",
    "knock",
    "password_line",
    "publisher",
    "remove_home",
    "run_embedded",
    "serve",
    "spoken_by",
    "steady_session",
    "write_files",
]

_MOST_SHARING = 64
_connection: Connection | None = None
_stand_in: Publisher | None = None


class _OfThisProcess:
    """Speaks over the connection that `serve` keeps, if it does."""

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False, expires_in: timedelta | None = None
    ) -> None:
        speaker = _stand_in or _connection
        if speaker is None:
            raise NotConnected
        await speaker.publish(topic, payload, qos=qos, retain=retain, expires_in=expires_in)


_PUBLISHER = _OfThisProcess()


def publisher() -> Publisher:
    """Return what speaks over this process's connection; only a gateway has one."""
    return _PUBLISHER


@contextmanager
def spoken_by(publisher: Publisher) -> Iterator[None]:
    """Have ``publisher`` say what this process says, as long as the block lasts: where there is no broker."""
    global _stand_in  # noqa: PLW0603 - as the connection is
    previous, _stand_in = _stand_in, publisher
    try:
        yield
    finally:
        _stand_in = previous


def is_connected() -> bool:
    """Say whether this process is connected to the broker."""
    return _connection is not None and _connection.is_connected


def steady_session() -> tuple[str, datetime] | None:
    """Return this process's session at the broker, and since when it is connected without a break; if it is."""
    return None if _connection is None else _connection.steady_session


def is_wanted(current: Settings) -> bool:
    """Say whether there is a broker, and so work for a gateway."""
    return current.mqtt.url is not None or is_embedded(current)


def forgets_in_time() -> bool:
    """Say whether the broker lets go of a message that is too late: with MQTT 3.1.1 it cannot be told to.

    The demo's own keeps none for anybody who is away.
    """
    return settings().mqtt.protocol == "5" or is_embedded(settings())


async def knock(current: Settings) -> str | None:
    """Return why the broker does not let us in, or ``None`` if it does."""
    return await connection.knock(settings_for(current))


async def serve(consumer: Consumer, stop: asyncio.Event, on_connected: Callable[[], None] = lambda: None) -> None:
    """Hear what ``consumer`` filters and have it stored, until ``stop``; what was heard by then is stored first.

    A QoS 1 message is acknowledged only after ``consumer.take`` returned with it. What comes again nevertheless, its
    acknowledgement lost with the connection, is marked ``is_repeated``. ``on_connected`` is called at each connection.
    Needs the database: of the gateways of an installation one hears, and others stand by, or they share by
    ``HEARTHLINE_MQTT_SHARED_GROUP``. Returns early if another gateway took over.
    """
    chosen = settings_for(settings())
    seats = range(_MOST_SHARING if chosen.shared_group else 1)
    async with seated(seats, stop) as seat:
        if seat.number is None:
            return
        leave = asyncio.Event()
        watching = [asyncio.create_task(_pass_on(event, leave)) for event in (stop, seat.lost)]
        try:
            await _serve(chosen, consumer, leave, on_connected, _client_id(chosen, seat.number))
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)


async def _serve(
    chosen: MqttSettings, consumer: Consumer, stop: asyncio.Event, on_connected: Callable[[], None], client_id: str
) -> None:
    global _connection  # noqa: PLW0603 - one connection per process
    intake = Intake(consumer, chosen)
    _connection = Connection(chosen, client_id, intake, consumer.filters, keys().blind_index)
    is_done = asyncio.Event()
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_connection.keep(stop, on_connected, is_done))
            await intake.run()
            is_done.set()
    finally:
        _connection = None


async def _pass_on(event: asyncio.Event, to: asyncio.Event) -> None:
    await event.wait()
    to.set()


def _client_id(chosen: MqttSettings, seat: int) -> str:
    """Return as whom the gateway in ``seat`` speaks: whoever takes the seat finds what the broker kept for it."""
    city = f"mqtt client {database().schema_name}".encode()
    own = chosen.client_id or f"hearthline-{hmac.new(keys().blind_index, city, hashlib.sha256).hexdigest()[:12]}"
    return f"{own}-{seat}"

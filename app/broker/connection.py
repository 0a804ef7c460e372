"""The connection of one gateway to the broker: it comes back by itself, to the session the broker kept for it."""

import asyncio
import math
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import aiomqtt
import structlog
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from app.broker import telemetry
from app.broker.frames import Published
from app.broker.intake import Intake
from app.broker.messages import NotConnected, Unconfirmed
from app.broker.rules import MOST_BYTES, PACKET_BYTES, subscription
from app.broker.wire import Wire, properties_of
from app.core import clock, failures
from app.core.mqtt_settings import MqttSettings

_PROTOCOLS: Final = {"5": aiomqtt.ProtocolVersion.V5, "3.1.1": aiomqtt.ProtocolVersion.V311}
_REFUSED: Final = 0x80  # and above: reason codes of failures; 0x80 alone in 3.1.1
_CATCHING_UP: Final = 2  # identifies the subscription that only brings what was kept
_MOST_UNACKNOWLEDGED: Final = 65_535
_KEEP_ALIVE: Final = 30  # seconds
_STEADY: Final = 10.0  # seconds a connection has to last for the next try to come soon
_LONGEST_WAIT: Final = timedelta(seconds=30)
_LAST_BATCH: Final = 20.0  # seconds what was heard gets to be stored before we leave

log = structlog.get_logger(__name__)


class Connection:
    """Speaks with the broker as ``client_id``; what is heard under ``filters`` goes to ``intake``."""

    def __init__(
        self, settings: MqttSettings, client_id: str, intake: Intake, filters: Sequence[str], group_key: bytes
    ) -> None:
        self._settings = settings
        self._client_id = client_id
        self._intake = intake
        self._filters = filters
        self._group_key = group_key
        self._protocol = _PROTOCOLS[settings.protocol]
        self._client: aiomqtt.Client | None = None
        self._since = clock.now()
        self._is_kept = False
        self._can_share = True

    @property
    def is_connected(self) -> bool:
        """Whether messages can be sent at the moment."""
        return self._client is not None

    @property
    def steady_session(self) -> tuple[str, datetime] | None:
        """The session at the broker, and since when there is a connection to it without a break; if there is one."""
        return None if self._client is None else (self._client_id, self._since)

    async def keep(self, stop: asyncio.Event, on_connected: Callable[[], None], is_done: asyncio.Event) -> None:
        """Stay connected until ``stop``, calling ``on_connected`` each time; leave when ``is_done`` or soon after."""
        tries = 0
        while not stop.is_set():
            since = math.inf
            try:
                async with self._open() as (client, wire):
                    since = time.monotonic()
                    on_connected()
                    await _until_lost(client, stop)
                    if stop.is_set():
                        wire.pause()
                        self._intake.stop()
                        await _wait(is_done, _LAST_BATCH)
            except (aiomqtt.MqttError, OSError) as error:
                self._tell(error)
            tries = 1 if time.monotonic() - since > _STEADY else tries + 1
            await _wait(stop, failures.backoff(tries, _LONGEST_WAIT).total_seconds())
        self._intake.stop()

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 0, retain: bool = False, expires_in: timedelta | None = None
    ) -> None:
        """Send a message, as `Publisher` says. Raises ``ValueError`` for one that is longer than a broker takes."""
        if len(payload) > MOST_BYTES:
            raise ValueError("a message may have 1 MiB")
        client = self._client
        if client is None:
            telemetry.PUBLISHED.labels("not_connected").inc()
            raise NotConnected
        properties = None
        if expires_in is not None and self._protocol == aiomqtt.ProtocolVersion.V5:
            seconds = max(1, int(expires_in.total_seconds()))
            properties = properties_of(PacketTypes.PUBLISH, MessageExpiryInterval=seconds)
        try:
            await client.publish(topic, payload, qos, retain, properties)
        except aiomqtt.MqttCodeError as error:
            telemetry.PUBLISHED.labels("not_connected").inc()
            raise NotConnected from error
        except aiomqtt.MqttError as error:
            telemetry.PUBLISHED.labels("unconfirmed").inc()
            raise Unconfirmed from error
        telemetry.PUBLISHED.labels("sent").inc()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[tuple[aiomqtt.Client, Wire]]:
        client = _new_client(self._settings, self._protocol, self._client_id)
        wire = Wire(client, self._hear, self._greet)
        try:
            async with client:
                await self._subscribe(client)
                self._client, self._since = client, clock.now()
                telemetry.CONNECTED.set(1)
                telemetry.CONNECTIONS.labels("connected").inc()
                log.info("broker_connected", protocol=self._protocol.name, session_kept=self._is_kept)
                try:
                    yield client, wire
                finally:
                    self._client = None
                    telemetry.CONNECTED.set(0)
        finally:
            wire.cut()

    def _greet(self, wire: Wire, is_kept: bool, properties: Properties | None) -> None:
        self._is_kept = is_kept
        self._can_share = getattr(properties, "SharedSubscriptionAvailable", 1) == 1
        self._intake.greet(self._client_id, wire, is_kept=is_kept)

    def _hear(self, wire: Wire, heard: list[Published]) -> None:
        # While catching up, what is new comes over the common subscription too.
        if any(one.subscription == _CATCHING_UP for one in heard):
            heard = [one for one in heard if one.is_retained or one.subscription != _CATCHING_UP]
        self._intake.hear(self._client_id, wire, heard)

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        has_options = self._protocol == aiomqtt.ProtocolVersion.V5
        if self._is_kept and not has_options:
            return  # it would tell again all it keeps
        if not self._settings.shared_group or not self._can_share:
            await self._subscribe_alone(client)
            return
        # Some brokers tell a group what they keep, each time one of it subscribes, and some never do.
        how: Any = SubscribeOptions(1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND) if has_options else 1
        shared = [(subscription(one, self._settings.shared_group, self._group_key), how) for one in self._filters]
        if any(_is_refused(code) for code in await client.subscribe(shared)):
            log.warning("broker_shares_nothing")
            await self._subscribe_alone(client)
        elif not self._is_kept:
            await self._catch_up(client)

    async def _subscribe_alone(self, client: aiomqtt.Client) -> None:
        how: Any = 1
        if self._protocol == aiomqtt.ProtocolVersion.V5:
            # What we say ourselves need not come back to us; where others share with us, the protocol forbids to ask.
            how = SubscribeOptions(1, noLocal=True, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
        if any(_is_refused(code) for code in await client.subscribe([(one, how) for one in self._filters])):
            raise aiomqtt.MqttError("the broker lets us hear nothing")

    async def _catch_up(self, client: aiomqtt.Client) -> None:
        """Hear what the broker keeps of before, by a subscription of our own that is given up at once."""
        if self._protocol == aiomqtt.ProtocolVersion.V5:
            mark = properties_of(PacketTypes.SUBSCRIBE, SubscriptionIdentifier=_CATCHING_UP)
            await client.subscribe([(one, SubscribeOptions(1)) for one in self._filters], properties=mark)
        else:
            await client.subscribe([(one, 1) for one in self._filters])
        await client.unsubscribe(list(self._filters))

    def _tell(self, error: Exception) -> None:
        code = error.rc if isinstance(error, aiomqtt.MqttCodeError) else None
        reason = getattr(code, "value", code)
        refused = isinstance(error, MqttConnectError)
        telemetry.CONNECTIONS.labels("refused" if refused else "failed").inc()
        log.warning("broker_refuses" if refused else "broker_lost", error=type(error).__name__, reason=reason)


def _new_client(settings: MqttSettings, protocol: aiomqtt.ProtocolVersion, client_id: str) -> aiomqtt.Client:
    """Return what will connect as ``client_id``, to a session that lasts."""
    host, port, is_encrypted = settings.address()
    username, password = settings.login()
    more: dict[str, Any] = {"clean_session": False}
    if protocol == aiomqtt.ProtocolVersion.V5:
        asked = properties_of(
            PacketTypes.CONNECT,
            SessionExpiryInterval=settings.session_minutes * 60,
            ReceiveMaximum=min(2 * settings.batch, _MOST_UNACKNOWLEDGED),
            MaximumPacketSize=PACKET_BYTES,
        )
        more = {"clean_start": False, "properties": asked}
    client = aiomqtt.Client(
        host,
        port,
        identifier=client_id,
        username=username,
        password=password,
        protocol=protocol,
        keepalive=_KEEP_ALIVE,
        tls_context=_tls(settings) if is_encrypted else None,
        **more,
    )
    client.pending_calls_threshold = _MOST_UNACKNOWLEDGED  # many at once are nothing to be warned of
    return client


def _tls(settings: MqttSettings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)


def passing_client(settings: MqttSettings) -> aiomqtt.Client:
    """Return what will connect for a moment, under a name of the broker's choice, and leave no session behind."""
    host, port, is_encrypted = settings.address()
    username, password = settings.login()
    tls = _tls(settings) if is_encrypted else None
    return aiomqtt.Client(host, port, username=username, password=password, tls_context=tls, timeout=5)


async def knock(settings: MqttSettings) -> str | None:
    """Return why the broker does not let us in, or ``None`` if it does."""
    try:
        async with passing_client(settings):
            return None
    except MqttConnectError as error:
        return f"it refuses us ({error.rc})"
    except (aiomqtt.MqttError, OSError) as error:
        return f"cannot be reached ({type(error).__name__})"


def _is_refused(code: Any) -> bool:
    return int(getattr(code, "value", code)) >= _REFUSED


async def _until_lost(client: aiomqtt.Client, stop: asyncio.Event) -> None:
    """Return at ``stop``; raises ``MqttError`` when the connection ends before."""
    lost = asyncio.create_task(_listen(client))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((lost, stopped), return_when=asyncio.FIRST_COMPLETED)
        if lost.done():
            lost.result()
    finally:
        for task in (lost, stopped):
            task.cancel()
        await asyncio.gather(lost, stopped, return_exceptions=True)


async def _listen(client: aiomqtt.Client) -> None:
    async for _ in client.messages:  # none come this way: it ends with the connection
        pass


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return

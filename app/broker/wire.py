"""One connection to the broker: aiomqtt's, with what is published to us read by ourselves and acknowledged when we say.

aiomqtt brings connecting, TLS, keeping alive, subscribing and publishing to asyncio. Acknowledging later it has no
way to do, nor does it tell what the broker sends again; so here paho's reading is replaced beneath it.
"""
# ruff: noqa: SLF001 - the seam between aiomqtt, paho and us is this module and no other

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import aiomqtt
from paho.mqtt.client import ConnectFlags
from paho.mqtt.enums import MessageType, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from app.broker.frames import PUBLISH, Frames, Malformed, Published, acknowledgements, published

_CHUNK: Final = 262_144
_CHUNKS_AT_ONCE: Final = 4  # then others get a turn
_LOST: Final = MQTTErrorCode.MQTT_ERR_CONN_LOST


def properties_of(packet: int, **values: int) -> Properties:
    """Return the properties of a ``packet`` of MQTT 5."""
    properties = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


class Wire:
    """What is read from and acknowledged on one connection; with the connection its packet ids end.

    ``hear`` is called with what was published, and ``greet`` before any of that, with whether the broker kept our
    session and what it says of itself.
    """

    def __init__(
        self,
        client: aiomqtt.Client,
        hear: Callable[["Wire", list[Published]], None],
        greet: Callable[["Wire", bool, Properties | None], None],
    ) -> None:
        self._client = client
        self._paho = cast("Any", client._client)
        self._has_properties = int(self._paho._protocol) == aiomqtt.ProtocolVersion.V5
        self._frames = Frames()
        self._hear = hear
        self._loop = asyncio.get_running_loop()
        self._is_paused = False
        told = self._paho.on_connect

        def on_connect(
            paho: Any, userdata: Any, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
        ) -> None:
            if not reason.is_failure:
                greet(self, flags.session_present, properties)
                self._watch()
                self._paho.on_socket_register_write = self._watch_writing
            told(paho, userdata, flags, reason, properties)

        self._paho.on_connect = on_connect
        self._paho.loop_read = self._read

    @property
    def is_open(self) -> bool:
        """Whether it can still be written to."""
        return self._paho._sock is not None

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """Tell the broker that these messages are ours now."""
        if packet_ids and self.is_open:
            self._paho._packet_queue(MessageType.PUBACK, acknowledgements(packet_ids), 0, 0)

    def pause(self) -> None:
        """Leave in the socket what comes: what is full there makes the broker wait."""
        self._is_paused = True

    def resume(self) -> None:
        """Read on."""
        if self._is_paused:
            self._is_paused = False
            self._watch()

    def cut(self) -> None:
        """Close the socket without a word; the broker takes it for a fault and keeps the session."""
        self._paho._sock_close()
        for future in (self._client._connected, self._client._disconnected):
            if future.done() and not future.cancelled():
                future.exception()  # has been told: asyncio need not complain

    def leave_for_good(self) -> None:
        """Have the broker forget our session with the next disconnection, if it speaks MQTT 5."""
        farewell = properties_of(PacketTypes.DISCONNECT, SessionExpiryInterval=0)
        disconnect = self._paho.disconnect
        if self._has_properties:
            self._paho.disconnect = lambda: disconnect(properties=farewell)

    def _watch(self) -> None:
        """Be called when something comes, in place of aiomqtt, which would never leave a socket that we left full."""
        if self.is_open:
            self._loop.add_reader(self._paho._sock.fileno(), self._heed)
            self._loop.call_soon(self._heed)  # TLS may have decoded what the socket no longer shows

    def _watch_writing(self, _paho: Any, _userdata: Any, sock: Any) -> None:
        """Be called when there is room; at once, where aiomqtt's later may meet a socket that was closed meanwhile."""
        self._loop.add_writer(sock.fileno(), self._paho.loop_write)

    def _heed(self) -> None:
        for _ in range(_CHUNKS_AT_ONCE):
            if not self.is_open:
                return
            if self._is_paused:
                self._loop.remove_reader(self._paho._sock.fileno())
                return
            if self._read():
                return
        if getattr(self._paho._sock, "pending", int)():
            self._loop.call_soon(self._heed)

    def _read(self, _max_packets: int = 1) -> MQTTErrorCode:
        """Read once; in place of paho's ``loop_read``, which aiomqtt calls until we are greeted."""
        try:
            data = self._paho._sock_recv(_CHUNK)
        except BlockingIOError:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError:
            data = b""
        if not data:
            return self._fail(_LOST)
        self._paho._last_bytes_received = time.monotonic()
        try:
            self._take_apart(data)
        except Malformed:
            return self._fail(MQTTErrorCode.MQTT_ERR_PROTOCOL)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _fail(self, code: MQTTErrorCode) -> MQTTErrorCode:
        result: MQTTErrorCode = self._paho._loop_rc_handle(code)
        return result

    def _take_apart(self, data: bytes) -> None:
        heard: list[Published] = []
        for first, length, body in self._frames.cut(data):
            if first >> 4 == PUBLISH:
                heard.append(published(first, body, has_properties=self._has_properties))
                continue
            if heard:
                self._hear(self, heard)
                heard = []
            self._hand_on(first, length, body)
        if heard:
            self._hear(self, heard)

    def _hand_on(self, first: int, length: int, body: bytes) -> None:
        """Have paho see to whatever is no message."""
        self._paho._in_packet = {
            "command": first,
            "have_remaining": 1,
            "remaining_count": [],
            "remaining_mult": 1,
            "remaining_length": length,
            "packet": bytearray(body),
            "to_process": 0,
            "pos": 0,
        }
        code = self._paho._packet_handle()
        self._paho._in_packet["command"] = 0
        if code > 0:
            self._fail(code)

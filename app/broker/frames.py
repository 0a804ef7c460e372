"""MQTT's frames, taken apart quickly: a storm of messages costs little more than reading them.

Paho makes an object with a lock and a table of properties for each message and asks the operating system for every
few bytes, which is some forty times the work. So what a broker publishes is read here; everything else is paho's.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

PUBLISH: Final = 3
_TOO_LONG: Final = 4  # bytes a length has at most
_SUBSCRIPTION_IDENTIFIER: Final = 0x0B
_VARIABLE: Final = -1
_PAIR: Final = -2
_TEXT: Final = 0  # or binary: two bytes of length, then that many
# The properties a PUBLISH may have (MQTT 5.0, 3.3.2.3), and how many bytes each has after its identifier.
_PROPERTIES: Final = {
    0x01: 1,
    0x02: 4,
    0x03: _TEXT,
    0x08: _TEXT,
    0x09: _TEXT,
    _SUBSCRIPTION_IDENTIFIER: _VARIABLE,
    0x23: 2,
    0x26: _PAIR,
}


class Malformed(ValueError):  # noqa: N818 - says what it is
    """What came is not MQTT, or uses what we did not ask for: the connection is of no more use."""


class Published(NamedTuple):
    """A PUBLISH: ``packet_id`` is 0 with QoS 0; ``subscription`` is the identifier of the one that matched, or 0."""

    topic: str
    payload: bytes
    qos: int
    is_retained: bool
    is_repeated: bool
    packet_id: int
    subscription: int


class Frames:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._rest = b""

    def cut(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Yield first byte, length and body of each frame that is complete with ``data``.

        Raises ``Malformed``.
        """
        if self._rest:
            data = self._rest + data
            self._rest = b""
        at, end = 0, len(data)
        while end - at >= 2:
            length = data[at + 1]
            body = at + 2
            if length & 128:
                length, body = _long(data, at + 1, end)
                if body < 0:
                    break
            if end - body < length:
                break
            yield data[at], length, data[body : body + length]
            at = body + length
        self._rest = data[at:]


def _long(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the length that begins ``at``, and where it ends: -1 if it is not there yet."""
    value = shift = 0
    for place in range(at, at + _TOO_LONG):
        if place >= end:
            return 0, -1
        byte = data[place]
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place + 1
        shift += 7
    raise Malformed("a length without end")


def published(first: int, body: bytes, *, has_properties: bool) -> Published:
    """Return what a PUBLISH says. Raises ``Malformed``, also for QoS 2, which we subscribe to nowhere."""
    qos = (first >> 1) & 3
    if qos > 1:
        raise Malformed("a QoS that was not asked for")
    try:
        end = 2 + (body[0] << 8 | body[1])
        topic = body[2:end].decode()
        packet_id = 0
        if qos:
            packet_id = body[end] << 8 | body[end + 1]
            end += 2
        subscription = 0
        if has_properties:
            if body[end]:
                subscription, end = _properties(body, end)
            else:
                end += 1
    except (IndexError, UnicodeDecodeError) as error:
        raise Malformed("a PUBLISH that ends early or has no topic") from error
    if not topic:
        raise Malformed("a topic alias that was not offered")
    return Published(topic, body[end:], qos, bool(first & 1), bool(first & 8), packet_id, subscription)


def _properties(body: bytes, at: int) -> tuple[int, int]:
    """Return the identifier of the subscription, and where the properties that begin ``at`` end."""
    length, at = _long(body, at, len(body))
    end = at + length
    if at < 0 or end > len(body):
        raise Malformed("properties that end early")
    subscription = 0
    while at < end:
        kind = body[at]
        size = _PROPERTIES.get(kind)
        at += 1
        if size is None:
            raise Malformed("an unknown property")
        if size == _VARIABLE:
            subscription, at = _long(body, at, end)
            if at < 0:
                raise Malformed("properties that end early")
        elif size in (_TEXT, _PAIR):
            for _ in range(2 if size == _PAIR else 1):
                at += 2 + (body[at] << 8 | body[at + 1])
        else:
            at += size
    return subscription, end


def acknowledgements(packet_ids: Sequence[int]) -> bytes:
    """Return the PUBACKs of ``packet_ids``, which are the same in both versions of the protocol."""
    return b"".join(b"\x40\x02" + packet_id.to_bytes(2, "big") for packet_id in packet_ids)

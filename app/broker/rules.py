"""What may be left out when more is heard than can be stored, and what the gateways' common subscription is called."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

import orjson

from app.broker.messages import Message

# Where somebody did something, each time counts: a button pressed twice is not the same as once.
_MOMENTS: Final = frozenset(
    {"action", "click", "event", "event_type", "gesture", "button", "sos", "alarm", "tamper", "fall", "scene"}
)
_MOMENT_TOPICS: Final = ("event", "action", "trigger", "alarm", "click", "hearthline")
_MOST_LOOKED_INTO: Final = 65_536  # bytes; what is longer no device sends, and reading it takes long
MOST_BYTES: Final = 1_048_576
"""Of a message's payload; what is longer no hub of a home has reason to send."""
PACKET_BYTES: Final = MOST_BYTES + 65_536
"""Of a whole packet: the payload, the topic and what else belongs to it."""


def tells_a_state(message: Message) -> bool:
    """Say whether a later message of the same shape makes this one needless: it tells how something stands.

    What is announced, what happened at a moment, and what the broker must have our word for, is never needless.
    """
    if message.qos or message.is_retained or announces(message.topic):
        return False
    levels = message.topic.lower().split("/")[2:]
    return not any(level.startswith(_MOMENT_TOPICS) for level in levels)


def shape(message: Message) -> tuple[str, ...] | None:
    """Return what a message that tells a state tells of; two of one topic and shape say the same things.

    ``None`` if it may tell of a moment. A plain value has the empty shape.
    """
    if not message.payload.startswith(b"{"):
        return ()
    if len(message.payload) > _MOST_LOOKED_INTO:
        return None
    try:
        told = orjson.loads(message.payload)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(told, Mapping) or any(key.lower() in _MOMENTS for key in told):
        return None
    return tuple(told)


def announces(topic: str) -> bool:
    """Say whether a home describes its things at a topic: what it says of them is understood by that."""
    return topic.endswith("/config")


def home_of(topic: str) -> str:
    """Return the part of a topic that says which home speaks (its first two levels)."""
    end = topic.find("/", topic.find("/") + 1)
    return topic if end < 0 else topic[:end]


def subscription(topic_filter: str, group: str, key: bytes) -> str:
    """Return ``topic_filter`` as the gateways of ``group`` share it; the filter itself without a group.

    The name ends in something nobody else can know: a broker's access list says nothing of who may join a group, and
    a home in ours would be handed, and so swallow, its part of what the others say.
    """
    if not group:
        return topic_filter
    secret = hmac.new(key, f"mqtt group {group}".encode(), hashlib.sha256).hexdigest()[:24]
    return f"$share/{group}-{secret}/{topic_filter}"

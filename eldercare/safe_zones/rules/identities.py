"""What makes a position that position: the id that two deliveries of it have in common."""

import uuid
from datetime import datetime
from hashlib import blake2b
from typing import Final

from app.core import clock

_TAIL: Final = (1 << 62) - 1


def position_id(resident_id: uuid.UUID, actor_id: uuid.UUID, device: str | None, observed_at: datetime) -> uuid.UUID:
    """Return a UUIDv7 of the instant whose random part is a hash of whose position it is and what saw it.

    A named device has the same ids whoever sends for it; without a name the sender is the device.
    """
    source = b"d" + device.encode() if device is not None else b"a" + actor_id.bytes
    tail = int.from_bytes(blake2b(resident_id.bytes + source, digest_size=8).digest(), "big") & _TAIL
    return uuid.UUID(int=clock.id_floor(observed_at).int | tail)


def is_same_device(one: uuid.UUID, other: uuid.UUID) -> bool:
    """Say whether the same device of the same resident saw two positions, by their ids."""
    return one.int & _TAIL == other.int & _TAIL

"""What makes a reading that reading: the id that two deliveries of it have in common."""

import uuid
from datetime import datetime
from hashlib import blake2b
from typing import Final

from app.core import clock

_BYTES = 8

reading_number: Final = clock.number_of
"""The number that the id of a reading is; not a call of its own, since one costs as much as it does."""


def source_key(actor_id: uuid.UUID, device: str | None) -> bytes:
    """Return what stands for the source: the device if one is named, whoever brings its readings; else the bringer."""
    return b"d" + device.encode() if device is not None else b"a" + actor_id.bytes


def tail_of(resident_id: uuid.UUID, source: bytes, code: str, replaces: uuid.UUID | None = None) -> int:
    """Return the part of an id that tells readings of the same microsecond apart: a hash of whose, whence and what."""
    key = b"\0".join((resident_id.bytes, code.encode(), replaces.bytes if replaces else b"", source))
    return int.from_bytes(blake2b(key, digest_size=_BYTES).digest(), "big")


def reading_id(measured_at: datetime, tail: int) -> uuid.UUID:
    """Return the id of a reading: a UUIDv7 of the instant it was measured at with the tail of its origin.

    The same reading has the same id each time, and ids sort as the readings were measured, to the microsecond.
    """
    return uuid.UUID(int=reading_number(measured_at, tail))

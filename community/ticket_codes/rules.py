"""The code of a ticket: 98 bytes, signed with Ed25519 (RFC 8032), as ``HL1:`` and Base45 (RFC 9285) in a QR code.

Base45 is all in a QR code's alphanumeric alphabet: 151 characters fit into version 6 at error correction level M. The
layout stands in ``docs/gates.md`` with test vectors, so that any scanner can implement it.
"""

import hashlib
import math
import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PREFIX: Final = "HL1:"
VERSION: Final = 1
LENGTH: Final = 98
TAG_LENGTH: Final = 4
ALPHABET: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

_SIGNED: Final = LENGTH - 64
_DOMAIN: Final = b"HL1"
"""Stands before what is signed, so that no other use of the key makes a signature that is good here."""
_FIELDS: Final = struct.Struct(">BB16sII4sBBBB")
_PAIRS: Final = struct.Struct(f">{LENGTH // 2}H")
_TEXT_LENGTH: Final = len(PREFIX) + LENGTH // 2 * 3
_NO_DIGIT: Final = 255
_DIGITS: Final = bytes(ALPHABET.index(byte) if byte in ALPHABET else _NO_DIGIT for byte in range(256))

CHECK_NAME: Final = 1
SHOW_ENTITLEMENT: Final = 2
MAY_RETURN: Final = 4
_KNOWN_FLAGS: Final = CHECK_NAME | SHOW_ENTITLEMENT | MAY_RETURN

Keys = Mapping[int, Ed25519PublicKey]
"""Public keys by their numbers, ready to verify with."""
Reason = Literal["malformed", "wrong_version", "unknown_key", "forged"]
Untimely = Literal["other_attraction", "not_yet", "over"]


class CodeRefused(ValueError):  # noqa: N818 - says what happened
    """A text is not the code of a ticket we signed; ``reason`` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Code:
    """What is to be said of a ticket. ``name_checked`` asks the gate to look at a document, ``entitlement_shown`` at
    what the price was reduced for; ``may_return`` lets somebody who left in again the same day.
    """

    ticket_id: uuid.UUID
    attraction_id: uuid.UUID
    valid_from: datetime
    valid_until: datetime
    persons: int = 1
    revision: int = 1
    name_checked: bool = False
    entitlement_shown: bool = False
    may_return: bool = False


@dataclass(frozen=True, slots=True)
class Payload:
    """What a code says, as a scanner reads it."""

    key_number: int
    ticket_id: uuid.UUID
    valid_from: datetime
    valid_until: datetime
    attraction_tag: bytes
    persons: int
    revision: int
    flags: int


def attraction_tag(attraction_id: uuid.UUID) -> bytes:
    """Return the four bytes a code names an attraction by."""
    return hashlib.sha256(attraction_id.bytes).digest()[:TAG_LENGTH]


def public_key(seed: bytes) -> bytes:
    """Return the 32 bytes of the public key that belongs to a seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign(seed: bytes, key_number: int, code: Code) -> bytes:
    """Return the payload of ``code``, signed with the key of ``seed``; raises ``ValueError`` of what has no room."""
    flags = CHECK_NAME * code.name_checked + SHOW_ENTITLEMENT * code.entitlement_shown + MAY_RETURN * code.may_return
    try:
        fields = _FIELDS.pack(
            VERSION,
            key_number,
            code.ticket_id.bytes,
            math.floor(code.valid_from.timestamp() / 60),
            math.ceil(code.valid_until.timestamp() / 60),
            attraction_tag(code.attraction_id),
            code.persons,
            code.revision,
            flags,
            0,
        )
    except struct.error as error:
        raise ValueError(f"a code has no room for this: {error}") from None
    return fields + Ed25519PrivateKey.from_private_bytes(seed).sign(_DOMAIN + fields)


@cache
def _encoded() -> list[str]:
    """Return the three characters of every pair of bytes: four megabytes, made where codes are made."""
    return [bytes((ALPHABET[n % 45], ALPHABET[n // 45 % 45], ALPHABET[n // 2025])).decode() for n in range(1 << 16)]


def encode(payload: bytes) -> str:
    """Return a payload as the text of a QR code."""
    return PREFIX + "".join(map(_encoded().__getitem__, _PAIRS.unpack(payload)))


def decode(text: str) -> bytes:
    """Return the payload of a text; raises ``CodeRefused`` (malformed)."""
    if len(text) != _TEXT_LENGTH or not text.startswith(PREFIX) or not text.isascii():
        raise CodeRefused("malformed")
    digits = text[len(PREFIX) :].encode().translate(_DIGITS)
    if _NO_DIGIT in digits:
        raise CodeRefused("malformed")
    groups = zip(digits[::3], digits[1::3], digits[2::3], strict=True)
    pairs = [low + 45 * middle + 2025 * high for low, middle, high in groups]
    if max(pairs) >= 1 << 16:
        raise CodeRefused("malformed")
    return _PAIRS.pack(*pairs)


def verify(text: str, keys: Keys) -> Payload:
    """Return what a code says, if one of ``keys`` (by number) signed it; raises ``CodeRefused``.

    In this order, so that every scanner says the same: malformed (not our text), wrong_version, unknown_key, forged;
    malformed again where what was signed sets bits that version 1 does not know.
    """
    raw = decode(text)
    if raw[0] != VERSION:
        raise CodeRefused("wrong_version")
    key = keys.get(raw[1])
    if key is None:
        raise CodeRefused("unknown_key")
    try:
        key.verify(raw[_SIGNED:], _DOMAIN + raw[:_SIGNED])
    except InvalidSignature:
        raise CodeRefused("forged") from None
    _, number, ticket, start, end, tag, persons, revision, flags, rest = _FIELDS.unpack_from(raw)
    if rest or flags & ~_KNOWN_FLAGS:
        raise CodeRefused("malformed")
    return Payload(number, uuid.UUID(bytes=ticket), _minute(start), _minute(end), tag, persons, revision, flags)


def ticket_named(text: str) -> uuid.UUID | None:
    """Return the ticket a code names, whoever signed it: to look it up by, and to let nobody in. ``None`` if none."""
    try:
        raw = decode(text)
    except CodeRefused:
        return None
    return uuid.UUID(bytes=_FIELDS.unpack_from(raw)[2]) if raw[0] == VERSION else None


def loaded(keys: Mapping[int, bytes]) -> dict[int, Ed25519PublicKey]:
    """Return public keys ready to verify with."""
    return {number: Ed25519PublicKey.from_public_bytes(public) for number, public in keys.items()}


def untimely(payload: Payload, tag: bytes, at: datetime) -> Untimely | None:
    """Return why a verified code opens nothing at the attraction of ``tag`` at an instant; ``None`` if it does."""
    if payload.attraction_tag != tag:
        return "other_attraction"
    if at < payload.valid_from:
        return "not_yet"
    return "over" if at >= payload.valid_until else None


def _minute(minutes: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)

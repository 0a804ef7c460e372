"""Ids of what is not stored: schedules, slots and proposed appointments say in their ids what they are."""

import base64
import binascii
import hashlib
import struct
import uuid
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from app.fhir.elements import FIRST_YEAR, LAST_YEAR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND, _MILLISECOND = timedelta(microseconds=1), timedelta(milliseconds=1)
# FHIR's ids are of letters, digits, dash and dot, 64 at most.
_ALTERNATIVE = b"-."


class ScheduleKey(NamedTuple):
    """A practitioner with something that can be booked of them."""

    practitioner_id: uuid.UUID
    visit_type_id: uuid.UUID


class SlotKey(NamedTuple):
    """One start of a schedule."""

    schedule: ScheduleKey
    starts_at: datetime


class ProposalKey(NamedTuple):
    """A slot as it would be for a patient. Two whole ids more would not fit: ``service`` is a digest of the type's."""

    practitioner_id: uuid.UUID
    service: bytes
    starts_at: datetime
    patient_id: uuid.UUID


def schedule_id(key: ScheduleKey) -> str:
    """Return the id of a schedule."""
    return _text(key.practitioner_id.bytes + key.visit_type_id.bytes)


def slot_id(key: SlotKey) -> str:
    """Return the id of a slot."""
    since = (key.starts_at - _EPOCH) // _MICROSECOND
    return _text(key.schedule.practitioner_id.bytes + key.schedule.visit_type_id.bytes + struct.pack(">q", since))


def proposal_id(slot: SlotKey, patient_id: uuid.UUID) -> str:
    """Return the id of the appointment a slot would be for a patient."""
    since = (slot.starts_at - _EPOCH) // _MILLISECOND
    practitioner_id, visit_type_id = slot.schedule
    parts = practitioner_id.bytes, service_digest(visit_type_id), struct.pack(">q", since)[2:], patient_id.bytes
    return _text(b"".join(parts))


def service_digest(visit_type_id: uuid.UUID) -> bytes:
    """Return what tells a visit type from the others of a practitioner's."""
    return hashlib.sha256(visit_type_id.bytes).digest()[:8]


def read_schedule(text: str) -> ScheduleKey | None:
    """Return what schedule an id is of; ``None`` if of none."""
    raw = _raw(text, 32)
    return ScheduleKey(uuid.UUID(bytes=raw[:16]), uuid.UUID(bytes=raw[16:])) if raw else None


def read_slot(text: str) -> SlotKey | None:
    """Return what slot an id is of; ``None`` if of none."""
    raw = _raw(text, 40)
    starts_at = _instant(raw[32:], _MICROSECOND) if raw else None
    if raw is None or starts_at is None:
        return None
    return SlotKey(ScheduleKey(uuid.UUID(bytes=raw[:16]), uuid.UUID(bytes=raw[16:32])), starts_at)


def read_proposal(text: str) -> ProposalKey | None:
    """Return what proposed appointment an id is of; ``None`` if of none."""
    raw = _raw(text, 46)
    starts_at = _instant(b"\0\0" + raw[24:30], _MILLISECOND) if raw else None
    if raw is None or starts_at is None:
        return None
    return ProposalKey(uuid.UUID(bytes=raw[:16]), raw[16:24], starts_at, uuid.UUID(bytes=raw[30:]))


def _text(raw: bytes) -> str:
    return base64.b64encode(raw, _ALTERNATIVE).decode().rstrip("=")


def _raw(text: str, length: int) -> bytes | None:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), _ALTERNATIVE, validate=True)
    except (ValueError, binascii.Error):
        return None
    # One id each: of the bits behind the last byte, none is set.
    return raw if len(raw) == length and _text(raw) == text else None


def _instant(raw: bytes, unit: timedelta) -> datetime | None:
    (number,) = struct.unpack(">q", raw)
    try:
        found = _EPOCH + int(number) * unit
    except OverflowError:
        return None
    return found if FIRST_YEAR <= found.year <= LAST_YEAR else None

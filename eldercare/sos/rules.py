"""What can be made of an SOS's body: whatever is valid is taken, the rest is noted, nothing is refused."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import orjson

from eldercare.alarms.rules import DEFAULT_COUNTDOWN, LONGEST_COUNTDOWN, Place

Value = TypeVar("Value")
OLDEST_CALL: Final = timedelta(days=365)
"""A call that never arrived counts as of when it was pressed, however long ago; years off, a clock was wrong."""


@dataclass(frozen=True, slots=True)
class Sos:
    """A call for help as it was understood; ``ignored`` names the fields that made no sense."""

    occurred_at: datetime
    countdown: timedelta = DEFAULT_COUNTDOWN
    client_key: uuid.UUID | None = None
    place: Place | None = None
    is_over: bool = False
    ignored: tuple[str, ...] = field(default=())


def understand(body: bytes, now: datetime) -> Sos:
    """Return what an SOS's body says; never raises, whatever it is."""
    if not body.strip():
        return Sos(now)
    try:
        document = orjson.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return Sos(now, ignored=("body",))
    ignored: list[str] = []

    def take(name: str, read: Callable[[Any], Value]) -> Value | None:
        if document.get(name) is None:
            return None
        try:
            return read(document[name])
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            ignored.append(name)
            return None

    countdown = take("countdown_seconds", _countdown)
    return Sos(
        occurred_at=take("occurred_at", lambda value: _occurred_at(value, now)) or now,
        countdown=DEFAULT_COUNTDOWN if countdown is None else countdown,
        client_key=take("sos_id", uuid.UUID),
        place=take("place", _place),
        is_over=take("is_over", _flag) or False,
        ignored=tuple(ignored),
    )


def _countdown(value: Any) -> timedelta:
    if isinstance(value, bool):
        raise TypeError
    seconds = float(value)
    if seconds != seconds:  # noqa: PLR0124 - not a number
        raise ValueError
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST_COUNTDOWN.total_seconds()))


def _occurred_at(value: Any, now: datetime) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None or not now - OLDEST_CALL <= instant <= now:
        raise ValueError
    return instant


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _place(value: Any) -> Place:
    latitude, longitude = float(value["latitude"]), float(value["longitude"])
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError
    try:
        accuracy = float(value["accuracy"])
    except (KeyError, TypeError, ValueError):
        accuracy = -1.0
    return Place(latitude, longitude, accuracy if 0 <= accuracy <= 100_000 else None)

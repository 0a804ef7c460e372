"""Whether what was to be looked at later has come true: asked when a deadline has come."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from community.home_care.rules.acts import Raise, Severity
from community.home_care.rules.noticing import Surroundings, celsius, stove_limit, thresholds

AGAIN: Final = timedelta(minutes=1)
STALE: Final = timedelta(hours=3)  # a temperature nobody has confirmed for so long is no temperature
_OPTIONAL: Final = ("bed_exit", "door_open_at_night", "bathroom_stay", "stove_unattended")
_SETTLING: Final = timedelta(minutes=1)  # who falls may still be seen falling


@dataclass(frozen=True, slots=True)
class Watched:
    """What was to be looked at: since when, and where."""

    kind: str
    entity_id: uuid.UUID | None
    room_id: uuid.UUID | None
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand when a deadline has come; ``state`` and ``number`` are those of the entity, if it has any."""

    home: Surroundings
    state: str | None = None
    number: float | None = None
    unit: str | None = None
    reported_at: datetime | None = None
    is_somebody_there: bool = False  # something notices somebody in that room now
    moved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a deadline: an incident, another look, or (with neither) nothing."""

    incident: Raise | None = None
    again_at: datetime | None = None
    ends: str | None = None  # a kind of incident that is over by itself


def check(watched: Watched, standing: Standing, now: datetime) -> Verdict:
    """Return what becomes of a deadline.

    What is not known does not calm: only a report that a door is shut keeps the door from being told of.
    """
    kind = watched.kind
    if kind in _OPTIONAL and not standing.home.settings.watches(kind):
        return Verdict()
    return _CHECKS[kind](watched, standing, now)


def _raised(watched: Watched, severity: Severity, now: datetime, *, is_hint: bool = False, **more: Any) -> Verdict:
    explanation: dict[str, Any] = {"since": watched.started_at.isoformat(), "minutes": _minutes(watched, now)} | more
    if watched.room_id is not None:
        explanation["room_id"] = str(watched.room_id)
    return Verdict(Raise(watched.kind, severity, now, watched.entity_id, is_hint, explanation))


def _minutes(watched: Watched, now: datetime) -> int:
    return int((now - watched.started_at).total_seconds() // 60)


def _bed(watched: Watched, standing: Standing, now: datetime) -> Verdict:
    return Verdict() if standing.state == "on" else _raised(watched, "medium", now, is_hint=True)


def _bathroom(watched: Watched, standing: Standing, now: datetime) -> Verdict:
    more = {"usual_minutes": standing.home.usual_stay} if standing.home.usual_stay else {}
    return _raised(watched, "high", now, is_hint=True, **more)


def _sos(_watched: Watched, _standing: Standing, _now: datetime) -> Verdict:
    return Verdict(ends="sos")


def _door(watched: Watched, standing: Standing, now: datetime) -> Verdict:
    if standing.state == "off":
        return Verdict()
    settings, zone = standing.home.settings, standing.home.zone
    if not settings.is_night(now, zone):  # whoever set another night meanwhile means it
        return Verdict(again_at=settings.night_at_or_after(now, zone) + timedelta(minutes=settings.door_minutes))
    return _raised(watched, "medium", now)


def _stove(watched: Watched, standing: Standing, now: datetime) -> Verdict:
    if standing.state == "off":
        return Verdict()
    if standing.is_somebody_there:
        return Verdict(again_at=now + stove_limit(standing.home, watched.room_id))
    return _raised(watched, "high", now)


def _fall(watched: Watched, standing: Standing, now: datetime) -> Verdict:
    if standing.moved_at is not None and standing.moved_at > watched.started_at + _SETTLING:
        return Verdict()
    explanation = {"motionless_minutes": _minutes(watched, now)}
    return Verdict(Raise("fall", "critical", now, watched.entity_id, explanation=explanation))


def _temperature(watched: Watched, standing: Standing, now: datetime) -> Verdict:
    kind, limit, sign = thresholds(standing.home.settings)[watched.kind]
    degrees = None if standing.number is None else celsius(standing.number, standing.unit)
    is_known = standing.reported_at is not None and now - standing.reported_at <= STALE
    if degrees is None or not is_known or not standing.home.settings.watches(kind):
        return Verdict()
    if (degrees - limit) * sign < 0:
        return Verdict()
    severity: Severity = "high" if watched.kind.startswith("severe") else "medium"
    explanation: Mapping[str, Any] = {
        "celsius": round(degrees, 1),
        "limit": limit,
        "minutes": _minutes(watched, now),
        "room_id": str(watched.room_id),
    }
    is_hint = severity == "medium"
    return Verdict(Raise(kind, severity, now, watched.entity_id, is_hint, dict(explanation)))


_CHECKS: Final[Mapping[str, Callable[[Watched, Standing, datetime], Verdict]]] = {
    "sos": _sos,
    "motionless_fall": _fall,
    "bed_exit": _bed,
    "door_open_at_night": _door,
    "bathroom_stay": _bathroom,
    "stove_unattended": _stove,
    **dict.fromkeys(("heat", "severe_heat", "cold", "severe_cold"), _temperature),
}

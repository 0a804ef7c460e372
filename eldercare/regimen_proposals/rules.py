"""What is suggested of a prescription, how long people are waited for, and when a regimen begins: without I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

State = Literal["proposed", "confirmed", "rejected", "withdrawn"]
Standing = Literal["in_force", "replaced", "ended"]
"""How a prescription stands: it is followed, another one took its place, or it is over."""

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    "proposed": frozenset({"confirmed", "rejected", "withdrawn"}),
    "confirmed": frozenset(),
    "rejected": frozenset(),
    "withdrawn": frozenset(),
}

REMINDED_AFTER: Final = timedelta(hours=4)
ANSWERED_WITHIN: Final = timedelta(hours=24)
"""When those who can confirm are reminded, and when the duty desk is called: medicines are collected within a day."""
URGENT_REMINDED_AFTER: Final = timedelta(minutes=30)
URGENT_ANSWERED_WITHIN: Final = timedelta(hours=2)
"""The same of what was prescribed as urgent, asap or stat."""
CALLED_AGAIN: Final = timedelta(hours=24)
REMINDED: Final = 1
"""The step at which people are reminded; at each further one the duty desk is called."""

USUAL_TIMES: Final[Mapping[int, Sequence[str]]] = {
    1: ("08:00",),
    2: ("08:00", "20:00"),
    3: ("08:00", "14:00", "20:00"),
    4: ("08:00", "12:00", "16:00", "20:00"),
}
"""What is suggested for so many times a day where no times are given: waking hours, evenly, for people to confirm."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Times (or as needed) that a structured timing suggests, and the days where it is not every day."""

    timing: Literal["times", "as_needed"]
    times: Sequence[str] = ()
    rrule: str | None = None


def suggestion(
    frequency: int | None, period_days: int, times_of_day: Sequence[str], *, as_needed: bool
) -> Suggestion | None:
    """Return what a structured timing (FHIR: Timing.repeat, asNeededBoolean) suggests; ``None`` where people decide.

    Words are never read: without a structure nothing is suggested.
    """
    if as_needed:
        return Suggestion("as_needed")
    rrule = f"FREQ=DAILY;INTERVAL={period_days}" if period_days > 1 else None
    if times_of_day:
        return Suggestion("times", tuple(times_of_day), rrule)
    if frequency is None or frequency not in USUAL_TIMES or (period_days > 1 and frequency > 1):
        return None
    return Suggestion("times", USUAL_TIMES[frequency], rrule)


def first_step_at(now: datetime, *, urgent: bool) -> datetime:
    """Return when those who can confirm are reminded."""
    return now + (URGENT_REMINDED_AFTER if urgent else REMINDED_AFTER)


def begins_at(starts_on: date, time_zone: str, now: datetime) -> datetime | None:
    """Return the instant at which a regimen's first day begins; ``None`` if it has begun."""
    begin = datetime.combine(starts_on, time(), ZoneInfo(time_zone))
    return begin if begin > now else None


def ends_at(last_day: date | None, time_zone: str) -> datetime | None:
    """Return the end of the last day for which there is something to take; ``None`` if none is known."""
    return datetime.combine(last_day + timedelta(days=1), time(), ZoneInfo(time_zone)) if last_day else None

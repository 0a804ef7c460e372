"""What the planner is told and what it answers: plain data, without tables, clocks or the network."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

REST: Final = timedelta(hours=11)
"""Directive 2003/88/EC, article 3: eleven consecutive hours of rest between two working days."""

Reason = Literal["skill", "hours", "rest", "too_much", "travel", "busy", "pair"]


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the map, in degrees (WGS 84)."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done at a place: it begins within a window, takes a while, and needs one or two people.

    ``wanted_at`` is when it is expected; ``preferred`` are the people who know the place, the best first; ``excluded``
    never come; somebody who speaks one of the ``languages`` is rather sent than somebody who does not. What must be so,
    whatever it is (a certificate, a woman), is one of the ``skills``. What is critical (an injection, a meal of a
    diabetic) is planned before everything else.
    """

    id: uuid.UUID
    starts_from: datetime
    starts_until: datetime
    duration: timedelta
    wanted_at: datetime
    place: Place | None = None
    skills: frozenset[str] = frozenset()
    workers: int = 1
    is_critical: bool = False
    preferred: tuple[uuid.UUID, ...] = ()
    excluded: frozenset[uuid.UUID] = frozenset()
    languages: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for a job nobody could do."""
        if not self.starts_from <= self.wanted_at <= self.starts_until:
            raise ValueError("the wanted time lies outside of the window")
        if self.duration <= timedelta() or self.workers not in (1, 2):
            raise ValueError("a job takes time, and one or two people")


@dataclass(frozen=True, slots=True)
class Break:
    """Time off within a shift: it begins between ``earliest`` and ``latest``."""

    earliest: datetime
    latest: datetime
    length: timedelta


@dataclass(frozen=True, slots=True)
class Shift:
    """A stretch in which somebody works, from the place where they begin.

    ``worked_until`` and ``works_again`` are the ends of the working days around its own: the rest lies between.
    """

    starts_at: datetime
    ends_at: datetime
    breaks: tuple[Break, ...] = ()
    worked_until: datetime | None = None
    works_again: datetime | None = None


@dataclass(frozen=True, slots=True)
class Busy:
    """Something a worker is to do already, and where."""

    starts_at: datetime
    ends_at: datetime
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast people get around: straight lines are longer on the ground, and the door is not on the road."""

    kilometres_per_hour: float = 20.0
    detour: float = 1.3
    at_the_door: timedelta = timedelta(minutes=3)
    unknown: timedelta = timedelta(minutes=15)
    """Between places of which one is not known."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody who goes to people: when, from where, and what they can do; ``away`` is when they cannot come at all.

    Where there is an ``end`` they are back there when their shift is over. ``speed`` is how they get around, if it is
    not as everybody does.

    ``most_work`` is the most they may be with people on ``day``: what begins on another one counts there. Without a
    ``day`` all that is known of counts.
    """

    id: uuid.UUID
    shifts: tuple[Shift, ...]
    skills: frozenset[str] = frozenset()
    start: Place | None = None
    busy: tuple[Busy, ...] = ()
    away: tuple[tuple[datetime, datetime], ...] = ()
    rest: timedelta = REST
    most_work: timedelta | None = None
    day: tuple[datetime, datetime] | None = None
    end: Place | None = None
    speed: Speed | None = None
    languages: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who does a job, and when it begins and ends."""

    job_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    workers: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True)
class Unassigned:
    """A job nobody was found for, and why; ``skills`` are those nobody (or too few) of the people have."""

    job_id: uuid.UUID
    reason: Reason
    skills: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """Who goes where when, whom nobody goes to, and how long everybody is on the way altogether."""

    assignments: tuple[Assignment, ...]
    unassigned: tuple[Unassigned, ...] = ()
    travel: timedelta = timedelta()
    untouched: tuple[Assignment, ...] = field(default=())
    """What stays as it is: in progress, or with somebody who is there."""

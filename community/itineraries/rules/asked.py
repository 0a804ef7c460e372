"""What the planner of days out is told and what it answers: plain data, without tables, clocks or the network."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Literal

from app.dispatch.api import Place, Speed

Pace = Literal["slow", "steady", "brisk"]
Mode = Literal["stay", "foot", "ride"]
Code = Literal[
    "not_step_free", "closed", "sold_out", "budget_alone", "no_rest", "medication", "too_long", "budget", "no_time"
]
"""Why a wish is left out: the first rule without which it could have been done."""
Why = Literal["booked", "only_time", "quiet", "earliest", "on_arrival", "next_time", "for_the_rest"]
"""Why a stop is when it is."""

MOST_WISHES: Final = 8
MOST_DAYS: Final = 5
TOLERANCE: Final = timedelta(minutes=30)
"""How much earlier or later than its time medication may be taken on the way."""


@dataclass(frozen=True, slots=True)
class Gait:
    """How somebody gets around: how fast on foot, how far at most, how many stops a day; beyond that they ride."""

    foot: Speed
    walk_most: float
    stops: int
    stay: timedelta


# Walking speeds of older people: 0.6 m/s frail, 0.9 m/s usual, 1.25 m/s fit (Studenski et al., JAMA 2011;305:50-58).
GAITS: Final[dict[Pace, Gait]] = {
    "slow": Gait(Speed(2.2, 1.3, timedelta(minutes=2)), 400, 3, timedelta(minutes=90)),
    "steady": Gait(Speed(3.2, 1.3, timedelta(minutes=2)), 1_000, 4, timedelta(minutes=75)),
    "brisk": Gait(Speed(4.5, 1.3, timedelta(minutes=1)), 2_000, 5, timedelta(minutes=60)),
}
RIDE: Final = Speed(18.0, 1.3, timedelta(minutes=10))
"""By bus or taxi through a city, with the wait for it."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """When one may go in and has to be out again: a slot with room, or a time in which it is open without one.

    ``left`` is how many people may still come (``None``: as many as like); ``price`` is what all who come pay, in minor
    units.
    """

    enter_from: datetime
    enter_until: datetime
    leave_by: datetime
    slot_id: uuid.UUID | None = None
    left: int | None = None
    price: int = 0
    is_quiet: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """Somewhere somebody would like to go, or must: for how long, how many of them, and when one can.

    ``is_booked`` keeps what is paid for as it is: its one entrance is the slot that was booked.
    """

    id: uuid.UUID
    place: Place
    stay: timedelta
    entrances: tuple[Entrance, ...]
    is_must: bool = False
    is_booked: bool = False
    persons: int = 1
    is_step_free: bool = True
    has_seats: bool = True
    has_toilet: bool = True


@dataclass(frozen=True, slots=True)
class Needs:
    """What somebody needs on the way: none of it is traded for another stop.

    ``rest_every`` is how long they are at most on their feet, or waiting, between two rests; a rest needs seats, and a
    toilet where ``needs_toilet``. At each of ``medications`` they sit down and take it.
    """

    pace: Pace = "steady"
    rest_every: timedelta | None = None
    rest: timedelta = timedelta(minutes=20)
    needs_toilet: bool = False
    is_step_free_only: bool = False
    prefers_quiet: bool = False
    medications: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Outing:
    """All that is asked of the planner: from where, on which days (each from when to when), what, and for how much."""

    start: Place
    days: tuple[tuple[datetime, datetime], ...]
    wishes: tuple[Wish, ...]
    needs: Needs = Needs()
    budget: int | None = None

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for more than the search is made for, and for days out of order."""
        if len(self.wishes) > MOST_WISHES or len({wish.id for wish in self.wishes}) != len(self.wishes):
            raise ValueError(f"at most {MOST_WISHES} wishes, each once")
        if not 1 <= len(self.days) <= MOST_DAYS:
            raise ValueError(f"one to {MOST_DAYS} days")
        ends = [instant for day in self.days for instant in day]
        if any(one >= other for one, other in pairwise(ends)):
            raise ValueError("days are in order, and each ends after it begins")


@dataclass(frozen=True, slots=True)
class Pause:
    """A time to sit down: where one is before leaving, or in the middle of a visit."""

    starts_at: datetime
    ends_at: datetime
    kind: Literal["rest", "medication"]


@dataclass(frozen=True, slots=True)
class Stop:
    """A visit: the way there, when one goes in and out, the pauses within it and before going on, and why then."""

    wish_id: uuid.UUID
    leaves_for_at: datetime
    way: timedelta
    mode: Mode
    arrives_at: datetime
    enters_at: datetime
    leaves_at: datetime
    entrance: Entrance
    pauses: tuple[Pause, ...]
    why: Why


@dataclass(frozen=True, slots=True)
class DayOut:
    """A day: its stops in order, and when one is back. ``medications`` are taken at home or in a pause."""

    number: int
    stops: tuple[Stop, ...]
    way_back: timedelta
    mode_back: Mode
    back_at: datetime


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A wish the plan does without, and why."""

    wish_id: uuid.UUID
    code: Code


@dataclass(frozen=True, slots=True)
class Plan:
    """The days out that were planned, what is left out, and what it costs.

    ``is_exact`` says that there is none better: the search had to give up no way of spending a day.
    """

    days: tuple[DayOut, ...]
    left_out: tuple[LeftOut, ...]
    price: int
    is_exact: bool

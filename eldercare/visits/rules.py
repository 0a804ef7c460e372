"""When visits are, what may become of them, and what proves that somebody was there: decisions without I/O."""

import hashlib
import secrets
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from app.core.recurrence import Recurrence, occurrences
from app.core.wall_time import resolve, zone
from app.dispatch.api import Place, distance
from eldercare.tolerances.rules import Carried

State = Literal["planned", "assigned", "en_route", "in_progress", "completed", "missed", "cancelled", "suspended"]
CarerState = Literal["assigned", "en_route", "present", "left", "removed", "absent"]
How = Literal["tag", "qr", "gps", "manual"]

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    "planned": frozenset({"assigned", "in_progress", "missed", "cancelled", "suspended"}),
    "assigned": frozenset({"planned", "en_route", "in_progress", "missed", "cancelled", "suspended"}),
    "en_route": frozenset({"planned", "assigned", "in_progress", "missed", "cancelled", "suspended"}),
    "in_progress": frozenset({"completed"}),
    # Whoever comes after all is let in: a visit that was missed can still be made.
    "missed": frozenset({"in_progress"}),
    # The resident is away: off, unless they are back by its time. What has begun stays.
    "suspended": frozenset({"planned", "cancelled"}),
    "completed": frozenset(),
    "cancelled": frozenset(),
}
"""What may become of a visit. One for two carers begins with the first of them, though it was not fully assigned."""

AHEAD: Final[tuple[State, ...]] = ("planned", "assigned", "en_route")
OPEN: Final[tuple[State, ...]] = (*AHEAD, "in_progress")
AGREED: Final[tuple[State, ...]] = (*AHEAD, "suspended")
"""Not begun, and not called off for good."""

HORIZON: Final = timedelta(days=14)
PLANNING_INTERVAL: Final = timedelta(hours=24)
RESUMED_WITHIN: Final = PLANNING_INTERVAL + timedelta(hours=1)
"""How long after its time a visit that was off by mistake is still looked after: longer than until anybody looks."""
MISSING_AFTER: Final = timedelta(minutes=5)
"""So long whoever is there waits for the other one, who may be parking the car, before the agency hears of it."""
TAKEN_OVER_FOR: Final = timedelta(minutes=15)
"""So long at least whoever takes over a visit that began is busy with it."""
ALONE_FOR: Final = timedelta(minutes=15)
"""So long at most nobody is there amid a visit before the desk hears, however long a carer may be late to check out."""
CHECK_OUT_AGAIN: Final = timedelta(minutes=30)
DECIDED_BEFORE: Final = timedelta(hours=24)
"""So long before its time it is decided who goes instead of a carer of whom another agency said that they cannot."""
DECIDED_WITHIN: Final = timedelta(hours=1)
"""Or so long after that was said, where it comes sooner."""
EARLY: Final = timedelta(hours=2)
"""How long before its time a visit can begin."""
LATEST_ARRIVAL: Final = timedelta(hours=12)
"""How long after its start a visit can still begin."""
CLOCK_SKEW: Final = timedelta(minutes=2)
OLDEST_REPORT: Final = timedelta(hours=24)
"""How far back an app that had no network is believed."""

RADIUS: Final = 150.0
"""Metres around the home within which a position proves presence: a large building, and a phone under a roof."""
MOST_ACCURACY: Final = 100.0
"""Metres; a position less certain than this proves nothing."""
LONGEST: Final = timedelta(hours=16)
SHORTEST: Final = timedelta(minutes=5)


def sources(target: State) -> tuple[State, ...]:
    """Return the states from which a visit may become ``target``."""
    return tuple(state for state, targets in TRANSITIONS.items() if target in targets)


@dataclass(frozen=True, slots=True)
class Length:
    """How long a visit is: a duration, or until a time on the wall (a night watch ends at six, whatever clocks do)."""

    duration: timedelta | None = None
    until: time | None = None

    def __post_init__(self) -> None:
        """Raise ``ValueError`` unless exactly one of the two is given."""
        if (self.duration is None) == (self.until is None):
            raise ValueError("a visit has a duration, or a time at which it ends")


@dataclass(frozen=True, slots=True, order=True)
class Occurrence:
    """One visit as it is agreed: from when until when, and the local day on which it begins."""

    starts_at: datetime
    ends_at: datetime
    local_date: date


def ends_at(day: date, begins: time, starts_at: datetime, length: Length, time_zone: str) -> datetime:
    """Return when a visit ends that begins at the wall time ``begins`` of a local day.

    ``until`` at or before ``begins`` is on the next day. Where clocks skip both times the visit keeps the length it has
    on the wall (02:30 to 03:00 in a spring night is half an hour from 03:30).
    """
    if length.duration is not None:
        return starts_at + length.duration
    until = length.until or begins
    last_day = day if until > begins else day + timedelta(days=1)
    end = resolve(last_day, until, time_zone)
    on_the_wall = datetime.combine(last_day, until) - datetime.combine(day, begins)
    return end if end > starts_at else starts_at + on_the_wall


def visits_between(
    recurrence: Recurrence,
    length: Length,
    time_zone: str,
    start: datetime,
    end: datetime,
    calendar: Mapping[date, bool],
) -> list[Occurrence]:
    """Return the visits that begin in ``[start, end)``, in order, however the range is cut up."""
    (begins,) = recurrence.times
    return [
        Occurrence(found.due_at, ends_at(found.local_date, begins, found.due_at, length, time_zone), found.local_date)
        for found in occurrences(recurrence, time_zone, start, end, calendar)
    ]


def deadlines(starts_at: datetime, carried: Carried) -> dict[str, datetime]:
    """Return when it is told that a visit has no carers, and that nobody has arrived, and when it counts as missed."""
    return {
        "staff_by": starts_at - carried.staffed_before,
        "late_at": starts_at + carried.late_after,
        "miss_at": starts_at + carried.missed_after,
    }


def missing_at(starts_at: datetime, arrived_at: datetime, carried: Carried) -> datetime:
    """Return when the agency hears that of two carers one has arrived and the other has not."""
    return max(starts_at + carried.late_after, arrived_at + MISSING_AFTER)


def check_out_at(arrived_at: datetime, ends: datetime, carried: Carried) -> datetime:
    """Return when a carer who is still there is asked: who came late stays as long as was agreed, at most so long."""
    return max(ends, arrived_at) + carried.check_out_after


def is_believable(occurred_at: datetime, now: datetime) -> bool:
    """Say whether an app's own time can be taken: not in the future, at most a day back."""
    return now - OLDEST_REPORT <= occurred_at <= now + CLOCK_SKEW


def within(at: datetime, begun_at: datetime | None) -> datetime:
    """Return when something was done at a visit: never before it began, which a phone says whose clock is slow."""
    return at if begun_at is None else max(at, begun_at)


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody said of a task: whether it is done, when, and who."""

    is_done: bool
    at: datetime
    by: uuid.UUID


def weighed(said: Word | None, word: Word, *, is_belated: bool, confirmed: bool) -> Literal["counts", "known", "doubt"]:
    """Return what becomes of a word about a task of which ``said`` is known.

    The last word counts. What a phone without a network kept is belated: it must not undo what was said after it, and
    where a colleague said otherwise, before or after, whoever kept it decides (``confirmed``), as neither knew of the
    other.
    """
    if said is None or confirmed or not is_belated:
        return "counts"
    if said.by != word.by:
        return "known" if said.is_done == word.is_done else "doubt"
    return "counts" if word.at >= said.at else "known"


def can_arrive(starts_at: datetime, at: datetime) -> bool:
    """Say whether a visit can begin at that time."""
    return starts_at - EARLY <= at <= starts_at + LATEST_ARRIVAL


Doubt = Literal["inaccurate", "elsewhere", "unknown_home"]


def doubt(home: Place | None, found: Place, accuracy: float) -> tuple[Doubt, float | None] | None:
    """Return why a position does not prove that somebody is at the home, with the metres between; ``None`` if it does.

    The uncertainty counts for the carer, up to a point: ``RADIUS`` is measured from the edge of where they may be.
    """
    if home is None:
        return "unknown_home", None
    if accuracy > MOST_ACCURACY:
        return "inaccurate", None
    away = distance(home, found)
    return ("elsewhere", away) if away - accuracy > RADIUS else None


def new_door_code() -> str:
    """Return what a door's tag or QR code holds: 128 bits nobody guesses."""
    return secrets.token_urlsafe(16)


def door_digest(code: str) -> bytes:
    """Return what is kept of a door's code: whoever reads the table cannot make a tag."""
    return hashlib.sha256(code.strip().encode()).digest()


@dataclass(frozen=True, slots=True)
class Presence:
    """What of a carer at a visit decides how it goes on."""

    state: CarerState
    arrived_at: datetime | None


def are_missing(presences: Iterable[Presence], carers: int) -> bool:
    """Say whether fewer have come than the ``carers`` a visit needs."""
    return sum(one.state in ("present", "left") for one in presences) < carers


def is_over(presences: Iterable[Presence]) -> bool:
    """Say whether a visit that began is over: somebody was there and left, and nobody is there any more.

    Who was removed while they were there did not finish it: somebody else does, or the agency says how it ended.
    """
    known = list(presences)
    return any(one.state == "left" for one in known) and not any(one.state == "present" for one in known)


def hours(starts: datetime, ends: datetime) -> str:
    """Return the hours that really passed, with two decimals: on the night clocks change there are 7 or 9, not 8."""
    seconds = max(0, round((ends - starts).total_seconds()))
    return f"{seconds / 3600:.2f}"


def day_bounds(day: date, time_zone: str) -> tuple[datetime, datetime]:
    """Return the instants at which a local day begins and ends: 23 to 25 hours."""
    return resolve(day, time(), time_zone), resolve(day + timedelta(days=1), time(), time_zone)


def local_date(at: datetime, time_zone: str) -> date:
    """Return the local day an instant lies on."""
    return at.astimezone(zone(time_zone)).date()

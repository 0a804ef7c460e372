"""When a dose is due, what may become of it, when one taken as needed is too soon: decisions without I/O."""

import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, Literal

from app.core.recurrence import Occurrence, Recurrence, occurrences
from app.core.wall_time import zone

State = Literal["scheduled", "reminded", "taken", "skipped", "missed", "excused"]
RegimenState = Literal["draft", "active", "paused", "stopped"]
Timing = Literal["times", "meals", "as_needed"]
Meal = Literal["breakfast", "lunch", "dinner"]
Outcome = Literal["taken", "skipped"]
SkipReason = Literal["refused", "unwell", "not_available", "on_advice", "other"]
How = Literal["self", "gave", "saw", "told"]

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    "scheduled": frozenset({"reminded", "taken", "skipped", "missed", "excused"}),
    "reminded": frozenset({"taken", "skipped", "missed", "excused"}),
    "missed": frozenset({"taken", "skipped"}),
    "excused": frozenset({"taken", "skipped"}),
    "skipped": frozenset({"taken", "scheduled", "reminded", "excused"}),
    "taken": frozenset({"scheduled", "reminded", "excused"}),
}
"""What may become of a dose. What was missed, excused or refused may be taken after all; and a record that was made by
mistake can be withdrawn: the dose is then what it was before."""

REGIMEN_TRANSITIONS: Final[Mapping[RegimenState, frozenset[RegimenState]]] = {
    "draft": frozenset({"active", "stopped"}),
    "active": frozenset({"paused", "stopped"}),
    "paused": frozenset({"active", "stopped"}),
    "stopped": frozenset(),
}
"""What may become of a regimen: a stopped one is history, and who takes the drug again gets a new one."""

HORIZON: Final = timedelta(hours=48)
PLANNING_INTERVAL: Final = timedelta(hours=24)
CATCH_UP: Final = timedelta(hours=24)
"""How far back a planner that was away still plans: what is older is over."""
EARLY: Final = timedelta(hours=4)
"""How long before it is due a dose can be recorded: whoever goes out in the evening takes it in the afternoon."""
OLDEST_RECORD: Final = timedelta(days=7)
"""How far back a dose can be said to have been taken: phones are offline, carers write things down on paper."""
WITHDRAWN_WITHIN: Final = timedelta(hours=24)
"""How long after it was made a record can be withdrawn."""
CLOCK_SKEW: Final = timedelta(minutes=2)
DOSE_WINDOWS: Final = (timedelta(minutes=15), timedelta(hours=12))
INTERVALS: Final = (timedelta(minutes=5), timedelta(days=7))
LONGEST_OFFSET: Final = timedelta(hours=2)
A_DAY: Final = timedelta(hours=24)
AROUND_TODAY: Final = timedelta(days=2)
"""Whatever the zone, today lies whole within so long before and after now."""
FARTHEST_LOOK: Final = timedelta(days=32)
"""How far around an instant a plan is looked at to know how far apart its doses are: what is taken monthly shows."""
NEAREST: Final = 1 / 3
"""How close to each other, in parts of their spacing, doses of two plans may come where one follows the other."""
_STANDS_FIRST: Final = 10
PROJECTED_DAYS: Final = 60
"""How far ahead what is left is counted: longer than any pack that is kept at home."""
A_CENTURY: Final = 36_525
"""Days after which it makes no difference how long something lasts."""
REPRIEVES: Final = 3
"""How often outages of ours can move the end of a window; after that a dose that nobody recorded is missed."""

DEFAULT_MEALS: Final[Mapping[Meal, time]] = {"breakfast": time(7, 30), "lunch": time(12), "dinner": time(18)}
"""When somebody eats who has not said when: only until they do."""

UNITS: Final = frozenset(
    {
        # UCUM, case-sensitive symbols: mass, volume, arbitrary and molar units
        "ug", "mg", "g", "uL", "mL", "L", "[iU]", "10*6.[iU]", "mmol", "meq", "ug/h", "mg/mL",
        # drops and spoons
        "[drp]", "[tsp_us]", "[tbs_us]",
        # UCUM annotations: countable things without a dimension
        "{tablet}", "{capsule}", "{puff}", "{spray}", "{patch}", "{sachet}", "{suppository}", "{ampule}", "{lozenge}",
        "{application}", "{dose}",
    }
)  # fmt: skip
"""The UCUM units a dose can have: few enough that a slip (mg for ug) stands out, and a wrong symbol is refused."""


def sources(target: State) -> tuple[State, ...]:
    """Return the states from which a dose may become ``target``."""
    return tuple(state for state, targets in TRANSITIONS.items() if target in targets)


@dataclass(frozen=True, slots=True)
class Schedule:
    """On which days, at which wall times or around which meals. ``meal_offset`` is after the meal, or before it."""

    timing: Timing
    weekdays: frozenset[int]
    starts_on: date
    times: tuple[time, ...] = ()
    meals: tuple[Meal, ...] = ()
    meal_offset: timedelta = timedelta()
    ends_on: date | None = None
    rrule: str | None = None


def doses_of(
    schedule: Schedule, meal_times: Mapping[Meal, time], time_zone: str, start: datetime, end: datetime
) -> list[Occurrence]:
    """Return the doses planned in ``[start, end)``, strictly increasing, however the range is cut up.

    Wall times become instants as RFC 5545, 3.3.5 says: one inside a gap moves by the gap, a doubled one happens once,
    at its first instant; two that fall on one instant are one dose, never a double one. What is taken around a meal is
    due that long, by the clock, after the meal's instant or before it, and belongs to the meal's day.
    """
    match schedule.timing:
        case "as_needed":
            return []
        case "times":
            return occurrences(_recurrence(schedule, schedule.times), time_zone, start, end, {})
        case "meals":
            offset = schedule.meal_offset
            walls = tuple(meal_times[meal] for meal in schedule.meals)
            eaten = occurrences(_recurrence(schedule, walls), time_zone, start - offset, end - offset, {})
            return [replace(meal, due_at=meal.due_at + offset) for meal in eaten]


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule with what makes instants of it: when the resident eats, and the zone of its wall times."""

    schedule: Schedule
    meal_times: Mapping[Meal, time]
    time_zone: str

    def doses(self, start: datetime, end: datetime) -> list[Occurrence]:
        """Return the doses planned in ``[start, end)``: see ``doses_of``."""
        return doses_of(self.schedule, self.meal_times, self.time_zone, start, end)

    def spacing(self, around: datetime) -> timedelta | None:
        """Return how far apart doses are in the mean around an instant, or ``None`` where there are not two."""
        found = self.doses(around - FARTHEST_LOOK, around + FARTHEST_LOOK)
        return (found[-1].due_at - found[0].due_at) / (len(found) - 1) if len(found) > 1 else None

    def day_of(self, at: datetime) -> date:
        """Return the local day an instant lies in."""
        return at.astimezone(zone(self.time_zone)).date()


@dataclass(frozen=True, slots=True)
class ChangeOver:
    """What is planned when a plan takes another's place: the doses ahead, all of the new plan's before ``until``."""

    doses: list[Occurrence]
    until: datetime


def change_over(
    plan: Plan, standing: Iterable[datetime], ahead: Sequence[Occurrence], spacing: timedelta, now: datetime
) -> ChangeOver:
    """Return the doses from ``now`` on when ``plan`` takes the place of one whose doses were the others.

    ``standing`` is when doses are due that were taken or that are waited for, ``ahead`` are the others that were still
    to come, ``spacing`` is how far apart doses are in the mean, by the denser of the two plans.

    Each dose of the old plan has a place in the new one: the dose of it that is nearest, in order, and less than two
    thirds of the spacing away (a time on another local day counts as twice as far). What stands is not planned again in
    its place. What was still to come is, and where its place is past already it stays at its old time, as it does
    before the new plan's first day: it is not lost. So doses that are evenly spaced never come closer than a third of
    their spacing, or part more than five thirds of it. The thirds are ours, between losing a dose and taking it twice;
    they follow no leaflet, and whoever looks after the resident decides what is taken.
    """
    reach = max(AROUND_TODAY, 2 * spacing)
    slots = plan.doses(now - reach - spacing, now + reach + spacing)
    stands = frozenset(at for at in standing if abs(at - now) <= reach)
    places = _places(plan, stands, [dose.due_at for dose in ahead if dose.due_at <= now + reach], slots, spacing)
    had = {places[at] for at in stands if at in places}
    coming = [slot for slot in slots if slot.due_at >= now and slot.due_at not in had]
    _, horizon = planning_range(None, now)
    until = max([horizon, *(at + timedelta(microseconds=1) for at in had)])
    kept = [
        dose
        for dose in ahead
        if (places.get(dose.due_at, now) < now or dose.local_date < plan.schedule.starts_on)
        and all(abs(slot.due_at - dose.due_at) >= spacing * NEAREST for slot in coming)
    ]
    doses = {dose.due_at: dose for dose in (*kept, *(slot for slot in coming if slot.due_at < until))}
    return ChangeOver([doses[due_at] for due_at in sorted(doses)], until)


def _places(
    plan: Plan,
    stands: AbstractSet[datetime],
    ahead: Iterable[datetime],
    slots: Sequence[Occurrence],
    spacing: timedelta,
) -> dict[datetime, datetime]:
    """Return which of the slots takes the place of which dose: in order, each at most once, at the least distance.

    Those that stand come first. (The alignment of two sequences, by dynamic programming.)
    """
    olds, news = sorted({*stands, *ahead}), [slot.due_at for slot in slots]
    days, new_days = [plan.day_of(old) for old in olds], [plan.day_of(new) for new in news]
    limit = 2 * NEAREST * spacing.total_seconds()
    lacks = [limit * (_STANDS_FIRST if old in stands else 1) for old in olds]
    # least[i][j]: what placing all from the i-th dose on costs in the slots from the j-th on.
    least = [[0.0] * (len(news) + 1) for _ in range(len(olds) + 1)]
    for i in reversed(range(len(olds))):
        least[i][len(news)] = least[i + 1][len(news)] + lacks[i]
        for j in reversed(range(len(news))):
            apart = abs(news[j] - olds[i]).total_seconds() * (1 if days[i] == new_days[j] else 2)
            placed = least[i + 1][j + 1] + apart if apart < limit else math.inf
            least[i][j] = min(placed, least[i][j + 1], least[i + 1][j] + lacks[i])
    found: dict[datetime, datetime] = {}
    i = j = 0
    while i < len(olds) and j < len(news):
        if least[i][j] == least[i][j + 1]:
            j += 1
        elif least[i][j] == least[i + 1][j] + lacks[i]:
            i += 1
        else:
            found[olds[i]] = news[j]
            i, j = i + 1, j + 1
    return found


def _recurrence(schedule: Schedule, times: Iterable[time]) -> Recurrence:
    return Recurrence(
        times=tuple(sorted(times)),
        weekdays=schedule.weekdays,
        starts_on=schedule.starts_on,
        ends_on=schedule.ends_on,
        rrule=schedule.rrule,
    )


def planning_range(planned_until: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """Return the range to plan next: from where planning ended to the horizon, never far into the past.

    The horizon is a full hour, so that all that is planned within an hour has the same range.
    """
    start = now if planned_until is None else max(planned_until, now - CATCH_UP)
    horizon = (now + HORIZON).replace(minute=0, second=0, microsecond=0)
    return start, max(start, horizon)


def days_overlap(starts_on: date, ends_on: date | None, other_starts_on: date, other_ends_on: date | None) -> bool:
    """Say whether two ranges of days, both ends included and open without an end, have a day in common."""
    return starts_on <= (other_ends_on or date.max) and other_starts_on <= (ends_on or date.max)


@dataclass(frozen=True, slots=True)
class Taken:
    """An amount of a drug that was taken at an instant."""

    at: datetime
    quantity: Decimal


Verdict = Literal["fine", "too_soon", "too_much"]


def as_needed(history: Sequence[Taken], dose: Taken, min_interval: timedelta, daily_maximum: Decimal) -> Verdict:
    """Say whether a dose taken as needed keeps to the regimen's own interval and maximum.

    ``history`` is what else was taken of the drug, before or after: a dose can be recorded late. The maximum holds for
    any 24 hours that contain the dose, not for a calendar day: midnight makes nobody's body forget.
    """
    if any(abs(other.at - dose.at) < min_interval for other in history):
        return "too_soon"
    taken = [*history, dose]
    for first in taken:
        if first.at <= dose.at < first.at + A_DAY:
            total = sum((one.quantity for one in taken if first.at <= one.at < first.at + A_DAY), Decimal())
            if total > daily_maximum:
                return "too_much"
    return "fine"


@dataclass(frozen=True, slots=True)
class Needed(Taken):
    """A dose that was taken as needed, and what its regimen allows: how soon after another, how much in a day."""

    min_interval: timedelta
    daily_maximum: Decimal | None  # empty where it is counted in another unit


def beside_needed(history: Sequence[Taken], dose: Taken) -> Verdict:
    """Say whether a planned dose keeps to what regimens for the same drug allow of which something was taken.

    Among themselves planned doses are as close and as many as was prescribed; nobody prescribed one on top of what was
    taken as needed.
    """
    needed = [other for other in history if isinstance(other, Needed)]
    if any(abs(other.at - dose.at) < other.min_interval for other in needed):
        return "too_soon"
    maximum = needed_maximum(history, dose.at)
    return "fine" if maximum is None else as_needed(history, dose, timedelta(), maximum)


def needed_maximum(history: Sequence[Taken], at: datetime) -> Decimal | None:
    """Return the least of what was allowed within a day of the instant; ``None`` if nothing was needed by then."""
    near = (other for other in history if isinstance(other, Needed) and abs(other.at - at) < A_DAY)
    return min((other.daily_maximum for other in near if other.daily_maximum is not None), default=None)


def not_before(history: Sequence[Taken], at: datetime, min_interval: timedelta) -> datetime:
    """Return from when on no dose of ``history`` that was taken by ``at`` or after is too close any more."""
    return max((other.at + min_interval for other in history if other.at > at - min_interval), default=at)


def runs_out_at(on_hand: Decimal, quantity: Decimal, planned: Iterable[datetime]) -> datetime | None:
    """Return the first of the ``planned`` doses for which nothing is left, or ``None`` if it lasts for all of them."""
    left = on_hand
    for due_at in planned:
        if left < quantity:
            return due_at
        left -= quantity
    return None


def lasts_for(on_hand: Decimal, used: Decimal, days: int) -> timedelta | None:
    """Return how long it lasts (at most a century) if as much is used as in the last ``days``; ``None`` if none was."""
    return None if used <= 0 else A_DAY * min(days * float(on_hand / used), A_CENTURY)


def kept_percent(completed: int, not_done: int, unknown: int) -> int | None:
    """Return how many of a hundred planned doses were taken, rounded down; ``None`` if none was planned."""
    planned = completed + not_done + unknown
    return None if planned == 0 else completed * 100 // planned


@dataclass(frozen=True, slots=True)
class Standing:
    """What of a dose decides whether a record fits."""

    state: State
    due_at: datetime
    taken_at: datetime | None = None
    is_own: bool = False  # recorded by whoever records now


Fit = Literal["accept", "repeat", "extra", "already_recorded", "too_early"]


def fit(standing: Standing, outcome: Outcome, taken_at: datetime | None, now: datetime, *, confirmed: bool) -> Fit:
    """Say what a record does to a dose.

    Of two people who record one dose, the second is warned: a tablet may be about to be taken twice. Only who confirms
    that it was taken once more adds an extra dose. The same record of the same person again changes nothing.
    """
    match standing.state:
        case "taken":
            if outcome == "taken" and standing.is_own and taken_at is not None and taken_at == standing.taken_at:
                return "repeat"
            return "extra" if outcome == "taken" and confirmed else "already_recorded"
        case "skipped":
            if outcome == "skipped" and standing.is_own:
                return "repeat"
            return "accept" if outcome == "taken" and confirmed else "already_recorded"
        case "scheduled" if standing.due_at - now > EARLY:
            return "too_early"
        case _:
            return "accept"


def before_record(*, is_excused: bool, is_open: bool, is_reminded: bool) -> State:
    """Return what a planned dose was before somebody recorded it; a missed one is open again, and missed at once."""
    if is_excused:
        return "excused"
    return "reminded" if is_open and is_reminded else "scheduled"


def is_believable(taken_at: datetime, now: datetime) -> bool:
    """Say whether a caller's own time can be taken: not in the future, at most a week back."""
    return now - OLDEST_RECORD <= taken_at <= now + CLOCK_SKEW

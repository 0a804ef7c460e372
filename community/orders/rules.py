"""What may become of an order of help at home, when somebody looks after it, and what calling it off costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from app.core.wall_time import resolve, zone
from community.housekeeping.rules import LineKind, hundredths

State = Literal[
    "held",
    "placed",
    "assigned",
    "on_the_way",
    "started",
    "finished",
    "closed",
    "expired",
    "cancelled",
    "no_access",
]
Transition = Literal[
    "place",
    "expire",
    "assign",
    "reassign",
    "unassign",
    "set_out",
    "start",
    "finish",
    "close",
    "no_access",
    "cancel",
]
Who = Literal["resident", "worker", "provider", "operator", "hearthline"]
"""``resident``: they themselves, or whoever may order for them. ``hearthline``: nobody, but the clock or a fact."""
Method = Literal["card", "provider"]
"""``provider``: in cash, by terminal or transfer, to whoever does the work."""
Side = Literal["resident", "worker", "provider", "operator"]
"""On which side of an order somebody stands who may know of it."""
Sex = Literal["female", "male"]
Deadline = Literal["hold_until", "miss_at", "overdue_at", "unpaid_at"]


@dataclass(frozen=True, slots=True)
class Way:
    """A change of state: from where, to where, and who may make it."""

    sources: frozenset[State]
    target: State
    who: frozenset[Who]


def _way(sources: Iterable[State], target: State, *who: Who) -> Way:
    return Way(frozenset(sources), target, frozenset(who))


WAYS: Final[Mapping[Transition, Way]] = {
    # The money is there, or is paid at the door: now somebody is looked for.
    "place": _way(["held"], "placed", "hearthline"),
    "expire": _way(["held"], "expired", "hearthline"),
    # Whoever accepts an offer assigns themselves; planning ahead assigns as Hearthline.
    "assign": _way(["placed"], "assigned", "provider", "operator", "worker", "hearthline"),
    "reassign": _way(["assigned", "on_the_way"], "assigned", "provider", "operator", "hearthline"),
    "unassign": _way(["assigned", "on_the_way"], "placed", "provider", "operator", "hearthline"),
    "set_out": _way(["assigned"], "on_the_way", "worker"),
    # Who forgot to say that they set out is there all the same.
    "start": _way(["assigned", "on_the_way"], "started", "worker", "provider", "operator"),
    "finish": _way(["started"], "finished", "worker", "provider", "operator"),
    "close": _way(["finished"], "closed", "hearthline"),
    "no_access": _way(["assigned", "on_the_way"], "no_access", "worker", "provider", "operator"),
    "cancel": _way(
        ["held", "placed", "assigned", "on_the_way"], "cancelled", "resident", "provider", "operator", "hearthline"
    ),
}
"""Every change of state there is; nothing else sets one."""

OVER: Final[frozenset[State]] = frozenset({"closed", "expired", "cancelled", "no_access"})
AHEAD: Final[tuple[State, ...]] = ("placed", "assigned", "on_the_way")
"""Promised, and nobody is there yet."""
WITH_WORKER: Final[tuple[State, ...]] = ("assigned", "on_the_way", "started")
"""Somebody's time is taken for it."""
DEADLINE: Final[Mapping[State, Deadline]] = {
    "held": "hold_until",
    **dict.fromkeys(AHEAD, "miss_at"),
    "started": "overdue_at",
    "finished": "unpaid_at",
}
"""The column that says of every open order when somebody looks after it at the latest."""

CancelReason = Literal[
    "changed_mind",
    "unwell",
    "other_plans",
    "no_worker",
    "worker_ill",
    "closed_that_day",
    "other",
    "not_kept",
    "resident_left",
    "series",
    "away",
    "unpaid",
    "appointment",
    "trip",
]
GIVEN_REASONS: Final[Mapping[Who, frozenset[CancelReason]]] = {
    "resident": frozenset({"changed_mind", "unwell", "other_plans", "other"}),
    "provider": frozenset({"no_worker", "worker_ill", "closed_that_day", "other"}),
    "operator": frozenset({"no_worker", "other"}),
    "hearthline": frozenset({"not_kept", "resident_left", "series", "away", "unpaid", "appointment", "trip"}),
}

HOLD: Final = timedelta(minutes=20)
"""How long an order waits for its money: long enough for a bank's own question."""
AUTHORIZED_FROM: Final = timedelta(days=5)
"""Holds on cards last a week: money for what is ordered weeks ahead is asked for so long before it."""
AUTHORIZED_BY: Final = timedelta(days=2)
"""By then it is there, or the order is called off while somebody else can still be found."""
AUTHORIZE_AGAIN: Final = timedelta(hours=12)
LONGEST_AHEAD: Final = timedelta(days=180)
LONGEST_FLEXIBILITY: Final = timedelta(hours=4)
STAFF_LOOKS: Final = (timedelta(hours=24), timedelta(hours=4), timedelta(hours=1))
"""How long before its start somebody hears that an order has nobody, the operator from the second time on."""
LATE: Final = timedelta(minutes=15)
"""How long after its start an order with nobody at the door is late."""
MISSED: Final = timedelta(hours=1)
"""How long after its end an order that nobody began was not kept."""
OVERDUE: Final = (timedelta(minutes=30), timedelta(hours=1), timedelta(hours=4), timedelta(days=1))
"""After its end, and then from one to the next: when somebody hears of work that does not end."""
UNPAID: Final = timedelta(days=7)
NEAR: Final = timedelta(hours=24)
"""A provider who calls off so shortly before leaves somebody alone: the operator hears of it."""
DOOR_BEFORE: Final = timedelta(hours=2)
SETS_OUT_BEFORE: Final = timedelta(hours=3)
STARTS_BEFORE: Final = timedelta(minutes=30)
EXTRA_ANSWER: Final = timedelta(minutes=15)
EXTRA_MOST: Final = timedelta(hours=4)
WRONG_CODES: Final = 5
"""After so many the start is confirmed by somebody else."""
OLDEST_REPORT: Final = timedelta(hours=24)
"""How far back whoever had no network at the home is believed."""
CLOCK_SKEW: Final = timedelta(minutes=2)
BELATED: Final = timedelta(minutes=1)
"""From so long between what was done and what we heard of it on, both are shown."""
NEWS: Final = timedelta(minutes=15)
"""That somebody is on the way is told to nobody later than this: they may be there by now."""
_WORK: Final[frozenset[LineKind]] = frozenset({"work", "option", "weekend", "holiday"})


REFERENCE: Final = "home_order"
"""What billing knows an order by, with its id."""
PHOTOS: Final = "community.order"
"""The kind of thing an order's photos are attached to."""
LINES: Final[Mapping[str, Mapping[str, str]]] = {
    "option": {"en": "Extra", "zh-CN": "附加服务"},
    "weekend": {"en": "Weekend surcharge", "zh-CN": "周末附加费"},
    "holiday": {"en": "Holiday surcharge", "zh-CN": "节假日附加费"},
    "area": {"en": "Way", "zh-CN": "路程费"},
    "minimum": {"en": "Up to the minimum", "zh-CN": "补足起步价"},
    "extra_time": {"en": "Time that was added", "zh-CN": "延长时间"},
    "late_cancellation": {"en": "Called off late", "zh-CN": "逾期取消费"},
    "no_access": {"en": "Nobody opened the door", "zh-CN": "无人开门费"},
}
"""Kind of line → language → name; what the work and the options are called, the catalogue and the offer say."""


def may(transition: Transition, state: State, who: Who) -> bool:
    """Say whether an order in a state may be changed so by someone."""
    way = WAYS[transition]
    return state in way.sources and who in way.who


def hold_ends(now: datetime, starts_at: datetime) -> datetime:
    """Return until when an order waits for its money: never beyond its start."""
    return min(now + HOLD, starts_at)


def money_waits_until(now: datetime, starts_at: datetime) -> datetime | None:
    """Return when the money of an order placed ahead is asked for; ``None`` where it is too near to wait with it."""
    if starts_at - now <= AUTHORIZED_BY:
        return None
    return max(now, starts_at - AUTHORIZED_FROM)


@dataclass(frozen=True, slots=True)
class Times:
    """When an order is planned, and how much longer it was agreed to take."""

    starts_at: datetime
    ends_at: datetime
    extra: timedelta = timedelta()
    started_at: datetime | None = None

    @property
    def expected_end(self) -> datetime:
        """Return when the work should end: whoever began late stays as long as was agreed."""
        begun = self.started_at or self.starts_at
        return max(self.ends_at, begun + (self.ends_at - self.starts_at)) + self.extra


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The instants at which somebody looks after an order."""

    hold_until: datetime | None = None
    staff_by: datetime | None = None
    late_at: datetime | None = None
    miss_at: datetime | None = None
    overdue_at: datetime | None = None
    unpaid_at: datetime | None = None


def deadlines(state: State, times: Times, now: datetime) -> Deadlines:
    """Return when somebody looks after an order that has just come into a state; a closed one has none."""
    if state == "held":
        return Deadlines(hold_until=hold_ends(now, times.starts_at))
    if state in AHEAD:
        return Deadlines(
            staff_by=first_staff_look(now, times.starts_at) if state == "placed" else None,
            late_at=times.starts_at + LATE,
            miss_at=times.ends_at + MISSED,
        )
    if state == "started":
        return Deadlines(overdue_at=max(times.expected_end, now) + OVERDUE[0])
    if state == "finished":
        return Deadlines(unpaid_at=now + UNPAID)
    return Deadlines()


def first_staff_look(now: datetime, starts_at: datetime) -> datetime:
    """Return when somebody hears that an order has nobody yet: at once where every such instant has passed."""
    return next_staff_look(now, starts_at) or now


def next_staff_look(now: datetime, starts_at: datetime) -> datetime | None:
    """Return when somebody hears of it again after ``now``; ``None`` once its lateness is what they hear of."""
    return next((starts_at - before for before in STAFF_LOOKS if starts_at - before > now), None)


def concerns_operator(now: datetime, starts_at: datetime) -> bool:
    """Say whether an order without anybody is the operator's concern: the provider has been told, and time is short."""
    return now >= starts_at - STAFF_LOOKS[1]


def next_overdue(now: datetime, step: int) -> datetime:
    """Return when somebody hears again of work that does not end; ``step`` counts how often they have."""
    return now + OVERDUE[min(step, len(OVERDUE) - 1)]


def fee(total: int, times: Times, terms: tuple[datetime, int], now: datetime, state: State) -> int:
    """Return what a resident owes for calling off now, in minor units.

    ``terms`` are until when calling off is free, and the hundredths of the total that calling off later costs. What is
    not placed yet costs nothing, nor what the provider is late for.
    """
    free, percent = terms
    if state == "held" or now <= free or now >= times.starts_at + LATE:
        return 0
    return hundredths(total, percent)


def free_until(wanted_at: datetime, starts_at: datetime, notice: timedelta) -> datetime:
    """Return until when calling off costs nothing: planned earlier than it was ordered for, it is no earlier."""
    return max(wanted_at, starts_at) - notice


def door_fee(total: int, percent: int, starts_at: datetime, came_at: datetime) -> int:
    """Return what a resident owes whose door stayed closed, in minor units: nothing to who came late."""
    return 0 if came_at >= starts_at + LATE else hundredths(total, percent)


def extra_amount(lines: Sequence[tuple[LineKind, int]], duration: timedelta, extra: timedelta) -> int:
    """Return what so much more time costs at an order's own rate, in minor units, rounded half up.

    The rate is that of the work with its options and surcharges, not of the way or of what makes up a minimum.
    """
    work = sum(amount for kind, amount in lines if kind in _WORK)
    tick = timedelta(microseconds=1)
    return (2 * work * (extra // tick) + duration // tick) // (2 * (duration // tick))


def day_bounds(day: date, time_zone: str) -> tuple[datetime, datetime]:
    """Return the instants at which a local day begins and ends: 23 to 25 hours."""
    return resolve(day, time(), time_zone), resolve(day + timedelta(days=1), time(), time_zone)


def is_believable(occurred_at: datetime, now: datetime) -> bool:
    """Say whether a phone's own time can be taken: not in the future, at most a day back."""
    return now - OLDEST_REPORT <= occurred_at <= now + CLOCK_SKEW


def told_at(occurred_at: datetime | None, heard_at: datetime) -> datetime | None:
    """Return when we heard of something that was told late; ``None`` where it was told as it happened."""
    return heard_at if occurred_at is not None and heard_at - occurred_at >= BELATED else None


def local_date(at: datetime, time_zone: str) -> date:
    """Return the local day an instant lies on."""
    return at.astimezone(zone(time_zone)).date()


def shows_door(state: State, times: Times, now: datetime) -> bool:
    """Say whether whoever comes is shown how to get in: from two hours before until the work should have ended."""
    return state in WITH_WORKER and times.starts_at - DOOR_BEFORE <= now < times.expected_end

"""Who of a circle is on call at an instant, and over a while: pure decisions, readable aloud to a family."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final, Literal
from zoneinfo import ZoneInfo

from eldercare.care_circle.rules import Hours

SwapState = Literal["offered", "accepted", "declined", "withdrawn"]

SWAP_TRANSITIONS: Final[Mapping[str, tuple[frozenset[str], SwapState]]] = {
    "accept": (frozenset({"offered"}), "accepted"),
    "decline": (frozenset({"offered"}), "declined"),
    "withdraw": (frozenset({"offered", "accepted"}), "withdrawn"),
}
"""What may become of a swap. Who took a turn and cannot keep it asks who gave it to take it back."""

LOOKED_AHEAD: Final = timedelta(hours=48)
LOOKED_AGAIN: Final = timedelta(hours=6)
LONGEST_SWAP: Final = timedelta(days=31)
LONGEST_ABSENCE: Final = timedelta(days=366)
LONGEST_VIEW: Final = timedelta(days=31)

_DAY: Final = timedelta(days=1)
_FRIDAY, _SUNDAY, _MONDAY = 4, 6, 0
Calendar = Mapping[date, bool]
"""The days that are not what their weekday says: ``False`` a public holiday, ``True`` a make-up workday."""


@dataclass(frozen=True, slots=True)
class Member:
    """What of a member decides when they are called: weekly hours in their zone (none: always), days away."""

    member_id: uuid.UUID
    account_id: uuid.UUID
    hours: tuple[Hours, ...]
    time_zone: str
    away: tuple[tuple[date, date], ...] = ()

    def is_away(self, day: date) -> bool:
        """Say whether the member is away on a local day."""
        return any(first <= day <= last for first, last in self.away)


@dataclass(frozen=True, slots=True)
class Swap:
    """The taker has the giver's turn from one instant to before another."""

    giver_id: uuid.UUID
    taker_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Circle:
    """A resident's circle: who accepted, in the resident's order, their swaps, the community's calendar."""

    members: tuple[Member, ...]
    swaps: tuple[Swap, ...] = ()
    calendar: Calendar = field(default_factory=dict)

    @property
    def is_always_there(self) -> bool:
        """Say that there is somebody whom nothing ever keeps from being called."""
        giving = {swap.giver_id for swap in self.swaps}
        return any(not (member.hours or member.away or member.member_id in giving) for member in self.members)

    def by_the_week(self) -> "Circle":
        """Return the circle as its weekly hours alone have it."""
        return Circle(tuple(Member(m.member_id, m.account_id, m.hours, m.time_zone) for m in self.members))


def counts_as(day: date, calendar: Calendar) -> int:
    """Return the weekday (0 is Monday) whose hours apply on a day.

    A public holiday is a Sunday. A make-up workday is the workday next to it: a Saturday is a Friday, a Sunday a
    Monday. (China's State Council moves workdays to weekends around long holidays; the calendar has them.)
    """
    match calendar.get(day):
        case False:
            return _SUNDAY
        case True if day.weekday() > _FRIDAY:
            return _MONDAY if day.weekday() == _SUNDAY else _FRIDAY
        case _:
            return day.weekday()


def in_hours(member: Member, at: datetime, calendar: Calendar) -> bool:
    """Say whether an instant lies in the member's weekly hours; a window past midnight belongs to the day it began."""
    if not member.hours:
        return True
    local = at.astimezone(ZoneInfo(member.time_zone))
    wall, today = local.time(), counts_as(local.date(), calendar)
    yesterday = counts_as(local.date() - _DAY, calendar)
    for window in member.hours:
        overnight = window.end <= window.start
        if window.weekday == today and wall >= window.start and (overnight or wall < window.end):
            return True
        if overnight and window.weekday == yesterday and wall < window.end:
            return True
    return False


def on_call(circle: Circle, at: datetime) -> list[Member]:
    """Return who can be called at an instant, in the resident's order.

    A swap lifts the giver out of the rota and puts the taker in, whatever their hours say. Who is away is not called.
    A swap counts only while both are in the circle: when the taker leaves, the giver has their turn back.
    """
    there = {member.member_id for member in circle.members}
    swaps = [
        swap for swap in circle.swaps if swap.starts_at <= at < swap.ends_at and {swap.giver_id, swap.taker_id} <= there
    ]
    given, taken = {swap.giver_id for swap in swaps}, {swap.taker_id for swap in swaps}
    return [
        member
        for member in circle.members
        if not member.is_away(at.astimezone(ZoneInfo(member.time_zone)).date())
        and (member.member_id in taken or (member.member_id not in given and in_hours(member, at, circle.calendar)))
    ]


@dataclass(frozen=True, slots=True)
class Slot:
    """A time over which the same people are on call."""

    starts_at: datetime
    ends_at: datetime
    members: tuple[Member, ...]


def slots(circle: Circle, since: datetime, until: datetime) -> list[Slot]:
    """Return who is on call over ``[since, until)``, cut where that changes and nowhere else."""
    edges = sorted({since, until, *(edge for edge in _edges(circle, since, until) if since < edge < until)})
    found: list[Slot] = []
    for start, end in pairwise(edges):
        members = tuple(on_call(circle, start))
        if found and found[-1].members == members:
            found[-1] = Slot(found[-1].starts_at, end, members)
        else:
            found.append(Slot(start, end, members))
    return found


def gaps(circle: Circle, since: datetime, until: datetime) -> list[Slot]:
    """Return the times at which nobody of the circle can be called."""
    return [slot for slot in slots(circle, since, until) if not slot.members]


def unusual_gaps(circle: Circle, since: datetime, until: datetime) -> list[Slot]:
    """Return the gaps that the weekly hours do not have: those that an absence, a swap or a holiday makes."""
    usual = circle.by_the_week()

    def is_usual(gap: Slot) -> bool:
        return not any(slot.members for slot in slots(usual, gap.starts_at, gap.ends_at))

    return [gap for gap in gaps(circle, since, until) if not is_usual(gap)]


def _edges(circle: Circle, since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield every instant at which who is on call may change."""
    for swap in circle.swaps:
        yield from (swap.starts_at, swap.ends_at)
    zones = {member.time_zone: {time()} for member in circle.members}
    for member in circle.members:
        zones[member.time_zone] |= {wall for window in member.hours for wall in (window.start, window.end)}
    for name, walls in zones.items():
        yield from _wall_edges(ZoneInfo(name), walls, since, until)


def _wall_edges(zone: ZoneInfo, walls: set[time], since: datetime, until: datetime) -> Iterator[datetime]:
    day = since.astimezone(zone).date() - _DAY
    last = until.astimezone(zone).date() + _DAY
    while day <= last:
        begins = datetime.combine(day, time(), zone).astimezone(UTC)
        ends = datetime.combine(day + _DAY, time(), zone).astimezone(UTC)
        for wall in walls:
            # A wall time that happens twice is an edge both times; one that is skipped is met by the jump below.
            for fold in (0, 1):
                yield datetime.combine(day, wall.replace(fold=fold), zone).astimezone(UTC)
        if begins.astimezone(zone).utcoffset() != ends.astimezone(zone).utcoffset():
            yield _jump(zone, begins, ends)
        day += _DAY


def _jump(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the instant between two at which the zone's clocks are changed, to the second."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)

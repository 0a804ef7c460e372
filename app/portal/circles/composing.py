"""What the circles' templates show, out of what the API answers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import zip_longest
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.portal.ground.moments import instant

Json = Mapping[str, Any]
WEEK: Final = 7
_MIDNIGHT: Final = time()


@dataclass(frozen=True, slots=True)
class Turn:
    """A time over which the same people are on call, as far as it lies on one day."""

    starts_at: datetime
    ends_at: datetime
    names: Sequence[str]
    is_mine: bool

    @property
    def is_all_day(self) -> bool:
        """Say whether it is the whole of its day."""
        ends = self.starts_at.date() + timedelta(days=1)
        return self.starts_at.time() == self.ends_at.time() == _MIDNIGHT and self.ends_at.date() == ends


@dataclass(slots=True)
class Day:
    """A day of the rota."""

    day: date
    turns: list[Turn] = field(default_factory=list)


def days(slots: Iterable[Json], member_id: str, zone: ZoneInfo) -> list[Day]:
    """Return the rota by days of the reader's calendar; a time over midnight stands on both days."""
    found: dict[date, Day] = {}
    for slot in slots:
        starts_at = instant(slot["starts_at"]).astimezone(zone)
        ends_at = instant(slot["ends_at"]).astimezone(zone)
        names = [one["name"] for one in slot["on_call"]]
        is_mine = any(one["member_id"] == member_id for one in slot["on_call"][:1])
        day = starts_at.date()
        while day <= ends_at.date():
            first = max(starts_at, datetime.combine(day, _MIDNIGHT, zone))
            last = min(ends_at, datetime.combine(day + timedelta(days=1), _MIDNIGHT, zone))
            if first < last:
                found.setdefault(day, Day(day)).turns.append(Turn(first, last, names, is_mine))
            day += timedelta(days=1)
    return [found[day] for day in sorted(found)]


def my_turns(slots: Iterable[Json], member_id: str) -> list[Json]:
    """Return the times at which the member is called first: those they can ask another to take."""
    return [slot for slot in slots if slot["on_call"] and slot["on_call"][0]["member_id"] == member_id]


@dataclass(frozen=True, slots=True)
class Hours:
    """The weekly hours of a form: at any time, or per weekday from when to when (0 is Monday)."""

    any_time: bool
    by_weekday: Mapping[int, Sequence[tuple[str, str]]]


def hours(on_call: Sequence[Json]) -> Hours:
    """Return a member's weekly hours as the form shows them: each weekday's windows, and room for one more."""
    windows: dict[int, list[tuple[str, str]]] = {weekday: [] for weekday in range(WEEK)}
    for one in on_call:
        windows[one["weekday"]].append((one["start"][:5], one["end"][:5]))
    return Hours(not on_call, {weekday: [*sorted(known), ("", "")] for weekday, known in windows.items()})


def given_hours(field: Callable[[str], Sequence[str]]) -> tuple[list[dict[str, Any]], bool]:
    """Return the windows that were filled in, and whether one was begun and not ended: that is not dropped unsaid.

    ``field`` returns all values of a field of the form.
    """
    windows: list[dict[str, Any]] = []
    is_half = False
    for weekday in range(WEEK):
        for start, end in zip_longest(field(f"start-{weekday}"), field(f"end-{weekday}"), fillvalue=""):
            if start and end:
                windows.append({"weekday": weekday, "start": start, "end": end})
            is_half = is_half or bool(start) != bool(end)
    return windows, is_half


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the conversation, the earliest first."""

    message: Json
    is_mine: bool
    begins_day: date | None
    is_new: bool


def conversation(messages: Sequence[Json], me: str, unread: int, zone: ZoneInfo) -> list[Said]:
    """Return the messages in the order in which they were written, with where a day and what is new begins."""
    said: list[Said] = []
    last: date | None = None
    # What somebody wrote themself is not new to them, and is not counted as unread.
    theirs = [number for number, message in enumerate(reversed(messages)) if message["author_id"] != me]
    new_from = theirs[-min(unread, len(theirs))] if unread and theirs else None
    for number, message in enumerate(reversed(messages)):
        day = instant(message["written_at"]).astimezone(zone).date()
        said.append(Said(message, message["author_id"] == me, None if day == last else day, number == new_from))
        last = day
    return said


def unread(marks: Iterable[Json], me: str) -> int:
    """Return how many messages somebody has not read yet, of what each member has."""
    return next((one["unread"] or 0 for one in marks if one["account_id"] == me), 0)

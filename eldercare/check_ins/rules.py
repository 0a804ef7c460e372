"""When a check-in is due, what may become of it, and whose silence is ours to answer for: decisions without I/O."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from dateutil.rrule import rrule, rrulestr

from app.core.wall_time import resolve

State = Literal["scheduled", "prompted", "answered", "missed", "excused", "unasked"]
Answer = Literal["ok", "needs_help"]
Holidays = Literal["ignore", "skip", "only"]

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    "scheduled": frozenset({"prompted", "excused", "answered"}),
    "prompted": frozenset({"answered", "missed", "excused", "unasked"}),
    "missed": frozenset({"answered"}),
    "unasked": frozenset({"answered"}),
    "excused": frozenset({"answered"}),
    "answered": frozenset(),
}
"""What may become of a check-in. A late word is welcome in every state: silence is never final."""

HORIZON: Final = timedelta(hours=48)
PLANNING_INTERVAL: Final = timedelta(hours=24)
CATCH_UP: Final = timedelta(hours=24)
"""How far back a planner that was away still plans: older mornings are over."""
EARLY: Final = timedelta(hours=1)
"""How long before it is due a check-in can be answered."""
SETTLING: Final = timedelta(minutes=15)
"""How long a prompt may take to reach a working channel before the person counts as not asked."""
OUTAGE: Final = timedelta(minutes=2)
"""A part of ours that was silent for longer was down; a window that lost more than this to it gets that time back."""
ROOM_TO_ANSWER: Final = timedelta(minutes=10)
"""The least that is given back, unless the whole window is shorter. Who tried once and could not answer has put the
phone away: hearing it again, getting up and finding the glasses takes minutes at 85, and whoever cannot get up is still
helped soon."""
WORKWEEK: Final = frozenset({1, 2, 3, 4, 5})

ANSWER_WINDOWS: Final = (timedelta(minutes=5), timedelta(hours=12))
OLDEST_ANSWER: Final = timedelta(hours=72)
CLOCK_SKEW: Final = timedelta(minutes=2)
REPRIEVES: Final = 3
"""How often outages can move the end of a window; after that, silence is silence."""

# Longer than any step a zone's clocks ever took: Samoa skipped a whole day in 2011, Alaska repeated one in 1867.
_MARGIN = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """On which days, at which wall times: ISO weekdays (1 is Monday) or an RRULE of days from ``starts_on``."""

    times: tuple[time, ...]
    weekdays: frozenset[int]
    starts_on: date
    ends_on: date | None = None
    rrule: str | None = None
    holidays: Holidays = "ignore"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One moment at which a person is asked, and the local day it belongs to."""

    due_at: datetime
    local_date: date


def sources(target: State) -> tuple[State, ...]:
    """Return the states from which a check-in may become ``target``."""
    return tuple(state for state, targets in TRANSITIONS.items() if target in targets)


def occurrences(
    recurrence: Recurrence, time_zone: str, start: datetime, end: datetime, calendar: Mapping[date, bool]
) -> list[Occurrence]:
    """Return the occurrences due in ``[start, end)``, strictly increasing, however the range is cut up.

    ``calendar`` holds the days that are not what their weekday says: ``False`` a public holiday, ``True`` a make-up
    workday. Two wall times that fall on one instant (02:30 and 03:30 in a spring night) are one occurrence.
    """
    found: dict[datetime, date] = {}
    first, last = (start - _MARGIN).date(), (end + _MARGIN).date()
    for day in _days(recurrence, first, last, calendar):
        for wall in recurrence.times:
            due_at = resolve(day, wall, time_zone)
            if start <= due_at < end:
                found.setdefault(due_at, day)
    return [Occurrence(due_at, found[due_at]) for due_at in sorted(found)]


def _days(recurrence: Recurrence, first: date, last: date, calendar: Mapping[date, bool]) -> Iterator[date]:
    first = max(first, recurrence.starts_on)
    last = min(last, recurrence.ends_on or last)
    if first > last:
        return
    candidates = _rule_days(recurrence, first, last) if recurrence.rrule else None
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        if _suits_calendar(recurrence, day, calendar) and (
            day in candidates if candidates is not None else _suits_weekday(recurrence, day, calendar)
        ):
            yield day


def _suits_weekday(recurrence: Recurrence, day: date, calendar: Mapping[date, bool]) -> bool:
    if day.isoweekday() in recurrence.weekdays:
        return True
    # Who is asked on workdays is asked on the Saturday that makes up for a long holiday, too.
    return recurrence.holidays == "skip" and calendar.get(day) is True and recurrence.weekdays >= WORKWEEK


def _suits_calendar(recurrence: Recurrence, day: date, calendar: Mapping[date, bool]) -> bool:
    is_holiday = calendar.get(day) is False
    match recurrence.holidays:
        case "skip":
            return not is_holiday
        case "only":
            return is_holiday
        case "ignore":
            return True


def _rule_days(recurrence: Recurrence, first: date, last: date) -> Collection[date]:
    rule = day_rule(recurrence.rrule or "", recurrence.starts_on, last)
    return {moment.date() for moment in rule.between(_midnight(first), _midnight(last), inc=True)}


_DAY = r"(?:[+-]?[1-9]\d?)?(?:MO|TU|WE|TH|FR|SA|SU)"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_MONTH_DAY = r"[+-]?(?:0?[1-9]|[12]\d|3[01])"
_POSITION = r"[+-]?[1-9]\d{0,2}"
_RULE_PARTS: Final = {
    "FREQ": r"DAILY|WEEKLY|MONTHLY|YEARLY",
    "INTERVAL": r"[1-9]\d{0,2}",
    "BYDAY": rf"{_DAY}(?:,{_DAY})*",
    "BYMONTH": rf"{_MONTH}(?:,{_MONTH})*",
    "BYMONTHDAY": rf"{_MONTH_DAY}(?:,{_MONTH_DAY})*",
    "BYSETPOS": rf"{_POSITION}(?:,{_POSITION})*",
    "WKST": r"MO|TU|WE|TH|FR|SA|SU",
}


def day_rule(text: str, starts_on: date, until: date) -> rrule:
    """Return the RRULE over days from ``starts_on`` to ``until``.

    Takes the parts that count days; the end and the times of day are the plan's own. The bound keeps a rule that
    never comes true (30 February) from being searched until the year 9999. Raises ``ValueError``.
    """
    parts = [part.partition("=") for part in text.removeprefix("RRULE:").split(";")]
    names = [name for name, _, _ in parts]
    if "FREQ" not in names or len(set(names)) != len(names):
        raise ValueError("a rule has one FREQ and each part once")
    for name, _, value in parts:
        if name not in _RULE_PARTS or not re.fullmatch(_RULE_PARTS[name], value):
            raise ValueError(f"{name} is not supported or has no such value")
    rule = rrulestr(f"{text};UNTIL={until:%Y%m%d}T000000", dtstart=_midnight(starts_on))
    assert isinstance(rule, rrule)  # noqa: S101 - one RRULE line never gives a set
    return rule


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())  # naive: a rule counts days, zones come later


def planning_range(planned_until: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """Return the range to plan next: from where planning ended to the horizon, never far into the past."""
    start = now if planned_until is None else max(planned_until, now - CATCH_UP)
    return start, max(start, now + HORIZON)


def is_believable(occurred_at: datetime, now: datetime) -> bool:
    """Say whether an app's own time can be taken: not in the future, at most three days back."""
    return now - OLDEST_ANSWER <= occurred_at <= now + CLOCK_SKEW


@dataclass(frozen=True, slots=True)
class Standing:
    """What of a check-in decides whether an answer fits."""

    state: State
    answer: Answer | None
    due_at: datetime


Fit = Literal["accept", "repeat", "escalate", "contradict", "too_early"]


def fit(standing: Standing, answer: Answer, now: datetime) -> Fit:
    """Say what an answer does to a check-in.

    A call for help is taken whatever came before; an all-clear never takes a call for help back.
    """
    if standing.state == "answered":
        if standing.answer == answer:
            return "repeat"
        return "escalate" if answer == "needs_help" else "contradict"
    if standing.state == "scheduled" and answer == "ok" and standing.due_at - now > EARLY:
        return "too_early"
    return "accept"


WORST: Final = 1
BEST: Final = 5
_SCALES: Final = {"mood": range(WORST, BEST + 1), "sleep": range(WORST, BEST + 1), "pain": range(11)}
"""Mood and sleep from 1 (bad) to 5 (good); pain on the numeric rating scale, 0 (none) to 10 (worst imaginable)."""
LONGEST_ANSWER: Final = 500


def is_answer_to(kind: str, value: bool | int | str) -> bool:
    """Say whether ``value`` can answer a question of ``kind``."""
    match kind:
        case "medication":
            return isinstance(value, bool)
        case "text":
            return isinstance(value, str) and 0 < len(value) <= LONGEST_ANSWER
        case _:
            return isinstance(value, int) and not isinstance(value, bool) and value in _SCALES[kind]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a text message says, and the code of the prompt it answers, if it names one."""

    answer: Answer
    code: str | None


_REPLY = re.compile(r"\W*(?P<word>ok|yes|help|好|平安|帮助|救命)\W*(?P<code>\d{4})?\W*", re.IGNORECASE)
_HELP: Final = frozenset({"help", "帮助", "救命"})


def read_reply(text: str) -> Reply | None:
    """Return what a text message says; ``None`` if it cannot be read without guessing."""
    found = _REPLY.fullmatch(text)
    if found is None:
        return None
    return Reply("needs_help" if found["word"].lower() in _HELP else "ok", found["code"])

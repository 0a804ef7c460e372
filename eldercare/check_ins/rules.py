"""When a check-in is due, what may become of it, and whose silence is ours to answer for: decisions without I/O."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

State = Literal["scheduled", "prompted", "answered", "missed", "excused", "unasked"]
Answer = Literal["ok", "needs_help"]

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

ASKING_CHANNELS: Final = ("app", "sms", "voice")
"""The channels over which we ask; for the others (their own call in, a visit) the window begins at the due time."""
LONGEST_PASSIVE: Final = timedelta(hours=4)
"""How long before a check-in is due a home's activity can answer it: what was hours ago says little of now."""
PASSIVE_WAITS: Final = (timedelta(minutes=5), timedelta(hours=4))
SHORTEST_PASSIVE: Final = timedelta(minutes=30)
"""The least a home's activity is waited for in all: a home tells of it at most once in a quarter of an hour."""
AFTER_VISIT: Final = timedelta(minutes=30)
"""So long after a carer has left, what moves in a home may still be of their making."""

ANSWER_WINDOWS: Final = (timedelta(minutes=5), timedelta(hours=12))
OLDEST_ANSWER: Final = timedelta(hours=72)
CLOCK_SKEW: Final = timedelta(minutes=2)
REPRIEVES: Final = 3
"""How often outages can move the end of a window; after that, silence is silence."""


def sources(target: State) -> tuple[State, ...]:
    """Return the states from which a check-in may become ``target``."""
    return tuple(state for state, targets in TRANSITIONS.items() if target in targets)


def planning_range(planned_until: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """Return the range to plan next: from where planning ended to the horizon, never far into the past."""
    start = now if planned_until is None else max(planned_until, now - CATCH_UP)
    return start, max(start, now + HORIZON)


def passive_window(
    due_at: datetime, before: timedelta | None, wait: timedelta | None
) -> tuple[datetime, datetime] | tuple[None, None]:
    """Return from when until when a home's activity answers a check-in; nothing for one that always asks.

    Durations are real ones: a night on which the clocks change does not make them longer or shorter.
    """
    if before is None or wait is None:
        return None, None
    due_at = due_at.astimezone(UTC)
    return due_at - before, due_at + wait


def asks_at(due_at: datetime, passive_until: datetime | None, *, is_home_silent: bool) -> datetime:
    """Return when the person is asked: a silent home answers nothing, so nobody waits for it."""
    return due_at if passive_until is None or is_home_silent else passive_until


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

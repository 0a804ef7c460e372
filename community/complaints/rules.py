"""The states of a complaint, its deadlines, and what is given back: pure decisions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from community.housekeeping.rules import hundredths

ComplaintState = Literal["open", "answered", "unanswered", "decided", "withdrawn"]
Step = Literal["answer", "accept", "silence", "decide", "withdraw"]
Party = Literal["resident", "provider", "operator", "hearthline"]
ComplaintKind = Literal["late", "incomplete", "poor_work", "damage", "conduct", "charge", "not_done"]
Severity = Literal["minor", "serious", "total"]
Wish = Literal["refund", "rework"]
Outcome = Literal["refund", "rework", "rejected"]


@dataclass(frozen=True, slots=True)
class Way:
    """A change of state: from where, to where, and who may make it."""

    sources: frozenset[ComplaintState]
    target: ComplaintState
    who: Party


def _way(sources: Iterable[ComplaintState], target: ComplaintState, who: Party) -> Way:
    return Way(frozenset(sources), target, who)


WAYS: Final[Mapping[Step, Way]] = {
    "answer": _way(["open", "unanswered"], "answered", "provider"),
    "accept": _way(["open", "answered", "unanswered"], "decided", "provider"),
    "silence": _way(["open"], "unanswered", "hearthline"),
    # Once the provider was heard, or had its time to be.
    "decide": _way(["answered", "unanswered"], "decided", "operator"),
    "withdraw": _way(["open", "answered", "unanswered"], "withdrawn", "resident"),
}
"""Every change of state there is; nothing else sets one."""
OVER: Final[frozenset[ComplaintState]] = frozenset({"decided", "withdrawn"})
TO_DECIDE: Final[tuple[ComplaintState, ...]] = ("answered", "unanswered")

WITHIN: Final = timedelta(days=30)
"""So long after its end somebody may complain of an order."""
ANSWER: Final = timedelta(days=3)
EVIDENCE: Final = timedelta(days=7)
DECIDE: Final = timedelta(days=5)
DECIDE_AGAIN: Final = timedelta(days=1)
FILES: Final = "community.complaint"
"""The kind of thing the files of a complaint are attached to."""

PERCENT: Final[Mapping[ComplaintKind, Mapping[Severity, int]]] = {
    "late": {"minor": 10, "serious": 25, "total": 50},
    "incomplete": {"minor": 20, "serious": 50, "total": 100},
    "poor_work": {"minor": 20, "serious": 50, "total": 100},
    "damage": {"minor": 50, "serious": 100, "total": 100},
    "conduct": {"minor": 25, "serious": 50, "total": 100},
    "charge": {"minor": 25, "serious": 50, "total": 100},
    "not_done": {"minor": 100, "serious": 100, "total": 100},
}
"""Kind and severity → hundredths of the price that are waived, and given back where they were paid."""


def may(step: Step, state: str, who: Party) -> bool:
    """Say whether a complaint in a state may be changed so by someone."""
    way = WAYS[step]
    return state in way.sources and who == way.who


def refund(kind: ComplaintKind, severity: Severity, price: int, left: int) -> int:
    """Return what of a price is given back, in minor units: never more than is ``left`` of it.

    ``left`` is the price less what was waived before, so that of what was paid nothing is given back twice.
    """
    return min(hundredths(price, PERCENT[kind][severity]), left)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The instants at which somebody looks after a complaint."""

    answer_by: datetime | None = None
    decide_by: datetime | None = None


def deadlines(state: ComplaintState, now: datetime) -> Deadlines:
    """Return when somebody looks after a complaint that has just come into a state; a closed one has none."""
    if state == "open":
        return Deadlines(answer_by=now + ANSWER)
    return Deadlines(decide_by=now + DECIDE) if state in TO_DECIDE else Deadlines()


def may_complain(state: str, ended_at: datetime | None, now: datetime, *, owes: bool) -> bool:
    """Say whether somebody may complain of an order: of work that is done, or of what they owe for none.

    ``owes``: a fee for calling off or a closed door, or work to be done anew that was never done.
    """
    is_about = state in ("finished", "closed") or (owes and state in ("no_access", "cancelled"))
    return is_about and ended_at is not None and now < ended_at + WITHIN

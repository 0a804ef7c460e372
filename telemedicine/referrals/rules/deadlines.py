"""By when something is to happen, and who is told when it has not: the climb of what nobody answers.

The times are ours. FHIR R4 puts the urgencies in order and names none (RequestPriority: ``stat`` at once, ``asap`` as
soon as possible, ``urgent`` promptly); a clinic sets its own in place of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from telemedicine.referrals.rules.states import Urgency

Stage = Literal["answer", "book", "letter"]
"""What is waited for: that it is answered, that a time is chosen, that the letter comes back."""
Audience = Literal["team", "coordinators", "referrer", "desk"]

STAGES: Final[Mapping[str, Stage]] = {
    "requested": "answer",
    "accepted": "book",
    # From the end of the appointment on: also where nobody writes down what became of it.
    "booked": "letter",
    "seen": "letter",
    "asked": "answer",
}
"""What is waited for in a state; in the others nothing is."""
_HOURS: Final[Mapping[Stage, Mapping[Urgency, float]]] = {
    "answer": {"stat": 0.5, "asap": 4, "urgent": 24, "routine": 72},
    "book": {"stat": 1, "asap": 24, "urgent": 48, "routine": 168},
    "letter": {"stat": 24, "asap": 48, "urgent": 72, "routine": 168},
}
WITHIN: Final[Mapping[tuple[Stage, Urgency], timedelta]] = {
    (stage, urgency): timedelta(hours=hours) for stage, row in _HOURS.items() for urgency, hours in row.items()
}
"""How long each may take unless the clinic says otherwise."""
SHORTEST: Final = timedelta(minutes=5)
LONGEST: Final = timedelta(days=60)

LADDER: Final[tuple[Audience, ...]] = ("team", "coordinators", "referrer", "desk")
"""Who is told, one after the other. The desk is the last, and is told again until somebody takes it up."""
DESK: Final = len(LADDER)
"""The step from which on the operator's desk knows of it."""
_GAP: Final[Mapping[Urgency, timedelta]] = {
    "stat": timedelta(minutes=10),
    "asap": timedelta(hours=1),
    "urgent": timedelta(hours=4),
    "routine": timedelta(days=1),
}
"""From one step to the next; ours, too."""
_DESK_AGAIN: Final = timedelta(days=1)
PRESSING: Final = frozenset({"stat", "asap"})
"""What wakes people: its notices go through the urgent lane."""
KEPT_OPEN: Final = timedelta(days=90)
"""How long a referral nobody acts on stays open; ours."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A step of the climb: its number, whom it tells, and when the next one is."""

    number: int
    audience: Audience
    next_at: datetime


def rung(taken: int, urgency: Urgency, now: datetime) -> Rung:
    """Return the step that follows on so many."""
    number = taken + 1
    audience = LADDER[min(number, DESK) - 1]
    gap = _GAP[urgency]
    return Rung(number, audience, now + (max(gap, _DESK_AGAIN) if number >= DESK else gap))

"""What may become of a referral and of a question, and at whose word: two tables, and nothing else assigns a state."""

from collections.abc import Mapping
from typing import Final, Literal

State = Literal[
    "draft",
    "requested",
    "accepted",
    "declined",
    "redirected",
    "booked",
    "seen",
    "completed",
    "withdrawn",
    "expired",
]
Urgency = Literal["routine", "urgent", "asap", "stat"]
"""FHIR R4, RequestPriority (http://hl7.org/fhir/request-priority), verbatim."""
Side = Literal["patient", "from", "to", "desk", "nobody"]
"""Whose resident it is, who asks, who is asked, the operator's desk, and Hearthline itself."""
QuestionState = Literal["asked", "answered", "closed"]

_ASKING: Final[frozenset[Side]] = frozenset({"from"})
_ASKED: Final[frozenset[Side]] = frozenset({"to"})
_GIVING_UP: Final[frozenset[Side]] = frozenset({"from", "patient", "nobody"})
_ITSELF: Final[frozenset[Side]] = frozenset({"nobody"})

WAYS: Final[Mapping[State, Mapping[State, frozenset[Side]]]] = {
    # Who passes a referral on requests the one that follows on it.
    "draft": {"requested": _ASKING | _ASKED, "withdrawn": _ASKING | _ITSELF},
    "requested": {
        "accepted": _ASKED,
        "declined": _ASKED,
        "redirected": _ASKED,
        "withdrawn": _GIVING_UP,
        "expired": _ITSELF,
    },
    "accepted": {
        "booked": frozenset({"from", "patient", "to"}),
        "seen": _ASKED | _ITSELF,
        "declined": _ASKED,
        "withdrawn": _GIVING_UP,
        "expired": _ITSELF,
    },
    # An appointment that is called off, missed or entered in error leaves the referral accepted, with a new deadline.
    "booked": {"accepted": _ITSELF, "seen": _ASKED | _ITSELF, "withdrawn": _GIVING_UP},
    "seen": {"accepted": _ITSELF, "completed": _ASKED, "withdrawn": frozenset({"patient", "nobody"})},
    "completed": {},
    "declined": {},
    "redirected": {},
    "withdrawn": {},
    "expired": {},
}
"""Every change of a referral's state there is, and at whose word."""
CLERKS: Final[frozenset[State]] = frozenset({"accepted", "declined", "redirected", "booked"})
"""What a clinic's coordinators do; the rest is its clinicians' to say."""
OPEN: Final[tuple[State, ...]] = ("requested", "accepted", "booked", "seen")
"""While it is so, the clinic that is asked sees what goes with the referral."""

QUESTION_WAYS: Final[Mapping[QuestionState, Mapping[QuestionState, frozenset[Side]]]] = {
    "asked": {"answered": _ASKED, "closed": _GIVING_UP},
    # What is asked once more waits for an answer once more.
    "answered": {"asked": _ASKING, "closed": _GIVING_UP},
    "closed": {},
}
"""Every change of a question's state there is, and at whose word."""


def may_become(before: State, after: State) -> bool:
    """Say whether a referral may go from one state to another at all."""
    return after in WAYS[before]


def may_decide(before: State, after: State, side: Side) -> bool:
    """Say whether it may go from one state to another at the word of a side."""
    return side in WAYS[before].get(after, frozenset())


def is_over(state: State) -> bool:
    """Say whether nothing more becomes of a referral."""
    return not WAYS[state]


def sides_to(after: State) -> frozenset[Side]:
    """Return the sides at whose word a referral can get a state at all."""
    return frozenset(side for ways in WAYS.values() for side in ways.get(after, ()))

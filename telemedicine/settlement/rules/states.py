"""How a bill goes on: one table of states, and what an insurer's answer makes of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

State = Literal["draft", "issued", "claimed", "approved", "partial", "denied", "due", "settled", "void"]
RequestKind = Literal["eligibility", "claim", "reversal"]
RequestState = Literal["queued", "pending", "complete", "error", "cancelled"]
Decision = Literal["approved", "partial", "denied"]

TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "draft": frozenset({"issued", "void"}),
    # What costs nothing is settled without anybody being asked.
    "issued": frozenset({"claimed", "due", "settled", "void"}),
    # An insurer that cannot work with a claim says so: it is corrected and sent anew.
    "claimed": frozenset({"approved", "partial", "denied", "issued", "void"}),
    "approved": frozenset({"due", "settled"}),
    "partial": frozenset({"due", "settled"}),
    # After a denial the clinic appeals with a new claim, or asks the resident for all of it.
    "denied": frozenset({"claimed", "due", "void"}),
    "due": frozenset({"settled", "void"}),
    "settled": frozenset({"due", "void"}),
    "void": frozenset(),
}
"""Every change of a bill's state there is. ``settled`` goes back to ``due`` where a payment was given back."""
CLAIMABLE: Final = ("issued", "denied")
OPEN_REQUESTS: Final = ("queued", "pending")

REMIND_AFTER: Final = timedelta(days=3)
"""A claim without an answer is brought before the clinic after this, and again each time it has passed."""
_FIRST_PAUSE: Final = timedelta(seconds=30)
_LONGEST_PAUSE: Final = timedelta(hours=6)


def may_become(before: str, after: str) -> bool:
    """Say whether a bill may go from one state to another."""
    return after in TRANSITIONS[before]


def decision(total: int, eligible: int, insured: int) -> Decision:
    """Return how a claim was decided: ``eligible`` is what the insurer looked at, ``insured`` what it pays.

    What is within a deductible was looked at and is not denied, although nothing is paid.
    """
    if eligible == 0 and insured == 0:
        return "denied" if total else "approved"
    return "approved" if eligible == total else "partial"


def ask_again_at(now: datetime, attempts: int) -> datetime:
    """Return when an insurer is asked again that has not answered ``attempts`` times, or not yet: ever more rarely."""
    return now + min(_FIRST_PAUSE * (1 << min(attempts, 20)), _LONGEST_PAUSE)

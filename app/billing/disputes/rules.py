"""How disputes go on: pure decisions about what a gateway tells of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

State = Literal["needs_response", "under_review", "won", "lost", "closed"]

OPEN: Final[frozenset[str]] = frozenset({"needs_response", "under_review"})
REMINDERS: Final = (timedelta(days=5), timedelta(days=2), timedelta(days=1))
"""So long before the evidence is due the desk and the operator are told again."""
_RANKS: Final[Mapping[str, int]] = {"needs_response": 0, "under_review": 1, "closed": 2, "lost": 2, "won": 3}
_STATES: Final[Mapping[str, State]] = {
    "needs_response": "needs_response",
    "warning_needs_response": "needs_response",
    "under_review": "under_review",
    "warning_under_review": "under_review",
    "won": "won",
    "lost": "lost",
    "warning_closed": "closed",
    "charge_refunded": "closed",
    "prevented": "closed",
}
"""Stripe's ``Dispute.status``: a warning is an inquiry, which has taken no money yet."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a gateway tells of a dispute (Stripe's ``Dispute``)."""

    ref: str
    intent: str | None
    charge: str | None
    amount: int
    currency: str
    reason: str
    state: State
    due_at: datetime | None
    is_withdrawn: bool
    is_reinstated: bool


def facts(body: Mapping[str, Any]) -> Facts:
    """Return what a webhook's body tells; raises ``ValueError`` for one that makes no sense.

    Which of the events it came with does not matter: whether money was taken or given back is in every one of them.
    """
    try:
        moved = [int(one["amount"]) for one in body.get("balance_transactions") or ()]
        due = (body.get("evidence_details") or {}).get("due_by")
        return Facts(
            ref=str(body["id"]),
            intent=body.get("payment_intent"),
            charge=body.get("charge"),
            amount=int(body["amount"]),
            currency=str(body["currency"]).upper(),
            reason=str(body["reason"]),
            state=_STATES[body["status"]],
            due_at=None if due is None else datetime.fromtimestamp(int(due), UTC),
            is_withdrawn=any(amount < 0 for amount in moved),
            is_reinstated=any(amount > 0 for amount in moved),
        )
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError("not a dispute") from error


def leads_on(before: str, after: str) -> bool:
    """Say whether a dispute goes on by what is told: what comes late changes nothing; a lost one may still be won."""
    return _RANKS[after] > _RANKS[before]


def is_frozen(state: str, *, is_withdrawn: bool, is_reinstated: bool) -> bool:
    """Say whether the amount must stay: until the bank has decided, and the money is gone for good or back."""
    if state in OPEN:
        return True
    return state != "lost" and is_withdrawn and not is_reinstated


def next_reminder(due_at: datetime | None, now: datetime) -> datetime | None:
    """Return when the desk is reminded next of evidence that is due, or ``None``."""
    if due_at is None:
        return None
    return min((due_at - before for before in REMINDERS if due_at - before > now), default=None)

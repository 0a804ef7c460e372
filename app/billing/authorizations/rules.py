"""How card payments and authorizations go from one state to another: pure decisions."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

from app.billing.gateways.port import Intent, IntentStatus

Method = Literal["card", "provider"]
State = Literal["pending", "requires_action", "authorized", "settled", "failed", "voided", "lapsed"]
CardState = Literal["new", "requires_action", "processing", "authorized", "captured", "cancelled", "declined", "lapsed"]
Wish = Literal["authorize", "capture", "cancel", "look"]

OVER: Final[frozenset[str]] = frozenset({"failed", "voided", "lapsed"})
"""Authorizations that promise nothing any more."""
ENDED: Final[frozenset[str]] = frozenset({"captured", "cancelled", "declined", "lapsed"})
"""Card payments that go nowhere from where they are."""
CARD_TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "new": frozenset({"requires_action", "processing", "authorized", "captured", "cancelled", "declined"}),
    "requires_action": frozenset({"processing", "authorized", "captured", "cancelled", "declined"}),
    "processing": frozenset({"requires_action", "authorized", "captured", "cancelled", "declined"}),
    "authorized": frozenset({"captured", "cancelled", "lapsed"}),
    # Given up by us, and taken all the same: it counts, or is given back.
    "cancelled": frozenset({"captured"}),
    "declined": frozenset({"captured"}),
    "lapsed": frozenset({"captured"}),
}
"""What was told in the wrong order changes nothing: there is no way back."""
NOTHING_HELD: Final[frozenset[str]] = ENDED - {"captured"}
RENEWAL: Final = timedelta(hours=12)
"""So long before a hold lapses another one is taken."""
BUSY: Final = timedelta(minutes=1)
"""Then it is looked again at what somebody else is changing."""
KEYS_LAST: Final = timedelta(hours=20)
"""A gateway knows a key for at least a day (Stripe: "Idempotent requests")."""
CLOCKS_DIFFER: Final = timedelta(minutes=10)
"""By less than that from the gateway's."""
LOOK_AGAIN: Final = timedelta(hours=6)
"""At what takes the banks days."""
RETURN_PAGE: Final = "/portal/payments"
"""Where a bank leads its customer back to: the page of what they pay for, by its id."""
_FIRST_WAIT: Final = timedelta(seconds=5)
_LONGEST_WAIT: Final = timedelta(minutes=15)

_STATES: Final[Mapping[IntentStatus, CardState]] = {
    "requires_payment_method": "declined",
    "requires_confirmation": "declined",
    "requires_action": "requires_action",
    "processing": "processing",
    "requires_capture": "authorized",
    "succeeded": "captured",
    "canceled": "cancelled",
}


def card_state(intent: Intent, state: str, wish: str | None) -> CardState:
    """Return how a card payment in ``state`` stands that stands so at the gateway.

    What was held and let go without our wish has lapsed: the gateway lets go when the time is over.
    """
    found = _STATES[intent.status]
    return "lapsed" if found == "cancelled" and state == "authorized" and wish != "cancel" else found


def may_become(state: str, following: str) -> bool:
    """Say whether a card payment can go from one state to another."""
    return following in CARD_TRANSITIONS.get(state, frozenset())


def renew_at(capture_before: datetime | None, now: datetime) -> datetime | None:
    """Return when another hold is to be taken; at once for one that lapses sooner than that."""
    return None if capture_before is None else max(now, capture_before - RENEWAL)


def patience(asked: int) -> timedelta:
    """Return how long to wait before asking again what was asked ``asked`` times."""
    return min(_LONGEST_WAIT, _FIRST_WAIT * (1 << min(asked - 1, 10)))

"""Whether a thing at the gateway and our row of it say the same: pure decisions."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

from app.billing.authorizations.rules import card_state
from app.billing.gateways.port import Intent, Refund, Transfer

Found = Literal["unknown", "missing", "amount"]

DAYS: Final = 4
"""So far back it is compared every day: a worker that stood still over a long weekend has missed nothing."""
SETTLING: Final = timedelta(minutes=10)
"""What is younger may be on its way."""
NOTHING_MOVES: Final = frozenset({"canceled", "failed", "requires_payment_method", "requires_confirmation"})
"""States at the gateway in which no money is held or moved."""
_REFUNDS: Final = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}


@dataclass(frozen=True, slots=True)
class Odd:
    """What the books differ in; amounts in minor units."""

    gateway: str
    about: str
    ref: str
    found: Found
    row_id: uuid.UUID | None = None
    community_id: uuid.UUID | None = None
    our_amount: int | None = None
    their_amount: int | None = None


def is_settled(intent: Intent, row: Any) -> bool:
    """Say whether a card payment stands with us as it does at the gateway."""
    state: str = row.state
    theirs = card_state(intent, state, row.wish)
    return theirs == state or (theirs == "cancelled" and state in ("lapsed", "declined"))


def amounts(intent: Intent, row: Any) -> tuple[int, int]:
    """Return what of a card payment is held or taken, by our row and by the gateway."""
    ours = row.captured_amount if row.state == "captured" else row.amount
    return ours, intent.received if intent.status == "succeeded" else intent.amount


def is_refund_settled(refund: Refund, row: Any) -> bool:
    """Say whether a refund stands with us as it does at the gateway."""
    state: str = row.state
    return _REFUNDS.get(refund.status, "pending") == state


def is_transfer_settled(row: Any) -> bool:
    """Say whether nothing is wanted of a transfer any more, neither to be sent nor to come back."""
    return row.state != "wanted" and not row.reverses


def transfer_amounts(transfer: Transfer, row: Any) -> tuple[int, int]:
    """Return what of a transfer is with the organization, by our row and by the gateway."""
    ours = row.amount - row.reversed_amount if row.state in ("sent", "reversed") else 0
    return ours, transfer.amount - transfer.reversed


def uuids(rows: Sequence[str | None]) -> list[uuid.UUID]:
    """Return those that are ids of ours."""
    found = []
    for row in rows:
        try:
            found.append(uuid.UUID(row or ""))
        except ValueError:
            continue
    return found

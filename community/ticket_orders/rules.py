"""What tickets come to, what is given back of them and when, and what may become of them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import orjson

OrderState = Literal["held", "confirmed", "expired", "cancelled"]
TicketState = Literal["held", "valid", "admitted", "refunded", "cancelled", "expired"]
Method = Literal["card", "provider", "none"]
"""``provider``: at the attraction's own desk; ``none``: there is nothing to pay."""
Channel = Literal["online", "office", "reseller", "trip"]
CloseReason = Literal[
    "unpaid", "payment_failed", "changed_mind", "organization", "slot_cancelled", "resident_left", "payment_lapsed"
]

REFERENCE: Final = "ticket_order"
"""What billing knows an order by, with its id."""
ORIGIN: Final = "ticket"
"""For what parts of pools are taken: a ticket, or an order where it is a voucher's use."""
CATEGORY: Final = "tickets"
LINES: Final[Mapping[str, Mapping[str, str]]] = {
    "discount": {"en": "Voucher", "zh-CN": "优惠券"},
}
GRACE: Final = timedelta(minutes=10)
"""Places are held so much longer than the order waits: we let go of them, in order, before anybody helps themselves."""
MOST_TICKETS: Final = 100
"""Of one cart."""
PERSONAL: Final = 1
"""How many tickets of what needs an entitlement one person has a day, where the product does not say more."""


def cart_digest(items: Iterable[Mapping[str, Any]]) -> bytes:
    """Return what two carts of the same have in common, whatever the order of their items."""
    lines = sorted(orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in items)
    return hashlib.sha256(b"\n".join(lines)).digest()


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """Return ``amount`` divided in proportion to ``weights``, in whole units that add up to it.

    What is left of rounding down goes to the largest remainders, the first of equals first; none gets more than its
    weight. Raises ``ValueError`` for more than all of them.
    """
    total = sum(weights)
    if amount > total:
        raise ValueError("more than there is")
    if total == 0:
        return [0 for _ in weights]
    shares = [amount * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda place: (-(amount * weights[place] % total), place))
    for place in by_remainder[: amount - sum(shares)]:
        shares[place] += 1
    return shares


def discount(amounts: Sequence[int], percent: int | None, amount: int | None) -> int:
    """Return what a voucher takes off what costs ``amounts`` in minor units: never more than all, rounded half up."""
    total = sum(amounts)
    if percent is not None:
        return (2 * total * percent + 100) // 200
    return min(amount or 0, total)


def refund_percent(refunds: Sequence[Mapping[str, int]], starts_at: datetime, now: datetime) -> int:
    """Return how many hundredths are given back of a ticket by what was agreed: of the longest notice that is kept."""
    kept = [step for step in refunds if starts_at - now >= timedelta(hours=step["hours"])]
    return max((step["percent"] for step in kept), default=0)


def refund_amount(price: int, percent: int) -> int:
    """Return so many hundredths of a price, rounded down: what is kept is never less than was agreed."""
    return price * percent // 100



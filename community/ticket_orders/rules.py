"""What tickets come to, what is given back of them and when, and what may become of them."""

import hashlib
import unicodedata
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
GRACE: Final = timedelta(minutes=10)
"""Places are held so much longer than the order waits: we let go of them, in order, before anybody helps themselves."""
MOST_TICKETS: Final = 100
"""Of one cart."""
MOST_REVISIONS: Final = 255
"""A code has one byte for it."""
LONGEST: Final = timedelta(days=60)
"""No order's first slot is so much earlier than its last: lists by day look back no further."""
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


def hold_ends(now: datetime, minutes: int, last_entry: datetime) -> datetime:
    """Return until when a cart waits for its money: never beyond the first moment at which some of it is over."""
    return min(now + timedelta(minutes=minutes), last_entry)


def refund_amount(price: int, percent: int) -> int:
    """Return so many hundredths of a price, rounded down: what is kept is never less than was agreed."""
    return price * percent // 100


def plain_name(name: str) -> str:
    """Return a name as it is looked for: without accents, cases, widths and spaces."""
    letters = unicodedata.normalize("NFKD", name)
    return "".join(one for one in letters if not unicodedata.combining(one) and not one.isspace()).casefold()

"""Pure decisions about money: what a charge comes to, and which accounts an entry moves."""

from collections.abc import Mapping
from typing import Final, Literal

PaymentKind = Literal["cash", "bank_transfer", "terminal"]
ChargeState = Literal["open", "paid", "cancelled"]
EntryKind = Literal["charge", "cancellation", "payment", "refund"]
Account = Literal["receivable", "revenue", "cash", "bank", "terminal"]

MONEY: Final[Mapping[PaymentKind, Account]] = {"cash": "cash", "bank_transfer": "bank", "terminal": "terminal"}
"""Where a payment arrives. Another way to pay is one more line here and in the tables' checks."""
LARGEST: Final = 10**12
"""Minor units; more than that is a slip of the finger."""


def state_of(amount: int, paid: int) -> ChargeState:
    """Return how a charge that is not cancelled stands."""
    return "paid" if paid == amount else "open"


def postings(kind: EntryKind, amount: int, paid_by: PaymentKind | None = None) -> dict[Account, int]:
    """Return what an entry adds to each account, debits positive: the sum is always zero.

    Raises ``ValueError`` for an amount that is not positive, and for a payment without its kind.
    """
    if amount <= 0:
        raise ValueError("an entry moves something")
    if kind in ("charge", "cancellation"):
        added: dict[Account, int] = {"receivable": amount, "revenue": -amount}
    elif paid_by is None:
        raise ValueError("money arrives somewhere")
    else:
        added = {MONEY[paid_by]: amount, "receivable": -amount}
    return added if kind in ("charge", "payment") else {account: -value for account, value in added.items()}

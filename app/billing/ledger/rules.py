"""The accounts there are, and what an entry may move: pure decisions in minor units."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Holder = Literal["resident", "organization", "community", "programme"]
"""Whose account it is. The platform is the community that runs it; a programme is who pays subsidies."""
AccountKind = Literal[
    "receivable",
    "revenue",
    "cash",
    "bank",
    "terminal",
    "payable",
    "card",
    "fees",
    "disputed",
    "sponsor",
    "subsidy",
    "till_difference",
]
EntryKind = Literal[
    "charge",
    "cancellation",
    "credit",
    "payment",
    "refund",
    "transfer",
    "transfer_reversal",
    "dispute",
    "dispute_won",
    "dispute_lost",
    "settlement",
    "correction",
    "sale",
    "sale_return",
    "till_difference",
]
KINDS: Final[Mapping[Holder, frozenset[AccountKind]]] = {
    "organization": frozenset({"receivable", "revenue", "cash", "bank", "terminal", "payable", "till_difference"}),
    "resident": frozenset({"receivable"}),
    "community": frozenset({"card", "bank", "fees", "disputed", "sponsor"}),
    "programme": frozenset({"subsidy"}),
}
"""What each holder has: ``receivable`` is what somebody owes, ``payable`` what an organization is still to be paid out,
``card`` what lies with the gateway, ``subsidy`` and ``sponsor`` what they have promised and not sent yet,
``till_difference`` what tills were found short of (or had too much of, below zero) when they were counted."""
LANES: Final = 16
"""A balance is the sum of so many rows: who pays at the same moment seldom waits for the same one."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account by what it is: it comes to be with its first entry."""

    holder: Holder
    holder_id: uuid.UUID
    kind: AccountKind

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for an account nobody of that kind has."""
        if self.kind not in KINDS[self.holder]:
            raise ValueError(f"a {self.holder} has no account of kind {self.kind}")


@dataclass(frozen=True, slots=True)
class Move:
    """What an entry adds to an account, debits positive."""

    account: Account
    amount: int


def balanced(moves: Sequence[Move]) -> list[Move]:
    """Return what really moves; raises ``ValueError`` unless it adds up to zero, and for an account named twice."""
    moved = [move for move in moves if move.amount]
    if len(moved) < 2 or sum(move.amount for move in moved) != 0:
        raise ValueError("an entry moves something from somewhere to somewhere")
    if len({move.account for move in moved}) < len(moved):
        raise ValueError("an entry moves an account once")
    return moved


def lane_of(entry_id: uuid.UUID) -> int:
    """Return the lane an entry's amounts are counted in."""
    return entry_id.int % LANES

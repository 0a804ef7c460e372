"""Pure decisions about money: how a charge stands, and which accounts are moved by what happens to it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.billing.charges.models import Payment
from app.billing.ledger.rules import Account, AccountKind, Move

DeskKind = Literal["cash", "bank_transfer", "terminal"]
PlatformKind = Literal["bank_transfer", "sponsor"]
PaymentKind = Literal["cash", "bank_transfer", "terminal", "card", "subsidy", "sponsor"]
ChargeState = Literal["open", "paid", "cancelled"]
Collector = Literal["organization", "platform"]

AT_THE_DESK: Final[Mapping[PaymentKind, AccountKind]] = {
    "cash": "cash",
    "bank_transfer": "bank",
    "terminal": "terminal",
}
"""Where what an organization takes at its own desk arrives."""
_AT_THE_PLATFORM: Final[Mapping[PaymentKind, AccountKind]] = {
    "card": "card",
    "sponsor": "sponsor",
    "bank_transfer": "bank",
}
LARGEST: Final = 10**12
"""Minor units; more than that is a slip of the finger."""


@dataclass(frozen=True, slots=True)
class Parties:
    """Who is in it: the platform is the community; ``programme_id`` is who pays a subsidy."""

    community_id: uuid.UUID
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    collected_by: Collector = "organization"

    @property
    def receivable(self) -> Account:
        """Return where it stands what the resident owes: with the platform, or with the organization alone."""
        if self.collected_by == "platform":
            return Account("resident", self.resident_id, "receivable")
        return Account("organization", self.organization_id, "receivable")


def state_of(amount: int, paid: int) -> ChargeState:
    """Return how a charge that is not cancelled stands; ``amount`` is what is owed less what was waived."""
    return "paid" if paid >= amount else "open"


def charging(of: Parties, amount: int, fee: int = 0) -> list[Move]:
    """Return what moves when something comes to be owed; with ``-amount`` and ``-fee``: when it is owed no longer."""
    if of.collected_by == "organization":
        return [Move(of.receivable, amount), Move(Account("organization", of.organization_id, "revenue"), -amount)]
    return [
        Move(of.receivable, amount),
        Move(Account("organization", of.organization_id, "payable"), fee - amount),
        Move(Account("community", of.community_id, "fees"), -fee),
    ]


def paying(
    of: Parties,
    kind: PaymentKind,
    amount: int,
    programme_id: uuid.UUID | None = None,
    *,
    taken_by: Collector | None = None,
) -> list[Move]:
    """Return what moves when something is paid; with ``-amount``: when it is given back.

    ``taken_by`` says where it arrived (default: where that kind arrives). Raises ``ValueError`` for a way that does not
    lead there: at an organization's own desk no card of the platform's, and no subsidy without its programme.
    """
    arrived = _arrived(of, kind, programme_id, taken_by or taken_by_default(kind))
    return [Move(arrived, amount), Move(of.receivable, -amount)]


def taken_by_default(kind: PaymentKind) -> Collector:
    """Return where a kind of payment arrives unless it is said otherwise."""
    return "organization" if kind in AT_THE_DESK else "platform"


def is_given_back_by_hand(paid: Payment, taken_by: Collector) -> bool:
    """Say whether whoever took a payment gives it back by hand: not a refund, nor what came by card or programme."""
    by_hand = paid.kind in AT_THE_DESK or paid.kind == "sponsor"
    return by_hand and paid.refunds_id is None and paid.taken_by == taken_by


def _arrived(of: Parties, kind: PaymentKind, programme_id: uuid.UUID | None, taken_by: Collector) -> Account:
    if of.collected_by == "organization":
        if kind not in AT_THE_DESK or taken_by == "platform":
            raise ValueError(f"a payment by {kind} does not arrive at an organization's own desk")
        return Account("organization", of.organization_id, AT_THE_DESK[kind])
    if taken_by == "organization":
        # What the organization took itself it need not be paid out any more.
        return Account("organization", of.organization_id, "payable")
    if kind == "subsidy":
        if programme_id is None:
            raise ValueError("a subsidy comes from a programme")
        return Account("programme", programme_id, "subsidy")
    if kind not in _AT_THE_PLATFORM:
        raise ValueError(f"the platform takes nothing by {kind}")
    return Account("community", of.community_id, _AT_THE_PLATFORM[kind])


def fee_of(amount: int, rate: int) -> int:
    """Return ``rate`` ten-thousandths of an amount, rounded half up to a whole minor unit."""
    return (amount * rate + 5_000) // 10_000


def credited_fee(amount: int, fee: int, credited: int) -> int:
    """Return what of the fee is waived with ``credited`` of the amount, all credits together; all of it with all."""
    return fee * credited // amount


def shares(total: int, of: Sequence[int]) -> list[int]:
    """Return ``total`` split in the proportion of ``of``, in whole minor units that add up to it.

    The largest remainders are rounded up, the first of equal ones first. Raises ``ValueError`` for more than there is.
    """
    whole = sum(of)
    if not 0 <= total <= whole:
        raise ValueError("there is not so much to share")
    if whole == 0:
        return [0] * len(of)
    found = [total * part // whole for part in of]
    by_remainder = sorted(range(len(of)), key=lambda index: (-(total * of[index] % whole), index))
    for index in by_remainder[: total - sum(found)]:
        found[index] += 1
    return found

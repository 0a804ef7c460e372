"""Who pays how much of an amount: pure decisions in minor units."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

ProgrammeKind = Literal["long_term_care_insurance", "city_voucher", "other"]
Period = Literal["month", "once"]
UseState = Literal["reserved", "used", "released"]

ORDER: Final[tuple[ProgrammeKind, ...]] = ("long_term_care_insurance", "city_voucher", "other")
"""Insurance pays first, then the city, then whoever else does; of one kind whoever was there first."""
UNLIMITED: Final = 2**62
"""Minor units that nobody ever spends."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How much of one order a programme pays: ``rate`` ten-thousandths, at most ``order_cap``."""

    rate: int
    order_cap: int | None = None

    def of(self, amount: int) -> int:
        """Return what is paid of an amount, rounded down to a whole minor unit."""
        share = amount * self.rate // 10_000
        return share if self.order_cap is None else min(share, self.order_cap)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a programme would pay for a resident: ``left`` is what limits and budget leave of it."""

    programme_id: uuid.UUID
    kind: ProgrammeKind
    terms: Terms
    left: int


@dataclass(frozen=True, slots=True)
class Share:
    """What a programme pays of an amount."""

    programme_id: uuid.UUID
    amount: int


@dataclass(frozen=True, slots=True)
class Split:
    """Who pays how much of an amount: programmes, and the resident what is left."""

    amount: int
    shares: tuple[Share, ...] = ()

    @property
    def subsidy_amount(self) -> int:
        """Return what all programmes pay."""
        return sum(share.amount for share in self.shares)

    @property
    def own_amount(self) -> int:
        """Return what is left to the resident."""
        return self.amount - self.subsidy_amount


def in_order(kind: str, programme_id: uuid.UUID) -> tuple[int, uuid.UUID]:
    """Return the place of a programme among those that pay: a smaller one pays earlier."""
    return [str(one) for one in ORDER].index(kind), programme_id


def split(amount: int, offers: Sequence[Offer]) -> Split:
    """Return who pays how much of an amount.

    Each programme pays its rate of what those before it left, at most its cap and what it has left: an own share
    remains wherever each programme asks for one.
    """
    remaining, shares = amount, []
    for offer in sorted(offers, key=lambda one: in_order(one.kind, one.programme_id)):
        paid = max(0, min(offer.terms.of(remaining), offer.left))
        if paid:
            shares.append(Share(offer.programme_id, paid))
            remaining -= paid
    return Split(amount, tuple(shares))


def month_of(day: date) -> date:
    """Return the first day of the month that a limit counts in."""
    return day.replace(day=1)

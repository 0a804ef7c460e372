"""Entering what a till took, gave back, and had too much or too little of when it was counted.

Whoever buys over a counter may be nobody we know: there is no charge, no payer and nothing outstanding. The money goes
straight from what was earned to where it lies, in the organization's own books.
"""

import uuid
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.ledger.rules import Account, EntryKind, Move
from app.billing.ledger.service import Occasion, enter

TillKind = Literal["cash", "terminal"]
SALE: Final[EntryKind] = "sale"
RETURN: Final[EntryKind] = "sale_return"
DIFFERENCE: Final[EntryKind] = "till_difference"


@dataclass(frozen=True, slots=True)
class Till:
    """What happened at a till of an organization, in minor units; ``source_id`` is the row that says so."""

    community_id: uuid.UUID
    organization_id: uuid.UUID
    amount: int
    currency: str
    source_id: uuid.UUID


async def enter_sale(session: AsyncSession, till: Till, kind: TillKind) -> None:
    """Enter what a till took, which is not nothing; the database refuses to enter one sale twice."""
    await _enter(session, till, SALE, kind, "revenue", till.amount)


async def enter_return(session: AsyncSession, till: Till, kind: TillKind) -> None:
    """Enter what a till gave back, which is not nothing, likewise."""
    await _enter(session, till, RETURN, kind, "revenue", -till.amount)


async def enter_difference(session: AsyncSession, till: Till) -> None:
    """Enter by how much more cash a till had than it should, below zero: less; after that the books say what is there.

    It is not nothing.
    """
    await _enter(session, till, DIFFERENCE, "cash", "till_difference", till.amount)


async def _enter(
    session: AsyncSession,
    till: Till,
    kind: EntryKind,
    lies: TillKind,
    against: Literal["revenue", "till_difference"],
    amount: int,
) -> None:
    occasion = Occasion(till.community_id, kind, till.source_id, till.currency, till.organization_id)
    moves = [
        Move(Account("organization", till.organization_id, lies), amount),
        Move(Account("organization", till.organization_id, against), -amount),
    ]
    await enter(session, occasion, moves)

"""Entering what happened to money, in the transaction in which it happened."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.ledger import repository
from app.billing.ledger.rules import EntryKind, Move, balanced


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why something is entered: ``source_id`` is the row that caused it, of which a kind is entered once."""

    community_id: uuid.UUID
    kind: EntryKind
    source_id: uuid.UUID
    currency: str
    organization_id: uuid.UUID | None = None
    charge_id: uuid.UUID | None = None
    payment_id: uuid.UUID | None = None


async def enter(session: AsyncSession, occasion: Occasion, moves: Sequence[Move]) -> uuid.UUID:
    """Enter what moves and return the entry's id; the database refuses to enter one occasion twice.

    Raises ``ValueError`` for moves that do not add up to zero.
    """
    moved = balanced(moves)
    accounts = [move.account for move in moved]
    ids = await repository.account_ids(session, occasion.community_id, occasion.currency, accounts)
    values = {
        "community_id": occasion.community_id,
        "organization_id": occasion.organization_id,
        "charge_id": occasion.charge_id,
        "payment_id": occasion.payment_id,
        "kind": occasion.kind,
        "source_id": occasion.source_id,
        "currency": occasion.currency,
    }
    return await repository.insert_entry(session, values, moved, ids)

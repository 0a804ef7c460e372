"""The SQL that enters: accounts that come to be, an entry with its postings, and the balances they change."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.ledger.models import ACCOUNTS, BALANCES, ENTRIES, POSTINGS
from app.billing.ledger.rules import Account, Move, lane_of
from app.core import clock

_ACCOUNTS: Final = insert(ACCOUNTS).on_conflict_do_nothing()
_balances = insert(BALANCES)
_BALANCES: Final = _balances.on_conflict_do_update(
    index_elements=["ledger_account_id", "lane"],
    set_={
        "amount": BALANCES.c.amount + _balances.excluded.amount,
        "updated_at": _balances.excluded.updated_at,
        "version": BALANCES.c.version + 1,
    },
)


async def account_ids(
    session: AsyncSession, community_id: uuid.UUID, currency: str, accounts: Collection[Account]
) -> dict[Account, uuid.UUID]:
    """Return the ids of accounts in a currency; those that were not there yet are made."""
    found = await _find(session, currency, accounts)
    if missing := [account for account in accounts if account not in found]:
        values = [
            {
                "community_id": community_id,
                "holder": account.holder,
                "holder_id": account.holder_id,
                "kind": account.kind,
                "currency": currency,
            }
            for account in sorted(missing, key=lambda one: (one.holder_id, one.kind))
        ]
        await session.execute(_ACCOUNTS, [_row() | one for one in values])
        found = await _find(session, currency, accounts)
    return found


async def insert_entry(
    session: AsyncSession, values: dict[str, Any], moves: Sequence[Move], ids: dict[Account, uuid.UUID]
) -> uuid.UUID:
    """Insert an entry and its postings, add them to the balances, and return its id.

    Balances are changed in the order of their accounts, so that two entries never wait for each other.
    """
    entry = _row() | values | {"sides": len(moves)}
    await session.execute(sa.insert(ENTRIES), entry)
    ordered = sorted((ids[move.account], move.amount) for move in moves)
    await session.execute(
        sa.insert(POSTINGS),
        [
            _row() | {"entry_id": entry["id"], "ledger_account_id": account, "amount": amount}
            for account, amount in ordered
        ],
    )
    lane = lane_of(entry["id"])
    changed = [_row() | {"ledger_account_id": account, "lane": lane, "amount": amount} for account, amount in ordered]
    await session.execute(_BALANCES, changed)
    entry_id: uuid.UUID = entry["id"]
    return entry_id


async def _find(session: AsyncSession, currency: str, accounts: Collection[Account]) -> dict[Account, uuid.UUID]:
    wanted = sa.tuple_(ACCOUNTS.c.holder_id, ACCOUNTS.c.kind).in_([(one.holder_id, one.kind) for one in accounts])
    rows = await session.execute(sa.select(ACCOUNTS).where(ACCOUNTS.c.currency == currency, wanted))
    return {Account(row.holder, row.holder_id, row.kind): row.id for row in rows}


def _row() -> dict[str, Any]:
    now = clock.now()
    return {"id": clock.new_id(), "created_at": now, "updated_at": now, "version": 1}

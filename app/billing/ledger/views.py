"""The SQL that reads the ledger."""

import uuid
from collections.abc import Collection
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing.ledger.models import ACCOUNTS, BALANCES, ENTRIES, POSTINGS
from app.billing.ledger.rules import Holder
from app.billing.ledger.schemas import AccountBalance, LedgerEntry
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor

_LEDGER: Final = "billing.ledger"
_e, _a, _b = ENTRIES.c, ACCOUNTS.c, BALANCES.c
_postings: Final = (
    sa.select(sa.func.jsonb_object_agg(_a.kind, POSTINGS.c.amount))
    .join_from(POSTINGS, ACCOUNTS, _a.id == POSTINGS.c.ledger_account_id)
    .where(POSTINGS.c.entry_id == _e.id)
    .scalar_subquery()
)
_ENTRIES: Final = (
    sa.select(ENTRIES, _postings.label("postings"))
    .where(
        _e.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
        after((_e.id,), ("after_id",), descending=True),
    )
    .order_by(_e.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
# The lanes of an account are few, however long its history: a balance costs the same on the first day and the last.
_SUMS: Final = (
    sa.select(_a.holder_id, _a.kind, _a.currency, sa.cast(sa.func.sum(_b.amount), sa.BigInteger).label("balance"))
    .join_from(ACCOUNTS, BALANCES, _b.ledger_account_id == _a.id)
    .where(
        _a.holder == sa.bindparam("holder", type_=_a.holder.type),
        _a.holder_id == sa.any_(sa.bindparam("holder_ids", type_=ARRAY(sa.Uuid))),
    )
    .group_by(_a.id)
    .order_by(_a.holder_id, _a.currency, _a.kind)
)
_DRIFTED: Final = sa.text(
    "SELECT a.id FROM billing_account a"
    " LEFT JOIN (SELECT ledger_account_id, sum(amount) AS total FROM billing_balance GROUP BY ledger_account_id) b"
    " ON b.ledger_account_id = a.id"
    " LEFT JOIN (SELECT ledger_account_id, sum(amount) AS total FROM billing_posting GROUP BY ledger_account_id) p"
    " ON p.ledger_account_id = a.id"
    " WHERE coalesce(b.total, 0) <> coalesce(p.total, 0) ORDER BY a.id"
)
# Judged when each entry is written; this looks at all of them again.
_UNBALANCED: Final = sa.text(
    "SELECT e.id FROM billing_entry e"
    " LEFT JOIN (SELECT entry_id, sum(amount) AS total, count(*) AS found FROM billing_posting GROUP BY entry_id) p"
    " ON p.entry_id = e.id"
    " WHERE p.total IS DISTINCT FROM 0 OR p.found <> e.sides ORDER BY e.id"
)


async def ledger(connection: AsyncConnection, organization_id: uuid.UUID, page: PageRequest) -> Page[LedgerEntry]:
    """Return a page of an organization's ledger, the last entry first."""
    (last_id,) = decode_cursor(_LEDGER, page.cursor) if page.cursor else (None,)
    binds = {
        "organization_id": organization_id,
        "after_id": uuid.UUID(last_id) if last_id else None,
        "limit": page.limit + 1,
    }
    rows = (await connection.execute(_ENTRIES, binds)).all()
    names = LedgerEntry.model_fields
    items = [LedgerEntry(**{name: getattr(row, name) for name in names}) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_LEDGER, rows, page.limit, ("id",)))


async def balances(
    connection: AsyncConnection, holder: Holder, holder_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[AccountBalance]]:
    """Return what the accounts of some holders come to; the caller knows who may see it."""
    found: dict[uuid.UUID, list[AccountBalance]] = {holder_id: [] for holder_id in holder_ids}
    for row in await connection.execute(_SUMS, {"holder": holder, "holder_ids": sorted(found)}):
        found[row.holder_id].append(AccountBalance(kind=row.kind, currency=row.currency, balance=row.balance))
    return found


async def drifted(connection: AsyncConnection) -> list[uuid.UUID]:
    """Return accounts whose balance is not the sum of their postings: there are none, unless somebody wrote SQL."""
    return list((await connection.scalars(_DRIFTED)).all())


async def unbalanced(connection: AsyncConnection) -> list[uuid.UUID]:
    """Return entries whose postings do not add up to zero, or are not all there: there are none, likewise."""
    return list((await connection.scalars(_UNBALANCED)).all())

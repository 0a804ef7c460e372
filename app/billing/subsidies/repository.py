"""The SQL that takes from limits and budgets, and gives back to them: the database says how much there is."""

import uuid
from datetime import date
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.billing.subsidies.models import ENTITLEMENTS, MONTHS, PROGRAMMES, SubsidyUse
from app.billing.subsidies.rules import UNLIMITED, in_order
from app.core import clock

_limit = sa.bindparam("limit", type_=sa.BigInteger)
_wanted = sa.bindparam("wanted", type_=sa.BigInteger)
_id = sa.bindparam("row_id", type_=sa.Uuid)
_now = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_OPEN_MONTH: Final = insert(MONTHS).on_conflict_do_nothing()


def _take(table: sa.Table, limit: sa.ColumnElement[int]) -> sa.Update:
    """Return the statement that takes as much of what is wanted as is left, and says how much that was.

    The row is locked before it is read: who comes second sees what the first one left.
    """
    before = sa.select(table.c.id, table.c.committed_amount).where(table.c.id == _id).with_for_update().cte("before")
    taken = sa.func.greatest(0, sa.func.least(_wanted, limit - before.c.committed_amount))
    return (
        sa.update(table)
        .where(table.c.id == before.c.id)
        .values(committed_amount=before.c.committed_amount + taken, updated_at=_now, version=table.c.version + 1)
        .returning(sa.cast(taken, sa.BigInteger))
    )


_TAKE_MONTH: Final = _take(MONTHS, _limit)
_TAKE_ONCE: Final = _take(ENTITLEMENTS, sa.func.coalesce(_limit, sa.literal(UNLIMITED, sa.BigInteger)))
_TAKE_BUDGET: Final = _take(PROGRAMMES, PROGRAMMES.c.budget_amount)


def _back(table: sa.Table, *where: sa.ColumnElement[bool]) -> sa.Update:
    values = {"committed_amount": table.c.committed_amount - _wanted, "updated_at": _now}
    return sa.update(table).where(*where).values(**values, version=table.c.version + 1)


_month_of_use: Final = (
    MONTHS.c.resident_id == sa.bindparam("resident", type_=sa.Uuid),
    MONTHS.c.programme_id == sa.bindparam("programme", type_=sa.Uuid),
    MONTHS.c.month == sa.bindparam("of_month", type_=sa.Date),
)
_BACK_MONTH: Final = _back(MONTHS, *_month_of_use)
_BACK_ENTITLEMENT: Final = _back(ENTITLEMENTS, ENTITLEMENTS.c.id == _id)
_BACK_BUDGET: Final = _back(PROGRAMMES, PROGRAMMES.c.id == _id)
_MONTH: Final = sa.select(MONTHS.c.id).where(*_month_of_use)


async def take(
    session: AsyncSession,
    *,
    programme_id: uuid.UUID,
    entitlement_id: uuid.UUID,
    resident_id: uuid.UUID,
    month: date,
    month_limit: int | None,
    once_limit: int | None,
    wanted: int,
) -> int:
    """Take up to ``wanted`` from a resident's month, their entitlement and the budget; return how much there was.

    Always in this order, the budget last: it is shared, and nobody holds it while waiting for what is a resident's own.
    """
    now = clock.now()
    month_id = await _month_id(session, programme_id, resident_id, month)
    of_month = {"row_id": month_id, "limit": UNLIMITED if month_limit is None else month_limit, "wanted": wanted}
    granted = int(await session.scalar(_TAKE_MONTH, of_month | {"now": now}) or 0)
    of_once = {"row_id": entitlement_id, "limit": once_limit, "wanted": granted, "now": now}
    granted_once = int(await session.scalar(_TAKE_ONCE, of_once) or 0)
    of_budget = {"row_id": programme_id, "wanted": granted_once, "now": now}
    granted_budget = int(await session.scalar(_TAKE_BUDGET, of_budget) or 0)
    if back := granted_once - granted_budget:
        await session.execute(_BACK_ENTITLEMENT, {"row_id": entitlement_id, "wanted": back, "now": now})
    if back := granted - granted_budget:
        binds = {"resident": resident_id, "programme": programme_id, "of_month": month}
        await session.execute(_BACK_MONTH, binds | {"wanted": back, "now": now})
    return granted_budget


async def give_back(session: AsyncSession, use: SubsidyUse, amount: int) -> None:
    """Give back an amount of a use to the month, the entitlement and the budget it was taken from."""
    if not amount:
        return
    more = {"wanted": amount, "now": clock.now()}
    binds = {"resident": use.resident_id, "programme": use.programme_id, "of_month": use.month}
    await session.execute(_BACK_MONTH, binds | more)
    await session.execute(_BACK_ENTITLEMENT, {"row_id": use.entitlement_id} | more)
    await session.execute(_BACK_BUDGET, {"row_id": use.programme_id} | more)


async def lock_uses(session: AsyncSession, authorization_id: uuid.UUID) -> list[SubsidyUse]:
    """Return what programmes promised or paid for an authorization, in the order in which they pay, locked."""
    found = (
        sa.select(SubsidyUse, PROGRAMMES.c.kind)
        .join(PROGRAMMES, PROGRAMMES.c.id == col(SubsidyUse.programme_id))
        .where(col(SubsidyUse.authorization_id) == authorization_id)
        .with_for_update(of=SubsidyUse)
        .execution_options(populate_existing=True)
    )
    rows = (await session.execute(found)).all()
    return [use for use, _ in sorted(rows, key=lambda row: in_order(row[1], row[0].programme_id))]


async def lock_use(session: AsyncSession, use_id: uuid.UUID) -> SubsidyUse:
    """Return a use, locked."""
    return await session.get_one(SubsidyUse, use_id, with_for_update=True, populate_existing=True)


async def _month_id(session: AsyncSession, programme_id: uuid.UUID, resident_id: uuid.UUID, month: date) -> uuid.UUID:
    binds = {"resident": resident_id, "programme": programme_id, "of_month": month}
    known: uuid.UUID | None = await session.scalar(_MONTH, binds)
    if known is not None:
        return known
    now = clock.now()
    row = {"id": clock.new_id(), "created_at": now, "updated_at": now, "version": 1, "committed_amount": 0}
    of = {"programme_id": programme_id, "resident_id": resident_id, "month": month}
    await session.execute(_OPEN_MONTH, row | of)
    found: uuid.UUID = (await session.execute(_MONTH, binds)).scalar_one()
    return found

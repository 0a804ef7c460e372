"""The SQL that adds and locks shifts, sales and allotments."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.problems import NotFound
from app.core.tables import Table, table_of
from community.ticket_office.models import (
    ALLOTMENT_SHARES,
    SALES,
    SHIFTS,
    AllotmentShare,
    OfficeSale,
    OfficeShift,
    TicketAllotment,
)
from community.ticket_orders.models import ORDERS

_IDS = sa.bindparam("ids", type_=ARRAY(sa.Uuid))


def _sum(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(SALES.c.amount).filter(*conditions), 0)


_HELD: Final = sa.select(
    _sum(SALES.c.kind == "sale", SALES.c.method == "cash").label("sold"),
    _sum(SALES.c.kind == "refund", SALES.c.method == "cash").label("given_back"),
).where(SALES.c.shift_id == sa.bindparam("shift_id", type_=sa.Uuid))
_PAID_BACK: Final = sa.select(_sum(SALES.c.kind == "refund")).where(
    SALES.c.order_id == sa.bindparam("order_id", type_=sa.Uuid)
)
_ORDER: Final = (
    sa.select(ORDERS.c.id, ORDERS.c.cart_id, ORDERS.c.refunded_amount, ORDERS.c.currency)
    .where(ORDERS.c.id == sa.bindparam("order_id", type_=sa.Uuid))
    .with_for_update()
)
_REMIND: Final = (
    sa.update(SHIFTS)
    .where(SHIFTS.c.id == sa.any_(_IDS))
    .values(remind_at=sa.bindparam("again", type_=sa.DateTime(timezone=True)), version=SHIFTS.c.version + 1)
    .returning(
        *(SHIFTS.c[name] for name in ("id", "community_id", "organization_id", "account_id", "opened_at", "version"))
    )
)


async def add(session: AsyncSession, row: Table) -> bool:
    """Insert a row; return whether nothing stood against it."""
    table = table_of(type(row))
    values = {column.name: getattr(row, column.name) for column in table.columns}
    inserted = insert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
    return (await session.execute(inserted)).first() is not None


async def open_shift_of(session: AsyncSession, organization_id: uuid.UUID, account_id: uuid.UUID) -> uuid.UUID | None:
    """Return the till that somebody has open."""
    found = sa.select(SHIFTS.c.id).where(
        SHIFTS.c.organization_id == organization_id,
        SHIFTS.c.account_id == account_id,
        SHIFTS.c.closed_at.is_(None),
    )
    return await session.scalar(found)


async def locked_shift(session: AsyncSession, organization_id: uuid.UUID, shift_id: uuid.UUID) -> OfficeShift:
    """Return a till of the organization, locked: what it holds stays so until the transaction ends.

    Raises ``NotFound``.
    """
    row = await session.get(OfficeShift, shift_id, with_for_update=True, populate_existing=True)
    if row is None or row.organization_id != organization_id:
        raise NotFound
    return row


async def cash_of(session: AsyncSession, shift_id: uuid.UUID) -> tuple[int, int]:
    """Return what a till took in cash, and what it gave back."""
    sold, given_back = (await session.execute(_HELD, {"shift_id": shift_id})).one()
    return int(sold), int(given_back)


async def slip_known(session: AsyncSession, row: OfficeSale) -> uuid.UUID | None:
    """Return the order for which a slip is recorded already."""
    found = sa.select(SALES.c.order_id).where(
        SALES.c.organization_id == row.organization_id, SALES.c.kind == row.kind, SALES.c.slip_key == row.slip_key
    )
    return await session.scalar(found)


async def sold_here(session: AsyncSession, organization_id: uuid.UUID, order_id: uuid.UUID) -> OfficeSale:
    """Return at which till of the organization's an order was sold; raises ``NotFound``."""
    found = sa.select(OfficeSale).where(
        col(OfficeSale.order_id) == order_id,
        col(OfficeSale.organization_id) == organization_id,
        col(OfficeSale.kind) == "sale",
        col(OfficeSale.shift_id).is_not(None),
    )
    row = await session.scalar(found)
    if row is None:
        raise NotFound("this was not sold at the counter: its money goes back as it came")
    return row


async def locked_order(session: AsyncSession, order_id: uuid.UUID) -> sa.Row[Any]:
    """Return an order, locked."""
    return (await session.execute(_ORDER, {"order_id": order_id})).one()


async def paid_back(session: AsyncSession, order_id: uuid.UUID) -> int:
    """Return what tills gave back for an order."""
    return int(await session.scalar(_PAID_BACK, {"order_id": order_id}) or 0)


async def put_off_reminding(session: AsyncSession, ids: Sequence[uuid.UUID], again: Any) -> list[sa.Row[Any]]:
    """Set when coordinators hear again of tills that are open; return the tills."""
    return list(await session.execute(_REMIND, {"ids": list(ids), "again": again}))


async def locked_allotment(
    session: AsyncSession, organization_id: uuid.UUID, allotment_id: uuid.UUID
) -> TicketAllotment:
    """Return an allotment of the organization's tickets, locked; raises ``NotFound``."""
    row = await session.get(TicketAllotment, allotment_id, with_for_update=True, populate_existing=True)
    if row is None or row.organization_id != organization_id:
        raise NotFound
    return row


async def locked_share(session: AsyncSession, reseller_id: uuid.UUID, share_id: uuid.UUID) -> AllotmentShare:
    """Return what a reseller has of a slot, locked; raises ``NotFound``."""
    row = await session.get(AllotmentShare, share_id, with_for_update=True, populate_existing=True)
    if row is None or (await session.get_one(TicketAllotment, row.allotment_id)).reseller_id != reseller_id:
        raise NotFound
    return row


async def shares_locked(session: AsyncSession, *conditions: sa.ColumnElement[bool]) -> list[AllotmentShare]:
    """Return what resellers still have, locked in one order for all."""
    found = (
        sa.select(AllotmentShare)
        .where(ALLOTMENT_SHARES.c.released_at.is_(None), *conditions)
        .order_by(ALLOTMENT_SHARES.c.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(found))

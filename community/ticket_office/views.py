"""The SQL that reads tills, sales and allotments: to those who answer for them, and to resellers."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.identity.api import Member, account_name, community, organizations_named
from community.ticket_office.access import oversees
from community.ticket_office.models import ALLOTMENT_SHARES, ALLOTMENTS, EXPLANATION, SALES, SHIFTS
from community.ticket_office.schemas.shown import (
    AllotmentPublic,
    ResellerStatement,
    SalePublic,
    SharePublic,
    ShiftDetail,
    ShiftPublic,
    StatementLine,
)
from community.ticket_orders.models import ORDERS

_CURSOR: Final = "community.ticket_office"
_ERASED: Final = "—"
_limit = sa.bindparam("limit", type_=sa.Integer)
_organization = sa.bindparam("organization_id", type_=sa.Uuid)
_INSTANT = sa.DateTime(timezone=True)
_SHIFT: Final = sa.select(SHIFTS, account_name(SHIFTS.c.account_id).label("worker"))
_SHIFTS: Final = (
    _SHIFT.where(
        SHIFTS.c.organization_id == _organization,
        sa.or_(
            sa.bindparam("account_id", type_=sa.Uuid).is_(None),
            SHIFTS.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
        ),
        after((SHIFTS.c.id,), ("after_id",), descending=True),
    )
    .order_by(SHIFTS.c.id.desc())
    .limit(_limit)
)
_ONE_SHIFT: Final = _SHIFT.where(
    SHIFTS.c.organization_id == _organization, SHIFTS.c.id == sa.bindparam("shift_id", type_=sa.Uuid)
)


def _amount(kind: str, method: str) -> sa.ColumnElement[int]:
    what = sa.and_(SALES.c.kind == kind, SALES.c.method == method)
    return sa.func.coalesce(sa.func.sum(SALES.c.amount).filter(what), 0)


_OF_SHIFT: Final = sa.select(
    sa.func.count().filter(SALES.c.kind == "sale").label("sales"),
    sa.func.count().filter(SALES.c.kind == "refund").label("refunds"),
    _amount("sale", "cash").label("cash_taken"),
    _amount("refund", "cash").label("cash_given_back"),
    _amount("sale", "terminal").label("terminal_taken"),
    _amount("refund", "terminal").label("terminal_given_back"),
).where(SALES.c.shift_id == sa.bindparam("shift_id", type_=sa.Uuid))
_SALES_OF: Final = (
    sa.select(SALES)
    .where(SALES.c.shift_id == sa.bindparam("shift_id", type_=sa.Uuid), after((SALES.c.id,), ("after_id",)))
    .order_by(SALES.c.id)
    .limit(_limit)
)
_counted = (
    sa.select(
        ALLOTMENT_SHARES.c.allotment_id,
        sa.func.count().label("slots"),
        sa.func.sum(ALLOTMENT_SHARES.c.quantity).label("allotted"),
        sa.func.sum(ALLOTMENT_SHARES.c.sold).label("sold"),
        sa.func.coalesce(
            sa.func.sum(ALLOTMENT_SHARES.c.quantity - ALLOTMENT_SHARES.c.sold).filter(
                ALLOTMENT_SHARES.c.released_at.is_not(None)
            ),
            0,
        ).label("released"),
    )
    .where(ALLOTMENT_SHARES.c.allotment_id == ALLOTMENTS.c.id)
    .group_by(ALLOTMENT_SHARES.c.allotment_id)
    .lateral("counted")
)
_ALLOTMENT: Final = sa.select(
    ALLOTMENTS, _counted.c.slots, _counted.c.allotted, _counted.c.sold, _counted.c.released
).join_from(ALLOTMENTS, _counted, sa.true())


def _allotments(side: sa.ColumnElement[uuid.UUID]) -> sa.Select[Any]:
    return (
        _ALLOTMENT.where(side == _organization, after((ALLOTMENTS.c.id,), ("after_id",), descending=True))
        .order_by(ALLOTMENTS.c.id.desc())
        .limit(_limit)
    )


_GIVEN: Final = _allotments(ALLOTMENTS.c.organization_id)
_HAD: Final = _allotments(ALLOTMENTS.c.reseller_id)
_ONE: Final = _ALLOTMENT.where(ALLOTMENTS.c.id == sa.bindparam("allotment_id", type_=sa.Uuid))
_SHARES: Final = (
    sa.select(ALLOTMENT_SHARES)
    .join(ALLOTMENTS, ALLOTMENTS.c.id == ALLOTMENT_SHARES.c.allotment_id)
    .where(
        ALLOTMENTS.c.id == sa.bindparam("allotment_id", type_=sa.Uuid),
        sa.or_(ALLOTMENTS.c.organization_id == _organization, ALLOTMENTS.c.reseller_id == _organization),
        after(
            (ALLOTMENT_SHARES.c.starts_at, ALLOTMENT_SHARES.c.id),
            ("after_starts_at", "after_id"),
        ),
    )
    .order_by(ALLOTMENT_SHARES.c.starts_at, ALLOTMENT_SHARES.c.id)
    .limit(_limit)
)
_net = SALES.c.amount - ORDERS.c.refunded_amount
_STATEMENT: Final = (
    sa.select(
        ALLOTMENTS.c.id,
        ALLOTMENTS.c.product_id,
        ALLOTMENTS.c.reseller_id,
        sa.func.sum(SALES.c.tickets).label("tickets"),
        sa.func.sum(SALES.c.amount).label("amount"),
        sa.func.sum(ORDERS.c.refunded_amount).label("refunded"),
        # Of each sale, rounded down: what whoever sold was told.
        sa.func.sum(_net * ALLOTMENTS.c.commission_rate / sa.literal(10_000, sa.BigInteger)).label("commission"),
    )
    .join_from(SALES, ALLOTMENT_SHARES, ALLOTMENT_SHARES.c.id == SALES.c.share_id)
    .join(ALLOTMENTS, ALLOTMENTS.c.id == ALLOTMENT_SHARES.c.allotment_id)
    .join(ORDERS, ORDERS.c.id == SALES.c.order_id)
    .where(
        sa.or_(ALLOTMENTS.c.organization_id == _organization, ALLOTMENTS.c.reseller_id == _organization),
        SALES.c.sold_at >= sa.bindparam("since", type_=_INSTANT),
        SALES.c.sold_at < sa.bindparam("until", type_=_INSTANT),
    )
    .group_by(ALLOTMENTS.c.id)
    .order_by(ALLOTMENTS.c.id)
)


async def shifts(
    connection: AsyncConnection, member: Member, organization_id: uuid.UUID, page: PageRequest
) -> Page[ShiftPublic]:
    """Return a page of an organization's tills, the latest first: to who oversees them all, to others their own."""
    binds = {
        "organization_id": organization_id,
        "account_id": None if oversees(member) else member.actor.id,
        **_paging(page),
    }
    rows = (await connection.execute(_SHIFTS, binds)).all()
    items = [ShiftPublic(**_shift(row)) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))


async def shift(
    connection: AsyncConnection, member: Member, organization_id: uuid.UUID, shift_id: uuid.UUID
) -> ShiftDetail:
    """Return a till with what happened at it; raises ``NotFound``, also for another's to who does not oversee them."""
    row = await _shift_of(connection, member, organization_id, shift_id)
    found = (await connection.execute(_OF_SHIFT, {"shift_id": shift_id})).one()
    is_told = row.closed_at is not None or oversees(member)
    amounts = {
        name: int(getattr(found, name)) if is_told else None
        for name in ("cash_taken", "cash_given_back", "terminal_taken", "terminal_given_back")
    }
    return ShiftDetail(**_shift(row), sales=found.sales, refunds=found.refunds, **amounts)


async def sales(
    connection: AsyncConnection, member: Member, organization_id: uuid.UUID, shift_id: uuid.UUID, page: PageRequest
) -> Page[SalePublic]:
    """Return a page of what happened at a till, in order; raises ``NotFound`` as ``shift`` does."""
    await _shift_of(connection, member, organization_id, shift_id)
    rows = (await connection.execute(_SALES_OF, {"shift_id": shift_id, **_paging(page)})).all()
    items = [sale_public(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))


def sale_public(row: Any) -> SalePublic:
    """Return what was sold or given back."""
    return SalePublic(**{name: getattr(row, name) for name in SalePublic.model_fields})


async def allotments_given(
    connection: AsyncConnection, community_id: uuid.UUID, organization_id: uuid.UUID, page: PageRequest
) -> Page[AllotmentPublic]:
    """Return a page of what an organization gave resellers to sell, the latest first."""
    return await _allotment_page(connection, _GIVEN, community_id, organization_id, page)


async def allotments_had(
    connection: AsyncConnection, community_id: uuid.UUID, organization_id: uuid.UUID, page: PageRequest
) -> Page[AllotmentPublic]:
    """Return a page of what a reseller has to sell, the latest first."""
    return await _allotment_page(connection, _HAD, community_id, organization_id, page)


async def allotment(connection: AsyncConnection, community_id: uuid.UUID, allotment_id: uuid.UUID) -> AllotmentPublic:
    """Return an allotment as it stands after what somebody did with it."""
    rows = (await connection.execute(_ONE, {"allotment_id": allotment_id})).all()
    return (await _allotments_public(connection, community_id, rows))[0]


async def shares(
    connection: AsyncConnection, organization_id: uuid.UUID, allotment_id: uuid.UUID, page: PageRequest
) -> Page[SharePublic]:
    """Return a page of the slots of an allotment, the earliest first, to who gave it and to who has it."""
    starts_at, last_id = decode_cursor(_CURSOR, page.cursor) if page.cursor else (None, None)
    binds = {
        "organization_id": organization_id,
        "allotment_id": allotment_id,
        "after_starts_at": datetime.fromisoformat(starts_at) if starts_at else None,
        "after_id": last_id,
        "limit": page.limit + 1,
    }
    rows = (await connection.execute(_SHARES, binds)).all()
    items = [
        SharePublic(
            left=0 if row.released_at else row.quantity - row.sold,
            **{name: getattr(row, name) for name in SharePublic.model_fields if name != "left"},
        )
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("starts_at", "id")))


async def statement(
    connection: AsyncConnection,
    community_id: uuid.UUID,
    organization_id: uuid.UUID,
    month: date,
    span: tuple[datetime, datetime],
) -> ResellerStatement:
    """Return what resellers sold in a month of an organization's tickets, or a reseller of what it has."""
    binds = {"organization_id": organization_id, "since": span[0], "until": span[1]}
    rows = (await connection.execute(_STATEMENT, binds)).all()
    named = await organizations_named(connection, community_id, {row.reseller_id for row in rows})
    lines = [
        StatementLine(
            allotment_id=row.id,
            product_id=row.product_id,
            reseller_id=row.reseller_id,
            reseller=named[row.reseller_id].name,
            tickets=int(row.tickets),
            amount=int(row.amount),
            refunded=int(row.refunded),
            commission=int(row.commission),
        )
        for row in rows
    ]
    sums = {
        name: sum(getattr(line, name) for line in lines) for name in ("tickets", "amount", "refunded", "commission")
    }
    return ResellerStatement(
        organization_id=organization_id,
        month=month,
        currency=(await community(connection, community_id)).currency,
        lines=lines,
        due=sums["amount"] - sums["refunded"] - sums["commission"],
        **sums,
    )


async def _shift_of(
    connection: AsyncConnection, member: Member, organization_id: uuid.UUID, shift_id: uuid.UUID
) -> sa.Row[Any]:
    binds = {"organization_id": organization_id, "shift_id": shift_id}
    row = (await connection.execute(_ONE_SHIFT, binds)).one_or_none()
    if row is None or not (row.account_id == member.actor.id or oversees(member)):
        raise NotFound
    return row


def _shift(row: Any) -> dict[str, Any]:
    names = ShiftPublic.model_fields.keys() - {"worker", "difference_amount", "explanation"}
    return {
        "worker": row.worker or _ERASED,
        "difference_amount": None if row.closed_at is None else row.counted_amount - row.expected_amount,
        "explanation": unseal(row.explanation, EXPLANATION) if row.explanation else None,
        **{name: getattr(row, name) for name in names},
    }


async def _allotment_page(
    connection: AsyncConnection,
    statement: sa.Select[Any],
    community_id: uuid.UUID,
    organization_id: uuid.UUID,
    page: PageRequest,
) -> Page[AllotmentPublic]:
    rows = (await connection.execute(statement, {"organization_id": organization_id, **_paging(page)})).all()
    items = await _allotments_public(connection, community_id, rows[: page.limit])
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))


async def _allotments_public(
    connection: AsyncConnection, community_id: uuid.UUID, rows: Sequence[Any]
) -> list[AllotmentPublic]:
    named = await organizations_named(connection, community_id, {row.reseller_id for row in rows})
    names = AllotmentPublic.model_fields.keys() - {"reseller"}
    return [
        AllotmentPublic(reseller=named[row.reseller_id].name, **{name: getattr(row, name) for name in names})
        for row in rows
    ]


def _paging(page: PageRequest) -> dict[str, Any]:
    last = uuid.UUID(decode_cursor(_CURSOR, page.cursor)[0]) if page.cursor else None
    return {"limit": page.limit + 1, "after_id": last}

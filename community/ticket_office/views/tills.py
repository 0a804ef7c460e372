"""The SQL that reads tills and what was sold at them: to who answers for them, and to who oversees them all."""

import uuid
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.identity.api import Member, account_name
from community.ticket_office.access import oversees
from community.ticket_office.models import EXPLANATION, SALES, SHIFTS
from community.ticket_office.schemas.shown import SalePublic, ShiftDetail, ShiftPublic

_CURSOR: Final = "community.ticket_office"
_ERASED: Final = "—"
_limit = sa.bindparam("limit", type_=sa.Integer)
_organization = sa.bindparam("organization_id", type_=sa.Uuid)
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


def _amount(method: str, *, is_back: bool = False) -> sa.ColumnElement[int]:
    what = sa.and_(SALES.c.kind == "refund" if is_back else SALES.c.kind != "refund", SALES.c.method == method)
    return sa.func.coalesce(sa.func.sum(SALES.c.amount).filter(what), 0)


_OF_SHIFT: Final = sa.select(
    sa.func.count().filter(SALES.c.kind == "sale").label("sales"),
    sa.func.count().filter(SALES.c.kind == "refund").label("refunds"),
    sa.func.count().filter(SALES.c.kind == "collection").label("collections"),
    _amount("cash").label("cash_taken"),
    _amount("cash", is_back=True).label("cash_given_back"),
    _amount("terminal").label("terminal_taken"),
    _amount("terminal", is_back=True).label("terminal_given_back"),
).where(SALES.c.shift_id == sa.bindparam("shift_id", type_=sa.Uuid))
_SALES_OF: Final = (
    sa.select(SALES)
    .where(SALES.c.shift_id == sa.bindparam("shift_id", type_=sa.Uuid), after((SALES.c.id,), ("after_id",)))
    .order_by(SALES.c.id)
    .limit(_limit)
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
    amounts: dict[str, Any] = {
        name: int(getattr(found, name)) if is_told else None
        for name in ("cash_taken", "cash_given_back", "terminal_taken", "terminal_given_back")
    }
    return ShiftDetail(
        **_shift(row), sales=found.sales, refunds=found.refunds, collections=found.collections, **amounts
    )


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


def _paging(page: PageRequest) -> dict[str, Any]:
    last = uuid.UUID(decode_cursor(_CURSOR, page.cursor)[0]) if page.cursor else None
    return {"limit": page.limit + 1, "after_id": last}

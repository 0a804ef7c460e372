"""The SQL that reads who pays for whom."""

import uuid
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing.payers.models import PAYERS
from app.billing.payers.schemas import PaidForPublic, PayerPublic
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.identity.api import ResidentSubject, account_name, resident_name, trace_read

_OF, _FOR = "billing.payers", "billing.paid_for"
_p = PAYERS.c
_page: Final = (
    sa.select(PAYERS, account_name(_p.account_id).label("name"), resident_name(_p.resident_id).label("resident_name"))
    .where(after((_p.id,), ("after_id",), descending=True))
    .order_by(_p.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_OF_RESIDENT: Final = _page.where(_p.resident_id == sa.bindparam("resident_id", type_=sa.Uuid))
_OF_PAYER: Final = _page.where(_p.account_id == sa.bindparam("account_id", type_=sa.Uuid))
_ONE: Final = sa.select(
    PAYERS, account_name(_p.account_id).label("name"), resident_name(_p.resident_id).label("resident_name")
).where(_p.id == sa.bindparam("payer_id", type_=sa.Uuid))


async def payers_of(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest
) -> Page[PayerPublic]:
    """Return a page of who pays and paid for a resident, the last one first; leaves a trace."""
    await trace_read(connection, actor, subject, "payers:list")
    binds = {"resident_id": subject.resident_id, **_paging(_OF, page)}
    rows = (await connection.execute(_OF_RESIDENT, binds)).all()
    items = [_payer(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_OF, rows, page.limit, ("id",)))


async def paid_for(connection: AsyncConnection, account_id: uuid.UUID, page: PageRequest) -> Page[PaidForPublic]:
    """Return a page of for whom somebody pays and paid, the last one first."""
    rows = (await connection.execute(_OF_PAYER, {"account_id": account_id, **_paging(_FOR, page)})).all()
    items = [_paid_for(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_FOR, rows, page.limit, ("id",)))


async def one_of(connection: AsyncConnection, payer_id: uuid.UUID) -> PayerPublic:
    """Return a payer as the resident sees them; the caller knows whose it is."""
    return _payer(await _row(connection, payer_id))


async def one_paid_for(connection: AsyncConnection, payer_id: uuid.UUID) -> PaidForPublic:
    """Return a payer as they see it; the caller knows whose it is."""
    return _paid_for(await _row(connection, payer_id))


async def _row(connection: AsyncConnection, payer_id: uuid.UUID) -> Any:
    row = (await connection.execute(_ONE, {"payer_id": payer_id})).one_or_none()
    if row is None:
        raise NotFound
    return row


def _payer(row: Any) -> PayerPublic:
    return PayerPublic(**{name: getattr(row, name) for name in PayerPublic.model_fields})


def _paid_for(row: Any) -> PaidForPublic:
    return PaidForPublic(**{name: getattr(row, name) for name in PaidForPublic.model_fields})


def _paging(kind: str, page: PageRequest) -> dict[str, Any]:
    (last_id,) = decode_cursor(kind, page.cursor) if page.cursor else (None,)
    return {"after_id": uuid.UUID(last_id) if last_id else None, "limit": page.limit + 1}

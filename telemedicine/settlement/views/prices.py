"""The SQL that reads a clinic's terms and prices."""

import uuid
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from telemedicine.settlement.models import ITEMS, TERMS
from telemedicine.settlement.schemas.prices import BillingTermsPublic, ChargeItemPublic

_LIST = "telemedicine.charge_items"
_organization = sa.bindparam("organization_id", type_=sa.Uuid)
_code: Final = sa.type_coerce(ITEMS.c.code, sa.Text())
_TERMS: Final = sa.select(TERMS).where(TERMS.c.organization_id == _organization)
_PAGE: Final = (
    sa.select(ITEMS)
    .where(
        ITEMS.c.organization_id == _organization,
        sa.or_(
            ITEMS.c.valid_until.is_(None),
            ITEMS.c.valid_until > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
        ),
        after((_code, ITEMS.c.valid_from), ("after_code", "after_from")),
    )
    .order_by(_code, ITEMS.c.valid_from)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def terms(connection: AsyncConnection, organization_id: uuid.UUID) -> BillingTermsPublic:
    """Return a clinic's terms; raises ``NotFound`` as long as it has not said any."""
    row = (await connection.execute(_TERMS, {"organization_id": organization_id})).one_or_none()
    if row is None:
        raise NotFound
    return BillingTermsPublic.model_validate(row)


async def prices(connection: AsyncConnection, organization_id: uuid.UUID, page: PageRequest) -> Page[ChargeItemPublic]:
    """Return a page of a clinic's prices that are in force or will be, by code."""
    code, valid_from = decode_cursor(_LIST, page.cursor) if page.cursor else (None, None)
    binds: dict[str, Any] = {
        "organization_id": organization_id,
        "now": clock.now(),
        "after_code": code,
        "after_from": datetime.fromisoformat(valid_from) if valid_from else None,
        "limit": page.limit + 1,
    }
    rows = (await connection.execute(_PAGE, binds)).all()
    return Page(
        items=[ChargeItemPublic.model_validate(row) for row in rows[: page.limit]],
        next=next_cursor(_LIST, rows, page.limit, ("code", "valid_from")),
    )

"""The SQL that reads when carers cannot come."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from eldercare.carer_absences.models import CARER_ABSENCES
from eldercare.carer_absences.schemas import CarerAbsencePublic

_ABSENCES_KIND = "eldercare.carer_absences"
_INSTANT = sa.DateTime(timezone=True)
_organization = sa.bindparam("organization_id", type_=sa.Uuid)
_limit = sa.bindparam("limit", type_=sa.Integer)

_NOT_WITHDRAWN = CARER_ABSENCES.c.state == sa.literal_column("'in_force'")
_AFTER_ABSENCE = after((CARER_ABSENCES.c.starts_at, CARER_ABSENCES.c.id), ("after_starts_at", "after_id"))
_ABSENCES = (
    sa.select(CARER_ABSENCES)
    .where(
        CARER_ABSENCES.c.organization_id == _organization,
        _NOT_WITHDRAWN,
        CARER_ABSENCES.c.ends_at > sa.bindparam("since", type_=_INSTANT),
        CARER_ABSENCES.c.starts_at < sa.bindparam("until", type_=_INSTANT),
        _AFTER_ABSENCE,
    )
    .order_by(CARER_ABSENCES.c.starts_at, CARER_ABSENCES.c.id)
    .limit(_limit)
)
_OWN_ABSENCES = (
    sa.select(CARER_ABSENCES)
    .where(
        CARER_ABSENCES.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
        _NOT_WITHDRAWN,
        CARER_ABSENCES.c.ends_at > sa.bindparam("since", type_=_INSTANT),
        _AFTER_ABSENCE,
    )
    .order_by(CARER_ABSENCES.c.starts_at, CARER_ABSENCES.c.id)
    .limit(_limit)
)
_OF_PLAN = (
    sa.select(CARER_ABSENCES)
    .where(CARER_ABSENCES.c.route_plan_id == sa.bindparam("route_plan_id", type_=sa.Uuid))
    .order_by(CARER_ABSENCES.c.id)
)


async def absences(
    connection: AsyncConnection, organization_id: uuid.UUID, span: tuple[datetime, datetime], page: PageRequest
) -> Page[CarerAbsencePublic]:
    """Return a page of what an agency said of when its carers cannot come, in order, as far as it touches ``span``."""
    binds = {"organization_id": organization_id, "since": span[0], "until": span[1]}
    return await _absences(connection, _ABSENCES, binds, page)


async def absences_of(
    connection: AsyncConnection, account_id: uuid.UUID, since: datetime, page: PageRequest
) -> Page[CarerAbsencePublic]:
    """Return a page of when a carer cannot come, in order, but for what is over."""
    return await _absences(connection, _OWN_ABSENCES, {"account_id": account_id, "since": since}, page)


async def _absences(
    connection: AsyncConnection, statement: sa.Select[Any], binds: dict[str, Any], page: PageRequest
) -> Page[CarerAbsencePublic]:
    starts_at, last_id = decode_cursor(_ABSENCES_KIND, page.cursor) if page.cursor else (None, None)
    paging = {
        "limit": page.limit + 1,
        "after_starts_at": datetime.fromisoformat(starts_at) if starts_at else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
    rows = list(await connection.execute(statement, binds | paging))
    items = [CarerAbsencePublic.model_validate(dict(row._mapping)) for row in rows[: page.limit]]  # noqa: SLF001
    return Page(items=items, next=next_cursor(_ABSENCES_KIND, rows, page.limit, ["starts_at", "id"]))


async def absences_of_plan(connection: AsyncConnection, route_plan_id: uuid.UUID) -> list[CarerAbsencePublic]:
    """Return who cannot come according to a proposal, accepted or not."""
    rows = await connection.execute(_OF_PLAN, {"route_plan_id": route_plan_id})
    return [CarerAbsencePublic.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001

"""The SQL that reads what was said of how long is waited for visits, and by whom."""

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from eldercare.alarms.models import Severity
from eldercare.tolerances.models import TOLERANCES
from eldercare.tolerances.rules import FIELDS, SEVERITIES
from eldercare.tolerances.schemas import VisitTolerancesVersion, VisitTolerancesWrite

_KIND = "eldercare.visit_tolerances"
_VERSIONS = (
    sa.select(TOLERANCES)
    .where(
        TOLERANCES.c.scope_id == sa.bindparam("of_scope", type_=sa.Uuid),
        after((TOLERANCES.c.revision,), ("after_revision",), descending=True),
    )
    .order_by(TOLERANCES.c.revision.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def versions(connection: AsyncConnection, scope_id: uuid.UUID, page: PageRequest) -> Page[VisitTolerancesVersion]:
    """Return a page of what was said for a community, an agency or a plan, the latest first."""
    after_revision = int(decode_cursor(_KIND, page.cursor)[0]) if page.cursor else None
    binds = {"of_scope": scope_id, "after_revision": after_revision, "limit": page.limit + 1}
    rows = list(await connection.execute(_VERSIONS, binds))
    items = [
        VisitTolerancesVersion(
            **written(row).model_dump(),
            revision=row.revision,
            changed_by=row.changed_by,
            changed_at=row.created_at,
            superseded_at=row.superseded_at,
        )
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_KIND, rows, page.limit, ["revision"]))


def written(row: sa.Row[Any]) -> VisitTolerancesWrite:
    """Return what a row says, as somebody wrote it."""
    said = {name: getattr(row, name) for name in FIELDS}
    labels = {name: Severity(said[name]).label for name in SEVERITIES if said[name] is not None}
    return VisitTolerancesWrite.model_validate(said | labels)

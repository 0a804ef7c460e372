"""The SQL that reads who wrote which version of a health record, and when, without what it says."""

import uuid
from collections.abc import Collection
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.sealing import unseal
from app.identity.api import account_name, account_of, trace_read
from telemedicine.records.access import RecordSubject
from telemedicine.records.models import REASON, RECORDS, VERSIONS
from telemedicine.records.rules import ENTERED_IN_ERROR
from telemedicine.records.schemas.records import HealthRecordVersionEntry, HealthRecordVersionQuery
from telemedicine.records.views.records import PRACTITIONER, among, of_practitioners, within

_LIST: Final = "telemedicine.version_entries"
_COLUMNS: Final = (
    *(
        VERSIONS.c[name]
        for name in (
            "id",
            "record_id",
            "resident_id",
            "number",
            "status",
            "recorded_at",
            "source",
            "organization_id",
            "author_id",
            "reason",
        )
    ),
    RECORDS.c.kind,
    account_name(VERSIONS.c.author_id).label("author_name"),
    PRACTITIONER.label("practitioner_id"),
    (VERSIONS.c.author_id == account_of(VERSIONS.c.resident_id)).is_(sa.true()).label("is_own"),
)
_WHOSE: Final = sa.union(
    *(
        sa.select(VERSIONS.c.resident_id).where(column == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
        for column in (VERSIONS.c.id, VERSIONS.c.record_id)
    )
)
_WITHDRAWN: Final = sa.select(RECORDS.c.origin_id).where(
    RECORDS.c.origin_id == sa.any_(sa.bindparam("visits", type_=ARRAY(sa.Uuid))),
    RECORDS.c.origin_kind == "consultation",
    RECORDS.c.status == ENTERED_IN_ERROR,
)


@cache
def _statement(*, ascending: bool) -> sa.Select[Any]:
    by_resident = sa.bindparam("by_resident", type_=sa.Boolean)
    return (
        sa.select(*_COLUMNS)
        .join_from(VERSIONS, RECORDS, VERSIONS.c.record_id == RECORDS.c.id)
        .where(
            VERSIONS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
            among(VERSIONS.c.id, "ids"),
            among(VERSIONS.c.record_id, "record_ids"),
            among(RECORDS.c.kind, "kinds"),
            among(VERSIONS.c.organization_id, "organization_ids"),
            within(VERSIONS.c.recorded_at, "since", "before"),
            of_practitioners(),
            sa.or_(by_resident.is_(None), VERSIONS.c.author_id == account_of(VERSIONS.c.resident_id)),
            after((VERSIONS.c.id,), ("after_id",), descending=not ascending),
        )
        .order_by(VERSIONS.c.id.asc() if ascending else VERSIONS.c.id.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )


async def residents_of(connection: AsyncConnection, ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Return whose the records, or versions of records, of these ids are, for a check of who may see them."""
    return sorted(row.resident_id for row in await connection.execute(_WHOSE, {"ids": list(ids)}))


async def withdrawn_visits(connection: AsyncConnection, visits: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those video visits of which the record says that they were entered in error, to who may see them."""
    return set(await connection.scalars(_WITHDRAWN, {"visits": list(visits)}))


async def entries(
    connection: AsyncConnection, subject: RecordSubject, query: HealthRecordVersionQuery, page: PageRequest
) -> Page[HealthRecordVersionEntry]:
    """Return a page of the versions of a resident's records, the last first unless asked; to others with a trace."""
    kind = f"{_LIST}:{'up' if query.ascending else 'down'}"
    (last_id,) = decode_cursor(kind, page.cursor) if page.cursor else (None,)
    binds: dict[str, Any] = {
        name: None if (wanted := getattr(query, name)) is None else list(wanted)
        for name in ("ids", "record_ids", "kinds", "practitioner_ids", "organization_ids")
    }
    binds |= {
        "resident_id": subject.resident.resident_id,
        "by_resident": True if query.by_resident else None,
        "since": query.since,
        "before": query.before,
        "after_id": uuid.UUID(last_id) if last_id else None,
        "limit": page.limit + 1,
    }
    rows = (await connection.execute(_statement(ascending=query.ascending), binds)).all()
    await trace_read(connection, subject.actor, subject.resident, "health_records:list")
    items = [
        HealthRecordVersionEntry.model_validate(
            row._asdict() | {"reason": unseal(row.reason, REASON) if row.reason else None}
        )
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(kind, rows, page.limit, ("id",)))

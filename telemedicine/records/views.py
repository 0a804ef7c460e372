"""The SQL that reads health records: pages of them, one, its versions, and what changed."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.changes import Since, changed_of
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.identity.api import account_name, trace_read
from app.media.api import attached
from telemedicine.records.access import RecordSubject
from telemedicine.records.models import CONTENT, FILES, REASON, RECORDS, VERSIONS
from telemedicine.records.rules import ENTERED_IN_ERROR
from telemedicine.records.schemas.clinical import AllergyContent
from telemedicine.records.schemas.parts import Coding
from telemedicine.records.schemas.records import (
    CONTENTS,
    HealthRecordOrigin,
    HealthRecordPublic,
    HealthRecordQuery,
)

_LIST, _HISTORY = "telemedicine.records", "telemedicine.record_versions"
_INSTANT = sa.DateTime(timezone=True)
_resident = RECORDS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid)
_record = RECORDS.c.id == sa.bindparam("record_id", type_=sa.Uuid)
_limit = sa.bindparam("limit", type_=sa.Integer)
_COLUMNS: Final = (
    *(RECORDS.c[name] for name in ("id", "kind", "number", "created_at", "origin_kind", "origin_id", "resident_id")),
    VERSIONS.c.number.label("version_number"),
    *(
        VERSIONS.c[name]
        for name in ("status", "content", "reason", "source", "organization_id", "author_id", "recorded_at")
    ),
    VERSIONS.c.file_sha256,
    account_name(VERSIONS.c.author_id).label("author_name"),
)
_all_versions = VERSIONS.c.record_id == RECORDS.c.id
_last_version = sa.and_(_all_versions, VERSIONS.c.number == RECORDS.c.number)


def _or_any(name: str, column: sa.ColumnElement[Any], condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.or_(sa.bindparam(name, type_=column.type).is_(None), condition)


def _list(*by: sa.ColumnElement[bool]) -> sa.Select[Any]:
    status, effective = RECORDS.c.status, RECORDS.c.effective_at
    return (
        sa.select(*_COLUMNS)
        .join_from(RECORDS, VERSIONS, _last_version)
        .where(
            _resident,
            *by,
            _or_any("status", status, status == sa.bindparam("status", type_=status.type)),
            sa.or_(sa.bindparam("with_errors", type_=sa.Boolean), status != ENTERED_IN_ERROR),
            _or_any("first", effective, effective >= sa.bindparam("first", type_=_INSTANT)),
            _or_any("end", effective, effective < sa.bindparam("end", type_=_INSTANT)),
            after((RECORDS.c.id,), ("after_id",), descending=True),
        )
        .order_by(RECORDS.c.id.desc())
        .limit(_limit)
    )


_of_kind = RECORDS.c.kind == sa.bindparam("kind", type_=RECORDS.c.kind.type)
_with_code = RECORDS.c.code_key == sa.bindparam("code_key", type_=sa.LargeBinary)
# One statement for each index that can lead: by kind, by code, both, or all there is.
LISTS: Final = {
    (False, False): _list(),
    (True, False): _list(_of_kind),
    (False, True): _list(_with_code),
    (True, True): _list(_of_kind, _with_code),
}
_ONE: Final = sa.select(*_COLUMNS).join_from(RECORDS, VERSIONS, _last_version).where(_resident, _record)
_VERSIONS: Final = (
    sa.select(*_COLUMNS)
    .join_from(RECORDS, VERSIONS, _all_versions)
    .where(_resident, _record, after((VERSIONS.c.number,), ("after_number",), descending=True))
    .order_by(VERSIONS.c.number.desc())
    .limit(_limit)
)
_CHOSEN: Final = (
    sa.select(*_COLUMNS)
    .join_from(RECORDS, VERSIONS, _all_versions)
    .where(
        _resident,
        sa.tuple_(RECORDS.c.id, VERSIONS.c.number).in_(
            sa.select(
                sa.func.unnest(
                    sa.bindparam("ids", type_=ARRAY(sa.Uuid)), sa.bindparam("numbers", type_=ARRAY(sa.Integer))
                )
                .table_valued(sa.column("id", sa.Uuid), sa.column("number", sa.Integer))
                .render_derived("chosen")
            )
        ),
    )
    .order_by(RECORDS.c.id)
)
_CHANGED: Final = changed_of(_COLUMNS, RECORDS, RECORDS.c.created_at, kept=sa.true()).join_from(
    RECORDS, VERSIONS, _last_version
)


async def records(
    connection: AsyncConnection, subject: RecordSubject, query: HealthRecordQuery, page: PageRequest
) -> Page[HealthRecordPublic]:
    """Return a page of a resident's records, those entered last first; to anybody else with a trace."""
    (last_id,) = decode_cursor(_LIST, page.cursor) if page.cursor else (None,)
    binds: dict[str, Any] = {
        "resident_id": subject.resident.resident_id,
        "status": query.status,
        "with_errors": query.with_errors or query.status == ENTERED_IN_ERROR,
        "first": query.first,
        "end": query.end,
        "after_id": uuid.UUID(last_id) if last_id else None,
        "limit": page.limit + 1,
    }
    if query.kind:
        binds["kind"] = query.kind
    if query.code:
        binds["code_key"] = query.code.key()
    rows = (await connection.execute(LISTS[query.kind is not None, query.code is not None], binds)).all()
    await trace_read(connection, subject.actor, subject.resident, "health_records:list")
    return Page(items=await _shown(connection, rows[: page.limit]), next=next_cursor(_LIST, rows, page.limit, ("id",)))


async def record(connection: AsyncConnection, subject: RecordSubject, record_id: uuid.UUID) -> HealthRecordPublic:
    """Return a record as it stands, to anybody else with a trace; raises ``NotFound``."""
    found = await written(connection, subject, record_id)
    await trace_read(connection, subject.actor, subject.resident, "health_record:read", record_id)
    return found


async def written(connection: AsyncConnection, subject: RecordSubject, record_id: uuid.UUID) -> HealthRecordPublic:
    """Return a record to whoever just wrote it, which is on record as that; raises ``NotFound``."""
    binds = {"resident_id": subject.resident.resident_id, "record_id": record_id}
    rows = (await connection.execute(_ONE, binds)).all()
    if not rows:
        raise NotFound
    (found,) = await _shown(connection, rows)
    return found


async def versions(
    connection: AsyncConnection, subject: RecordSubject, record_id: uuid.UUID, page: PageRequest
) -> Page[HealthRecordPublic]:
    """Return a page of a record's versions, the last one first, to anybody else with a trace; raises ``NotFound``."""
    (last_number,) = decode_cursor(_HISTORY, page.cursor) if page.cursor else (None,)
    binds = {
        "resident_id": subject.resident.resident_id,
        "record_id": record_id,
        "after_number": last_number,
        "limit": page.limit + 1,
    }
    rows = (await connection.execute(_VERSIONS, binds)).all()
    if not rows and last_number is None:
        raise NotFound
    await trace_read(connection, subject.actor, subject.resident, "health_record:read", record_id)
    return Page(
        items=await _shown(connection, rows[: page.limit]),
        next=next_cursor(_HISTORY, rows, page.limit, ("version_number",)),
    )


async def of_versions(
    connection: AsyncConnection, resident_id: uuid.UUID, chosen: Sequence[tuple[uuid.UUID, int]]
) -> list[HealthRecordPublic]:
    """Return those versions of a resident's records, for whoever's rights were asked."""
    ids, numbers = zip(*chosen, strict=True)
    binds = {"resident_id": resident_id, "ids": list(ids), "numbers": list(numbers)}
    return await _shown(connection, (await connection.execute(_CHOSEN, binds)).all())


async def active_allergies(
    connection: AsyncConnection, resident_id: uuid.UUID
) -> list[tuple[uuid.UUID, Coding | None]]:
    """Return all that a resident does not tolerate: the record, and its code if it has one.

    For checks by whoever's rights were asked; what was refuted is left out, what residents say of themselves is not.
    """
    binds = {
        "resident_id": resident_id,
        "kind": "allergy",
        "status": "active",
        "with_errors": False,
        "first": None,
        "end": None,
        "after_id": None,
        "limit": None,  # a warning that did not fit on a page would be none
    }
    found = []
    for row in await connection.execute(LISTS[True, False], binds):
        content = CONTENTS.validate_json(unseal(row.content, CONTENT))
        if isinstance(content, AllergyContent) and content.verification_status != "refuted":
            found.append((row.id, content.code.coding))
    return found


async def changed(connection: AsyncConnection, resident_id: uuid.UUID, since: Since) -> list[HealthRecordPublic]:
    """Return a resident's records that changed, as they stand, in the order of their ids."""
    return await _shown(connection, (await connection.execute(_CHANGED, since.binds_of(resident_id))).all())


async def _shown(connection: AsyncConnection, rows: Sequence[Any]) -> list[HealthRecordPublic]:
    documents = sorted({row.id for row in rows if row.kind == "document"})
    files = await attached(connection, FILES, documents) if documents else {}
    found = []
    for row in rows:
        content = CONTENTS.validate_json(unseal(row.content, CONTENT))
        media_id = content.file_id()
        found.append(
            HealthRecordPublic(
                id=row.id,
                resident_id=row.resident_id,
                kind=row.kind,
                version=row.version_number,
                is_last=row.version_number == row.number,
                status=row.status,
                source=row.source,
                organization_id=row.organization_id,
                author_id=row.author_id,
                author_name=row.author_name,
                recorded_at=row.recorded_at,
                created_at=row.created_at,
                reason=unseal(row.reason, REASON) if row.reason else None,
                origin=HealthRecordOrigin(kind=row.origin_kind, id=row.origin_id) if row.origin_id else None,
                content=content,
                file=next((file for file in files.get(row.id, ()) if file.id == media_id), None),
                file_sha256=row.file_sha256.hex() if row.file_sha256 else None,
            )
        )
    return found

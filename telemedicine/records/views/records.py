"""The SQL that reads health records: pages of them, one, its versions, and what changed."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.changes import Since, changed_of
from app.core.paging import Page, PageRequest, after, decode_cursor, encode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.identity.api import account_name, account_of, trace_read
from app.media.api import attached
from telemedicine.clinics.models import PRACTITIONERS
from telemedicine.records.access import RecordSubject
from telemedicine.records.models import CODES, CONTENT, FILES, REASON, RECORDS, VERSIONS
from telemedicine.records.rules import ENTERED_IN_ERROR, begin
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
# Who said a version, as the directory of the clinic they said it for knows them.
PRACTITIONER: Final = (
    sa.select(PRACTITIONERS.c.id)
    .where(
        PRACTITIONERS.c.account_id == VERSIONS.c.author_id,
        PRACTITIONERS.c.organization_id == VERSIONS.c.organization_id,
    )
    .correlate(VERSIONS)
    .scalar_subquery()
)
_COLUMNS: Final = (
    *(RECORDS.c[name] for name in ("id", "kind", "number", "created_at", "origin_kind", "origin_id", "resident_id")),
    VERSIONS.c.number.label("version_number"),
    *(
        VERSIONS.c[name]
        for name in ("status", "content", "reason", "source", "organization_id", "author_id", "recorded_at")
    ),
    VERSIONS.c.file_sha256,
    account_name(VERSIONS.c.author_id).label("author_name"),
    PRACTITIONER.label("practitioner_id"),
    (VERSIONS.c.author_id == account_of(VERSIONS.c.resident_id)).is_(sa.true()).label("is_own"),
)
_all_versions = VERSIONS.c.record_id == RECORDS.c.id
_last_version = sa.and_(_all_versions, VERSIONS.c.number == RECORDS.c.number)


def _or_any(name: str, column: sa.ColumnElement[Any], condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.or_(sa.bindparam(name, type_=column.type).is_(None), condition)


def among(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    """Return the condition that a column is one of those that are bound, or that nothing is."""
    wanted = sa.bindparam(name, type_=ARRAY(column.type))
    return sa.or_(wanted.is_(None), column == sa.any_(wanted))


def within(column: sa.ColumnElement[Any], since: str, before: str) -> sa.ColumnElement[bool]:
    """Return the condition that an instant lies from one that is bound to before another, as far as they are."""
    return sa.and_(
        _or_any(since, column, column >= sa.bindparam(since, type_=_INSTANT)),
        _or_any(before, column, column < sa.bindparam(before, type_=_INSTANT)),
    )


def of_practitioners() -> sa.ColumnElement[bool]:
    """Return the condition that one of those who are bound said a version, or that nobody is."""
    wanted = sa.bindparam("practitioner_ids", type_=ARRAY(sa.Uuid))
    return sa.or_(
        wanted.is_(None),
        sa.exists().where(
            PRACTITIONERS.c.id == sa.any_(wanted),
            PRACTITIONERS.c.account_id == VERSIONS.c.author_id,
            PRACTITIONERS.c.organization_id == VERSIONS.c.organization_id,
        ),
    )


_of_kind = RECORDS.c.kind == sa.bindparam("kind", type_=RECORDS.c.kind.type)
_found_by_code = sa.and_(
    CODES.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid), CODES.c.record_id == RECORDS.c.id
)
ByCode = Literal["no", "one", "any"]


@cache
def list_statement(*, kind: bool, code: ByCode, by_time: bool, ascending: bool) -> sa.Select[Any]:
    """Return the statement of a list: one for each index that can lead.

    A list by one code follows that code's rows in the order of their records; by several, or in order of time, a
    resident's rows of these codes are read whole.
    """
    at, last_id = RECORDS.c.effective_at, RECORDS.c.id
    conditions = [_resident] + ([_of_kind] if kind else [])
    source = RECORDS.join(VERSIONS, _last_version)
    if code == "one" and not by_time:
        source = source.join(CODES, _found_by_code)
        conditions += [CODES.c.key == sa.bindparam("code", type_=sa.LargeBinary)]
        last_id = CODES.c.record_id
    elif code != "no":
        conditions += [
            sa.exists().where(
                _found_by_code, CODES.c.key == sa.any_(sa.bindparam("codes", type_=ARRAY(sa.LargeBinary)))
            )
        ]
    order = (at, last_id) if by_time else (last_id,)
    if by_time:
        conditions += [at.is_not(None)]
    categories = sa.bindparam("categories", type_=ARRAY(sa.Text))
    return (
        sa.select(*_COLUMNS)
        .select_from(source)
        .where(
            *conditions,
            among(RECORDS.c.id, "ids"),
            among(RECORDS.c.status, "statuses"),
            among(RECORDS.c.organization_id, "organization_ids"),
            sa.or_(categories.is_(None), RECORDS.c.categories.op("&&")(categories)),
            sa.or_(sa.bindparam("with_errors", type_=sa.Boolean), RECORDS.c.status != ENTERED_IN_ERROR),
            sa.or_(
                sa.bindparam("with_consultations", type_=sa.Boolean),
                RECORDS.c.origin_kind.is_distinct_from("consultation"),
            ),
            within(at, "first", "end"),
            within(RECORDS.c.created_at, "entered_since", "entered_before"),
            within(VERSIONS.c.recorded_at, "updated_since", "updated_before"),
            of_practitioners(),
            after(order, ("after_at", "after_id")[-len(order) :], descending=not ascending),
        )
        .order_by(*(column.asc() if ascending else column.desc() for column in order))
        .limit(_limit)
    )


_ONE: Final = sa.select(*_COLUMNS).join_from(RECORDS, VERSIONS, _last_version).where(_resident, _record)
_ONE_VERSION: Final = (
    sa.select(*_COLUMNS)
    .join_from(RECORDS, VERSIONS, _all_versions)
    .where(_resident, _record, VERSIONS.c.number == sa.bindparam("number", type_=sa.Integer))
)
_ALLERGIES: Final = (
    sa.select(RECORDS.c.id, VERSIONS.c.content)
    .join_from(RECORDS, VERSIONS, _last_version)
    .where(_resident, RECORDS.c.kind == "allergy", RECORDS.c.status == "active")
    .order_by(RECORDS.c.id.desc())
)
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
    """Return a page of a resident's records, those entered last first unless asked; to anybody else with a trace."""
    rows = await _list(connection, subject.resident.resident_id, query, page)
    await trace_read(connection, subject.actor, subject.resident, "health_records:list")
    found = await _shown(connection, rows[: page.limit])
    return Page(items=found, next=cursor_after(found[-1], query) if len(rows) > page.limit else None)


_AS_ASKED: Final = (
    "kind",
    "first",
    "end",
    "entered_since",
    "entered_before",
    "updated_since",
    "updated_before",
    "with_consultations",
)
_ANY_OF: Final = ("statuses", "categories", "ids", "practitioner_ids", "organization_ids")


async def _list(
    connection: AsyncConnection, resident_id: uuid.UUID, query: HealthRecordQuery, page: PageRequest
) -> Sequence[Any]:
    at, last_id = decode_cursor(_order(query), page.cursor) if page.cursor else (None, None)
    statement = list_statement(
        kind=query.kind is not None,
        code="no" if query.codes is None else "one" if len(query.codes) == 1 else "any",
        by_time=query.by_time,
        ascending=query.ascending,
    )
    codes = [code.key() for code in query.codes or ()]
    binds: dict[str, Any] = {name: getattr(query, name) for name in _AS_ASKED}
    binds |= {name: None if (wanted := getattr(query, name)) is None else list(wanted) for name in _ANY_OF}
    binds |= {"codes": codes, "code": codes[0] if codes else None}
    binds |= {
        "resident_id": resident_id,
        "with_errors": query.with_errors or ENTERED_IN_ERROR in (query.statuses or ()),
        "after_id": uuid.UUID(last_id) if last_id else None,
        "limit": page.limit + 1,
    }
    if query.by_time:
        binds["after_at"] = datetime.fromisoformat(at) if at else None
    rows: Sequence[Any] = (await connection.execute(statement, binds)).all()
    return rows


def cursor_after(record: HealthRecordPublic, query: HealthRecordQuery) -> str:
    """Return the cursor of what follows on a record in the list that ``query`` asks for."""
    at = order_of(record, query) if query.by_time else None
    return encode_cursor(_order(query), [at, record.id])


def order_of(record: HealthRecordPublic, query: HealthRecordQuery) -> datetime | uuid.UUID:
    """Return what the list that ``query`` asks for is in order of: when it was so, or the record's id."""
    effective = record.content.effective() if query.by_time else None
    return record.id if effective is None else begin(effective)


def _order(query: HealthRecordQuery) -> str:
    return f"{_LIST}:{'time' if query.by_time else 'id'}:{'up' if query.ascending else 'down'}"


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


async def version(
    connection: AsyncConnection, subject: RecordSubject, record_id: uuid.UUID, number: int
) -> HealthRecordPublic:
    """Return a version of a record, to anybody else with a trace; raises ``NotFound``."""
    binds = {"resident_id": subject.resident.resident_id, "record_id": record_id, "number": number}
    rows = (await connection.execute(_ONE_VERSION, binds)).all()
    if not rows:
        raise NotFound
    await trace_read(connection, subject.actor, subject.resident, "health_record:read", record_id)
    (found,) = await _shown(connection, rows)
    return found


async def of_versions(
    connection: AsyncConnection, resident_id: uuid.UUID, chosen: Sequence[tuple[uuid.UUID, int]]
) -> list[HealthRecordPublic]:
    """Return those versions of a resident's records, for whoever's rights were asked."""
    ids, numbers = zip(*chosen, strict=True)
    binds = {"resident_id": resident_id, "ids": list(ids), "numbers": list(numbers)}
    return await _shown(connection, (await connection.execute(_CHOSEN, binds)).all())


async def active_allergies(connection: AsyncConnection, resident_id: uuid.UUID) -> list[tuple[uuid.UUID, list[Coding]]]:
    """Return all that a resident does not tolerate: each record with its codes. A page of them would warn too little.

    For checks by whoever's rights were asked; what was refuted is left out, what residents say of themselves is not.
    """
    found = []
    for row in await connection.execute(_ALLERGIES, {"resident_id": resident_id}):
        content = CONTENTS.validate_json(unseal(row.content, CONTENT))
        if isinstance(content, AllergyContent) and content.verification_status != "refuted":
            found.append((row.id, content.code.codings))
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
                practitioner_id=row.practitioner_id,
                is_own=row.is_own,
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

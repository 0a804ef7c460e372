"""What others read and write of health records; each function takes the actor and checks them."""

import uuid
from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.core.changes import Since
from app.core.paging import Page, PageRequest
from app.core.problems import Forbidden, NotFound
from app.media.api import attached_to
from telemedicine.records.access import READ, WRITE, require_record, require_records
from telemedicine.records.models import FILES, HealthRecord
from telemedicine.records.schemas.records import (
    AnyContent,
    HealthRecordCorrect,
    HealthRecordPublic,
    HealthRecordQuery,
    HealthRecordVersionEntry,
    HealthRecordVersionQuery,
)
from telemedicine.records.service import records
from telemedicine.records.views import records as views
from telemedicine.records.views import versions

health_record_cursor = views.cursor_after
health_record_order = views.order_of


async def health_records_page(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, query: HealthRecordQuery, page: PageRequest
) -> Page[HealthRecordPublic]:
    """Return a page of what is known of a resident's health, what was entered last first; leaves a trace.

    Raises ``NotFound``, ``Forbidden`` without ``records:read``, ``NoTreatment`` for clinics that do not treat them.
    """
    subject = await require_records(connection, actor, resident_id, READ)
    return await views.records(connection, subject, query, page)


async def read_health_record(connection: AsyncConnection, actor: Actor, record_id: uuid.UUID) -> HealthRecordPublic:
    """Return a record as it stands, also one entered in error; leaves a trace. Raises as ``health_records_page``."""
    subject = await require_record(connection, actor, record_id)
    return await views.record(connection, subject, record_id)


async def read_health_record_version(
    connection: AsyncConnection, actor: Actor, record_id: uuid.UUID, number: int
) -> HealthRecordPublic:
    """Return a version of a record; leaves a trace. Raises as ``health_records_page``."""
    subject = await require_record(connection, actor, record_id)
    return await views.version(connection, subject, record_id, number)


async def health_record_versions_page(
    connection: AsyncConnection, actor: Actor, record_id: uuid.UUID, page: PageRequest
) -> Page[HealthRecordPublic]:
    """Return a page of a record's versions, the last first; leaves a trace. Raises as ``health_records_page``."""
    subject = await require_record(connection, actor, record_id)
    return await views.versions(connection, subject, record_id, page)


async def version_entries_page(
    connection: AsyncConnection,
    actor: Actor,
    resident_id: uuid.UUID,
    query: HealthRecordVersionQuery,
    page: PageRequest,
) -> Page[HealthRecordVersionEntry]:
    """Return a page of who wrote which version of a resident's records; leaves a trace.

    Raises as ``health_records_page``.
    """
    subject = await require_records(connection, actor, resident_id, READ)
    return await versions.entries(connection, subject, query, page)


async def read_version_entry(
    connection: AsyncConnection, actor: Actor, version_id: uuid.UUID
) -> HealthRecordVersionEntry:
    """Return who wrote a version of a record; leaves a trace. Raises as ``health_records_page``."""
    for resident_id in await versions.residents_of(connection, [version_id]):
        subject = await require_records(connection, actor, resident_id, READ)
        page = await versions.entries(
            connection, subject, HealthRecordVersionQuery(ids=[version_id]), PageRequest(1, None)
        )
        if page.items:
            return page.items[0]
    raise NotFound


async def residents_of_records(
    connection: AsyncConnection, actor: Actor, ids: Collection[uuid.UUID]
) -> list[uuid.UUID]:
    """Return those residents whose records, or versions of records, the ids are and whose records the actor reads."""
    found = []
    for resident_id in await versions.residents_of(connection, ids):
        try:
            await require_records(connection, actor, resident_id, READ)
        except (NotFound, Forbidden):
            continue
        found.append(resident_id)
    return found


async def record_of_file(connection: AsyncConnection, actor: Actor, media_id: uuid.UUID) -> HealthRecordPublic:
    """Return the document a file hangs on, as it stands; leaves a trace.

    Raises ``NotFound``, also for a file that is none of a record's, and as ``health_records_page``.
    """
    record_id = await attached_to(connection, FILES, media_id)
    if record_id is None:
        raise NotFound
    return await read_health_record(connection, actor, record_id)


async def health_record_changes(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, since: Since
) -> list[HealthRecordPublic]:
    """Return the records that changed, as they stand; raises as ``health_records_page``."""
    await require_records(connection, actor, resident_id, READ)
    return await views.changed(connection, resident_id, since)


async def enter_health_record(
    session: AsyncSession, actor: Actor, resident_id: uuid.UUID, content: AnyContent
) -> HealthRecordPublic:
    """Keep something of a resident's health, as the actor's word, and return it.

    Raises ``NotFound``, ``Forbidden`` without ``records:write``, ``NoTreatment``, and what ``records.enter`` raises.
    """
    connection = await session.connection()
    subject = await require_records(connection, actor, resident_id, WRITE)
    row = await records.enter(session, subject, content)
    return await views.written(connection, subject, row.id)


async def correctable_health_record(session: AsyncSession, actor: Actor, record_id: uuid.UUID) -> HealthRecordPublic:
    """Return a record to whoever is about to correct it; raises ``NotFound``, and as ``enter_health_record``."""
    connection = await session.connection()
    return await views.written(connection, await require_record(connection, actor, record_id, WRITE), record_id)


async def correct_health_record(
    session: AsyncSession, actor: Actor, record_id: uuid.UUID, content: AnyContent | None, if_match: int | None
) -> HealthRecordPublic:
    """Add a version that says what is right, without ``content`` that it was entered in error, and return the record.

    Raises as ``enter_health_record``, and what ``records.correct`` raises.
    """
    connection = await session.connection()
    subject = await require_record(connection, actor, record_id, WRITE)
    row: HealthRecord
    if content is None:
        row = await records.mark_wrong(session, subject, record_id, None, if_match)
    else:
        row = await records.correct(session, subject, record_id, HealthRecordCorrect(content=content), if_match)
    return await views.written(connection, subject, row.id)

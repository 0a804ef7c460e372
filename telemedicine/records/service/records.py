"""Health records: entered, corrected by a new version, marked as entered in error; nothing is ever written over."""

import uuid
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import FieldError, StaleVersion
from app.core.sealing import seal
from app.identity.api import ResidenceEnded, profile
from app.media.api import Purpose, attach, attached
from telemedicine.events import HealthRecordMarkedWrong, HealthRecordWritten
from telemedicine.records import repository, rules
from telemedicine.records.access import RecordSubject, acting_for, answering_for
from telemedicine.records.models import CONTENT, FILES, REASON, HealthRecord, HealthRecordVersion
from telemedicine.records.problems import (
    ContentRefused,
    EnteredInError,
    ForClinicians,
    KindFixed,
    TooManyRecords,
    TooManyVersions,
)
from telemedicine.records.schemas.records import AnyContent, HealthRecordCorrect


async def enter(
    session: AsyncSession, subject: RecordSubject, content: AnyContent, clinic: uuid.UUID | None = None
) -> HealthRecord:
    """Keep something of a resident's health, as the word of a clinic if one says it, and return the record.

    Raises ``ResidenceEnded``, ``Malformed`` for a clinic that is not theirs, ``ForClinicians``, ``ContentRefused``,
    ``TooManyRecords``, and what ``attach`` raises for the file of a document.
    """
    resident = subject.resident
    if resident.state != "active":
        raise ResidenceEnded
    source = _source(subject, content)
    await _require_possible(session, subject, content, source)
    if source == "resident" and not await repository.has_room(session, resident.resident_id):
        raise TooManyRecords(limit=rules.MOST_OWN)
    row = HealthRecord(
        community_id=resident.community_id,
        resident_id=resident.resident_id,
        kind=content.kind,
        number=0,
        status=content.stated_status(),
        source=source,
        organization_id=acting_for(subject, clinic),
    )
    await add_version(session, row, content, subject.actor)
    return row


async def correct(
    session: AsyncSession, subject: RecordSubject, record_id: uuid.UUID, data: HealthRecordCorrect, if_match: int | None
) -> HealthRecord:
    """Add a version that says what is right, and return the record.

    Raises ``NotFound``, ``StaleVersion``, ``AnothersRecord``, ``EnteredInError``, ``KindFixed``, ``ForClinicians``,
    ``ContentRefused``, ``TooManyVersions``, and what ``attach`` raises.
    """
    row = await _changeable(session, subject, record_id, if_match)
    if data.content.kind != row.kind:
        raise KindFixed(kind=row.kind)
    row.organization_id = answering_for(subject, row.source, row.organization_id)
    row.source = _source(subject, data.content)
    await _require_possible(session, subject, data.content, row.source)
    await add_version(session, row, data.content, subject.actor, data.reason)
    return row


async def mark_wrong(
    session: AsyncSession, subject: RecordSubject, record_id: uuid.UUID, reason: str | None, if_match: int | None
) -> HealthRecord:
    """Mark a record as entered in error, with what it said, and return it; raises as ``correct``."""
    row = await _changeable(session, subject, record_id, if_match)
    answering_for(subject, row.source, row.organization_id)
    await add_error(session, row, subject.actor, reason)
    return row


async def add_version(
    session: AsyncSession, row: HealthRecord, content: AnyContent, by: Actor, reason: str | None = None
) -> None:
    """Add a version to a record that is new or locked, with all that follows from it."""
    is_new = row.number == 0
    row.number += 1
    row.status, row.categories, effective = content.stated_status(), content.stated_categories(), content.effective()
    row.effective_at = rules.begin(effective) if effective is not None else None
    session.add(row)
    await session.flush()
    await repository.set_codes(session, row, {code.key() for code in content.stated_codes()})
    media_id = content.file_id()
    sha256 = await _attached(session, row, media_id, by) if media_id is not None else None
    sealed = seal(content.model_dump_json(exclude_none=True), CONTENT)
    await _version(session, row, sealed, by, reason, sha256)
    await _tell(session, row, by, "enter" if is_new else "correct")


async def add_error(session: AsyncSession, row: HealthRecord, by: Actor, reason: str | None) -> None:
    """Add a version to a locked record that says what the last one said, and that it was entered in error."""
    last: Any = await repository.last_version(session, row)
    row.number += 1
    row.status = rules.ENTERED_IN_ERROR
    await session.flush()
    await _version(session, row, last.content, by, reason, last.file_sha256)
    await _tell(session, row, by, "mark_wrong")


async def _attached(session: AsyncSession, row: HealthRecord, media_id: uuid.UUID, by: Actor) -> bytes | None:
    """Make a file the record's and return its checksum; one that is the record's already may be another person's."""
    known = (await attached(await session.connection(), FILES, [row.id]))[row.id]
    file = next((file for file in known if file.id == media_id), None) or await attach(
        session, by, media_id, purpose=Purpose.DOCUMENT, kind=FILES, object_id=row.id, resident_id=row.resident_id
    )
    return bytes.fromhex(file.sha256) if file.sha256 else None


async def _changeable(
    session: AsyncSession, subject: RecordSubject, record_id: uuid.UUID, if_match: int | None
) -> HealthRecord:
    row = await repository.lock(session, subject.resident.resident_id, record_id)
    if if_match is not None and if_match != row.number:
        raise StaleVersion
    if row.status == rules.ENTERED_IN_ERROR:
        raise EnteredInError
    if row.number >= rules.MOST_VERSIONS:
        raise TooManyVersions(limit=rules.MOST_VERSIONS)
    return row


def _source(subject: RecordSubject, content: AnyContent) -> rules.Source:
    if not subject.clinics:
        return "resident"
    if subject.actor.kind == "client":
        return "device" if getattr(content, "device", None) else "import"
    return "clinic"


async def _require_possible(
    session: AsyncSession, subject: RecordSubject, content: AnyContent, source: rules.Source
) -> None:
    """Raise ``ForClinicians`` or ``ContentRefused`` unless it can be so, and be said by who says it."""
    if source == "resident" and content.kind in rules.CLINICAL_ONLY:
        raise ForClinicians
    person = await profile(await session.connection(), subject.resident.resident_id)
    zone, now = subject.resident.time_zone, clock.now()
    errors = [
        FieldError(f"/body/content/{name}", found[1], found[0])
        for name, when in content.happened()
        if (found := rules.fault(when, born=person.birth_date, now=now, time_zone=zone))
    ]
    errors += [
        FieldError(f"/body/content/{name}", "lies before its begin", "order")
        for name, earlier, later in content.in_order()
        if not rules.precedes(earlier, later, zone)
    ]
    if source == "resident" and getattr(content, "verification_status", rules.UNPROVEN) != rules.UNPROVEN:
        detail = f"residents say what is {rules.UNPROVEN}; a clinician judges it"
        errors.append(FieldError("/body/content/verification_status", detail, "for_the_clinic"))
    if errors:
        raise ContentRefused(errors=errors)


async def _version(
    session: AsyncSession, row: HealthRecord, sealed: str, by: Actor, reason: str | None, sha256: bytes | None
) -> None:
    session.add(
        HealthRecordVersion(
            record_id=row.id,
            resident_id=row.resident_id,
            number=row.number,
            status=row.status,
            content=sealed,
            reason=seal(reason, REASON) if reason else None,
            source=row.source,
            organization_id=row.organization_id,
            author_id=None if by.kind == "system" else by.id,
            recorded_at=clock.now(),
            file_sha256=sha256,
        )
    )
    await session.flush()


async def _tell(session: AsyncSession, row: HealthRecord, by: Actor, verb: str) -> None:
    event = HealthRecordMarkedWrong if row.status == rules.ENTERED_IN_ERROR else HealthRecordWritten
    await emit(
        session,
        event(
            aggregate_id=row.id,
            community_id=row.community_id,
            resident_id=row.resident_id,
            kind=row.kind,
            source=row.source,
            version=row.number,
        ),
    )
    await audit.record(
        session,
        by,
        f"health_record:{verb}",
        resident_id=row.resident_id,
        object_id=row.id,
        community_id=row.community_id,
    )

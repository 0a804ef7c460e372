"""Notes of visits in person: drafted, thrown away, or signed, by which they become a document of the health record."""

import uuid
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.problems import StaleVersion
from app.core.sealing import seal
from telemedicine.records.access import RecordSubject, acting_for
from telemedicine.records.models import HealthRecord
from telemedicine.records.problems import ForClinicians
from telemedicine.records.schemas.administrative import DocumentContent, EncounterContent
from telemedicine.records.schemas.parts import CodeableConcept, Coding
from telemedicine.records.service import records
from telemedicine.visit_notes import repository, rules, views
from telemedicine.visit_notes.models import CONTENT, VisitNote
from telemedicine.visit_notes.problems import NothingWritten
from telemedicine.visit_notes.schemas import VisitNotePublic, VisitNoteSign, VisitNoteWrite

_A_DAY: Final = timedelta(days=1)
# LOINC 11506-3, as C-CDA names a note of the day.
TYPE: Final = CodeableConcept(coding=Coding(system="http://loinc.org", code="11506-3", display="Progress note"))


def clinic_of(subject: RecordSubject, wanted: uuid.UUID | None) -> uuid.UUID:
    """Return for which clinic somebody writes; raises ``ForClinicians``, ``Malformed``."""
    clinic = acting_for(subject, wanted)
    if clinic is None or subject.actor.kind != "account":
        raise ForClinicians
    return clinic


async def write(
    session: AsyncSession, subject: RecordSubject, data: VisitNoteWrite, if_match: int | None
) -> VisitNotePublic:
    """Write the actor's draft anew, whole; raises ``StaleVersion``, ``ForClinicians``."""
    clinic = clinic_of(subject, data.organization_id)
    row = await _draft(session, subject, clinic)
    if if_match is not None and if_match != (row.version if row else 0):
        raise StaleVersion
    content = seal(data.content.model_dump_json(), CONTENT)
    if row is None:
        row = VisitNote(
            community_id=subject.resident.community_id,
            organization_id=clinic,
            resident_id=subject.resident.resident_id,
            author_id=subject.actor.id,
            content=content,
        )
        session.add(row)
    else:
        row.content = content
    await session.flush()
    await _record(session, subject, "visit_note:write", row.id)
    return views.shown(clinic, row)


async def throw_away(session: AsyncSession, subject: RecordSubject, wanted: uuid.UUID | None) -> None:
    """Throw the actor's draft away; where there is none, nothing happens."""
    row = await _draft(session, subject, clinic_of(subject, wanted))
    if row is not None:
        await session.delete(row)
        await session.flush()
        await _record(session, subject, "visit_note:discard", row.id)


async def sign(
    session: AsyncSession, subject: RecordSubject, data: VisitNoteSign, if_match: int | None
) -> HealthRecord:
    """Make the actor's draft a document of the resident's health record, and return it; the draft is gone with it.

    Raises ``NothingWritten``, ``StaleVersion``, ``ResidenceEnded``, ``ForClinicians``.
    """
    clinic = clinic_of(subject, data.organization_id)
    row = await _draft(session, subject, clinic)
    if if_match is not None and if_match != (row.version if row else 0):
        raise StaleVersion
    words = rules.text((data.content or views.shown(clinic, row).content).model_dump())
    if not words:
        raise NothingWritten
    document = DocumentContent(
        kind="document", doc_status="final", type=TYPE, title=data.title, written_at=clock.now(), note=words
    )
    record = await records.enter(session, subject, document, clinic)
    await _encounter(session, subject, clinic)
    if row is not None:
        await session.delete(row)
        await session.flush()
    await _record(session, subject, "visit_note:sign", record.id)
    return record


async def _encounter(session: AsyncSession, subject: RecordSubject, clinic: uuid.UUID) -> None:
    """Write down that somebody who walked in was seen, as an appointment that is kept says by itself."""
    now = clock.now()
    began = await repository.called_at(session, subject.resident.resident_id, clinic, (now - _A_DAY).date())
    if began is not None:
        content = EncounterContent(
            kind="encounter", status="finished", encounter_class="AMB", starts_at=min(began, now), ends_at=now
        )
        await records.enter(session, subject, content, clinic)


async def _draft(session: AsyncSession, subject: RecordSubject, clinic: uuid.UUID) -> VisitNote | None:
    return await repository.draft(session, subject.resident.resident_id, clinic, subject.actor.id)


async def _record(session: AsyncSession, subject: RecordSubject, action: str, thing_id: uuid.UUID) -> None:
    await audit.record(
        session,
        subject.actor,
        action,
        resident_id=subject.resident.resident_id,
        object_id=thing_id,
        community_id=subject.resident.community_id,
    )

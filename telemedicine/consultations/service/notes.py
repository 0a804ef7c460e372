"""Notes: drafted by the clinician, signed, from then on only added to; instructions go to the resident when signed."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.events import emit
from app.core.problems import StaleVersion
from app.core.sealing import seal, unseal
from notifications.api import send
from telemedicine.consultations.access import ConsultationSubject
from telemedicine.consultations.models import NOTE_CONTENT, Consultation, Note
from telemedicine.consultations.notices import INSTRUCTIONS
from telemedicine.consultations.problems import NoteMissing, NoteSigned
from telemedicine.consultations.repository import lock
from telemedicine.consultations.schemas.notes import AddendumWrite, ConsultationNoteContent, ConsultationNoteWrite
from telemedicine.events import ConsultationNoteSigned


async def write_note(
    session: AsyncSession, subject: ConsultationSubject, data: ConsultationNoteWrite, if_match: int | None
) -> Note:
    """Write the visit's note anew and return it; raises ``NoteSigned``, ``StaleVersion``."""
    consultation = await lock(session, subject.id)
    note = await _note(session, consultation)
    if note is None:
        if if_match is not None:
            raise StaleVersion
        note = _blank(subject, consultation, "soap")
        session.add(note)
    elif note.signed_at is not None:
        raise NoteSigned
    elif if_match is not None and note.version != if_match:
        raise StaleVersion
    content = ConsultationNoteContent.model_validate(data.model_dump(exclude={"follow_up_days"}))
    note.content = seal(content.model_dump_json(), NOTE_CONTENT)
    note.follow_up_days = data.follow_up_days
    await session.flush()
    await _record(session, subject, "consultation_note:write", note)
    return note


async def sign_note(session: AsyncSession, subject: ConsultationSubject) -> Note:
    """Sign the visit's note and return it; the resident is sent the instructions in it.

    Raises ``NoteMissing``, ``NoteSigned``.
    """
    consultation = await lock(session, subject.id)
    note = await _note(session, consultation)
    if note is None or note.content is None:
        raise NoteMissing
    if note.signed_at is not None:
        raise NoteSigned
    note.signed_at = clock.now()
    await session.flush()
    await emit(
        session,
        ConsultationNoteSigned(
            aggregate_id=consultation.id,
            community_id=consultation.community_id,
            resident_id=consultation.resident_id,
            organization_id=consultation.organization_id,
            appointment_id=consultation.appointment_id,
            note_id=note.id,
            follow_up_days=note.follow_up_days,
        ),
    )
    content = ConsultationNoteContent.model_validate_json(unseal(note.content, NOTE_CONTENT))
    if content.instructions:
        await send(
            session,
            INSTRUCTIONS,
            [subject.resident.account_id],
            community_id=consultation.community_id,
            dedupe_key=f"{INSTRUCTIONS.key}:{note.id}",
            variables={"clinician": note.author_id, "instructions": content.instructions},
            about=consultation.resident_id,
            data={"consultation_id": str(consultation.id)},
        )
    await _record(session, subject, "consultation_note:sign", note)
    return note


async def add_addendum(session: AsyncSession, subject: ConsultationSubject, data: AddendumWrite) -> Note:
    """Add to the visit's signed note and return what was added; raises ``NoteMissing`` before it is signed."""
    consultation = await lock(session, subject.id)
    note = await _note(session, consultation)
    if note is None or note.signed_at is None:
        raise NoteMissing
    addendum = _blank(subject, consultation, "addendum")
    addendum.content, addendum.signed_at = seal(data.text, NOTE_CONTENT), clock.now()
    session.add(addendum)
    await session.flush()
    await _record(session, subject, "consultation_note:add", addendum)
    return addendum


def _blank(subject: ConsultationSubject, consultation: Consultation, kind: str) -> Note:
    return Note(
        community_id=consultation.community_id,
        consultation_id=consultation.id,
        resident_id=consultation.resident_id,
        author_id=subject.actor.id,
        kind=kind,
    )


async def _note(session: AsyncSession, consultation: Consultation) -> Note | None:
    statement = sa.select(Note).where(col(Note.consultation_id) == consultation.id, col(Note.kind) == "soap")
    found: Note | None = await session.scalar(statement)
    return found


async def _record(session: AsyncSession, subject: ConsultationSubject, action: str, note: Note) -> None:
    await audit.record(
        session,
        subject.actor,
        action,
        resident_id=note.resident_id,
        object_id=note.consultation_id,
        community_id=note.community_id,
    )

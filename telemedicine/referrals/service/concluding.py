"""How a referral ends: the resident was seen and a letter goes back, somebody gives it up, or nobody ever acted."""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.sealing import seal
from telemedicine.appointments import repository as appointments
from telemedicine.appointments.access import Subject as AppointmentSubject
from telemedicine.appointments.rules import AHEAD, HELD, By, has_begun
from telemedicine.appointments.schemas import AppointmentCancel
from telemedicine.appointments.service import changing
from telemedicine.records.access import RecordSubject
from telemedicine.records.schemas.administrative import DocumentContent
from telemedicine.records.schemas.parts import CodeableConcept, Coding
from telemedicine.records.service import records
from telemedicine.referrals import repository
from telemedicine.referrals.access import Subject
from telemedicine.referrals.models import LETTER, Referral
from telemedicine.referrals.problems import ReferralStands
from telemedicine.referrals.rules.states import may_become
from telemedicine.referrals.schemas.referrals import LetterKept, ReferralLetter
from telemedicine.referrals.service import keeping
from telemedicine.referrals.service.residents import resident_of

_LOINC: Final = "http://loinc.org"
_TYPES: Final = {
    "discharge_summary": Coding(system=_LOINC, code="18842-5", display="Discharge summary"),
    "consult_note": Coding(system=_LOINC, code="11488-4", display="Consult note"),
}


async def mark_seen(session: AsyncSession, subject: Subject, if_match: int | None) -> Referral:
    """Write down, as the clinic, that the resident was seen; raises ``StaleVersion``, ``ReferralStands``."""
    row = await repository.lock(session, subject.id)
    keeping.check_version(row, if_match)
    await keeping.become(session, row, "seen", subject.side, subject.actor, appointment_id=row.appointment_id)
    return row


async def conclude(session: AsyncSession, subject: Subject, data: ReferralLetter, if_match: int | None) -> Referral:
    """Send the letter back: it becomes a health record of the resident's, and the referral is completed. Return it.

    Raises ``StaleVersion``, ``ReferralStands`` before the resident was seen, ``ResidenceEnded``, and what attaching a
    file raises.
    """
    resident = await resident_of(session, subject)
    row = await repository.lock(session, subject.id)
    keeping.check_version(row, if_match)
    if not may_become(row.state, "completed"):  # type: ignore[arg-type]  # the table's check allows no other
        raise ReferralStands(referral_state=row.state, changed_at=row.changed_at.isoformat())
    content = DocumentContent(
        kind="document",
        doc_status="final",
        type=CodeableConcept(coding=_TYPES[data.type]),
        title=data.title,
        written_at=clock.now(),
        media_id=data.media_id,
        note=data.text,
    )
    author = RecordSubject(resident, subject.actor, (row.to_organization_id,))
    row.letter_record_id = (await records.enter(session, author, content)).id
    kept = LetterKept(medications=data.medications, next_steps=data.next_steps)
    row.letter = seal(kept.model_dump_json(exclude_none=True), LETTER)
    await keeping.become(session, row, "completed", subject.side, subject.actor)
    return row


async def withdraw(session: AsyncSession, subject: Subject, reason: str | None, if_match: int | None) -> Referral:
    """Give a referral up, or object to it as the resident; its appointment is called off with it. Return it.

    What was withdrawn already stays so. Raises ``StaleVersion``, ``ReferralStands``.
    """
    row = await repository.lock(session, subject.id)
    keeping.check_version(row, if_match)
    if row.state == "withdrawn":
        return row
    appointment_id = row.appointment_id
    await keeping.become(session, row, "withdrawn", subject.side, subject.actor, reason=reason)
    if appointment_id is not None:
        await _call_off(session, row, subject, appointment_id)
    return row


async def _call_off(session: AsyncSession, row: Referral, subject: Subject, appointment_id: uuid.UUID) -> None:
    appointment = await appointments.locked(session, appointment_id)
    # Who is there already is seen; an objection ends what the clinic sees of the record all the same.
    if appointment.status in AHEAD and not has_begun(appointment.starts_at, clock.now()):
        by: By = "patient" if subject.side == "patient" else "clinic"
        if by == "clinic" and appointment.status in HELD:
            by = "nobody"  # who refers gives it up: the clinic that was asked for the time has refused nothing
        of = AppointmentSubject(appointment.id, row.resident_id, row.community_id, appointment.organization_id, by)
        await changing.cancel(session, subject.actor, of, AppointmentCancel())


async def expire(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Let referrals expire that nobody acted on for so long; everybody concerned is told."""
    for row in await repository.locked(session, ids):
        await keeping.become(session, row, "expired", "nobody", None)


async def close_of_resident(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Give up what is open of a resident's referrals as their residence ends."""
    for row in await repository.open_of_resident(session, resident_id):
        await keeping.become(session, row, "withdrawn", "nobody", None)

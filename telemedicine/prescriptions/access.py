"""Who sees prescriptions (whoever sees the health record), who prescribes, and who asks for one again."""

import uuid
from typing import Final

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from telemedicine.prescriptions.models import Prescription
from telemedicine.prescriptions.problems import ForPatients, ForPrescribers
from telemedicine.records.access import READ, WRITE, RecordSubject, records_guard, require_records

reader_guard: Final = records_guard(READ)
_writer_guard: Final = records_guard(WRITE)


async def prescriber_guard(request: Request) -> RecordSubject:
    """Return whose prescriptions they are to a clinician who treats them; 403 for everybody else, machines too."""
    return _prescribing(await _writer_guard(request))


async def require_prescriber(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> RecordSubject:
    """Return whose prescriptions they are to a clinician who treats them.

    Raises ``NotFound``, ``Forbidden``, ``NoTreatment``, ``ForPrescribers`` for everybody else, machines too.
    """
    return _prescribing(await require_records(connection, actor, resident_id, WRITE))


def _prescribing(subject: RecordSubject) -> RecordSubject:
    if not subject.clinics or subject.actor.kind != "account":
        raise ForPrescribers
    return subject


async def patient_guard(request: Request) -> RecordSubject:
    """Return whose prescriptions they are to themselves and who speaks for them; 403 for the clinic."""
    subject = await _writer_guard(request)
    if subject.clinics:
        raise ForPatients
    return subject


prescriber_guard.scope = WRITE  # type: ignore[attr-defined]  # read by the access matrix test
patient_guard.scope = WRITE  # type: ignore[attr-defined]  # read by the access matrix test


def require_clinics_own(subject: RecordSubject, row: Prescription) -> None:
    """Raise ``ForPrescribers`` unless the actor treats the resident for the clinic that prescribes."""
    if row.organization_id not in subject.clinics:
        raise ForPrescribers

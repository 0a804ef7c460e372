"""Asking for a prescription again, and the clinic's answer."""

import uuid

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.sealing import seal, unseal
from app.identity.api import ResidenceEnded, grantees, organization_members, organizations_serving
from notifications.api import send
from telemedicine.prescriptions import repository, rules
from telemedicine.prescriptions.access import require_clinics_own
from telemedicine.prescriptions.models import ANSWER, CONTENT, NOTE, Renewal
from telemedicine.prescriptions.notices import RENEWAL_ANSWERED, RENEWAL_REQUESTED
from telemedicine.prescriptions.problems import NotNow, NotSeenLately, RenewalAnswered, RenewalOpen
from telemedicine.prescriptions.schemas import PrescriptionContent, PrescriptionDraft, RenewalAnswer, RenewalRequest
from telemedicine.prescriptions.service.writing import draft, record
from telemedicine.records.access import READ, WRITE, RecordSubject, treating


async def request(
    session: AsyncSession, subject: RecordSubject, prescription_id: uuid.UUID, data: RenewalRequest
) -> Renewal:
    """Ask for a prescription again and return the request; who signed it is told, or all who could if they left.

    What follows where nobody answers is in ``waiting``. Raises ``NotFound``, ``ResidenceEnded``, ``NotNow`` for what is
    not in force, ``NotSeenLately``, ``RenewalOpen``.
    """
    if subject.resident.state != "active":
        raise ResidenceEnded
    row = await repository.lock(session, subject.resident.resident_id, prescription_id)
    if row.status not in rules.RENEWABLE or row.signed_by is None:
        raise NotNow(prescription_status=row.status)
    connection = await session.connection()
    # Nobody there could answer it.
    serving = await organizations_serving(connection, [row.resident_id], WRITE)
    if not await treating(connection, row.resident_id, {row.organization_id} & serving[row.resident_id]):
        raise NotSeenLately
    waiting = sa.select(col(Renewal.id)).where(
        col(Renewal.prescription_id) == row.id, col(Renewal.state) == "requested"
    )
    if (known := await session.scalar(waiting)) is not None:
        raise RenewalOpen(renewal_request_id=str(known))
    renewal = Renewal(
        community_id=row.community_id,
        resident_id=row.resident_id,
        organization_id=row.organization_id,
        prescription_id=row.id,
        requested_by=subject.actor.id,
        note=seal(data.note, NOTE) if data.note else None,
        next_step_at=clock.now() + rules.ANSWERED_WITHIN,
    )
    session.add(renewal)
    await session.flush()
    clinicians = await organization_members(connection, row.organization_id, "clinician")
    await send(
        session,
        RENEWAL_REQUESTED,
        [row.signed_by] if row.signed_by in clinicians else clinicians,
        community_id=row.community_id,
        dedupe_key=f"{RENEWAL_REQUESTED.key}:{renewal.id}",
        variables={"resident": row.resident_id},
        about=row.resident_id,
        data={"renewal_request_id": str(renewal.id)},
    )
    await record(session, subject, "prescription:request_renewal", row)
    return renewal


async def answer(session: AsyncSession, subject: RecordSubject, renewal_id: uuid.UUID, data: RenewalAnswer) -> Renewal:
    """Answer a request and return it: granted, there is a draft of the same, which replaces it once it is signed.

    Raises ``NotFound``, ``ForPrescribers``, ``RenewalAnswered``, ``CannotReplace`` for what was stopped meanwhile.
    """
    renewal = await repository.lock_renewal(session, subject.resident.resident_id, renewal_id)
    row = await repository.lock(session, subject.resident.resident_id, renewal.prescription_id)
    require_clinics_own(subject, row)
    if renewal.state != "requested":
        raise RenewalAnswered(state=renewal.state)
    if data.granted:
        content = PrescriptionContent.model_validate_json(unseal(row.content, CONTENT))
        # Its days are over or nearly so; the clinician sets new ones before signing.
        again = content.model_copy(update={"starts_on": None, "valid_until": None})
        renewal.draft_id = (await draft(session, subject, PrescriptionDraft(content=again, replaces_id=row.id))).id
    renewal.state = "granted" if data.granted else "declined"
    renewal.answered_at, renewal.answered_by, renewal.next_step_at = clock.now(), subject.actor.id, None
    renewal.answer = seal(data.reason, ANSWER) if data.reason else None
    await session.flush()
    # Whoever asked hears of it as long as they may see it.
    allowed = {subject.resident.account_id} | await grantees(await session.connection(), row.resident_id, READ)
    await send(
        session,
        RENEWAL_ANSWERED,
        sorted({subject.resident.account_id, renewal.requested_by} & allowed),
        community_id=row.community_id,
        dedupe_key=f"{RENEWAL_ANSWERED.key}:{renewal.id}",
        variables={"resident": row.resident_id},
        about=row.resident_id,
        data={"renewal_request_id": str(renewal.id)},
    )
    await record(session, subject, "prescription:answer_renewal", row)
    return renewal

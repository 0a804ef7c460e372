"""Joint visits: a clinician of another clinic is asked to a visit, with the resident's knowledge, who can refuse."""

import uuid
from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.problems import FieldError, Malformed, NotFound
from app.identity.api import organization_members, organizations_named
from notifications.api import Notice, Value, send
from telemedicine.consultations.access import ConsultationSubject, require_host
from telemedicine.consultations.models import Consultation, Participant
from telemedicine.consultations.notices import INVITED, JOINT, JOINT_OFF
from telemedicine.consultations.problems import ConsultationOver, NotAClinician, TakesPartAlready
from telemedicine.consultations.repository import lock, participant_of, participant_with
from telemedicine.consultations.rules import OPEN
from telemedicine.consultations.schemas.consultations import ClinicianInvite
from telemedicine.consultations.service.planning import participant, put_out, record, require_place


async def invite_clinician(session: AsyncSession, subject: ConsultationSubject, data: ClinicianInvite) -> Participant:
    """Ask another clinic's clinician to the visit and return them; they and the resident are told.

    The invitation opens the room alone, until the visit is over. Whom the resident refused is not asked again.
    Raises ``Malformed`` for what is no other clinic, ``NotAClinician``, ``ConsultationOver``, ``TakesPartAlready``,
    ``TooManyGuests``.
    """
    connection = await session.connection()
    clinics = await organizations_named(connection, subject.resident.community_id, [data.organization_id])
    clinic = clinics.get(data.organization_id)
    if clinic is None or clinic.kind != "clinic" or clinic.id == subject.organization_id:
        raise Malformed(errors=[FieldError("/body/organization_id", "no other clinic here", "no_other_clinic")])
    if data.clinician_id not in await organization_members(connection, clinic.id, "clinician"):
        raise NotAClinician
    consultation = await _open(session, subject.id)
    known = await participant_with(session, consultation.id, data.clinician_id)
    if known is not None:
        raise TakesPartAlready(state=known.state)
    await require_place(session, consultation.id)
    invited = participant(
        consultation,
        "consultant",
        account_id=data.clinician_id,
        invited_by=subject.actor.id,
        organization_id=clinic.id,
    )
    session.add(invited)
    await session.flush()
    by: Mapping[str, Value] = {"clinician": consultation.clinician_id, "starts_at": consultation.starts_at}
    await _tell(session, INVITED, consultation, invited, data.clinician_id, by)
    whom: Mapping[str, Value] = {**by, "invited": data.clinician_id, "clinic": clinic.name}
    await _tell(session, JOINT, consultation, invited, subject.resident.account_id, whom)
    await record(session, subject.actor, "consultation:invite_clinician", consultation)
    return invited


async def remove_clinician(session: AsyncSession, subject: ConsultationSubject, participant_id: uuid.UUID) -> None:
    """Put out for good a clinician who was invited: at the word of the resident's side, the holder's, or their own.

    They and who holds the visit are told, but for who did it. Raises ``NotTakingPart``, ``NotFound``,
    ``ConsultationOver``.
    """
    if subject.as_what != "consultant":
        require_host(subject)
    consultation = await _open(session, subject.id)
    invited = await participant_of(session, consultation.id, participant_id)
    is_anothers = subject.as_what == "consultant" and invited.account_id != subject.actor.id
    if invited.role != "consultant" or invited.account_id is None or is_anothers:
        raise NotFound
    if invited.state == "removed":
        return
    await put_out(session, invited, for_good=True)
    off: Mapping[str, Value] = {"invited": invited.account_id, "starts_at": consultation.starts_at}
    for account_id in {invited.account_id, consultation.clinician_id} - {subject.actor.id}:
        await _tell(session, JOINT_OFF, consultation, invited, account_id, off)
    await record(session, subject.actor, "consultation:uninvite_clinician", consultation)


async def _open(session: AsyncSession, consultation_id: uuid.UUID) -> Consultation:
    consultation = await lock(session, consultation_id)
    if consultation.state not in OPEN:
        raise ConsultationOver
    return consultation


async def _tell(
    session: AsyncSession,
    notice: Notice,
    consultation: Consultation,
    invited: Participant,
    account_id: uuid.UUID,
    variables: Mapping[str, Value],
) -> None:
    await send(
        session,
        notice,
        [account_id],
        community_id=consultation.community_id,
        dedupe_key=f"{notice.key}:{invited.id}:{account_id}",
        variables=variables,
        about=consultation.resident_id,
        data={"consultation_id": str(consultation.id)},
    )

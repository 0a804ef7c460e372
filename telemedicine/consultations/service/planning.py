"""Planning a video visit, letting people take part, and closing it."""

import uuid
from collections.abc import Sequence
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock, wakeups
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import NotFound
from app.core.sealing import seal
from app.identity.api import ResidentSubject, organization_members, organizations_serving, require_member
from telemedicine.consultations.access import JOIN, ConsultationSubject, require_host, require_taking_part
from telemedicine.consultations.models import GUEST_NAME, Consultation, Participant
from telemedicine.consultations.problems import (
    ClinicDoesNotServe,
    ConsultationOver,
    NotAClinician,
    TooManyGuests,
)
from telemedicine.consultations.repository import clear, lock, participant_of, participant_with, revoke_links
from telemedicine.consultations.rules import MOST_GUESTS, OPEN, closes_at, ended_at
from telemedicine.consultations.schemas.consultations import ConsultationOpen, GuestInvite
from telemedicine.events import ConsultationClosed

Closed = Literal["ended", "expired", "cancelled"]


def channel(consultation_id: uuid.UUID) -> str:
    """Return the wake-up channel on which a visit's lines hear that something changed."""
    return f"telemedicine.visit.{consultation_id.hex}"


async def open_consultation(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    organization_id: uuid.UUID,
    data: ConsultationOpen,
) -> Consultation:
    """Plan a video visit of a clinic with a resident and return it; both take part from the beginning.

    Raises ``ClinicDoesNotServe``, ``NotAClinician`` for a clinician of another clinic.
    """
    connection = await session.connection()
    serving = await organizations_serving(connection, [subject.resident_id], JOIN)
    if organization_id not in serving[subject.resident_id]:
        raise ClinicDoesNotServe
    clinician_id = data.clinician_id or actor.id
    if clinician_id not in await organization_members(connection, organization_id, "clinician"):
        raise NotAClinician
    consultation = Consultation(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        organization_id=organization_id,
        clinician_id=clinician_id,
        opened_by=actor.id,
        starts_at=data.starts_at,
        ends_at=data.ends_at,
        close_at=max(closes_at(data.ends_at), clock.now()),
        phone=data.phone,
    )
    await begin(session, consultation, subject.account_id)
    await record(session, actor, "consultation:open", consultation)
    return consultation


async def begin(session: AsyncSession, consultation: Consultation, resident_account: uuid.UUID) -> None:
    """Store a visit that is planned: clinician, resident and who interprets take part from the beginning."""
    session.add(consultation)
    await session.flush()
    roles = {"clinician": consultation.clinician_id, "resident": resident_account}
    if consultation.interpreter_id is not None:
        roles["interpreter"] = consultation.interpreter_id
    session.add_all(participant(consultation, role, account_id=account_id) for role, account_id in roles.items())
    await session.flush()


async def own_participant(session: AsyncSession, subject: ConsultationSubject) -> Participant:
    """Return as whom the actor takes part, making it so for a relative who comes for the first time.

    Raises ``NotTakingPart`` for the clinic's other clinicians, ``ConsultationOver``.
    """
    require_taking_part(subject)
    consultation = await lock(session, subject.id)
    if consultation.state not in OPEN:
        raise ConsultationOver
    known = await participant_with(session, subject.id, subject.actor.id)
    if known is None:
        known = participant(consultation, subject.as_what, account_id=subject.actor.id, invited_by=subject.actor.id)
        session.add(known)
        await session.flush()
    return known


async def invite_guest(session: AsyncSession, subject: ConsultationSubject, data: GuestInvite) -> Participant:
    """Add a guest, who has nothing but the link they are sent, and return them.

    Raises ``NotTakingPart``, ``ConsultationOver``, ``TooManyGuests``.
    """
    require_host(subject)
    consultation = await lock(session, subject.id)
    if consultation.state not in OPEN:
        raise ConsultationOver
    await require_place(session, subject.id)
    guest = participant(consultation, data.role, invited_by=subject.actor.id, name=data.name)
    session.add(guest)
    await session.flush()
    await record(session, subject.actor, "consultation:invite", consultation)
    return guest


async def require_place(session: AsyncSession, consultation_id: uuid.UUID) -> None:
    """Raise ``TooManyGuests`` if a locked visit has all the guests and invited clinicians it can have."""
    invited = sa.select(sa.func.count()).where(
        col(Participant.consultation_id) == consultation_id,
        sa.or_(col(Participant.account_id).is_(None), col(Participant.organization_id).is_not(None)),
        col(Participant.state) != "removed",
    )
    if (await session.scalar(invited) or 0) >= MOST_GUESTS:
        raise TooManyGuests


async def remove_guest(session: AsyncSession, subject: ConsultationSubject, guest_id: uuid.UUID) -> None:
    """Take back a guest's invitation, and put them out if they are there. Raises ``NotTakingPart``, ``NotFound``."""
    require_host(subject)
    consultation = await lock(session, subject.id)
    guest = await participant_of(session, subject.id, guest_id)
    if guest.account_id is not None:
        raise NotFound
    await put_out(session, guest)
    await record(session, subject.actor, "consultation:uninvite", consultation)


async def put_out(session: AsyncSession, participant: Participant, *, for_good: bool = False) -> None:
    """Put a participant out: their links and their pass are worth nothing, their line ends at once.

    A guest stays out, and who is put out ``for_good``. Whoever else has an account can ask for a new link, and waits
    again: a slip of the clinician's hand shuts nobody out of their own visit.
    """
    participant.state = "removed" if for_good or participant.account_id is None else "left"
    participant.seat, participant.pass_digest = None, None
    await session.flush()
    await revoke_links(session, participant.id)
    wakeups.request(session, channel(participant.consultation_id))


async def end_consultation(session: AsyncSession, actor: Actor, consultation_id: uuid.UUID) -> None:
    """End a visit at the clinician's word; raises ``ConsultationOver`` if it is over."""
    consultation = await lock(session, consultation_id)
    if consultation.state not in OPEN:
        raise ConsultationOver
    last = await clear(session, [consultation_id])
    consultation.end_reason = "clinician"
    consultation.ended_at = ended_at(last.get(consultation_id), clock.now())
    await close(session, consultation, "ended")
    await record(session, actor, "consultation:end", consultation)


async def close_due(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Close the visits whose time is over: one that was under way ended when it was last attended."""
    last = await clear(session, ids)
    rows = await session.scalars(sa.select(Consultation).where(col(Consultation.id).in_(ids)))
    for consultation in rows.all():
        if consultation.state == "in_progress":
            consultation.end_reason = "left"
            consultation.ended_at = last.get(consultation.id)
            await close(session, consultation, "ended")
        else:
            consultation.end_reason = "nobody_met"
            await close(session, consultation, "expired")


async def close_of_resident(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Close what visits of a resident are open, as their residence ends."""
    statement = (
        sa.select(col(Consultation.id))
        .where(col(Consultation.resident_id) == resident_id, col(Consultation.close_at).is_not(None))
        .order_by(col(Consultation.id))
        .with_for_update(key_share=True)
    )
    if ids := list(await session.scalars(statement)):
        await close_due(session, ids)


async def close(session: AsyncSession, consultation: Consultation, state: Closed) -> None:
    """Write down that a locked visit, which everybody was taken out of, is over, and tell of it."""
    consultation.state, consultation.close_at = state, None
    consultation.ended_at = consultation.ended_at or clock.now()
    await session.flush()
    await emit(
        session,
        ConsultationClosed(
            aggregate_id=consultation.id,
            community_id=consultation.community_id,
            resident_id=consultation.resident_id,
            organization_id=consultation.organization_id,
            appointment_id=consultation.appointment_id,
            state=state,
            met=consultation.started_at is not None,
        ),
    )
    wakeups.request(session, channel(consultation.id))


async def record(session: AsyncSession, actor: Actor, action: str, consultation: Consultation) -> None:
    """Put on record what the actor did with the visit."""
    await audit.record(
        session,
        actor,
        action,
        resident_id=consultation.resident_id,
        object_id=consultation.id,
        community_id=consultation.community_id,
    )


def participant(
    consultation: Consultation,
    role: str,
    *,
    account_id: uuid.UUID | None = None,
    invited_by: uuid.UUID | None = None,
    name: str | None = None,
    organization_id: uuid.UUID | None = None,
) -> Participant:
    """Return somebody who takes part: with an account, or by somebody's invitation."""
    return Participant(
        community_id=consultation.community_id,
        consultation_id=consultation.id,
        resident_id=consultation.resident_id,
        account_id=account_id,
        role=role,
        organization_id=organization_id,
        name=seal(name, GUEST_NAME) if name else None,
        invited_by=invited_by or consultation.opened_by,
    )


def clinic_of(actor: Actor) -> uuid.UUID:
    """Return the clinic the actor is a clinician of; raises ``Forbidden`` if there is none."""
    return require_member(actor, "clinician", organization_kind="clinic").organization_id

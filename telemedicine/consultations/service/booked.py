"""The visit of an appointment: planned, moved and called off in the transaction that does so with the appointment."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, wakeups
from telemedicine.consultations.models import Consultation
from telemedicine.consultations.problems import ConsultationUnderWay
from telemedicine.consultations.repository import (
    clear,
    empty_waiting_room,
    hand_over_guests,
    lock,
    participant_with,
    renew_links,
)
from telemedicine.consultations.rules import OPEN, closes_at, opens_at
from telemedicine.consultations.service.planning import begin, channel, close, participant, put_out

IfUnderWay = Literal["end", "go_on", "refuse"]


@dataclass(frozen=True, slots=True)
class Booked:
    """An appointment by video, as far as its visit is concerned: who it is between, and when."""

    appointment_id: uuid.UUID
    community_id: uuid.UUID
    organization_id: uuid.UUID
    resident_id: uuid.UUID
    resident_account: uuid.UUID
    clinician_id: uuid.UUID
    interpreter_id: uuid.UUID | None
    starts_at: datetime
    ends_at: datetime
    phone: str | None
    booked_by: uuid.UUID


async def plan(session: AsyncSession, booked: Booked) -> uuid.UUID:
    """Plan the visit of an appointment and return it; an appointment has one that is open at most."""
    consultation = Consultation(
        community_id=booked.community_id,
        resident_id=booked.resident_id,
        organization_id=booked.organization_id,
        clinician_id=booked.clinician_id,
        interpreter_id=booked.interpreter_id,
        appointment_id=booked.appointment_id,
        opened_by=booked.booked_by,
        starts_at=booked.starts_at,
        ends_at=booked.ends_at,
        close_at=closes_at(booked.ends_at),
        phone=booked.phone,
    )
    await begin(session, consultation, booked.resident_account)
    return consultation.id


async def move(session: AsyncSession, consultation_id: uuid.UUID, booked: Booked) -> uuid.UUID:
    """Have a visit at another time or with somebody else, and return it; one that is over has a successor.

    Guests stay invited. Whoever is in the waiting room stays if it is still open at the new time, and waits for that
    otherwise. Raises ``ConsultationUnderWay``.
    """
    consultation = await lock(session, consultation_id)
    if consultation.state not in OPEN:
        return await plan(session, booked)
    if consultation.state == "in_progress":
        raise ConsultationUnderWay
    staff = {"clinician": booked.clinician_id, "interpreter": booked.interpreter_id}
    before = {"clinician": consultation.clinician_id, "interpreter": consultation.interpreter_id}
    consultation.clinician_id, consultation.interpreter_id = booked.clinician_id, booked.interpreter_id
    consultation.starts_at, consultation.ends_at = booked.starts_at, booked.ends_at
    consultation.close_at = closes_at(booked.ends_at)
    for role, account_id in staff.items():
        if account_id != before[role]:
            await _replace(session, consultation, role, before[role], account_id)
    if clock.now() < opens_at(booked.starts_at):
        consultation.state = "planned"
        await empty_waiting_room(session, consultation.id)
    await renew_links(session, consultation.id, consultation.close_at)
    await session.flush()
    wakeups.request(session, channel(consultation.id))
    return consultation.id


async def _replace(
    session: AsyncSession, consultation: Consultation, role: str, old: uuid.UUID | None, new: uuid.UUID | None
) -> None:
    gone = await participant_with(session, consultation.id, old) if old else None
    if gone is not None and gone.connection_id is None:
        await session.delete(gone)  # they were never there, and nobody needs to know of them
        await session.flush()
    elif gone is not None:
        await put_out(session, gone)
    if old is not None and new is not None:
        await hand_over_guests(session, consultation.id, old, new)
    known = await participant_with(session, consultation.id, new) if new else None
    if known is not None and known.role != role:
        await put_out(session, known)  # they came as a relative or from another clinic, and come back as this
        known.role, known.organization_id = role, None
    elif new is not None and known is None:
        session.add(participant(consultation, role, account_id=new))


async def call_off(session: AsyncSession, consultation_id: uuid.UUID, if_under_way: IfUnderWay) -> None:
    """Close a visit that does not take place; one that is under way ends, goes on, or is a ``ConsultationUnderWay``."""
    consultation = await lock(session, consultation_id)
    is_under_way = consultation.state == "in_progress"
    if is_under_way and if_under_way == "refuse":
        raise ConsultationUnderWay
    if consultation.state not in OPEN or (is_under_way and if_under_way == "go_on"):
        return
    await clear(session, [consultation.id])
    consultation.end_reason = "called_off"
    await close(session, consultation, "ended" if is_under_way else "cancelled")

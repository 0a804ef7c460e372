"""Encounters that follow from what happens here: a video visit that was held, an appointment that was kept."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.access import system_actor
from telemedicine.appointments.models import Appointment
from telemedicine.consultations.models import Consultation
from telemedicine.records.models import HealthRecord
from telemedicine.records.repository import of_origins
from telemedicine.records.rules import ENTERED_IN_ERROR
from telemedicine.records.schemas.administrative import EncounterContent
from telemedicine.records.service.records import add_error, add_version

# Of a video visit the room itself knows when it was.
_CLASSES: Final[Mapping[str, Literal["AMB", "VR", "HH"]]] = {"in_person": "AMB", "phone": "VR", "home": "HH"}


async def of_consultations(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Write down the video visits that were held."""
    held = await session.scalars(
        sa.select(Consultation).where(col(Consultation.id).in_(ids), col(Consultation.started_at).is_not(None))
    )
    known = {record.origin_id for record in await of_origins(session, ids)}
    for visit in held.all():
        if visit.id not in known and visit.started_at is not None:
            await _write(session, visit, "consultation", "VR", visit.started_at, visit.ended_at)


async def of_appointments(session: AsyncSession, kept: Mapping[uuid.UUID, datetime]) -> None:
    """Write down the appointments that were kept, each at the instant it was said, unless they were by video."""
    rows = await session.scalars(
        sa.select(Appointment).where(
            col(Appointment.id).in_(kept), col(Appointment.mode).in_(_CLASSES), col(Appointment.status) == "fulfilled"
        )
    )
    known = {record.origin_id for record in await of_origins(session, list(kept))}
    for row in rows.all():
        if row.id not in known:
            said_at = kept[row.id]
            # Who comes early is seen early: nothing lies ahead of the moment it is said to be over.
            begin, end = min(row.starts_at, said_at), min(row.ends_at, said_at)
            await _write(session, row, "appointment", _CLASSES[row.mode], begin, end)


async def take_back(session: AsyncSession, appointment_ids: Sequence[uuid.UUID]) -> None:
    """Mark as entered in error what was written of appointments that never should have been."""
    for record in await of_origins(session, appointment_ids):
        if record.status != ENTERED_IN_ERROR:
            await add_error(session, record, system_actor(record.community_id), None)


async def _write(
    session: AsyncSession,
    of: Consultation | Appointment,
    origin: Literal["consultation", "appointment"],
    encounter_class: Literal["AMB", "VR", "HH"],
    starts_at: datetime,
    ends_at: datetime | None,
) -> None:
    content = EncounterContent(
        kind="encounter", status="finished", encounter_class=encounter_class, starts_at=starts_at, ends_at=ends_at
    )
    record = HealthRecord(
        community_id=of.community_id,
        resident_id=of.resident_id,
        kind="encounter",
        number=0,
        status=content.status,
        source="clinic",
        organization_id=of.organization_id,
        origin_kind=origin,
        origin_id=of.id,
    )
    await add_version(session, record, content, system_actor(of.community_id))

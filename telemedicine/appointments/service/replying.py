"""What phones answer to reminders: whoever comes says so, and whoever does not calls it off."""

import uuid
from collections.abc import Sequence
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.access import Actor
from telemedicine.appointments import repository, rules
from telemedicine.appointments.access import Subject
from telemedicine.appointments.models import Appointment
from telemedicine.appointments.problems import NotAllowedNow
from telemedicine.appointments.schemas import AppointmentCancel
from telemedicine.appointments.service import changing, keeping

Answered = Literal["kept", "dropped", "refused", "ambiguous"]


async def answer_reply(session: AsyncSession, account_ids: Sequence[uuid.UUID], text: str) -> Answered | None:
    """Take a text message from a number that serves ``account_ids`` as what one of them says of an appointment.

    ``None`` if it says nothing of one; ``ambiguous``, and nothing changes, unless its code means exactly one.
    """
    reply = rules.read_reply(text)
    if reply is None:
        return None
    statement = sa.select(Appointment).where(
        col(Appointment.account_id).in_(account_ids),
        col(Appointment.status) == "booked",
        col(Appointment.starts_at) > clock.now(),
    )
    meant = [row for row in await session.scalars(statement) if rules.reply_code(row.id) == reply.code]
    if len(meant) != 1:
        return "ambiguous"
    (row,) = meant
    actor = Actor(kind="account", id=row.account_id, community_id=row.community_id, resident_id=row.resident_id)
    subject = Subject(row.id, row.resident_id, row.community_id, row.organization_id, "patient")
    if not reply.comes:
        try:
            await changing.cancel(session, actor, subject, AppointmentCancel())
        except NotAllowedNow:
            return "refused"
        return "dropped"
    row = await repository.locked(session, row.id)
    if row.status != "booked":
        return "refused"
    row.accepted_at = clock.now()
    await keeping.remember(session, row, actor)
    return "kept"

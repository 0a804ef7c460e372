"""Appointments sent to the calendars of those who get mail: when they are booked, moved or do not take place."""

import uuid
from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.identity.api import contact_points
from notifications.api import send
from telemedicine.appointments.rules import GIVES_BACK
from telemedicine.calendars import notices
from telemedicine.calendars.views.invitations import APPOINTMENT, appointments


async def invite(session: AsyncSession, appointment_ids: Collection[uuid.UUID]) -> None:
    """Mail residents how their appointments stand, each standing once; what has begun needs no invitation."""
    connection, now = await session.connection(), clock.now()
    found = await appointments(connection, appointment_ids)
    points = await contact_points(connection, {row.account_id for row in found.values()})
    for row in found.values():
        if row.starts_at <= now or not any("email" in point.capabilities for point in points[row.account_id]):
            continue
        is_off = row.status in GIVES_BACK
        await send(
            session,
            notices.UNINVITED if is_off else notices.INVITED,
            [row.account_id],
            community_id=row.community_id,
            dedupe_key=f"invitation:{row.id}:{row.sequence}:{'off' if is_off else 'on'}",
            variables={"starts_at": row.starts_at},
            about=row.resident_id,
            data={APPOINTMENT: str(row.id)},
            expires_at=None if is_off else row.starts_at,
        )

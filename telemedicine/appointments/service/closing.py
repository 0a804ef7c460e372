"""The end of a residence: what lies ahead of somebody who moved out or died is somebody else's time."""

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.reservations.api import of_origin, resources_of, taken
from telemedicine.appointments import repository
from telemedicine.appointments.models import Appointment, WaitlistEntry
from telemedicine.appointments.rules import AHEAD, HELD
from telemedicine.appointments.service import keeping, visiting
from telemedicine.appointments.service.taking import PATIENT, give_back
from telemedicine.appointments.views.appointments import ORIGIN
from telemedicine.clinics.rules import LONGEST_HORIZON


async def close_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Call off what lies ahead of residents who are here no more, and let nobody wait for them.

    Their own calendars say what was taken for them even if the appointments are erased already.
    """
    connection, now = await session.connection(), clock.now()
    entries = await session.scalars(
        sa.select(WaitlistEntry)
        .where(col(WaitlistEntry.resident_id).in_(resident_ids), col(WaitlistEntry.state) != "closed")
        .order_by(col(WaitlistEntry.id))
        .with_for_update()
    )
    for entry in entries.all():
        entry.state, entry.closed_at = "closed", now
    await session.flush()
    calendars = await resources_of(connection, PATIENT, resident_ids)
    ahead = await taken(connection, calendars.values(), now, now + LONGEST_HORIZON) if calendars else []
    origins = {row.origin_id for row in ahead if row.origin_kind == ORIGIN and row.starts_at > now}
    for row in await repository.all_locked(session, origins):
        if row.status in AHEAD:
            await _call_off(session, row)
    await give_back(session, await of_origin(connection, ORIGIN, origins))


async def _call_off(session: AsyncSession, row: Appointment) -> None:
    was_held = row.status in HELD
    news = keeping.become(row, "cancelled")
    row.cancelled_by = "nobody"
    row.sequence += 1
    await visiting.end(session, row)
    await keeping.remember(session, row, None, news)
    await keeping.untell(session, row.id)
    if not was_held or row.asked_at is not None:
        await keeping.emit_end(session, row, "nobody", was_held=was_held)

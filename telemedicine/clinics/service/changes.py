"""What every change of hours does: it says which bookings it is at odds with, drops none of them, and is told."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import emit
from telemedicine.clinics import rules
from telemedicine.clinics.rules import LONGEST_HORIZON, Span
from telemedicine.clinics.schemas.availability import BookingConflict
from telemedicine.clinics.views import calendars
from telemedicine.clinics.views.schedules import Owner, holidays, owners, owners_at, schedules
from telemedicine.events import AvailabilityChanged

AHEAD: Final = LONGEST_HORIZON
"""How far ahead bookings are looked at: further than anything can be booked."""


@asynccontextmanager
async def changing(
    session: AsyncSession, organization_id: uuid.UUID, owner_ids: Sequence[uuid.UUID] | None = None
) -> AsyncIterator[list[BookingConflict]]:
    """Hand out a list that holds, once the block is left, what is booked at times the block took from the hours.

    ``owner_ids`` are the practitioners and resources whose hours the block changes; ``None``: all of the clinic's.
    Their rows, or the clinic's, are locked by the caller before, so that two changes do not judge each other's past.
    """
    connection = await session.connection()
    now = clock.now()
    conflicts: list[BookingConflict] = []
    before = await _found(session, organization_id, owner_ids)
    booked = await calendars.booked_ranges(connection, {one.calendar_id for one in before}, now, now + AHEAD)
    taken = [one for one in before if booked[one.calendar_id]]
    span = _reach(booked, now)
    was = await _there(session, taken, span)
    yield conflicts
    await session.flush()
    if not taken:
        return
    after = {one.id: one for one in await owners(connection, [one.id for one in taken])}
    there = await _there(session, list(after.values()), span)
    for one in taken:
        gone = rules.lost(was[one.id], there[one.id])
        conflicts += [
            _conflict(one, row)
            for row in booked[one.calendar_id]
            if row.starts_at < row.ends_at and rules.meets(gone, (max(row.starts_at, now), row.ends_at))
        ]
    conflicts.sort(key=lambda conflict: (conflict.starts_at, conflict.reservation_id))


async def tell(session: AsyncSession, aggregate_id: uuid.UUID, owner: tuple[uuid.UUID, uuid.UUID], found: int) -> None:
    """Tell that hours are others; ``owner`` is the community and the organization, ``found`` how many conflicts."""
    community_id, organization_id = owner
    await emit(
        session,
        AvailabilityChanged(
            aggregate_id=aggregate_id, community_id=community_id, organization_id=organization_id, conflicts=found
        ),
    )


async def _found(
    session: AsyncSession, organization_id: uuid.UUID, owner_ids: Sequence[uuid.UUID] | None
) -> list[Owner]:
    connection = await session.connection()
    await session.flush()
    if owner_ids is None:
        return await owners_at(connection, organization_id)
    return await owners(connection, owner_ids)


def _reach(booked: dict[uuid.UUID, list[calendars.Taken]], now: datetime) -> Span:
    """Return the stretch in which anything is booked: hours behind the last booking need not be worked out."""
    ends = [row.ends_at for rows in booked.values() for row in rows]
    return now, max(ends, default=now)


async def _there(session: AsyncSession, of: Sequence[Owner], span: Span) -> dict[uuid.UUID, list[Span]]:
    if not of:
        return {}
    connection = await session.connection()
    found = await schedules(connection, of, span[0])
    days = await holidays(connection, of[0].community_id, *span)
    return {one: rules.hours_there(schedule, days, *span) for one, schedule in found.items()}


def _conflict(owner: Owner, row: calendars.Taken) -> BookingConflict:
    return BookingConflict(
        reservation_id=row.reservation_id,
        origin_kind=row.origin_kind,
        origin_id=row.origin_id,
        practitioner_id=owner.id if owner.kind == "practitioner" else None,
        resource_id=owner.id if owner.kind == "resource" else None,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
    )

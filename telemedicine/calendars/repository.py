"""The SQL that finds and locks calendars that are read elsewhere."""

import uuid
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from telemedicine.calendars.models import BusyCalendar
from telemedicine.clinics.models import PRACTITIONERS


async def alone(session: AsyncSession, calendar_id: uuid.UUID) -> None:
    """Lock whose calendar it is, at all of their clinics: what is counted must not change meanwhile."""
    statement = (
        sa.select(PRACTITIONERS.c.id)
        .where(PRACTITIONERS.c.calendar_id == calendar_id)
        .order_by(PRACTITIONERS.c.id)
        .with_for_update(key_share=True)
    )
    await session.execute(statement)


async def locked(session: AsyncSession, row_id: uuid.UUID) -> BusyCalendar | None:
    """Return a calendar that is read elsewhere, locked."""
    return await session.get(BusyCalendar, row_id, with_for_update=True, populate_existing=True)


async def locked_of(session: AsyncSession, account_ids: Collection[uuid.UUID]) -> Sequence[BusyCalendar]:
    """Return the calendars of people that are read elsewhere, locked in one order."""
    statement = (
        sa.select(BusyCalendar)
        .where(col(BusyCalendar.account_id).in_(account_ids))
        .order_by(col(BusyCalendar.id))
        .with_for_update()
    )
    return (await session.scalars(statement)).all()

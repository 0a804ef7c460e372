"""The SQL that locks attractions and what belongs to them."""

import uuid
from datetime import date
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.problems import NotFound
from community.attractions.access import AttractionAt
from community.attractions.models import EXCEPTIONS, Attraction, AttractionClosing, AttractionException

_ON_DAYS: Final = sa.select(sa.literal(1)).where(
    EXCEPTIONS.c.attraction_id == sa.bindparam("attraction_id", type_=sa.Uuid),
    EXCEPTIONS.c.last_day >= sa.bindparam("first_day", type_=sa.Date),
    EXCEPTIONS.c.first_day <= sa.bindparam("last_day", type_=sa.Date),
)


async def locked(session: AsyncSession, at: AttractionAt) -> Attraction:
    """Return an attraction of the organization, locked; raises ``NotFound``."""
    row = await session.get(Attraction, at.attraction_id, with_for_update=True, populate_existing=True)
    if row is None or row.organization_id != at.organization_id:
        raise NotFound
    return row


async def has_exception(session: AsyncSession, attraction_id: uuid.UUID, first_day: date, last_day: date) -> bool:
    """Say whether some of the days have hours of their own already."""
    binds = {"attraction_id": attraction_id, "first_day": first_day, "last_day": last_day}
    return (await session.execute(_ON_DAYS, binds)).first() is not None


async def exception_of(session: AsyncSession, row: Attraction, exception_id: uuid.UUID) -> AttractionException:
    """Return an exception of a locked attraction; raises ``NotFound``."""
    exception = await session.get(AttractionException, exception_id)
    if exception is None or exception.attraction_id != row.id:
        raise NotFound
    return exception


async def closing_of(session: AsyncSession, row: Attraction, closing_id: uuid.UUID) -> AttractionClosing:
    """Return a closing of a locked attraction; raises ``NotFound``."""
    closing = await session.get(AttractionClosing, closing_id)
    if closing is None or closing.attraction_id != row.id:
        raise NotFound
    return closing

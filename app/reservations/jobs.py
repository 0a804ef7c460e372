"""What the worker does for calendars: put aside holds whose time is over. Nothing waits for it: takers do so, too."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.due import Due, drain
from app.core.jobs import Job
from app.reservations import repository
from app.reservations.models import Reservation

_IS_HELD: sa.ColumnElement[bool] = sa.literal_column("state = 'held'", sa.Boolean)
EXPIRE: Final = Due("reservations.expire_holds", Reservation, "expires_at", _IS_HELD)


async def _expire(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    await repository.expire(session, ids, clock.now())


async def expire() -> int:
    """Put aside holds whose time is over; return how many."""
    return await drain(EXPIRE, _expire)


JOBS: Final = (Job("reservations.expire_holds", timedelta(seconds=30), expire),)

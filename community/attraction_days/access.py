"""Which days may be asked for, and of which attraction."""

import uuid
from datetime import date, timedelta
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import Depends, Query
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.instants import GivenDay
from app.core.problems import FieldError, Malformed
from community.attractions.access import require_of

LONGEST: Final = 100


async def _days(first_day: Annotated[GivenDay, Query()], last_day: Annotated[GivenDay, Query()]) -> tuple[date, date]:
    if not first_day <= last_day < first_day + timedelta(days=LONGEST):
        raise Malformed(errors=[FieldError("/query/last_day", f"at most {LONGEST} days from the first", "range")])
    return first_day, last_day


DaysQuery = Annotated[tuple[date, date], Depends(_days)]
"""``?first_day=&last_day=``, both included."""


async def attraction_of(
    connection: AsyncConnection, organization_id: uuid.UUID, attraction_id: uuid.UUID
) -> sa.Row[Any]:
    """Return the attraction of the organization whose guard was passed; raises ``NotFound``."""
    return await require_of(connection, organization_id, attraction_id)

"""The SQL of erasures beside what each table declares."""

import uuid
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.tables import table_of
from app.identity.models import Household, Resident

_households = table_of(Household)
_residents = table_of(Resident)

_home = sa.bindparam("household_id", type_=sa.Uuid)
_LEAVE_HOME = sa.delete(_households).where(
    _households.c.id == _home, ~sa.exists().where(_residents.c.household_id == _home)
)
# Deliveries have no index by person, which would slow every notice of every morning; an erasure reads three months.
LONGEST_STATEMENT: Final = timedelta(minutes=10)


async def forget_empty_home(session: AsyncSession, household_id: uuid.UUID) -> None:
    """Delete a household, and its address with it, if nobody lives there any more."""
    await session.execute(_LEAVE_HOME, {"household_id": household_id})

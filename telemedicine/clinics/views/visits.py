"""The port to whatever books visits: which are ahead at a clinic, as they were agreed, and what they depend on.

Bookings are nothing a clinic knows of. Who keeps them says so once, with ``install_visits``.
"""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from telemedicine.clinics.models import BOOKABLE_RESOURCES, PRACTITIONERS, VISIT_TYPES
from telemedicine.clinics.rules import Visit

Visits = Callable[[AsyncConnection, uuid.UUID, datetime], Awaitable[Sequence[Visit]]]

_ORGANIZATION: Final = sa.bindparam("organization_id", type_=sa.Uuid)
_PEOPLE, _TYPES, _THINGS = (
    sa.select(table).where(table.c.organization_id == _ORGANIZATION)
    for table in (PRACTITIONERS, VISIT_TYPES, BOOKABLE_RESOURCES)
)


async def _none(_connection: AsyncConnection, _organization_id: uuid.UUID, _since: datetime) -> Sequence[Visit]:
    return ()


_known: Visits = _none


def install_visits(visits: Visits) -> None:
    """Let clinics ask ``visits`` for what is held or booked at an organization and not over at an instant."""
    global _known  # noqa: PLW0603 - set once, by the assembly
    _known = visits


async def visits_ahead(connection: AsyncConnection, organization_id: uuid.UUID, since: datetime) -> Sequence[Visit]:
    """Return what is held or booked at a clinic and not over at ``since``."""
    return await _known(connection, organization_id, since)


@dataclass(frozen=True, slots=True)
class Offering:
    """The practitioners and visit types of a clinic by their ids, its rooms and interpreters by their calendars."""

    people: dict[uuid.UUID, Any]
    types: dict[uuid.UUID, Any]
    things: dict[uuid.UUID, Any]


async def offering(connection: AsyncConnection, organization_id: uuid.UUID) -> Offering:
    """Return what a clinic consists of, those who are put aside among it."""
    binds = {"organization_id": organization_id}
    return Offering(
        {row.id: row for row in await connection.execute(_PEOPLE, binds)},
        {row.id: row for row in await connection.execute(_TYPES, binds)},
        {row.calendar_id: row for row in await connection.execute(_THINGS, binds)},
    )

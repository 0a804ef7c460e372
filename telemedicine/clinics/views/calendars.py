"""The port to the booking kernel: which time of practitioners, rooms, interpreters and sessions is taken.

Whatever books a visit does it at these calendars, and says in ``origin_kind`` and ``origin_id`` what it is for. Nothing
else in this package looks at reservations.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.reservations.api import of_origin, resources_of, taken, taken_spans
from telemedicine.clinics.rules import Span, session_id

PRACTITIONER: Final = "practitioner"
"""The kind of a practitioner's calendar; its subject is their account, where they have one."""
RESOURCE: Final = "clinic_resource"
"""The kind of a room's or an interpreter's calendar."""
SESSION: Final = "clinic_session"
"""The kind of the calendar of seats, with a lane for each of those who take part; its subject is ``rules.seats_id``.
The practitioner's time, and that of what is needed, is taken once, with this ``origin_kind``, for the
``rules.session_id``."""

BLOCKED: Final = "blocked"
"""The state of time that is nobody's booking: the practitioner is busy elsewhere."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A stretch of a calendar that is held, booked or blocked, buffers included."""

    reservation_id: uuid.UUID
    state: str
    origin_kind: str
    origin_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    blocks: Span


async def taken_ranges(
    connection: AsyncConnection, calendar_ids: Iterable[uuid.UUID], since: datetime, until: datetime
) -> dict[uuid.UUID, list[Taken]]:
    """Return what cannot be had of the calendars in a stretch of time, in order: one statement for all of them.

    It costs what lies in that stretch, however much was ever booked.
    """
    found: defaultdict[uuid.UUID, list[Taken]] = defaultdict(list)
    for row in await taken(connection, set(calendar_ids), since, until):
        found[row.resource_id].append(
            Taken(
                row.id,
                row.state,
                row.origin_kind,
                row.origin_id,
                row.starts_at,
                row.ends_at,
                (row.blocks_from, row.blocks_until),
            )
        )
    return found


async def booked_ranges(
    connection: AsyncConnection, calendar_ids: Iterable[uuid.UUID], since: datetime, until: datetime
) -> dict[uuid.UUID, list[Taken]]:
    """Return what is held or booked of the calendars in a stretch of time, in order, whatever blocks them beside."""
    found: defaultdict[uuid.UUID, list[Taken]] = defaultdict(list)
    for calendar_id, rows in (await taken_ranges(connection, calendar_ids, since, until)).items():
        found[calendar_id] = [row for row in rows if row.state != BLOCKED]
    return found


async def calendars_of(
    connection: AsyncConnection, origins: Iterable[tuple[str, uuid.UUID]]
) -> dict[uuid.UUID, set[uuid.UUID]]:
    """Return the calendars that are taken for each of the things ``origins``, given as what they are and their id."""
    by_kind: defaultdict[str, set[uuid.UUID]] = defaultdict(set)
    for kind, origin_id in origins:
        by_kind[kind].add(origin_id)
    found: defaultdict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for kind, ids in by_kind.items():
        for one in await of_origin(connection, kind, ids):
            found[one.origin_id].add(one.resource_id)
    return found


async def busy(
    connection: AsyncConnection,
    calendar_ids: Iterable[uuid.UUID],
    since: datetime,
    until: datetime,
    *,
    besides: Collection[uuid.UUID] = (),
) -> dict[uuid.UUID, dict[uuid.UUID | None, list[Span]]]:
    """Return when the calendars cannot be had in a stretch of time: what sessions take by session, else under ``None``.

    The reservations ``besides`` are in nobody's way. It costs what lies in that stretch, however much was ever booked.
    """
    return await taken_spans(connection, set(calendar_ids), since, until, apart=SESSION, besides=besides)


async def seats_taken(
    connection: AsyncConnection,
    seats_ids: Iterable[uuid.UUID],
    since: datetime,
    until: datetime,
    *,
    besides: Collection[uuid.UUID] = (),
) -> Counter[uuid.UUID]:
    """Return how many take part in each session of a stretch of time, not counting the reservations ``besides``."""
    calendars = await resources_of(connection, SESSION, seats_ids)
    if not calendars:
        return Counter()
    found = await booked_ranges(connection, calendars.values(), since, until)
    return Counter(
        session_id(seats, row.starts_at)
        for seats, calendar in calendars.items()
        for row in found[calendar]
        if row.reservation_id not in besides
    )

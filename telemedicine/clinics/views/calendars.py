"""The port to the booking kernel: which time of practitioners, rooms, interpreters and sessions is taken.

Whatever books a visit does it at these calendars, and says in ``origin_kind`` and ``origin_id`` what it is for. Nothing
else in this package looks at reservations.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.reservations.api import resources_of, taken, taken_spans
from telemedicine.clinics.rules import Span

PRACTITIONER: Final = "practitioner"
"""The kind of a practitioner's calendar; its subject is their account, where they have one."""
RESOURCE: Final = "clinic_resource"
"""The kind of a room's or an interpreter's calendar."""
SESSION: Final = "clinic_session"
"""The kind of the calendar of a session that several take part in, with a lane for each; its subject is
``rules.session_id``. The practitioner's time, and that of what is needed, is taken once, with this ``origin_kind``."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A stretch of a calendar that is held or booked, buffers included."""

    reservation_id: uuid.UUID
    state: str
    origin_kind: str
    origin_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    blocks: Span


async def booked_ranges(
    connection: AsyncConnection, calendar_ids: Iterable[uuid.UUID], since: datetime, until: datetime
) -> dict[uuid.UUID, list[Taken]]:
    """Return what is held or booked of the calendars in a stretch of time, in order: one statement for all of them.

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


async def busy(
    connection: AsyncConnection, calendar_ids: Iterable[uuid.UUID], since: datetime, until: datetime
) -> dict[uuid.UUID, dict[uuid.UUID | None, list[Span]]]:
    """Return when the calendars are taken in a stretch of time: what sessions take by session, all else under ``None``.

    It costs what lies in that stretch, however much was ever booked.
    """
    return await taken_spans(connection, set(calendar_ids), since, until, apart=SESSION)


async def seats_taken(
    connection: AsyncConnection, session_ids: Iterable[uuid.UUID], since: datetime, until: datetime
) -> Counter[uuid.UUID]:
    """Return how many take part in each of the sessions."""
    calendars = await resources_of(connection, SESSION, session_ids)
    if not calendars:
        return Counter()
    found = await booked_ranges(connection, calendars.values(), since, until)
    return Counter({session: len(found[calendar]) for session, calendar in calendars.items()})

"""The SQL that reads when residents are away or in hospital: what they tell check-ins holds for zones, too."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock

_INSTANT = sa.DateTime(timezone=True)


@dataclass(frozen=True, slots=True)
class Absence:
    """A time in which somebody is away or in hospital: nobody is called, as with check-ins."""

    kind: str
    starts_at: datetime
    ends_at: datetime

    def covers(self, at: datetime) -> bool:
        """Say whether ``at`` lies in it."""
        return self.starts_at <= at < self.ends_at


_ABSENCES = sa.text("""
    SELECT p.resident_id, p.kind, p.starts_at, least(p.ends_at, p.ended_at) AS ends_at
    FROM eldercare_check_in_pause p
    WHERE p.resident_id = ANY (:resident_ids) AND p.ends_at > :since AND least(p.ends_at, p.ended_at) > p.starts_at
      AND p.starts_at <= :now
    ORDER BY p.starts_at""").bindparams(
    sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("since", type_=_INSTANT),
    sa.bindparam("now", type_=_INSTANT),
)


async def absences(
    connection: AsyncConnection, resident_ids: Iterable[uuid.UUID], since: datetime
) -> dict[uuid.UUID, list[Absence]]:
    """Return when residents were away or in hospital between ``since`` and now, by resident."""
    binds = {"resident_ids": list(resident_ids), "since": since, "now": clock.now()}
    found: defaultdict[uuid.UUID, list[Absence]] = defaultdict(list)
    for row in await connection.execute(_ABSENCES, binds):
        found[row.resident_id].append(Absence(row.kind, row.starts_at, row.ends_at))
    return found


def absence_at(absences: Iterable[Absence], at: datetime) -> Absence | None:
    """Return the absence in which ``at`` lies, or ``None``."""
    return next((absence for absence in absences if absence.covers(at)), None)

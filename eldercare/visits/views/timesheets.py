"""The SQL that reads who worked when, streamed as CSV: hours that really passed, beside the times on the wall."""

import csv
import io
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.database import reading
from app.core.wall_time import zone
from app.identity.api import people
from eldercare.visits import rules
from eldercare.visits.models import CARERS, VISITS

HEADER: Final = (
    "visit_id",
    "carer_id",
    "carer",
    "date",
    "time_zone",
    "arrived",
    "departed",
    "hours",
    "planned_hours",
    "arrival_by",
    "departure_by",
)
CHUNK: Final = 500
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_INSTANT = sa.DateTime(timezone=True)
_FIRST = uuid.UUID(int=0)

_ROWS = (
    sa.select(
        CARERS.c.id,
        CARERS.c.visit_id,
        CARERS.c.account_id,
        CARERS.c.arrived_at,
        CARERS.c.departed_at,
        CARERS.c.arrival_how,
        CARERS.c.departure_how,
        VISITS.c.time_zone,
        VISITS.c.starts_at,
        VISITS.c.ends_at,
    )
    .join(VISITS, VISITS.c.id == CARERS.c.visit_id)
    .where(
        CARERS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
        CARERS.c.arrived_at >= sa.bindparam("since", type_=_INSTANT),
        CARERS.c.arrived_at < sa.bindparam("until", type_=_INSTANT),
        CARERS.c.departed_at.is_not(None),
        sa.tuple_(CARERS.c.arrived_at, CARERS.c.id)
        > sa.tuple_(sa.bindparam("after_arrived_at", type_=_INSTANT), sa.bindparam("after_id", type_=sa.Uuid)),
    )
    .order_by(CARERS.c.arrived_at, CARERS.c.id)
    .limit(CHUNK)
)


async def timesheet(organization_id: uuid.UUID, since: datetime, until: datetime) -> AsyncIterator[bytes]:
    """Yield a CSV file, chunk by chunk, of everybody who arrived in ``[since, until)`` and left.

    A connection is held for a chunk at a time: whoever reads slowly holds up nobody.
    """
    yield _csv([HEADER])
    after_arrived_at, after_id = since, _FIRST
    while True:
        async with reading() as connection:
            binds = {
                "organization_id": organization_id,
                "since": since,
                "until": until,
                "after_arrived_at": after_arrived_at,
                "after_id": after_id,
            }
            rows = list(await connection.execute(_ROWS, binds))
            lines = await _lines(connection, rows)
        if lines:
            yield _csv(lines)
        if len(rows) < CHUNK:
            return
        after_arrived_at, after_id = rows[-1].arrived_at, rows[-1].id


async def _lines(connection: AsyncConnection, rows: Sequence[Any]) -> list[tuple[str, ...]]:
    names = await people(connection, {row.account_id for row in rows})
    lines: list[tuple[str, ...]] = []
    for row in rows:
        here = zone(row.time_zone)
        name = names[row.account_id].name if row.account_id in names else "—"
        lines.append(
            (
                str(row.visit_id),
                str(row.account_id),
                # A spreadsheet must not take a name for a formula.
                f"'{name}" if name.startswith(_FORMULA) else name,
                row.arrived_at.astimezone(here).date().isoformat(),
                row.time_zone,
                row.arrived_at.astimezone(here).isoformat(timespec="seconds"),
                row.departed_at.astimezone(here).isoformat(timespec="seconds"),
                rules.hours(row.arrived_at, row.departed_at),
                rules.hours(row.starts_at, row.ends_at),
                row.arrival_how,
                row.departure_how,
            )
        )
    return lines


def _csv(lines: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()

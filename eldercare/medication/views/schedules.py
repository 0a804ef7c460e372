"""What a regimen's moments are worked out from, as it is read: its schedule, the resident's meals, the zone."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import time
from typing import Any, Final, get_args

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.identity.api import people
from eldercare.medication.models import MEALS, REGIMENS, VERSIONS
from eldercare.medication.rules import DEFAULT_MEALS, Meal, Schedule

NAMES: Final[tuple[Meal, ...]] = get_args(Meal)
COLUMNS: Final = (
    REGIMENS.c.account_id,
    *(
        VERSIONS.c[name]
        for name in (
            "timing",
            "times",
            "meals",
            "meal_offset",
            "weekdays",
            "rrule",
            "starts_on",
            "ends_on",
            "time_zone",
        )
    ),
    *(MEALS.c[name].label(name) for name in NAMES),
)
"""What ``schedule_of``, ``meal_times_of`` and ``zones`` need of a row."""

FROM: Final = REGIMENS.join(VERSIONS, VERSIONS.c.id == REGIMENS.c.version_id).outerjoin(
    MEALS, MEALS.c.resident_id == REGIMENS.c.resident_id
)


def schedule_of(row: sa.Row[Any]) -> Schedule:
    """Return the schedule of a regimen's version."""
    return Schedule(
        timing=row.timing,
        weekdays=frozenset(row.weekdays),
        starts_on=row.starts_on,
        times=tuple(row.times),
        meals=tuple(row.meals),
        meal_offset=row.meal_offset,
        ends_on=row.ends_on,
        rrule=row.rrule,
    )


def meal_times_of(row: sa.Row[Any]) -> Mapping[Meal, time]:
    """Return when the resident eats: as they told us, else at the usual times."""
    return {name: getattr(row, name) or DEFAULT_MEALS[name] for name in NAMES}


async def zones(connection: AsyncConnection, rows: Iterable[sa.Row[Any]]) -> dict[uuid.UUID, str]:
    """Return the zone of each regimen (by ``row.id``): its own, or the one its resident lives in."""
    rows = list(rows)
    following = {row.account_id for row in rows if row.time_zone is None}
    at_home = await people(connection, following) if following else {}
    return {row.id: row.time_zone or at_home[row.account_id].time_zone for row in rows}

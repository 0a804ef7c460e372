"""What a regimen's moments are worked out from, as it is read: its schedule, the resident's meals, the zone."""

from typing import Any, Final, get_args

import sqlalchemy as sa

from app.identity.api import account_zones
from eldercare.medication.models import MEALS, REGIMENS, VERSIONS
from eldercare.medication.rules import DEFAULT_MEALS, Meal, Plan, Schedule

NAMES: Final[tuple[Meal, ...]] = get_args(Meal)

_home = account_zones().subquery("home")
_SAID: Final = ("timing", "times", "meals", "meal_offset", "weekdays", "rrule", "starts_on", "ends_on")
COLUMNS: Final[tuple[sa.ColumnElement[Any], ...]] = (
    *(VERSIONS.c[name] for name in _SAID),
    sa.func.coalesce(VERSIONS.c.time_zone, _home.c.time_zone).label("zone"),
    # When somebody eats makes no difference to what is not taken with meals.
    *(sa.case((VERSIONS.c.timing == sa.literal_column("'meals'"), MEALS.c[name])).label(name) for name in NAMES),
)
"""What ``plan_of`` needs of a row; ``zone`` is the regimen's own, or where they live."""

FROM: Final = (
    REGIMENS.join(VERSIONS, VERSIONS.c.id == REGIMENS.c.version_id)
    .join(_home, _home.c.account_id == REGIMENS.c.account_id)
    .outerjoin(MEALS, MEALS.c.resident_id == REGIMENS.c.resident_id)
)


def plan_of(row: sa.Row[Any]) -> Plan:
    """Return what doses are planned by; who has not said when they eat does so at the usual times."""
    schedule = Schedule(
        timing=row.timing,
        weekdays=frozenset(row.weekdays),
        starts_on=row.starts_on,
        times=tuple(row.times),
        meals=tuple(row.meals),
        meal_offset=row.meal_offset,
        ends_on=row.ends_on,
        rrule=row.rrule,
    )
    return Plan(schedule, {name: getattr(row, name) or DEFAULT_MEALS[name] for name in NAMES}, row.zone)

"""Planning: from what a regimen says to doses that fall due, 48 hours ahead, each moment once."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, wakeups
from eldercare.check_ins.rules import Occurrence
from eldercare.medication import repository, rules
from eldercare.medication.models import DOSES, REGIMENS
from eldercare.medication.repository import Group
from eldercare.medication.views import schedules

CHANNEL: Final = "eldercare.doses"
"""The wake-up channel of regimens and doses that may be due now."""

_A_ZONE_AWAY: Final = timedelta(days=2)
"""A last day lies surely behind once it is so long past in UTC."""

# What many regimens have in common (days, times, zone, how far they are planned) is worked out once for all of them.
_GROUPS = (
    sa.select(
        sa.func.array_agg(REGIMENS.c.id, type_=ARRAY(sa.Uuid)).label("regimen_ids"),
        REGIMENS.c.planned_until,
        *schedules.COLUMNS,
    )
    .select_from(schedules.FROM)
    .where(
        REGIMENS.c.id == sa.any_(sa.bindparam("regimen_ids", type_=ARRAY(sa.Uuid))),
        REGIMENS.c.state == sa.literal_column("'active'"),
    )
    .group_by(REGIMENS.c.planned_until, *schedules.COLUMNS)
)

_had = (
    sa.select(sa.func.array_agg(DOSES.c.due_at))
    .where(
        DOSES.c.resident_id == REGIMENS.c.resident_id,
        DOSES.c.regimen_id == REGIMENS.c.id,
        DOSES.c.kind == sa.literal_column("'planned'"),
        DOSES.c.due_at >= sa.bindparam("had_since", type_=sa.DateTime(timezone=True)),
    )
    .correlate(REGIMENS)
    .scalar_subquery()
)
_HAD = (
    sa.select(REGIMENS.c.id, _had.label("had"), *schedules.COLUMNS)
    .select_from(schedules.FROM)
    .where(REGIMENS.c.id == sa.any_(sa.bindparam("regimen_ids", type_=ARRAY(sa.Uuid))))
)
_PASS_OVER = (
    sa.update(REGIMENS)
    .where(REGIMENS.c.id == sa.bindparam("regimen_id", type_=sa.Uuid))
    .values(planned_until=sa.bindparam("passed_until", type_=sa.DateTime(timezone=True)))
)


async def plan_ahead(session: AsyncSession, regimen_ids: Sequence[uuid.UUID]) -> None:
    """Write the doses of the regimens up to the horizon; what exists already stays as it is."""
    now = clock.now()
    groups = [
        Group(row.regimen_ids, _occurrences(row, now))
        for row in await session.execute(_GROUPS, {"regimen_ids": list(regimen_ids)})
    ]
    await repository.insert_doses(session, groups, now)
    _, horizon = rules.planning_range(None, now)
    await repository.mark_planned(
        session,
        regimen_ids,
        horizon=horizon,
        again=now + rules.PLANNING_INTERVAL,
        over_by=(horizon - _A_ZONE_AWAY).date(),
        now=now,
    )
    wakeups.request(session, CHANNEL)


def _occurrences(row: sa.Row[Any], now: datetime) -> list[Occurrence]:
    start, end = rules.planning_range(row.planned_until, now)
    return rules.doses_of(schedules.schedule_of(row), schedules.meal_times_of(row), row.zone, start, end)


async def plan_anew(session: AsyncSession, regimens: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """Take back what is planned ahead for ``regimens`` (id → resident) and make them due for planning from now on."""
    now = clock.now()
    await repository.forget_ahead(session, regimens, now)
    await repository.begin_anew(session, list(regimens), now)
    wakeups.request(session, CHANNEL)


async def pass_over_meals_had(
    session: AsyncSession,
    regimen_ids: Collection[uuid.UUID],
    before: Mapping[rules.Meal, time],
) -> None:
    """Plan nothing more for a meal of today whose dose was due (or recorded) when it was ``before``.

    Who had their tablet with dinner at six and says ten minutes later that dinner is at seven takes no second one.
    """
    now = clock.now()
    binds = {"regimen_ids": list(regimen_ids), "had_since": now - rules.AROUND_TODAY}
    for row in await session.execute(_HAD, binds):
        until = rules.passed_until(
            schedules.schedule_of(row), before, schedules.meal_times_of(row), row.zone, frozenset(row.had or ()), now
        )
        if until is not None:
            await session.execute(_PASS_OVER, {"regimen_id": row.id, "passed_until": until})

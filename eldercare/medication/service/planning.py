"""Planning: from what a regimen says to doses that fall due, 48 hours ahead, each moment once."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, wakeups
from app.core.recurrence import Occurrence
from eldercare.medication import repository, rules
from eldercare.medication.models import DOSES, IS_AWAITED, REGIMENS
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

_STANDING = (
    sa.select(sa.func.array_agg(DOSES.c.due_at))
    .where(
        DOSES.c.resident_id == REGIMENS.c.resident_id,
        DOSES.c.regimen_id == REGIMENS.c.id,
        DOSES.c.kind == sa.literal_column("'planned'"),
        sa.or_(DOSES.c.state == sa.literal_column("'taken'"), IS_AWAITED),
        DOSES.c.due_at >= sa.bindparam("since", type_=sa.DateTime(timezone=True)),
    )
    .correlate(REGIMENS)
    .scalar_subquery()
)
_PLANS = (
    sa.select(REGIMENS.c.id, REGIMENS.c.planned_until, _STANDING.label("standing"), *schedules.COLUMNS)
    .select_from(schedules.FROM)
    .where(
        REGIMENS.c.id == sa.any_(sa.bindparam("regimen_ids", type_=ARRAY(sa.Uuid))),
        REGIMENS.c.state == sa.literal_column("'active'"),
    )
)


async def plan_ahead(session: AsyncSession, regimen_ids: Sequence[uuid.UUID]) -> None:
    """Write the doses of the regimens up to the horizon; what exists already stays as it is."""
    now = clock.now()
    groups = [
        Group(row.regimen_ids, _occurrences(row, now))
        for row in await session.execute(_GROUPS, {"regimen_ids": list(regimen_ids)})
    ]
    await repository.insert_doses(session, groups, now)
    await _mark_planned(session, regimen_ids, now)
    wakeups.request(session, CHANNEL)


async def _mark_planned(session: AsyncSession, regimen_ids: Sequence[uuid.UUID], now: datetime) -> None:
    _, horizon = rules.planning_range(None, now)
    await repository.mark_planned(
        session,
        regimen_ids,
        horizon=horizon,
        again=now + rules.PLANNING_INTERVAL,
        over_by=(horizon - _A_ZONE_AWAY).date(),
    )


def _occurrences(row: sa.Row[Any], now: datetime) -> list[Occurrence]:
    return schedules.plan_of(row).doses(*rules.planning_range(row.planned_until, now))


@dataclass(frozen=True, slots=True)
class Before:
    """What an active regimen planned until now: its plan, how far it is written, and which of its doses stand."""

    regimen_id: uuid.UUID
    plan: rules.Plan
    planned_until: datetime | None
    standing: Sequence[datetime]


async def before_change(session: AsyncSession, regimen_id: uuid.UUID) -> Before | None:
    """Return what an active regimen plans as it is now, for ``plan_anew`` after a change; ``None`` of another."""
    binds = {"regimen_ids": [regimen_id], "since": clock.now() - rules.FARTHEST_LOOK}
    row = (await session.execute(_PLANS, binds)).one_or_none()
    if row is None:
        return None
    return Before(regimen_id, schedules.plan_of(row), row.planned_until, row.standing or ())


async def plan_anew(
    session: AsyncSession, regimens: Mapping[uuid.UUID, uuid.UUID], before: Before | None = None
) -> None:
    """Take back what is planned ahead for ``regimens`` (id → resident) and plan it by what holds now.

    No dose is lost over it and none is planned twice: see ``rules.change_over``. ``before`` is what a single regimen
    said until now, or the one whose place it takes; without it, the same at other instants.
    """
    now = clock.now()
    of_another = before is not None and before.regimen_id not in regimens
    old = {before.regimen_id: next(iter(regimens.values()))} if before is not None and of_another else {}
    taken_back = await repository.forget_ahead(session, {**regimens, **old}, now)
    binds = {"regimen_ids": list(regimens), "since": now - rules.FARTHEST_LOOK}
    groups, until = [], {}
    for row in await session.execute(_PLANS, binds):
        plan, ahead, standing = schedules.plan_of(row), taken_back.get(row.id, []), row.standing or ()
        spacings = [plan.spacing(now)]
        if before is not None:
            # What it said of the days that were not written yet would be lost, too.
            spacings.append(before.plan.spacing(now))
            written = max(now, before.planned_until or now)
            ahead = ahead + before.plan.doses(written, now + rules.FARTHEST_LOOK)
            if of_another:
                forgotten = taken_back.get(before.regimen_id, [])
                ahead = ahead + forgotten
                standing = {*standing, *before.standing} - {dose.due_at for dose in forgotten}
        spacing = min((one for one in spacings if one is not None), default=rules.A_DAY)
        turn = rules.change_over(plan, standing, ahead, spacing, now)
        groups.append(Group([row.id], turn.doses))
        until[row.id] = turn.until
    await repository.insert_doses(session, groups, now)
    await _mark_planned(session, list(regimens), now)
    await repository.pass_over(session, until)
    wakeups.request(session, CHANNEL)

"""The SQL that reads escalation plans."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.parked_rows import stands_aside
from app.core.tables import table_of
from eldercare.escalation.models import EscalationPlan, EscalationStep
from eldercare.escalation.rules import BUILT_IN, Step, waits_before_desk
from eldercare.escalation.schemas import EscalationPlanPublic, StepData

_plans = table_of(EscalationPlan)
_steps = table_of(EscalationStep)

_IN_FORCE = sa.select(_plans.c.id, _plans.c.community_id, _plans.c.resident_id).where(
    _plans.c.state == "active",
    sa.or_(
        _plans.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))),
        sa.and_(
            _plans.c.resident_id.is_(None),
            _plans.c.community_id == sa.any_(sa.bindparam("community_ids", type_=ARRAY(sa.Uuid))),
        ),
    ),
)
_STEPS_OF = (
    sa.select(_steps)
    .where(_steps.c.plan_id == sa.any_(sa.bindparam("plan_ids", type_=ARRAY(sa.Uuid))))
    .order_by(_steps.c.plan_id, _steps.c.position)
)
_PLANS_OF = (
    sa.select(_plans)
    .where(
        _plans.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        _plans.c.resident_id.is_not_distinct_from(sa.bindparam("resident_id", type_=sa.Uuid)),
    )
    .order_by(_plans.c.id.desc())
    .limit(50)
)


async def plans_in_force(
    connection: AsyncConnection, communities: Mapping[uuid.UUID, uuid.UUID]
) -> dict[uuid.UUID, uuid.UUID | None]:
    """Return each resident's plan: their own, else their community's, else ``None`` for the built-in one.

    ``communities`` maps residents to their communities.
    """
    binds = {"resident_ids": list(communities), "community_ids": list(set(communities.values()))}
    own: dict[uuid.UUID, uuid.UUID] = {}
    default: dict[uuid.UUID, uuid.UUID] = {}
    for row in await connection.execute(_IN_FORCE, binds):
        if row.resident_id is None:
            default[row.community_id] = row.id
        else:
            own[row.resident_id] = row.id
    return {resident: own.get(resident) or default.get(home) for resident, home in communities.items()}


async def steps_of(
    connection: AsyncConnection, plan_ids: Iterable[uuid.UUID | None]
) -> dict[uuid.UUID | None, tuple[Step, ...]]:
    """Return the steps of each plan in their order; ``None`` stands for the built-in plan."""
    found: dict[uuid.UUID | None, list[Step]] = {}
    wanted = [plan_id for plan_id in set(plan_ids) if plan_id is not None]
    if wanted:
        for row in await connection.execute(_STEPS_OF, {"plan_ids": wanted}):
            found.setdefault(row.plan_id, []).append(step_of(row))
    return {None: BUILT_IN} | {plan_id: tuple(found.get(plan_id, BUILT_IN)) for plan_id in wanted}


def step_of(row: Any) -> Step:
    """Return a step from its row or model."""
    return Step(
        position=row.position,
        target_kind=row.target_kind,
        wait=timedelta(seconds=row.wait_seconds),
        channels=tuple(row.channels),
        target_id=row.target_id,
        target_order=row.target_order,
        target_role=row.target_role,
    )


async def plans_of(
    connection: AsyncConnection, community_id: uuid.UUID, resident_id: uuid.UUID | None
) -> list[EscalationPlanPublic]:
    """Return the versions of a resident's plan, or of the community's default, the latest first (at most 50)."""
    rows = list(await connection.execute(_PLANS_OF, {"community_id": community_id, "resident_id": resident_id}))
    return await shown(connection, rows)


async def shown(connection: AsyncConnection, plans: Iterable[Any]) -> list[EscalationPlanPublic]:
    """Return plans (rows or models) with their steps."""
    plans = list(plans)
    steps: dict[uuid.UUID, list[StepData]] = {plan.id: [] for plan in plans}
    for row in await connection.execute(_STEPS_OF, {"plan_ids": list(steps)}):
        steps[row.plan_id].append(StepData.model_validate(row))
    fields = EscalationPlanPublic.model_fields.keys() - {"steps"}
    return [
        EscalationPlanPublic(**{field: getattr(plan, field) for field in fields}, steps=steps[plan.id])
        for plan in plans
    ]


async def desk_told_by(
    connection: AsyncConnection, alarms: Iterable[tuple[uuid.UUID | None, int, datetime | None]]
) -> list[datetime]:
    """Return by when the duty desk is told of each alarm if nobody takes it.

    An alarm is its plan, the step it is at and when the next step comes; one that has no next step is left out.
    """
    known = list(alarms)
    steps = await steps_of(connection, {plan_id for plan_id, _, _ in known})
    return [
        at + waits_before_desk(steps[plan_id], position)
        for plan_id, position, at in known
        if at is not None and not stands_aside(at)
    ]

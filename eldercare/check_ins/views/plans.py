"""The SQL that reads plans and pauses."""

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.paging import PageRequest
from app.core.problems import NotFound
from app.core.tables import table_of
from eldercare.absences.views import list_absences
from eldercare.alarms.models import Severity
from eldercare.check_ins.models import CheckInPlan, CheckInSchedule
from eldercare.check_ins.schemas import CheckInPlanPublic, PausePublic, PlanVersionPublic

_plans = table_of(CheckInPlan)
_schedules = table_of(CheckInSchedule)

_resident = sa.bindparam("resident_id", type_=sa.Uuid)
_VERSION = [_schedules.c[name] for name in PlanVersionPublic.model_fields]
_PLAN = (
    sa.select(
        _plans.c.id,
        _plans.c.resident_id,
        _plans.c.state,
        _plans.c.version,
        _plans.c.created_at,
        _plans.c.ended_at,
        *_VERSION,
    )
    .join(_schedules, _schedules.c.id == _plans.c.schedule_id)
    .where(_plans.c.resident_id == _resident)
)
_ONE = _PLAN.where(_plans.c.id == sa.bindparam("plan_id", type_=sa.Uuid))
_ALL = _PLAN.order_by(_plans.c.state, _plans.c.id)
_VERSIONS = (
    sa.select(*_VERSION)
    .where(_schedules.c.plan_id == sa.bindparam("plan_id", type_=sa.Uuid), _schedules.c.resident_id == _resident)
    .order_by(_schedules.c.number.desc())
)


async def plan(connection: AsyncConnection, resident_id: uuid.UUID, plan_id: uuid.UUID) -> CheckInPlanPublic:
    """Return a resident's plan with the version in force; raises ``NotFound``."""
    row = (await connection.execute(_ONE, {"resident_id": resident_id, "plan_id": plan_id})).one_or_none()
    if row is None:
        raise NotFound
    return CheckInPlanPublic.model_validate(_shown(row))


async def plans(connection: AsyncConnection, resident_id: uuid.UUID) -> list[CheckInPlanPublic]:
    """Return all plans of a resident, the active ones first."""
    rows = await connection.execute(_ALL, {"resident_id": resident_id})
    return [CheckInPlanPublic.model_validate(_shown(row)) for row in rows]


async def plan_versions(
    connection: AsyncConnection, resident_id: uuid.UUID, plan_id: uuid.UUID
) -> list[PlanVersionPublic]:
    """Return what a plan said over time, the latest first; raises ``NotFound``."""
    rows = (await connection.execute(_VERSIONS, {"resident_id": resident_id, "plan_id": plan_id})).all()
    if not rows:
        raise NotFound
    return [PlanVersionPublic.model_validate(_shown(row)) for row in rows]


async def pauses(
    connection: AsyncConnection, resident_id: uuid.UUID, page: PageRequest
) -> tuple[list[PausePublic], str | None]:
    """Return a page of a resident's pauses, the latest first, and the cursor of the next one."""
    rows, following = await list_absences(connection, resident_id, page)
    return [PausePublic.model_validate(row) for row in rows], following


def _shown(row: sa.Row[Any]) -> dict[str, Any]:
    values = dict(row._mapping)  # noqa: SLF001 - the public name SQLAlchemy gives it
    values["times"] = [f"{wall:%H:%M}" for wall in row.times]
    values["severity"] = Severity(row.severity).label
    return values

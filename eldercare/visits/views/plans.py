"""The SQL that reads care plans, what recurs under them, and the tags at doors."""

import uuid
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.problems import NotFound
from app.core.sealing import unseal
from eldercare.goals.schemas import GoalPublic
from eldercare.goals.views import goals_of_plans
from eldercare.visits.models import CARE_PLANS, CONTENT, DOOR_TAGS, TEMPLATES
from eldercare.visits.schemas.plans import CarePlanPublic, TemplatePublic
from eldercare.visits.schemas.visits import DoorTagPublic

_resident = sa.bindparam("resident_id", type_=sa.Uuid)
_ERASED = {"title": "—", "tasks": []}

_PLANS = (
    sa.select(CARE_PLANS)
    .where(CARE_PLANS.c.resident_id == _resident)
    .order_by(CARE_PLANS.c.state, CARE_PLANS.c.id.desc())
)
_PLAN = sa.select(CARE_PLANS).where(
    CARE_PLANS.c.resident_id == _resident, CARE_PLANS.c.id == sa.bindparam("care_plan_id", type_=sa.Uuid)
)
_TEMPLATES = (
    sa.select(TEMPLATES)
    .where(TEMPLATES.c.resident_id == _resident)
    .order_by(TEMPLATES.c.state, TEMPLATES.c.begins, TEMPLATES.c.id)
)
_TEMPLATE = sa.select(TEMPLATES).where(
    TEMPLATES.c.resident_id == _resident, TEMPLATES.c.id == sa.bindparam("template_id", type_=sa.Uuid)
)
_TAGS = (
    sa.select(DOOR_TAGS.c.id, DOOR_TAGS.c.kind, DOOR_TAGS.c.created_at, DOOR_TAGS.c.revoked_at)
    .where(DOOR_TAGS.c.resident_id == _resident)
    .order_by(DOOR_TAGS.c.id.desc())
)


async def care_plans(connection: AsyncConnection, resident_id: uuid.UUID) -> list[CarePlanPublic]:
    """Return a resident's care plans, the active ones first."""
    rows = list(await connection.execute(_PLANS, {"resident_id": resident_id}))
    goals = await goals_of_plans(connection, [row.id for row in rows])
    return [_plan(row, goals[row.id]) for row in rows]


async def care_plan(connection: AsyncConnection, resident_id: uuid.UUID, care_plan_id: uuid.UUID) -> CarePlanPublic:
    """Return a resident's care plan; raises ``NotFound``."""
    row = await plan_row(connection, resident_id, care_plan_id)
    return _plan(row, (await goals_of_plans(connection, [row.id]))[row.id])


async def plan_row(connection: AsyncConnection, resident_id: uuid.UUID, care_plan_id: uuid.UUID) -> sa.Row[Any]:
    """Return a resident's care plan as it is kept; raises ``NotFound``."""
    binds = {"resident_id": resident_id, "care_plan_id": care_plan_id}
    row = (await connection.execute(_PLAN, binds)).one_or_none()
    if row is None:
        raise NotFound
    return row


async def templates(connection: AsyncConnection, resident_id: uuid.UUID) -> list[TemplatePublic]:
    """Return what recurs for a resident, the active ones first."""
    return [_template(row) for row in await connection.execute(_TEMPLATES, {"resident_id": resident_id})]


async def template(connection: AsyncConnection, resident_id: uuid.UUID, template_id: uuid.UUID) -> TemplatePublic:
    """Return one thing that recurs; raises ``NotFound``."""
    binds = {"resident_id": resident_id, "template_id": template_id}
    row = (await connection.execute(_TEMPLATE, binds)).one_or_none()
    if row is None:
        raise NotFound
    return _template(row)


async def door_tags(connection: AsyncConnection, resident_id: uuid.UUID) -> list[DoorTagPublic]:
    """Return the tags at a resident's door, the latest first; what they hold is kept nowhere."""
    rows = await connection.execute(_TAGS, {"resident_id": resident_id})
    return [DoorTagPublic.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001 - a row's public view


def _plan(row: sa.Row[Any], goals: list[GoalPublic]) -> CarePlanPublic:
    content = _ERASED if row.content is None else orjson.loads(unseal(row.content, CONTENT))
    return CarePlanPublic.model_validate({**row._mapping, **content, "goals": goals})  # noqa: SLF001


def _template(row: sa.Row[Any]) -> TemplatePublic:
    shown = dict(row._mapping)  # noqa: SLF001
    shown["begins"] = f"{row.begins:%H:%M}"
    shown["until"] = f"{row.until:%H:%M}" if row.until is not None else None
    return TemplatePublic.model_validate(shown)

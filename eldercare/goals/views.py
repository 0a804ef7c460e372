"""The SQL that reads goals: of a resident, of care plans, and what was said of one."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from eldercare.goals import rules
from eldercare.goals.models import CHANGE_NOTE, DESCRIPTION, GOAL_CHANGES, GOALS
from eldercare.goals.rules import unit_of
from eldercare.goals.schemas import GoalChangePublic, GoalDetail, GoalPublic, GoalTargetPublic

_KIND = "eldercare.goals"
_resident = sa.bindparam("resident_id", type_=sa.Uuid)
_LIST = (
    sa.select(GOALS)
    .where(GOALS.c.resident_id == _resident, after((GOALS.c.id,), ("after_id",), descending=True))
    .order_by(GOALS.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_ONE = sa.select(GOALS).where(GOALS.c.resident_id == _resident, GOALS.c.id == sa.bindparam("goal_id", type_=sa.Uuid))
_MOST_OVER = 20
_plans = (
    sa.func.unnest(sa.bindparam("care_plan_ids", type_=ARRAY(sa.Uuid)))
    .table_valued(sa.column("id", sa.Uuid), name="plan")
    .render_derived()
)
_of_plan = (
    sa.select(GOALS)
    .where(
        GOALS.c.care_plan_id == _plans.c.id,
        GOALS.c.lifecycle_status != sa.literal("entered-in-error", sa.Text),
    )
    .order_by(
        GOALS.c.lifecycle_status.in_([sa.literal(status, sa.Text) for status in rules.OPEN]).desc(), GOALS.c.id.desc()
    )
    .limit(sa.literal(rules.MOST + _MOST_OVER, sa.Integer))
    .lateral("goal")
)
_OF_PLANS = sa.select(_of_plan).select_from(_plans.join(_of_plan, sa.true())).order_by(_of_plan.c.id)
_CHANGES = (
    sa.select(GOAL_CHANGES)
    .where(GOAL_CHANGES.c.goal_id == sa.bindparam("goal_id", type_=sa.Uuid))
    .order_by(GOAL_CHANGES.c.id.desc())
)


async def goals(connection: AsyncConnection, resident_id: uuid.UUID, page: PageRequest) -> Page[GoalPublic]:
    """Return a page of a resident's goals, the latest first, those entered in error among them."""
    after_id = uuid.UUID(decode_cursor(_KIND, page.cursor)[0]) if page.cursor else None
    binds = {"resident_id": resident_id, "after_id": after_id, "limit": page.limit + 1}
    rows = list(await connection.execute(_LIST, binds))
    return Page(items=[_goal(row) for row in rows[: page.limit]], next=next_cursor(_KIND, rows, page.limit, ["id"]))


async def goal(connection: AsyncConnection, resident_id: uuid.UUID, goal_id: uuid.UUID) -> GoalDetail:
    """Return a resident's goal with all that was said of it; raises ``NotFound``."""
    row = (await connection.execute(_ONE, {"resident_id": resident_id, "goal_id": goal_id})).one_or_none()
    if row is None:
        raise NotFound
    changes = await connection.execute(_CHANGES, {"goal_id": goal_id})
    return GoalDetail(**_goal(row).model_dump(), changes=[_change(one) for one in changes])


async def goals_of_plans(
    connection: AsyncConnection, care_plan_ids: Iterable[uuid.UUID]
) -> defaultdict[uuid.UUID, list[GoalPublic]]:
    """Return the goals of care plans, by plan, the first that was agreed first: all open ones, and the latest others.

    What was entered in error is not among them.
    """
    found: defaultdict[uuid.UUID, list[GoalPublic]] = defaultdict(list)
    for row in await connection.execute(_OF_PLANS, {"care_plan_ids": list(care_plan_ids)}):
        found[row.care_plan_id].append(_goal(row))
    return found


def _goal(row: sa.Row[Any]) -> GoalPublic:
    shown = dict(row._mapping)  # noqa: SLF001 - a row's public view
    shown["description"] = unseal(row.description, DESCRIPTION)
    return GoalPublic.model_validate(shown | {"target": _target(row)})


def _target(row: sa.Row[Any]) -> GoalTargetPublic | None:
    if row.target_measure is None and row.target_due_on is None:
        return None
    is_value = row.target_low is not None and row.target_low == row.target_high
    return GoalTargetPublic(
        measure=row.target_measure,
        value=row.target_low if is_value else None,
        low=None if is_value else row.target_low,
        high=None if is_value else row.target_high,
        unit=unit_of(row.target_measure) if row.target_measure else None,
        due_on=row.target_due_on,
    )


def _change(row: sa.Row[Any]) -> GoalChangePublic:
    shown = dict(row._mapping)  # noqa: SLF001 - a row's public view
    return GoalChangePublic.model_validate(shown | {"note": unseal(row.note, CHANGE_NOTE) if row.note else None})

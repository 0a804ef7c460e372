"""What is written of goals, under a care plan that whoever writes has locked and may arrange."""

import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.problems import FieldError, Malformed, NotFound
from app.core.sealing import seal
from eldercare.goals import rules
from eldercare.goals.models import CHANGE_NOTE, DESCRIPTION, GOALS, Goal, GoalChange
from eldercare.goals.problems import GoalNotOpen, TooManyGoals
from eldercare.goals.rules import Lifecycle
from eldercare.goals.schemas import GoalJudge, GoalStatusGive, GoalWrite

_FURTHEST_AHEAD: Final = timedelta(days=1)
"""The local day may be ahead of ours by as much."""

_IDS_OF = sa.select(GOALS.c.id).where(
    GOALS.c.care_plan_id == sa.bindparam("care_plan_id", type_=sa.Uuid),
    GOALS.c.lifecycle_status.in_([sa.literal(status, sa.Text) for status in rules.OPEN]),
)


async def create(
    session: AsyncSession,
    by: uuid.UUID,
    *,
    community_id: uuid.UUID,
    resident_id: uuid.UUID,
    care_plan_id: uuid.UUID,
    goals: Sequence[tuple[GoalWrite, Lifecycle]],
) -> list[Goal]:
    """Agree goals under a care plan and return them in their order; raises ``TooManyGoals``."""
    if len(await open_goals(session, care_plan_id)) + len(goals) > rules.MOST:
        raise TooManyGoals
    made = []
    for data, status in goals:
        goal = Goal(
            community_id=community_id,
            resident_id=resident_id,
            care_plan_id=care_plan_id,
            lifecycle_status=status,
            created_by=by,
            **_values(data),
        )
        session.add(goal)
        await session.flush()
        _note(session, by, goal, lifecycle_status=status)
        made.append(goal)
    await session.flush()
    return made


async def lock(session: AsyncSession, resident_id: uuid.UUID, goal_id: uuid.UUID) -> Goal:
    """Return a resident's goal, locked; raises ``NotFound``."""
    goal = await session.get(Goal, goal_id, with_for_update=True)
    if goal is None or goal.resident_id != resident_id:
        raise NotFound
    return goal


async def open_goals(session: AsyncSession, care_plan_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the ids of a plan's goals that are neither over nor given up."""
    return set((await session.scalars(_IDS_OF, {"care_plan_id": care_plan_id})).all())


async def change(session: AsyncSession, goal: Goal, data: GoalWrite) -> None:
    """Change what is to be achieved; raises ``GoalNotOpen`` for what is over or was given up."""
    if goal.lifecycle_status not in rules.OPEN:
        raise GoalNotOpen(lifecycle_status=goal.lifecycle_status)
    for name, value in _values(data).items():
        setattr(goal, name, value)
    await session.flush()


async def set_status(session: AsyncSession, by: uuid.UUID, goal: Goal, data: GoalStatusGive) -> None:
    """Let a locked goal's life go on; saying what is so already changes nothing.

    Raises ``GoalNotOpen``, and ``TooManyGoals`` for what would be taken up again beside too many.
    """
    if goal.lifecycle_status == data.lifecycle_status:
        return
    if data.lifecycle_status not in rules.TRANSITIONS[goal.lifecycle_status]:  # type: ignore[index]  # a check holds it
        raise GoalNotOpen(lifecycle_status=goal.lifecycle_status)
    is_taken_up = goal.lifecycle_status not in rules.OPEN and data.lifecycle_status in rules.OPEN
    if is_taken_up and len(await open_goals(session, goal.care_plan_id)) >= rules.MOST:
        raise TooManyGoals
    goal.lifecycle_status = data.lifecycle_status
    _note(session, by, goal, lifecycle_status=data.lifecycle_status, note=data.note)
    await session.flush()


async def judge(session: AsyncSession, by: uuid.UUID, goal: Goal, data: GoalJudge, today: date) -> None:
    """Say how far a locked goal is achieved, as of a day; what was said for a later day stays where the goal stands.

    Raises ``GoalNotOpen`` for what nobody works at, ``Malformed`` for a day ahead or before the goal was agreed.
    """
    if goal.lifecycle_status not in rules.JUDGED_WHILE:
        raise GoalNotOpen(lifecycle_status=goal.lifecycle_status)
    judged_on = data.judged_on or today
    earliest = min(goal.created_at.date() - _FURTHEST_AHEAD, goal.starts_on or date.max)
    if not earliest <= judged_on <= today:
        detail = "a day up to today on which there was the goal"
        raise Malformed(errors=[FieldError("/body/judged_on", detail, "out_of_range")])
    if goal.judged_on is None or judged_on >= goal.judged_on:
        goal.achievement_status, goal.judged_on, goal.judged_by = data.achievement_status, judged_on, by
    said = {"achievement_status": data.achievement_status, "judged_on": judged_on}
    _note(session, by, goal, note=data.note, **said)
    await session.flush()


async def give_up(session: AsyncSession, by: uuid.UUID, care_plan_id: uuid.UUID) -> None:
    """Cancel what is open of a plan that ends."""
    rows = await session.scalars(
        sa.select(Goal)
        .where(col(Goal.care_plan_id) == care_plan_id, col(Goal.lifecycle_status).in_(rules.OPEN))
        .order_by(col(Goal.id))
        .with_for_update()
    )
    for goal in rows.all():
        await set_status(session, by, goal, GoalStatusGive(lifecycle_status="cancelled"))


def _note(session: AsyncSession, by: uuid.UUID, goal: Goal, *, note: str | None = None, **said: Any) -> None:
    session.add(
        GoalChange(
            goal_id=goal.id,
            care_plan_id=goal.care_plan_id,
            resident_id=goal.resident_id,
            changed_at=clock.now(),
            changed_by=by,
            note=seal(note, CHANGE_NOTE) if note else None,
            **said,
        )
    )


def _values(data: GoalWrite) -> dict[str, Any]:
    target = data.target
    return {
        "description": seal(data.description, DESCRIPTION),
        "priority": data.priority,
        "starts_on": data.starts_on,
        "target_measure": target.measure if target else None,
        "target_low": _first(target.low, target.value) if target else None,
        "target_high": _first(target.high, target.value) if target else None,
        "target_due_on": target.due_on if target else None,
    }


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)

"""Goals of care plans: agreed, changed, judged, by the agency that answers for the plan."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.core.routing import check_version
from app.identity.api import ResidentSubject
from eldercare.goals import service as goals
from eldercare.goals.models import Goal
from eldercare.goals.schemas import GoalCreate, GoalJudge, GoalStatusGive, GoalWrite
from eldercare.visits import rules
from eldercare.visits.service.plans import lock_plan


async def create_goal(session: AsyncSession, actor: Actor, subject: ResidentSubject, data: GoalCreate) -> Goal:
    """Agree a goal; raises ``NotFound``, ``Forbidden``, ``CarePlanEnded``, ``TooManyGoals``."""
    plan = await lock_plan(session, actor, subject.resident_id, data.care_plan_id)
    (goal,) = await goals.create(
        session,
        actor.id,
        community_id=plan.community_id,
        resident_id=plan.resident_id,
        care_plan_id=plan.id,
        goals=[(data, data.lifecycle_status)],
    )
    await _record(session, actor, "goal:create", goal)
    return goal


async def change_goal(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    goal_id: uuid.UUID,
    data: GoalWrite,
    if_match: int | None,
) -> Goal:
    """Change what is to be achieved.

    Raises ``NotFound``, ``Forbidden``, ``StaleVersion``, ``CarePlanEnded``, ``GoalNotOpen``.
    """
    goal = await _lock(session, actor, subject, goal_id)
    check_version(goal, if_match)
    await goals.change(session, goal, data)
    await _record(session, actor, "goal:change", goal)
    return goal


async def set_status(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, goal_id: uuid.UUID, data: GoalStatusGive
) -> None:
    """Say where a goal stands.

    Raises ``NotFound``, ``Forbidden``, ``CarePlanEnded``, ``GoalNotOpen``, ``TooManyGoals``.
    """
    goal = await _lock(session, actor, subject, goal_id)
    await goals.set_status(session, actor.id, goal, data)
    await _record(session, actor, "goal:set_status", goal)


async def judge(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, goal_id: uuid.UUID, data: GoalJudge
) -> None:
    """Say how far a goal is achieved.

    Raises ``NotFound``, ``Forbidden``, ``CarePlanEnded``, ``GoalNotOpen``, ``Malformed``.
    """
    goal = await _lock(session, actor, subject, goal_id)
    await goals.judge(session, actor.id, goal, data, rules.local_date(clock.now(), subject.time_zone))
    await _record(session, actor, "goal:judge", goal)


async def _lock(session: AsyncSession, actor: Actor, subject: ResidentSubject, goal_id: uuid.UUID) -> Goal:
    found = await session.get(Goal, goal_id)
    if found is None or found.resident_id != subject.resident_id:
        raise NotFound
    # The plan first, as everywhere.
    await lock_plan(session, actor, subject.resident_id, found.care_plan_id)
    await session.refresh(found, with_for_update=True)
    return found


async def _record(session: AsyncSession, actor: Actor, action: str, goal: Goal) -> None:
    await audit.record(
        session, actor, action, resident_id=goal.resident_id, object_id=goal.id, community_id=goal.community_id
    )

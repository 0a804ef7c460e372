"""Care plans: agreed, changed, ended."""

import uuid
from collections.abc import Collection

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.core.routing import check_version
from app.core.sealing import seal, unseal
from app.identity.api import ResidentSubject, organizations_serving
from eldercare.absences.problems import ResidentClosed
from eldercare.goals import service as goals
from eldercare.tolerances.repository import supersede
from eldercare.visits.access import READ, require_arranger
from eldercare.visits.models import CONTENT, CarePlan
from eldercare.visits.problems import AgencyDoesNotServe, CarePlanEnded
from eldercare.visits.schemas.plans import CarePlanContent, CarePlanCreate, ItemPublic, TaskWrite
from eldercare.visits.service import planning


async def create_plan(session: AsyncSession, actor: Actor, subject: ResidentSubject, data: CarePlanCreate) -> CarePlan:
    """Agree a care plan with an agency. A task names the goal it serves by its id: of a new plan there are none yet.

    Raises ``ResidentClosed``, ``Forbidden``, ``AgencyDoesNotServe``, ``Malformed``.
    """
    if subject.state != "active":
        raise ResidentClosed
    require_arranger(actor, data.organization_id)
    await require_serving(session, subject.resident_id, data.organization_id)
    _check_goals(data, frozenset())
    plan = CarePlan(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        organization_id=data.organization_id,
        content=_sealed(data),
        created_by=actor.id,
    )
    session.add(plan)
    await session.flush()
    await goals.create(
        session,
        actor.id,
        community_id=plan.community_id,
        resident_id=plan.resident_id,
        care_plan_id=plan.id,
        goals=[(goal, "active") for goal in data.goals],
    )
    await _record(session, actor, "care_plan:create", plan)
    return plan


async def change_plan(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    care_plan_id: uuid.UUID,
    data: CarePlanContent,
    if_match: int | None,
) -> CarePlan:
    """Change what a plan says; visits that lie ahead get the new tasks, those that were made keep theirs.

    Raises ``NotFound``, ``Forbidden``, ``StaleVersion``, ``CarePlanEnded``, ``Malformed``.
    """
    plan = await lock_plan(session, actor, subject.resident_id, care_plan_id)
    check_version(plan, if_match)
    # What a task serves may be over by now; a plan that was read can be written back.
    named = {task.goal_id for task in tasks_of(plan.content, []) if task.goal_id is not None}
    _check_goals(data, named | await goals.open_goals(session, plan.id))
    plan.content = _sealed(data)
    await session.flush()
    await planning.realign(session, await planning.templates_of_plan(session, plan.id))
    await _record(session, actor, "care_plan:change", plan)
    return plan


async def end_plan(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, care_plan_id: uuid.UUID, if_match: int | None
) -> None:
    """End a plan, what recurs under it, its visits ahead and its open goals; a visit under way is finished.

    Raises ``NotFound``, ``Forbidden``, ``StaleVersion``, ``CarePlanEnded``.
    """
    plan = await lock_plan(session, actor, subject.resident_id, care_plan_id)
    check_version(plan, if_match)
    plan.state, plan.ended_at, plan.ended_by = "ended", clock.now(), actor.id
    await session.flush()
    await planning.end_templates(session, actor.id, await planning.templates_of_plan(session, plan.id))
    await planning.cancel_extra_visits(session, actor.id, plan.id)
    await goals.give_up(session, actor.id, plan.id)
    await supersede(session, plan.id)
    await _record(session, actor, "care_plan:end", plan)


async def lock_plan(session: AsyncSession, actor: Actor, resident_id: uuid.UUID, care_plan_id: uuid.UUID) -> CarePlan:
    """Return an active plan of the resident's that the actor may arrange, locked.

    Raises ``NotFound``, ``Forbidden``, ``CarePlanEnded``.
    """
    plan = await session.get(CarePlan, care_plan_id, with_for_update=True)
    if plan is None or plan.resident_id != resident_id:
        raise NotFound
    require_arranger(actor, plan.organization_id)
    if plan.state != "active":
        raise CarePlanEnded
    return plan


async def require_serving(session: AsyncSession, resident_id: uuid.UUID, organization_id: uuid.UUID) -> None:
    """Raise ``AgencyDoesNotServe`` unless an agreement in force lets the organization see the resident's visits."""
    serving = await organizations_serving(await session.connection(), [resident_id], READ)
    if organization_id not in serving[resident_id]:
        raise AgencyDoesNotServe


def _check_goals(data: CarePlanContent, known: Collection[uuid.UUID]) -> None:
    errors = [
        FieldError(f"/body/tasks/{index}/goal_id", "not an open goal of the care plan", "unknown_goal")
        for index, task in enumerate(data.tasks)
        if task.goal_id is not None and task.goal_id not in known
    ]
    if errors:
        raise Malformed(errors=errors)


def _sealed(data: CarePlanContent) -> str:
    content = {"title": data.title, "tasks": [_task(task) for task in data.tasks]}
    return seal(orjson.dumps(content).decode(), CONTENT)


def _task(given: TaskWrite) -> dict[str, str]:
    goal = {} if given.goal_id is None else {"goal_id": str(given.goal_id)}
    return {"id": str(given.id or clock.new_id()), "text": given.text, **goal}


def tasks_of(plan_content: str | None, task_ids: list[uuid.UUID]) -> list[ItemPublic]:
    """Return the tasks of a plan's content that are named, or all of them if none is."""
    if plan_content is None:
        return []
    tasks = [ItemPublic.model_validate(task) for task in orjson.loads(unseal(plan_content, CONTENT))["tasks"]]
    return [task for task in tasks if not task_ids or task.id in task_ids]


async def _record(session: AsyncSession, actor: Actor, action: str, plan: CarePlan) -> None:
    await audit.record(
        session, actor, action, resident_id=plan.resident_id, object_id=plan.id, community_id=plan.community_id
    )

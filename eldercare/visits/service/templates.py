"""What recurs: agreed, changed, ended."""

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.core.routing import check_version
from app.identity.api import ResidentSubject
from eldercare.absences.problems import ResidentClosed
from eldercare.visits.models import CarePlan, VisitTemplate
from eldercare.visits.problems import CarePlanEnded
from eldercare.visits.schemas.plans import TemplateCreate, TemplateWrite
from eldercare.visits.service import planning
from eldercare.visits.service.plans import lock_plan, require_serving, tasks_of


async def create_template(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, data: TemplateCreate
) -> VisitTemplate:
    """Agree a visit that recurs and plan its first two weeks.

    Raises ``NotFound``, ``Forbidden``, ``ResidentClosed``, ``CarePlanEnded``, ``AgencyDoesNotServe``, ``Malformed``.
    """
    if subject.state != "active":
        raise ResidentClosed
    plan = await lock_plan(session, actor, subject.resident_id, data.care_plan_id)
    await require_serving(session, subject.resident_id, plan.organization_id)
    check_tasks(plan, data.task_ids)
    template = VisitTemplate(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        account_id=subject.account_id,
        care_plan_id=plan.id,
        organization_id=plan.organization_id,
        plan_at=clock.now(),
        **_values(data),
    )
    session.add(template)
    await session.flush()
    await planning.plan_ahead(session, [template.id])
    await _record(session, actor, "visit_template:create", template)
    return template


async def change_template(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    template_id: uuid.UUID,
    data: TemplateWrite,
    if_match: int | None,
) -> VisitTemplate:
    """Change what recurs from now on: visits that still are agreed stay, with their carers.

    Raises ``NotFound``, ``Forbidden``, ``StaleVersion``, ``CarePlanEnded``, ``Malformed``.
    """
    template, plan = await _lock(session, actor, subject.resident_id, template_id)
    check_version(template, if_match)
    check_tasks(plan, data.task_ids)
    for name, value in _values(data).items():
        setattr(template, name, value)
    await session.flush()
    await planning.realign(session, [template.id])
    await session.refresh(template)
    await _record(session, actor, "visit_template:change", template)
    return template


async def end_template(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, template_id: uuid.UUID, if_match: int | None
) -> None:
    """End what recurs; raises ``NotFound``, ``Forbidden``, ``StaleVersion``, ``CarePlanEnded``."""
    template, _ = await _lock(session, actor, subject.resident_id, template_id)
    check_version(template, if_match)
    await planning.end_templates(session, actor.id, [template.id])
    await _record(session, actor, "visit_template:end", template)


def check_tasks(plan: CarePlan, task_ids: list[uuid.UUID]) -> None:
    """Raise ``Malformed`` for tasks that are none of the plan's."""
    known = {task.id for task in tasks_of(plan.content, [])}
    errors = [
        FieldError(f"/body/task_ids/{index}", "not a task of the care plan", "unknown_task")
        for index, task_id in enumerate(task_ids)
        if task_id not in known
    ]
    if errors:
        raise Malformed(errors=errors)


async def _lock(
    session: AsyncSession, actor: Actor, resident_id: uuid.UUID, template_id: uuid.UUID
) -> tuple[VisitTemplate, CarePlan]:
    template = await session.scalar(sa.select(VisitTemplate).where(sa.column("id") == template_id))
    if template is None or template.resident_id != resident_id:
        raise NotFound
    # The plan first, as everywhere: what recurs is planned under its plan's lock.
    plan = await lock_plan(session, actor, resident_id, template.care_plan_id)
    await session.refresh(template, with_for_update=True)
    if template.state != "active":
        raise CarePlanEnded
    return template, plan


def _values(data: TemplateWrite) -> dict[str, Any]:
    return {
        "begins": data.begins_at(),
        "duration": data.duration,
        "until": data.until_at(),
        "weekdays": sorted(data.weekdays),
        "rrule": data.rrule,
        "starts_on": data.starts_on,
        "ends_on": data.ends_on,
        "holidays": data.holidays,
        "time_zone": data.time_zone,
        "flexibility": data.flexibility,
        "carers": data.carers,
        "is_critical": data.is_critical,
        "skills": sorted(data.skills),
        "preferred": data.preferred,
        "task_ids": data.task_ids,
    }


async def _record(session: AsyncSession, actor: Actor, action: str, template: VisitTemplate) -> None:
    await audit.record(
        session,
        actor,
        action,
        resident_id=template.resident_id,
        object_id=template.id,
        community_id=template.community_id,
    )

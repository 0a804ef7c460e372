"""The HTTP side of escalation plans and of testing the duty desk."""

import uuid
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor, CurrentActor
from app.core.paging import Page
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import (
    Member,
    ResidentSubject,
    member_guard,
    require_member,
    require_resident,
    resident_guard,
    trace_read,
)
from eldercare.escalation import service
from eldercare.escalation.problems import DeskNotTested, PlanNotADraft
from eldercare.escalation.schemas import DeskTestMake, DeskTestPublic, EscalationPlanPublic, PlanMake
from eldercare.escalation.views import plans_of, shown

router = Router(tags=["eldercare"])

Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]
Desk = Annotated[Member, Depends(member_guard("operator", "dispatcher", organization_kind="operator"))]
_REFUSALS = problem_responses(Unauthenticated, Forbidden, NotFound)


@router.resident_route("GET", "/escalation-plans", responses=_REFUSALS)
async def list_escalation_plans(
    connection: Reading,
    actor: CurrentActor,
    subject: Annotated[ResidentSubject, Depends(resident_guard("circle:read"))],
) -> Page[EscalationPlanPublic]:
    """List the versions of a resident's own plan, the latest first.

    Without an active one the community's is climbed, or the built-in.
    """
    await trace_read(connection, actor, subject, "escalation_plan:list")
    return Page(items=await plans_of(connection, subject.community_id, subject.resident_id), next=None)


@router.resident_route("POST", "/escalation-plans", status_code=201, responses=_REFUSALS)
async def make_escalation_plan(
    session: Session,
    actor: CurrentActor,
    subject: Annotated[ResidentSubject, Depends(resident_guard("circle:manage"))],
    data: PlanMake,
) -> EscalationPlanPublic:
    """Write a plan for a resident as a draft."""
    plan = await service.make_plan(
        session, actor, data.steps, community_id=subject.community_id, resident_id=subject.resident_id
    )
    return (await shown(await session.connection(), [plan]))[0]


@router.get("/escalation-plans", responses=problem_responses(Unauthenticated, Forbidden))
async def list_default_escalation_plans(connection: Reading, member: Desk) -> Page[EscalationPlanPublic]:
    """List the versions of the community's default plan, the latest first."""
    return Page(items=await plans_of(connection, member.community_id, None), next=None)


@router.post("/escalation-plans", status_code=201, responses=problem_responses(Unauthenticated, Forbidden))
async def make_default_escalation_plan(session: Session, member: Operator, data: PlanMake) -> EscalationPlanPublic:
    """Write a default plan for the community as a draft."""
    plan = await service.make_plan(session, member.actor, data.steps, community_id=member.community_id)
    return (await shown(await session.connection(), [plan]))[0]


@router.post(
    "/escalation-plans/{plan_id}/activation",
    responses=problem_responses(Unauthenticated, Forbidden, NotFound, DeskNotTested, PlanNotADraft),
)
async def activate_escalation_plan(session: Session, actor: CurrentActor, plan_id: uuid.UUID) -> EscalationPlanPublic:
    """Put a draft in force; its last step, the duty desk, must have been tested."""
    plan = await service.lock_plan(session, plan_id)
    if plan.resident_id is not None:
        await _require_plan_of(await session.connection(), actor, plan.resident_id)
    elif plan.community_id != actor.community_id:
        raise NotFound
    else:
        require_member(actor, "operator", organization_kind="operator")
    await service.activate_plan(session, actor, plan)
    return (await shown(await session.connection(), [plan]))[0]


@router.post("/duty-desk-tests", status_code=201, responses=problem_responses(Unauthenticated, Forbidden))
async def test_duty_desk(session: Session, member: Operator, data: DeskTestMake) -> DeskTestPublic:
    """Send a test to the duty desk; somebody there has to answer it."""
    test = await service.test_desk(session, member.actor, member.community_id, data.channels)
    return DeskTestPublic.model_validate(test)


@router.post("/duty-desk-tests/{test_id}/answer", responses=_REFUSALS)
async def answer_duty_desk_test(session: Session, actor: CurrentActor, test_id: uuid.UUID) -> DeskTestPublic:
    """Answer a test of the duty desk, as somebody who sits there."""
    return DeskTestPublic.model_validate(await service.answer_test(session, actor, test_id))


async def _require_plan_of(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> None:
    """Let those pass who manage the resident's circle; who may not read of it may not know of the plan either."""
    try:
        await require_resident(connection, actor, resident_id, "circle:read")
    except Forbidden:
        raise NotFound from None
    await require_resident(connection, actor, resident_id, "circle:manage")

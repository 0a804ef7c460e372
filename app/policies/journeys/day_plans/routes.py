"""Plans of whole days over HTTP: proposed for visits and orders together, looked at, carried out."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Header

from app.core.database import reading
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session, route_options
from app.identity.api import Member, language_for, member_guard
from app.policies.journeys.day_plans import service, views
from app.policies.journeys.day_plans.problems import DayPlanAccepted, DayPlanStale
from app.policies.journeys.day_plans.schemas import DayPlanCreate, DayPlanPublic
from app.reservations.api import CalendarTaken
from community.api import WorkerUnavailable
from eldercare.api import CarerAbsent

router = Router(tags=["housekeeping"])

Leader = Annotated[Member, Depends(member_guard("coordinator", "operator"))]
Language = Annotated[str, Header(alias="Accept-Language", max_length=200, description="en or zh-CN")]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/organizations/{organization_id}/day-plans"
_ONE: Final = f"{_OF}/{{day_plan_id}}"


@router.post(_OF, status_code=201, responses=problem_responses(*_GUARDED))
@route_options(database=False)
async def propose_day_plan(
    organization_id: uuid.UUID, member: Leader, data: DayPlanCreate, accept_language: Language = "en"
) -> DayPlanPublic:
    """Propose who goes where on a day, to visits and orders in one plan.

    Hours, rest and breaks of those who go to both are kept over both. Nothing is changed until it is accepted, and what
    is under way is not touched.
    """
    plan_id = await service.propose(member.actor, organization_id, data)
    async with reading() as connection:
        return await views.day_plan(connection, member.actor, organization_id, plan_id, language_for(accept_language))


@router.get(_ONE, responses=problem_responses(*_GUARDED))
async def get_day_plan(
    organization_id: uuid.UUID,
    day_plan_id: uuid.UUID,
    connection: Reading,
    member: Leader,
    accept_language: Language = "en",
) -> DayPlanPublic:
    """Show a plan, with a sentence for each visit and order nobody was found for."""
    return await views.day_plan(connection, member.actor, organization_id, day_plan_id, language_for(accept_language))


@router.post(
    f"{_ONE}/acceptance",
    responses=problem_responses(
        *_GUARDED, CalendarTaken, CarerAbsent, DayPlanAccepted, DayPlanStale, WorkerUnavailable
    ),
)
async def accept_day_plan(
    organization_id: uuid.UUID,
    day_plan_id: uuid.UUID,
    session: Session,
    member: Leader,
    accept_language: Language = "en",
) -> DayPlanPublic:
    """Carry out a plan, all of it or nothing; what has changed since it was made is named, and then nothing is done."""
    await service.accept(session, member.actor, organization_id, day_plan_id)
    connection = await session.connection()
    return await views.day_plan(connection, member.actor, organization_id, day_plan_id, language_for(accept_language))

"""How long is waited for visits, over HTTP: said by the operator for all, by an agency, and for a care plan."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Response

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import Member, ResidentSubject, member_guard, trace_read
from eldercare.tolerances import views
from eldercare.tolerances.schemas import VisitTolerancesPublic, VisitTolerancesVersion, VisitTolerancesWrite
from eldercare.visits.access import arranger_guard
from eldercare.visits.problems import CarePlanEnded
from eldercare.visits.service import tolerances
from eldercare.visits.views import plans

router = Router(tags=["eldercare"])

Leader = Annotated[Member, Depends(member_guard("coordinator", "operator"))]
Arranger = Annotated[ResidentSubject, Depends(arranger_guard)]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/organizations/{organization_id}/visit-tolerances"
_OF_PLAN: Final = "/residents/{resident_id}/care-plans/{care_plan_id}/visit-tolerances"


@router.get(_OF, responses=problem_responses(*_GUARDED))
async def get_agency_visit_tolerances(
    organization_id: uuid.UUID, connection: Reading, member: Leader, response: Response
) -> VisitTolerancesPublic:
    """Show how long an agency has it that visits are waited for; of the operator, what it says for all."""
    found = await tolerances.of_agency(connection, member, organization_id)
    set_etag(response, found.revision)
    return found


@router.put(_OF, responses=problem_responses(*_GUARDED, StaleVersion))
async def set_agency_visit_tolerances(
    organization_id: uuid.UUID,
    session: Session,
    member: Leader,
    data: VisitTolerancesWrite,
    if_match: IfMatch,
    *,
    response: Response,
) -> VisitTolerancesPublic:
    """Say how long is waited for an agency's visits; said by the operator of itself it is the default for all."""
    await tolerances.set_for_agency(session, member.actor, member, organization_id, data, if_match)
    found = await tolerances.of_agency(await session.connection(), member, organization_id)
    set_etag(response, found.revision)
    return found


@router.get(f"{_OF}/versions", responses=problem_responses(*_GUARDED))
async def list_agency_visit_tolerance_versions(
    organization_id: uuid.UUID, connection: Reading, member: Leader, page: PageQuery
) -> Page[VisitTolerancesVersion]:
    """List what was said of how long is waited for an agency's visits, when and by whom, the latest first."""
    return await views.versions(connection, tolerances.scope_of(member, organization_id)[1], page)


@router.get(_OF_PLAN, responses=problem_responses(*_GUARDED))
async def get_care_plan_visit_tolerances(
    connection: Reading, actor: CurrentActor, subject: Arranger, care_plan_id: uuid.UUID, response: Response
) -> VisitTolerancesPublic:
    """Show how long is waited for the visits of a care plan, and where that was said."""
    await trace_read(connection, actor, subject, "visit_tolerances:read", care_plan_id)
    plan = await plans.plan_row(connection, subject.resident_id, care_plan_id)
    found = await tolerances.of_plan(connection, plan)
    set_etag(response, found.revision)
    return found


@router.put(_OF_PLAN, responses=problem_responses(*_GUARDED, StaleVersion, CarePlanEnded))
async def set_care_plan_visit_tolerances(
    session: Session,
    actor: CurrentActor,
    subject: Arranger,
    care_plan_id: uuid.UUID,
    data: VisitTolerancesWrite,
    if_match: IfMatch,
    *,
    response: Response,
) -> VisitTolerancesPublic:
    """Say how long is waited for the visits of a care plan; those that lie ahead follow at once."""
    plan = await tolerances.set_for_plan(session, actor, subject, care_plan_id, data, if_match)
    found = await tolerances.of_plan(await session.connection(), plan)
    set_etag(response, found.revision)
    return found


@router.get(f"{_OF_PLAN}/versions", responses=problem_responses(*_GUARDED))
async def list_care_plan_visit_tolerance_versions(
    connection: Reading, actor: CurrentActor, subject: Arranger, care_plan_id: uuid.UUID, page: PageQuery
) -> Page[VisitTolerancesVersion]:
    """List what was said of how long is waited for a plan's visits, when and by whom, the latest first."""
    await trace_read(connection, actor, subject, "visit_tolerances:list", care_plan_id)
    plan = await plans.plan_row(connection, subject.resident_id, care_plan_id)
    return await views.versions(connection, plan.id, page)

"""Care plans, what recurs under them, and the tags at doors, over HTTP."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Response

from app.core.access import CurrentActor
from app.core.paging import Page
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, route_options, set_etag
from app.identity.api import ResidentSubject, resident_guard, trace_read
from eldercare.absences.problems import ResidentClosed
from eldercare.visits.access import READ, arranger_guard
from eldercare.visits.problems import AgencyDoesNotServe, CarePlanEnded, TagRevoked
from eldercare.visits.schemas.plans import (
    CarePlanContent,
    CarePlanCreate,
    CarePlanPublic,
    TemplateCreate,
    TemplatePublic,
    TemplateWrite,
)
from eldercare.visits.schemas.visits import DoorTagCreate, DoorTagCreated, DoorTagPublic
from eldercare.visits.service import plans, tags, templates
from eldercare.visits.views import plans as views

router = Router(tags=["eldercare"])

Reader = Annotated[ResidentSubject, Depends(resident_guard(READ))]
Arranger = Annotated[ResidentSubject, Depends(arranger_guard)]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/residents/{resident_id}"


@router.resident_route("GET", "/care-plans", responses=problem_responses(*_GUARDED))
async def list_care_plans(connection: Reading, actor: CurrentActor, subject: Reader) -> Page[CarePlanPublic]:
    """List a resident's care plans, the active ones first."""
    await trace_read(connection, actor, subject, "care_plans:list")
    return Page(items=await views.care_plans(connection, subject.resident_id), next=None)


@router.resident_route("GET", "/care-plans/{care_plan_id}", responses=problem_responses(*_GUARDED))
async def get_care_plan(
    connection: Reading, actor: CurrentActor, subject: Reader, care_plan_id: uuid.UUID, response: Response
) -> CarePlanPublic:
    """Show what is to be achieved for a resident, and what is done for it."""
    await trace_read(connection, actor, subject, "care_plan:read", care_plan_id)
    plan = await views.care_plan(connection, subject.resident_id, care_plan_id)
    set_etag(response, plan.version)
    return plan


@router.post(
    f"{_OF}/care-plans",
    status_code=201,
    responses=problem_responses(*_GUARDED, ResidentClosed, AgencyDoesNotServe),
)
async def create_care_plan(
    session: Session, actor: CurrentActor, subject: Arranger, data: CarePlanCreate, response: Response
) -> CarePlanPublic:
    """Agree a care plan with an agency that serves the resident."""
    plan = await plans.create_plan(session, actor, subject, data)
    set_etag(response, plan.version)
    return await views.care_plan(await session.connection(), subject.resident_id, plan.id)


@router.put(f"{_OF}/care-plans/{{care_plan_id}}", responses=problem_responses(*_GUARDED, StaleVersion, CarePlanEnded))
async def change_care_plan(
    session: Session,
    actor: CurrentActor,
    subject: Arranger,
    care_plan_id: uuid.UUID,
    data: CarePlanContent,
    if_match: IfMatch,
    *,
    response: Response,
) -> CarePlanPublic:
    """Change goals and tasks; visits ahead get the new tasks, those that were made keep theirs."""
    plan = await plans.change_plan(session, actor, subject, care_plan_id, data, if_match)
    set_etag(response, plan.version)
    return await views.care_plan(await session.connection(), subject.resident_id, care_plan_id)


@router.delete(
    f"{_OF}/care-plans/{{care_plan_id}}",
    status_code=204,
    responses=problem_responses(*_GUARDED, StaleVersion, CarePlanEnded),
)
async def end_care_plan(
    session: Session, actor: CurrentActor, subject: Arranger, care_plan_id: uuid.UUID, if_match: IfMatch
) -> None:
    """End a care plan with what recurs under it and its visits ahead."""
    await plans.end_plan(session, actor, subject, care_plan_id, if_match)


@router.resident_route("GET", "/visit-templates", responses=problem_responses(*_GUARDED))
async def list_visit_templates(connection: Reading, actor: CurrentActor, subject: Reader) -> Page[TemplatePublic]:
    """List when carers come to a resident, again and again."""
    await trace_read(connection, actor, subject, "visit_templates:list")
    return Page(items=await views.templates(connection, subject.resident_id), next=None)


@router.post(
    f"{_OF}/visit-templates",
    status_code=201,
    responses=problem_responses(*_GUARDED, ResidentClosed, CarePlanEnded, AgencyDoesNotServe),
)
async def create_visit_template(
    session: Session, actor: CurrentActor, subject: Arranger, data: TemplateCreate, response: Response
) -> TemplatePublic:
    """Agree a visit that recurs; its first two weeks are planned at once."""
    template = await templates.create_template(session, actor, subject, data)
    set_etag(response, template.version)
    return await views.template(await session.connection(), subject.resident_id, template.id)


@router.put(
    f"{_OF}/visit-templates/{{template_id}}", responses=problem_responses(*_GUARDED, StaleVersion, CarePlanEnded)
)
async def change_visit_template(
    session: Session,
    actor: CurrentActor,
    subject: Arranger,
    template_id: uuid.UUID,
    data: TemplateWrite,
    if_match: IfMatch,
    *,
    response: Response,
) -> TemplatePublic:
    """Change what recurs: visits that still are agreed stay, with their carers; the others are called off and told."""
    template = await templates.change_template(session, actor, subject, template_id, data, if_match)
    set_etag(response, template.version)
    return await views.template(await session.connection(), subject.resident_id, template_id)


@router.delete(
    f"{_OF}/visit-templates/{{template_id}}",
    status_code=204,
    responses=problem_responses(*_GUARDED, StaleVersion, CarePlanEnded),
)
async def end_visit_template(
    session: Session, actor: CurrentActor, subject: Arranger, template_id: uuid.UUID, if_match: IfMatch
) -> None:
    """End what recurs, with its visits ahead."""
    await templates.end_template(session, actor, subject, template_id, if_match)


@router.get(f"{_OF}/door-tags", responses=problem_responses(*_GUARDED))
async def list_door_tags(connection: Reading, actor: CurrentActor, subject: Arranger) -> Page[DoorTagPublic]:
    """List the tags and printed codes at a resident's door."""
    await trace_read(connection, actor, subject, "door_tags:list")
    return Page(items=await views.door_tags(connection, subject.resident_id), next=None)


@router.post(f"{_OF}/door-tags", status_code=201, responses=problem_responses(*_GUARDED))
@route_options(idempotency=False)
async def create_door_tag(
    session: Session, actor: CurrentActor, subject: Arranger, data: DoorTagCreate
) -> DoorTagCreated:
    """Make a tag or code for a resident's door; what it holds is shown this once."""
    return await tags.create_tag(session, actor, subject, data)


@router.delete(f"{_OF}/door-tags/{{door_tag_id}}", status_code=204, responses=problem_responses(*_GUARDED, TagRevoked))
async def revoke_door_tag(session: Session, actor: CurrentActor, subject: Arranger, door_tag_id: uuid.UUID) -> None:
    """Take a tag out of use at once."""
    await tags.revoke_tag(session, actor, subject, door_tag_id)

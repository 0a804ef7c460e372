"""The HTTP side of check-ins: plans, pauses, what came of each morning, and answers."""

import uuid
from typing import Annotated

from fastapi import Depends, Query, Response

from app.core.access import CurrentActor
from app.core.instants import GivenDay
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import ResidentSubject, resident_guard, trace_read
from eldercare.absences.problems import AbsenceOver, ResidentClosed
from eldercare.check_ins.problems import (
    AnswerContradicts,
    ChannelNotSuitable,
    CheckInNotOpen,
    PlanEnded,
)
from eldercare.check_ins.rules import State
from eldercare.check_ins.schemas import (
    AnswerWrite,
    CheckInDetail,
    CheckInPlanPublic,
    CheckInPublic,
    PauseCreate,
    PausePublic,
    PlanVersionPublic,
    PlanWrite,
)
from eldercare.check_ins.service import answers
from eldercare.check_ins.service import pauses as pausing
from eldercare.check_ins.service import plans as planning
from eldercare.check_ins.views import check_ins as views
from eldercare.check_ins.views import plans as plan_views

router = Router(tags=["eldercare"])

Reader = Annotated[ResidentSubject, Depends(resident_guard("check_ins:read"))]
Manager = Annotated[ResidentSubject, Depends(resident_guard("check_ins:manage"))]
Answerer = Annotated[ResidentSubject, Depends(resident_guard("check_ins:answer"))]
StateFilter = Annotated[State | None, Query(description="only check-ins in this state")]
_GUARDED = (Unauthenticated, Forbidden, NotFound)


@router.resident_route("GET", "/check-ins", response_model=Page[CheckInPublic], responses=problem_responses(*_GUARDED))
async def list_check_ins(
    connection: Reading, actor: CurrentActor, subject: Reader, page: PageQuery, state: StateFilter = None
) -> Response:
    """List a resident's check-ins, the latest first; those planned ahead come before those of the past."""
    # PostgreSQL builds the JSON; a test holds it to the declared schema.
    return _json(await views.list_check_ins(connection, actor, subject, page, state))


@router.resident_route("GET", "/check-ins/{check_in_id}", responses=problem_responses(*_GUARDED))
async def get_check_in(
    connection: Reading, actor: CurrentActor, subject: Reader, check_in_id: uuid.UUID
) -> CheckInDetail:
    """Show one check-in with its questions and what was answered to them."""
    return await views.check_in(connection, actor, subject, check_in_id)


@router.resident_route(
    "POST",
    "/check-ins/{check_in_id}/answer",
    responses=problem_responses(*_GUARDED, CheckInNotOpen, AnswerContradicts),
)
async def answer_check_in(
    session: Session, actor: CurrentActor, subject: Answerer, check_in_id: uuid.UUID, data: AnswerWrite
) -> CheckInDetail:
    """Answer a check-in: with one tap, or for somebody you saw or spoke to. The same answer again changes nothing."""
    return await answers.answer(session, actor, subject, check_in_id, data)


@router.get("/check-ins", response_model=Page[CheckInPublic], responses=problem_responses(Unauthenticated))
async def list_check_ins_of_day(
    connection: Reading,
    actor: CurrentActor,
    page: PageQuery,
    day: Annotated[GivenDay, Query(alias="date", description="the residents' local day")],
    state: StateFilter = None,
) -> Response:
    """List the check-ins of a day of everyone you look after, in the order they are due."""
    return _json(await views.list_day(connection, actor, day, page, state))


@router.resident_route("GET", "/check-in-plans", responses=problem_responses(*_GUARDED))
async def list_check_in_plans(connection: Reading, actor: CurrentActor, subject: Reader) -> Page[CheckInPlanPublic]:
    """List a resident's plans, the active ones first."""
    await trace_read(connection, actor, subject, "check_in_plans:list")
    return Page(items=await plan_views.plans(connection, subject.resident_id), next=None)


@router.resident_route(
    "POST",
    "/check-in-plans",
    status_code=201,
    responses=problem_responses(*_GUARDED, ResidentClosed, ChannelNotSuitable),
)
async def create_check_in_plan(
    session: Session, actor: CurrentActor, subject: Manager, data: PlanWrite, response: Response
) -> CheckInPlanPublic:
    """Agree how and when somebody is asked whether they are all right."""
    plan = await planning.create_plan(session, actor, subject, data)
    set_etag(response, plan.version)
    return await plan_views.plan(await session.connection(), subject.resident_id, plan.id)


@router.resident_route("GET", "/check-in-plans/{plan_id}", responses=problem_responses(*_GUARDED))
async def get_check_in_plan(
    connection: Reading, actor: CurrentActor, subject: Reader, plan_id: uuid.UUID, response: Response
) -> CheckInPlanPublic:
    """Show a plan with the version in force."""
    await trace_read(connection, actor, subject, "check_in_plan:read", plan_id)
    plan = await plan_views.plan(connection, subject.resident_id, plan_id)
    set_etag(response, plan.version)
    return plan


@router.resident_route("GET", "/check-in-plans/{plan_id}/versions", responses=problem_responses(*_GUARDED))
async def list_check_in_plan_versions(
    connection: Reading, actor: CurrentActor, subject: Reader, plan_id: uuid.UUID
) -> Page[PlanVersionPublic]:
    """List what a plan said over time, the latest first."""
    await trace_read(connection, actor, subject, "check_in_plan:read", plan_id)
    return Page(items=await plan_views.plan_versions(connection, subject.resident_id, plan_id), next=None)


@router.resident_route(
    "PUT",
    "/check-in-plans/{plan_id}",
    responses=problem_responses(*_GUARDED, StaleVersion, PlanEnded, ChannelNotSuitable),
)
async def change_check_in_plan(
    session: Session,
    actor: CurrentActor,
    subject: Manager,
    plan_id: uuid.UUID,
    data: PlanWrite,
    if_match: IfMatch,
    *,
    response: Response,
) -> CheckInPlanPublic:
    """Give a plan a new version from now on; what was asked before stays as it was."""
    plan = await planning.change_plan(session, actor, subject, plan_id, data, if_match)
    set_etag(response, plan.version)
    return await plan_views.plan(await session.connection(), subject.resident_id, plan_id)


@router.resident_route(
    "DELETE", "/check-in-plans/{plan_id}", status_code=204, responses=problem_responses(*_GUARDED, StaleVersion)
)
async def end_check_in_plan(
    session: Session, actor: CurrentActor, subject: Manager, plan_id: uuid.UUID, if_match: IfMatch
) -> None:
    """End a plan: nobody is asked from now on; its history stays."""
    await planning.end_plan(session, actor, subject, plan_id, if_match)


@router.resident_route("GET", "/check-in-pauses", responses=problem_responses(*_GUARDED))
async def list_check_in_pauses(
    connection: Reading, actor: CurrentActor, subject: Reader, page: PageQuery
) -> Page[PausePublic]:
    """List a resident's pauses, the latest first."""
    await trace_read(connection, actor, subject, "check_in_pauses:list")
    items, following = await plan_views.pauses(connection, subject.resident_id, page)
    return Page(items=items, next=following)


@router.resident_route(
    "POST", "/check-in-pauses", status_code=201, responses=problem_responses(*_GUARDED, ResidentClosed)
)
async def create_check_in_pause(
    session: Session, actor: CurrentActor, subject: Manager, data: PauseCreate
) -> PausePublic:
    """Say that a resident is away until a given moment: nobody asks, reminds or comes; the care circle is told."""
    return PausePublic.model_validate(await pausing.create_pause(session, actor, subject, data))


@router.resident_route("DELETE", "/check-in-pauses/{pause_id}", responses=problem_responses(*_GUARDED, AbsenceOver))
async def end_check_in_pause(
    session: Session, actor: CurrentActor, subject: Manager, pause_id: uuid.UUID
) -> PausePublic:
    """Say that a resident is back, or does not leave after all; the care circle is told."""
    return PausePublic.model_validate(await pausing.end_pause(session, actor, subject, pause_id))


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")

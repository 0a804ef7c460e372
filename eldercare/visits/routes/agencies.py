"""An agency's day over HTTP: its visits, its carers and their hours, proposals who goes where, timesheets."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Header, Query
from fastapi.responses import StreamingResponse

from app.core import audit
from app.core.access import not_viewed
from app.core.database import reading, unit_of_work
from app.core.instants import GivenDay
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, Malformed, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, route_options
from app.identity.api import Member, community, language_for, member_guard
from app.reservations.api import CalendarTaken
from eldercare.carer_absences.problems import CarerAbsent
from eldercare.visits import rules
from eldercare.visits.problems import (
    AgencyDoesNotServe,
    NotACarer,
    RoutePlanAccepted,
    RoutePlanStale,
    ShiftExists,
    WrongTime,
)
from eldercare.visits.schemas.agency import (
    CarerProfilePublic,
    CarerProfileWrite,
    RoutePlanCreate,
    RoutePlanPublic,
    ShiftCreate,
    ShiftPublic,
)
from eldercare.visits.schemas.visits import VisitPublic
from eldercare.visits.service import dispatching, rosters
from eldercare.visits.views import agencies as views
from eldercare.visits.views import timesheets
from eldercare.visits.views import visits as visit_views

router = Router(tags=["eldercare"])

Leader = Annotated[Member, Depends(member_guard("coordinator", "operator"))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/organizations/{organization_id}"
_CSV: Final = {"description": "The file", "content": {"text/csv": {"schema": {"type": "string"}}}}
_LONGEST_SHEET: Final = 366
Language = Annotated[str, Header(alias="Accept-Language", max_length=200, description="en or zh-CN")]
Day = Annotated[GivenDay, Query(alias="date", description="the community's local day")]
FirstDay = Annotated[GivenDay, Query(alias="from", description="the community's first local day")]
LastDay = Annotated[GivenDay, Query(alias="to", description="the community's last local day")]


@router.get(f"{_OF}/visits", responses=problem_responses(*_GUARDED))
async def list_agency_visits(
    organization_id: uuid.UUID, connection: Reading, member: Leader, page: PageQuery, day: Day
) -> Page[VisitPublic]:
    """List an agency's visits of a day, in order, with who makes them and where they stand."""
    place = await community(connection, member.community_id)
    span = rules.day_bounds(day, place.time_zone)
    return await visit_views.list_day(connection, member.actor, organization_id, span, page)


@router.get(f"{_OF}/carers", responses=problem_responses(*_GUARDED))
async def list_carer_profiles(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Leader,  # noqa: ARG001 - it guards
    page: PageQuery,
) -> Page[CarerProfilePublic]:
    """List what the planner knows of an agency's carers."""
    return await views.carer_profiles(connection, organization_id, page)


@router.put(f"{_OF}/carers/{{account_id}}", responses=problem_responses(*_GUARDED, NotACarer, StaleVersion))
async def set_carer_profile(
    organization_id: uuid.UUID,
    account_id: uuid.UUID,
    session: Session,
    member: Leader,
    data: CarerProfileWrite,
    if_match: IfMatch,
) -> CarerProfilePublic:
    """Set what the planner must know of a carer: skills, where they set out, what they can do in a day."""
    profile = await rosters.set_profile(session, member.actor, organization_id, account_id, data, if_match)
    return CarerProfilePublic.model_validate(profile, from_attributes=True)


@router.get(f"{_OF}/carer-shifts", responses=problem_responses(*_GUARDED))
async def list_carer_shifts(
    organization_id: uuid.UUID, connection: Reading, member: Leader, page: PageQuery, day: Day
) -> Page[ShiftPublic]:
    """List who of an agency works on a day."""
    place = await community(connection, member.community_id)
    return await views.shifts(connection, organization_id, rules.day_bounds(day, place.time_zone), page)


@router.post(f"{_OF}/carer-shifts", status_code=201, responses=problem_responses(*_GUARDED, NotACarer, ShiftExists))
async def add_carer_shift(
    organization_id: uuid.UUID, session: Session, member: Leader, data: ShiftCreate
) -> ShiftPublic:
    """Let a carer work from then until then."""
    shift_id = await rosters.add_shift(session, member.actor, organization_id, data)
    return ShiftPublic(id=shift_id, **data.model_dump())


@router.delete(f"{_OF}/carer-shifts/{{shift_id}}", status_code=204, responses=problem_responses(*_GUARDED))
async def remove_carer_shift(organization_id: uuid.UUID, shift_id: uuid.UUID, session: Session, member: Leader) -> None:
    """Take a shift away; what is assigned in it stays assigned."""
    await rosters.remove_shift(session, member.actor, organization_id, shift_id)


@router.post(f"{_OF}/route-plans", status_code=201, responses=problem_responses(*_GUARDED, NotACarer, WrongTime))
@route_options(database=False)
async def propose_route_plan(
    organization_id: uuid.UUID, member: Leader, data: RoutePlanCreate, accept_language: Language = "en"
) -> RoutePlanPublic:
    """Propose who goes where: for all visits of a day that have nobody, or instead of carers who cannot come.

    Nothing is assigned until the proposal is accepted, and what is under way is not touched.
    """
    plan_id = await dispatching.propose(member.actor, organization_id, data)
    async with reading() as connection:
        return await views.route_plan(connection, member.actor, organization_id, plan_id, language_for(accept_language))


@router.get(f"{_OF}/route-plans/{{route_plan_id}}", responses=problem_responses(*_GUARDED))
async def get_route_plan(
    organization_id: uuid.UUID,
    route_plan_id: uuid.UUID,
    connection: Reading,
    member: Leader,
    accept_language: Language = "en",
) -> RoutePlanPublic:
    """Show a proposal, with a sentence for each visit nobody was found for."""
    return await views.route_plan(
        connection, member.actor, organization_id, route_plan_id, language_for(accept_language)
    )


@router.post(
    f"{_OF}/route-plans/{{route_plan_id}}/acceptance",
    responses=problem_responses(
        *_GUARDED, RoutePlanAccepted, RoutePlanStale, NotACarer, AgencyDoesNotServe, CarerAbsent, CalendarTaken
    ),
)
async def accept_route_plan(
    organization_id: uuid.UUID,
    route_plan_id: uuid.UUID,
    session: Session,
    member: Leader,
    accept_language: Language = "en",
) -> RoutePlanPublic:
    """Carry out a proposal, all of it or nothing: calendars are booked, carers assigned and told."""
    await dispatching.accept(session, member.actor, organization_id, route_plan_id)
    return await views.route_plan(
        await session.connection(), member.actor, organization_id, route_plan_id, language_for(accept_language)
    )


@router.get(f"{_OF}/timesheet", response_class=StreamingResponse, responses={200: _CSV, **problem_responses(*_GUARDED)})
@route_options(database=False)
@not_viewed("a copy to keep")
async def get_timesheet(
    organization_id: uuid.UUID, member: Leader, first: FirstDay, last: LastDay
) -> StreamingResponse:
    """Stream who worked when, as CSV: local times with their offset, and the hours that really passed."""
    if not 0 <= (last - first).days <= _LONGEST_SHEET:
        raise Malformed("give up to a year, from the first day to the last")
    async with reading() as connection:
        place = await community(connection, member.community_id)
    since, _ = rules.day_bounds(first, place.time_zone)
    _, until = rules.day_bounds(last, place.time_zone)
    async with unit_of_work() as session:
        await audit.record(session, member.actor, "timesheet:read", object_id=organization_id)
    name = f"timesheet-{first.isoformat()}-{last.isoformat()}.csv"
    return StreamingResponse(
        timesheets.timesheet(organization_id, since, until),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )

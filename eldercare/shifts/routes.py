"""The HTTP side of the desk's shifts."""

import uuid
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Query

from app.core import clock
from app.core.instants import GivenInstant
from app.core.paging import Page, PageQuery
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import Member, member_guard
from eldercare.shifts import service, views
from eldercare.shifts.problems import ShiftOver, ShiftOverlaps
from eldercare.shifts.schemas import DeskCoverage, ShiftPlan, ShiftPublic

router = Router(tags=["eldercare"])

Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]
Desk = Annotated[Member, Depends(member_guard("operator", "dispatcher", organization_kind="operator"))]
LONGEST_LIST = timedelta(days=366)


@router.get("/duty-desk/shifts", responses=problem_responses(Unauthenticated, Forbidden))
async def list_desk_shifts(
    connection: Reading,
    member: Desk,
    page: PageQuery,
    since: Annotated[GivenInstant | None, Query(alias="from", description="default: now")] = None,
    until: Annotated[GivenInstant | None, Query(alias="to", description="default: 31 days later")] = None,
) -> Page[ShiftPublic]:
    """List who sits at the desk, or is on call for it, the earliest first."""
    since = since or clock.now()
    until = until or since + timedelta(days=31)
    if not since < until <= since + LONGEST_LIST:
        raise Malformed(errors=[FieldError("/query/to", "after `from`, at most 366 days", "period")])
    return await views.shifts(connection, member.community_id, since, until, page)


@router.post(
    "/duty-desk/shifts", status_code=201, responses=problem_responses(Unauthenticated, Forbidden, ShiftOverlaps)
)
async def plan_desk_shift(session: Session, member: Operator, data: ShiftPlan) -> ShiftPublic:
    """Plan who sits at the desk, or who is phoned when nobody does."""
    shift = await service.plan_shift(session, member.actor, member.community_id, data)
    return await views.shift(await session.connection(), shift.id)


@router.delete(
    "/duty-desk/shifts/{shift_id}",
    status_code=204,
    responses=problem_responses(Unauthenticated, Forbidden, NotFound, ShiftOver),
)
async def cancel_desk_shift(session: Session, member: Operator, shift_id: uuid.UUID) -> None:
    """Take a shift out of the plan; one that is under way ends now."""
    await service.cancel_shift(session, member.actor, member.community_id, shift_id)


@router.get("/duty-desk/coverage", responses=problem_responses(Unauthenticated, Forbidden))
async def get_desk_coverage(connection: Reading, member: Desk) -> DeskCoverage:
    """Show who is at the desk now and what is missing of the next 24 hours."""
    return await views.coverage(connection, member.community_id)

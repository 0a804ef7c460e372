"""The HTTP side of drills."""

import uuid
from typing import Annotated

from fastapi import Depends

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import Member, member_guard
from eldercare.drills import service, views
from eldercare.drills.problems import DrillRunning
from eldercare.drills.schemas import DrillPublic, DrillReport, DrillStart

router = Router(tags=["eldercare"])

Desk = Annotated[Member, Depends(member_guard("operator", "dispatcher", organization_kind="operator"))]


@router.get("/drills", responses=problem_responses(Unauthenticated, Forbidden))
async def list_drills(connection: Reading, member: Desk, page: PageQuery) -> Page[DrillPublic]:
    """List the community's drills, the latest first."""
    return await views.drills(connection, member.community_id, page)


@router.post(
    "/drills", status_code=201, responses=problem_responses(Unauthenticated, Forbidden, NotFound, DrillRunning)
)
async def start_drill(session: Session, member: Desk, data: DrillStart) -> DrillPublic:
    """Raise an alarm for practice: the real ladder, every text of which says that it is a test."""
    return DrillPublic.model_validate(await service.start(session, member.actor, data))


@router.get("/drills/{drill_id}", responses=problem_responses(Unauthenticated, Forbidden, NotFound))
async def get_drill(connection: Reading, member: Desk, drill_id: uuid.UUID) -> DrillReport:
    """Show what a drill has shown: who was told when, how long it took to reach somebody and to be taken."""
    return await views.report(connection, member.actor, drill_id)


@router.post("/drills/{drill_id}/finish", responses=problem_responses(Unauthenticated, Forbidden, NotFound))
async def finish_drill(session: Session, member: Desk, drill_id: uuid.UUID) -> DrillReport:
    """Declare a drill over; whoever was told is told, and the report is final."""
    await service.finish(session, member.actor, drill_id)
    return await views.report(await session.connection(), member.actor, drill_id)

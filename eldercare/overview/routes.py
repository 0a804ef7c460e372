"""The HTTP side of the overview: how everybody is today whom one looks after."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Unauthenticated, problem_responses
from app.core.routing import Reading, Router
from eldercare.overview.rules import Group
from eldercare.overview.schemas import CareOverview, NameSought, PersonToday
from eldercare.overview.views import pages

router = Router(tags=["eldercare"])


@router.get("/care-overview", responses=problem_responses(Unauthenticated))
async def get_care_overview(connection: Reading, actor: CurrentActor) -> CareOverview:
    """Show how everybody is today whom you look after: how many stand how, and the first of each, the worst first."""
    return await pages.overview(connection, actor)


@router.get("/care-overview/residents", responses=problem_responses(Unauthenticated))
async def list_care_overview(
    connection: Reading,
    actor: CurrentActor,
    page: PageQuery,
    group: Annotated[Group | None, Query(description="only those who stand so")] = None,
    name: Annotated[NameSought | None, Query(description="only those whose name holds it")] = None,
    resident_id: Annotated[UUID | None, Query(description="only this one")] = None,
) -> Page[PersonToday]:
    """List those you look after, whoever needs somebody first, the others by name."""
    return await pages.people_today(connection, actor, page, group=group, name=name, resident_id=resident_id)

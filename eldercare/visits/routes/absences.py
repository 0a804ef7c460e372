"""When carers cannot come, over HTTP: said by the agency, seen by the carer."""

import uuid
from typing import Annotated, Final

from fastapi import Depends

from app.core import clock
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import Member, PeopleOnly, Person, community, member_guard
from eldercare.carer_absences import views
from eldercare.carer_absences.schemas import CarerAbsenceCreate, CarerAbsencePublic
from eldercare.visits import rules
from eldercare.visits.problems import NotACarer
from eldercare.visits.routes.agencies import Day
from eldercare.visits.service import absences

router = Router(tags=["eldercare"])

Leader = Annotated[Member, Depends(member_guard("coordinator", "operator"))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/organizations/{organization_id}/carer-absences"


@router.get(_OF, responses=problem_responses(*_GUARDED))
async def list_carer_absences(
    organization_id: uuid.UUID, connection: Reading, member: Leader, page: PageQuery, day: Day
) -> Page[CarerAbsencePublic]:
    """List which of an agency's carers cannot come on a day, and until when."""
    place = await community(connection, member.community_id)
    return await views.absences(connection, organization_id, rules.day_bounds(day, place.time_zone), page)


@router.post(_OF, status_code=201, responses=problem_responses(*_GUARDED, NotACarer))
async def add_carer_absence(
    organization_id: uuid.UUID, session: Session, member: Leader, data: CarerAbsenceCreate
) -> CarerAbsencePublic:
    """Say that a carer cannot come: they are taken off the agency's visits in that time, and nobody sends them."""
    absence = await absences.add(session, member.actor, organization_id, data)
    return CarerAbsencePublic.model_validate(absence, from_attributes=True)


@router.delete(f"{_OF}/{{absence_id}}", status_code=204, responses=problem_responses(*_GUARDED))
async def remove_carer_absence(
    organization_id: uuid.UUID, absence_id: uuid.UUID, session: Session, member: Leader
) -> None:
    """Let a carer be sent again from now on; visits they were taken off stay with whoever has them."""
    await absences.remove(session, member.actor, organization_id, absence_id)


@router.get("/me/carer-absences", responses=problem_responses(Unauthenticated, PeopleOnly))
async def list_my_carer_absences(connection: Reading, actor: Person, page: PageQuery) -> Page[CarerAbsencePublic]:
    """List when agencies have it that you cannot come, from now on."""
    return await views.absences_of(connection, actor.id, clock.now(), page)

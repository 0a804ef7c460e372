"""Patient numbers over HTTP: a code for a clinic, the links a clinic makes, and their end."""

import uuid
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Depends

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, TooManyRequests, Unauthenticated, problem_responses
from app.core.rate_limits import Rate, rate_limited
from app.core.routing import Reading, Router, Session, route_options
from app.identity.api import Member, Person, ResidenceEnded, ResidentSubject, member_guard, trace_read
from telemedicine.appointments.access import STAFF, Subject, patient_guard
from telemedicine.linking import service, views
from telemedicine.linking.access import clinics_of, is_theirs, link_guard, person_guard
from telemedicine.linking.problems import LinkCodeInvalid, NumberTaken, TooManyWrongCodes
from telemedicine.linking.schemas import LinkByCheck, LinkByCode, LinkCodePublic, PatientLinkPublic

router = Router(tags=["telemedicine"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/clinics/{organization_id}"
Staff = Annotated[Member, Depends(member_guard(*STAFF))]
Theirs = Annotated[ResidentSubject, Depends(person_guard)]
Seen = Annotated[ResidentSubject, Depends(patient_guard)]
Ended = Annotated[Subject, Depends(link_guard)]


@router.resident_route(
    "POST",
    "/link-codes",
    status_code=201,
    dependencies=[Depends(rate_limited("link_code", Rate(20, timedelta(hours=1))))],
    responses=problem_responses(*_GUARDED, ResidenceEnded, TooManyRequests),
)
@route_options(idempotency=False)
async def create_link_code(subject: Theirs, actor: Person, session: Session) -> LinkCodePublic:
    """Make a code to read out to a clinic, good once, for ten minutes; those made before end."""
    return await service.make_code(session, actor, subject)


@router.resident_route("GET", "/patient-links", responses=problem_responses(*_GUARDED))
async def list_patient_links(
    connection: Reading, actor: CurrentActor, subject: Seen, page: PageQuery
) -> Page[PatientLinkPublic]:
    """List by which numbers clinics know a resident, or knew; a clinic sees its own."""
    own = None if is_theirs(subject) else clinics_of(actor)
    found = await views.of_resident(connection, subject.resident_id, own, page)
    await trace_read(connection, actor, subject, "patient_links:list")
    return found


@router.post(
    f"{_OF}/patient-links",
    status_code=201,
    responses=problem_responses(*_GUARDED, LinkCodeInvalid, NumberTaken, TooManyWrongCodes),
)
@route_options(database=False, idempotency=False)
async def link_patient(organization_id: uuid.UUID, member: Staff, data: LinkByCode) -> PatientLinkPublic:
    """Link the clinic's own patient number to the resident who reads out the code.

    A wrong code says nothing of anybody; ten within an hour, and no code is looked at for a while.
    """
    return await service.link_by_code(member.actor, organization_id, data)


@router.post(
    f"{_OF}/checked-patient-links",
    status_code=201,
    responses=problem_responses(*_GUARDED, ResidenceEnded, NumberTaken),
)
async def link_checked_patient(
    organization_id: uuid.UUID, member: Staff, session: Session, data: LinkByCheck
) -> PatientLinkPublic:
    """Link the clinic's own patient number to a resident it treats, having seen documents of theirs."""
    return await service.link_by_check(session, member.actor, organization_id, data)


@router.delete("/patient-links/{patient_link_id}", status_code=204, responses=problem_responses(*_GUARDED))
async def end_patient_link(session: Session, actor: CurrentActor, subject: Ended) -> None:
    """End a link, as the resident or the clinic; that it was stays on record."""
    await service.unlink(session, actor, subject)

"""Video visits over HTTP: planned by the clinic, seen by the resident and those they let, entered by a link."""

import uuid
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Depends

from app.core.access import CurrentActor, public
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, TooManyRequests, Unauthenticated, problem_responses
from app.core.rate_limits import Rate, rate_limited
from app.core.routing import Reading, Router, Session, route_options
from app.identity.api import PeopleOnly, Person, ResidentSubject, resident_guard, trace_read
from telemedicine.consultations import views
from telemedicine.consultations.access import JOIN, READ, ConsultationSubject, clinician_guard, consultation_guard
from telemedicine.consultations.problems import (
    ClinicDoesNotServe,
    ConsultationOver,
    LinkOver,
    LinkUnknown,
    LinkUsed,
    NotAClinician,
    NotTakingPart,
    NotYourConsultation,
    TakesPartAlready,
    TooManyGuests,
)
from telemedicine.consultations.repository import lock
from telemedicine.consultations.schemas.consultations import (
    ClinicianInvite,
    ConsultationDetail,
    ConsultationOpen,
    ConsultationPublic,
    GuestInvite,
    JoinLinkMade,
    LinkRedeem,
    Pass,
)
from telemedicine.consultations.service import joint, links, planning

router = Router(tags=["telemedicine"])

Reader = Annotated[ResidentSubject, Depends(resident_guard(READ))]
Clinician = Annotated[ResidentSubject, Depends(clinician_guard)]
Seen = Annotated[ConsultationSubject, Depends(consultation_guard(READ))]
Joined = Annotated[ConsultationSubject, Depends(consultation_guard(JOIN))]
Held = Annotated[ConsultationSubject, Depends(consultation_guard(JOIN, holder=True))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
# A link is 256 random bits: this is against noise.
_LIMITED: Final = [Depends(rate_limited("consultation_passes", Rate(60, timedelta(minutes=10))))]


@router.resident_route("GET", "/consultations", responses=problem_responses(*_GUARDED))
async def list_consultations(
    connection: Reading, actor: CurrentActor, subject: Reader, page: PageQuery
) -> Page[ConsultationPublic]:
    """List a resident's video visits, those planned last first."""
    await trace_read(connection, actor, subject, "consultations:list")
    return await views.of_resident(connection, actor, subject.resident_id, page)


@router.post(
    "/residents/{resident_id}/consultations",
    status_code=201,
    responses=problem_responses(*_GUARDED, ClinicDoesNotServe, NotAClinician),
)
async def open_consultation(
    session: Session, actor: CurrentActor, subject: Clinician, data: ConsultationOpen
) -> ConsultationDetail:
    """Plan a video visit of the caller's clinic with a resident."""
    clinic = planning.clinic_of(actor)
    consultation = await planning.open_consultation(session, actor, subject, clinic, data)
    return await views.detail(await session.connection(), consultation.id)


@router.get("/me/held-consultations", responses=problem_responses(Unauthenticated, PeopleOnly))
async def list_held_consultations(connection: Reading, actor: Person, page: PageQuery) -> Page[ConsultationPublic]:
    """List the video visits the caller holds, interprets at or is invited to, from yesterday on, in order."""
    return await views.held_by(connection, actor, page)


@router.get("/consultations/{consultation_id}", responses=problem_responses(*_GUARDED))
async def get_consultation(connection: Reading, seen: Seen) -> ConsultationDetail:
    """Show a video visit and who takes part."""
    await trace_read(connection, seen.actor, seen.resident, "consultation:read", seen.id)
    return await views.detail(connection, seen.id)


@router.post(
    "/consultations/{consultation_id}/links",
    status_code=201,
    responses=problem_responses(*_GUARDED, NotTakingPart, ConsultationOver),
)
@route_options(idempotency=False)
async def create_consultation_link(session: Session, joined: Joined) -> JoinLinkMade:
    """Make the link by which the caller enters the visit in a browser: good once, within ten minutes."""
    participant = await planning.own_participant(session, joined)
    consultation = await lock(session, joined.id)
    return await links.make_link(session, consultation, participant, joined.actor.session_id)


@router.post(
    "/consultations/{consultation_id}/guests",
    status_code=201,
    responses=problem_responses(*_GUARDED, NotTakingPart, ConsultationOver, TooManyGuests),
)
@route_options(idempotency=False)
async def invite_consultation_guest(session: Session, joined: Joined, data: GuestInvite) -> JoinLinkMade:
    """Invite somebody without an account, and return the link to send them: good once, until the visit closes."""
    guest = await planning.invite_guest(session, joined, data)
    consultation = await lock(session, joined.id)
    return await links.make_link(session, consultation, guest, None)


@router.delete(
    "/consultations/{consultation_id}/guests/{guest_id}",
    status_code=204,
    responses=problem_responses(*_GUARDED, NotTakingPart),
)
async def remove_consultation_guest(session: Session, joined: Joined, guest_id: uuid.UUID) -> None:
    """Take back an invitation: the link is worth nothing, and who came by it is put out."""
    await planning.remove_guest(session, joined, guest_id)


@router.post(
    "/consultations/{consultation_id}/invited-clinicians",
    status_code=201,
    responses=problem_responses(
        *_GUARDED, NotYourConsultation, ConsultationOver, NotAClinician, TakesPartAlready, TooManyGuests
    ),
)
async def invite_consultation_clinician(session: Session, held: Held, data: ClinicianInvite) -> ConsultationDetail:
    """Invite a clinician of another clinic to the visit; they and the resident are told."""
    await joint.invite_clinician(session, held, data)
    return await views.detail(await session.connection(), held.id)


@router.delete(
    "/consultations/{consultation_id}/invited-clinicians/{participant_id}",
    status_code=204,
    responses=problem_responses(*_GUARDED, NotTakingPart, ConsultationOver),
)
async def remove_consultation_clinician(session: Session, joined: Joined, participant_id: uuid.UUID) -> None:
    """Refuse another clinic's clinician, take their invitation back, or decline it; who is there is put out."""
    await joint.remove_clinician(session, joined, participant_id)


@router.post(
    "/consultations/{consultation_id}/end",
    responses=problem_responses(*_GUARDED, NotYourConsultation, ConsultationOver),
)
async def end_consultation(session: Session, held: Held) -> ConsultationDetail:
    """End the visit for everybody; who holds it does."""
    await planning.end_consultation(session, held.actor, held.id)
    return await views.detail(await session.connection(), held.id)


@router.post(
    "/consultation-passes",
    status_code=201,
    dependencies=_LIMITED,
    responses=problem_responses(LinkUnknown, LinkUsed, LinkOver, ConsultationOver, TooManyRequests),
)
@public("the link is the credential")
@route_options(idempotency=False)
async def create_consultation_pass(session: Session, data: LinkRedeem) -> Pass:
    """Exchange a link, once, for the pass its page enters with."""
    return await links.use_link(session, data.link)

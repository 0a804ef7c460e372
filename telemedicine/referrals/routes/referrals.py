"""Referrals over HTTP: requested, answered, booked, concluded."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Response

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import ResidenceEnded
from app.reservations.api import HoldOver
from telemedicine.appointments.problems import BookedElsewhere, TooManyAhead, TooManyHolds
from telemedicine.clinics.problems import NotOffered
from telemedicine.records.access import RecordSubject
from telemedicine.records.problems import NoTreatment
from telemedicine.referrals.access import (
    Subject,
    reader_guard,
    referral_guard,
    referrer_guard,
    require_deciding,
    require_referral,
)
from telemedicine.referrals.models import Referral
from telemedicine.referrals.problems import (
    AskedAlready,
    ForReferrers,
    NotAmongOffers,
    NothingClimbs,
    NotYourPart,
    ReferralStands,
)
from telemedicine.referrals.rules.states import State, sides_to
from telemedicine.referrals.schemas.parts import Said
from telemedicine.referrals.schemas.referrals import (
    OfferedTime,
    ReferralAccept,
    ReferralCreate,
    ReferralDetail,
    ReferralLetter,
    ReferralPublic,
    ReferralRecords,
    ReferralRedirect,
    ReferralReturn,
    ReferralWithdraw,
)
from telemedicine.referrals.service import answering, booking, climbing, concluding, requesting
from telemedicine.referrals.views import referrals as views
from telemedicine.referrals.views.parts import referral_records
from telemedicine.referrals.views.referrals import ReferralQuery

router = Router(tags=["telemedicine"])

_KNOWN: Final = (Unauthenticated, Forbidden, NotFound)
_DECIDING: Final = (*_KNOWN, NotYourPart, StaleVersion, ReferralStands)
_ONE: Final = "/referrals/{referral_id}"
Reader = Annotated[RecordSubject, Depends(reader_guard)]
Referrer = Annotated[RecordSubject, Depends(referrer_guard)]
Party = Annotated[Subject, Depends(referral_guard)]


@router.post(
    "/residents/{resident_id}/referrals",
    status_code=201,
    responses=problem_responses(Unauthenticated, Forbidden, NotFound, NoTreatment, ForReferrers, ResidenceEnded),
)
async def create_referral(
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Referrer,
    data: ReferralCreate,
    response: Response,
) -> ReferralDetail:
    """Refer a resident to another clinic, as a clinic that treats them; it sees what goes with it from now on."""
    row = await requesting.create(session, subject, data)
    connection = await session.connection()
    return await _answer(session, await require_referral(connection, subject.actor, row.id), row, response)


@router.resident_route("GET", "/referrals", responses=problem_responses(*_KNOWN, NoTreatment))
async def list_referrals(connection: Reading, subject: Reader, page: PageQuery) -> Page[ReferralPublic]:
    """List a resident's referrals, the last first; a clinic sees those it has to do with."""
    query = ReferralQuery(resident_id=subject.resident.resident_id)
    return await views.referrals(connection, subject.actor, query, page)


@router.get(_ONE, responses=problem_responses(*_KNOWN))
async def get_referral(
    referral_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    connection: Reading,
    subject: Party,
    response: Response,
) -> ReferralDetail:
    """Show a referral with its history, and who was told of what is late."""
    found = await views.referral(connection, subject)
    set_etag(response, found.version)
    return found


@router.get(f"{_ONE}/records", responses=problem_responses(*_KNOWN))
async def get_referral_records(
    referral_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    connection: Reading,
    subject: Party,
) -> ReferralRecords:
    """Show what goes with a referral, in the versions that were chosen; the clinic that is asked while it is open."""
    return await referral_records(connection, subject)


@router.post(f"{_ONE}/request", responses=problem_responses(*_DECIDING, ResidenceEnded))
async def request_referral(
    referral_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Party,
    *,
    if_match: IfMatch,
    response: Response,
) -> ReferralDetail:
    """Send a draft."""
    await _decide(session, subject, "requested")
    return await _answer(session, subject, await requesting.request(session, subject, if_match), response)


@router.post(f"{_ONE}/acceptance", responses=problem_responses(*_DECIDING))
async def accept_referral(
    referral_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Party,
    data: ReferralAccept,
    *,
    if_match: IfMatch,
    response: Response,
) -> ReferralDetail:
    """Accept a referral, with times to choose from; of two who answer at once the second is told how it stands."""
    await _decide(session, subject, "accepted")
    return await _answer(session, subject, await answering.accept(session, subject, data, if_match), response)


@router.post(f"{_ONE}/offers", responses=problem_responses(*_DECIDING))
async def offer_referral_times(
    referral_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Party,
    data: ReferralAccept,
    *,
    if_match: IfMatch,
    response: Response,
) -> ReferralDetail:
    """Offer other times for a referral that was accepted, in place of those before."""
    await _decide(session, subject, "accepted")
    return await _answer(session, subject, await answering.offer_times(session, subject, data, if_match), response)


@router.post(f"{_ONE}/refusal", responses=problem_responses(*_DECIDING))
async def decline_referral(
    referral_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Party,
    data: Said,
    *,
    if_match: IfMatch,
    response: Response,
) -> ReferralDetail:
    """Decline a referral, with a reason; from then on the clinic sees nothing that went with it."""
    await _decide(session, subject, "declined")
    row = await answering.decline(session, subject, data.reason, if_match)
    return await _answer(session, subject, row, response)


@router.post(f"{_ONE}/redirection", status_code=201, responses=problem_responses(*_DECIDING, AskedAlready))
async def redirect_referral(
    referral_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Party,
    data: ReferralRedirect,
    *,
    if_match: IfMatch,
    response: Response,
) -> ReferralDetail:
    """Pass a referral on to another clinic, with all that goes with it; return this one as it ended."""
    await _decide(session, subject, "redirected")
    row = await answering.redirect(session, subject, data, if_match)
    return await _answer(session, subject, row, response)


@router.post(
    f"{_ONE}/appointment",
    responses=problem_responses(
        *_DECIDING, ResidenceEnded, NotAmongOffers, NotOffered, BookedElsewhere, TooManyHolds, TooManyAhead, HoldOver
    ),
)
async def book_referral(
    referral_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Party,
    data: OfferedTime,
    *,
    if_match: IfMatch,
    response: Response,
) -> ReferralDetail:
    """Book one of the times the clinic offers, or any free one if it offers none of its own."""
    await _decide(session, subject, "booked")
    return await _answer(session, subject, await booking.book(session, subject, data, if_match), response)


@router.post(f"{_ONE}/encounter", responses=problem_responses(*_DECIDING))
async def mark_referral_seen(
    referral_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Party,
    *,
    if_match: IfMatch,
    response: Response,
) -> ReferralDetail:
    """Write down that the resident was seen; an appointment that is kept says so by itself."""
    await _decide(session, subject, "seen")
    return await _answer(session, subject, await concluding.mark_seen(session, subject, if_match), response)


@router.post(f"{_ONE}/letter", responses=problem_responses(*_DECIDING, ResidenceEnded))
async def conclude_referral(
    referral_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Party,
    data: ReferralLetter,
    *,
    if_match: IfMatch,
    response: Response,
) -> ReferralDetail:
    """Send the letter back: it becomes a health record of the resident's, and the referral is completed."""
    await _decide(session, subject, "completed")
    return await _answer(session, subject, await concluding.conclude(session, subject, data, if_match), response)


@router.post(f"{_ONE}/return", status_code=201, responses=problem_responses(*_DECIDING, ResidenceEnded))
async def return_referral(
    referral_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Party,
    data: ReferralReturn,
    response: Response,
) -> ReferralDetail:
    """Refer the resident back to the clinic that referred them; return the new referral, which names this one."""
    await _decide(session, subject, "completed")
    row = await requesting.give_back(session, subject, data)
    connection = await session.connection()
    return await _answer(session, await require_referral(connection, subject.actor, row.id), row, response)


@router.post(f"{_ONE}/withdrawal", responses=problem_responses(*_DECIDING))
async def withdraw_referral(
    referral_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Party,
    data: ReferralWithdraw,
    *,
    if_match: IfMatch,
    response: Response,
) -> ReferralDetail:
    """Give a referral up, or object to it as the resident: what went with it is shown to nobody there any more."""
    await _decide(session, subject, "withdrawn")
    row = await concluding.withdraw(session, subject, data.reason, if_match)
    return await _answer(session, subject, row, response)


@router.post(f"{_ONE}/acknowledgement", responses=problem_responses(*_KNOWN, NotYourPart, NothingClimbs))
async def acknowledge_referral(
    referral_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Party,
    response: Response,
) -> ReferralDetail:
    """Take up a referral that is late: nobody else is told that it is."""
    return await _answer(session, subject, await climbing.acknowledge_referral(session, subject), response)


async def _decide(session: Session, subject: Subject, after: State) -> None:
    await require_deciding(await session.connection(), subject, after, sides_to(after))


async def _answer(session: Session, subject: Subject, row: Referral, response: Response) -> ReferralDetail:
    await session.flush()
    found = await views.written(await session.connection(), subject, row.id)
    set_etag(response, found.version)
    return found

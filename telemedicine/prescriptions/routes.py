"""Prescriptions over HTTP."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Query, Response

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import Member, ResidenceEnded, member_guard
from telemedicine.appointments.access import require_staff
from telemedicine.prescriptions import views
from telemedicine.prescriptions.access import patient_guard, prescriber_guard, reader_guard
from telemedicine.prescriptions.models import Prescription
from telemedicine.prescriptions.problems import (
    CannotReplace,
    ForPatients,
    ForPrescribers,
    LicenceNotValid,
    NotNow,
    NotSeenLately,
    PrescriptionExpired,
    RenewalAnswered,
    RenewalOpen,
    TooManyActive,
    WarningsOpen,
)
from telemedicine.prescriptions.rules import Status
from telemedicine.prescriptions.schemas import (
    PrescriptionCheck,
    PrescriptionDraft,
    PrescriptionEnd,
    PrescriptionPublic,
    PrescriptionSign,
    RenewalAnswer,
    RenewalPublic,
    RenewalRequest,
)
from telemedicine.prescriptions.service import renewing, writing
from telemedicine.records.access import RecordSubject
from telemedicine.records.problems import NoTreatment

router = Router(tags=["telemedicine"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound, NoTreatment)
_PRESCRIBING: Final = (*_GUARDED, ForPrescribers)
_ONE: Final = "/residents/{resident_id}/prescriptions/{prescription_id}"
Reader = Annotated[RecordSubject, Depends(reader_guard)]
Patient = Annotated[RecordSubject, Depends(patient_guard)]
Prescriber = Annotated[RecordSubject, Depends(prescriber_guard)]
Clinician = Annotated[Member, Depends(member_guard("clinician"))]


@router.resident_route("GET", "/prescriptions", responses=problem_responses(*_GUARDED))
async def list_prescriptions(
    connection: Reading, subject: Reader, page: PageQuery, status: Annotated[Status | None, Query()] = None
) -> Page[PrescriptionPublic]:
    """List a resident's prescriptions, the last first. Drafts are seen by the clinic that writes them alone."""
    return await views.prescriptions(connection, subject, status, page)


@router.resident_route("GET", "/prescriptions/{prescription_id}", responses=problem_responses(*_GUARDED))
async def get_prescription(
    connection: Reading, subject: Reader, prescription_id: uuid.UUID, response: Response
) -> PrescriptionPublic:
    """Show a prescription."""
    found = await views.prescription(connection, subject, prescription_id)
    set_etag(response, found.version)
    return found


@router.post(
    "/residents/{resident_id}/prescriptions",
    status_code=201,
    responses=problem_responses(*_PRESCRIBING, ResidenceEnded, CannotReplace),
)
async def draft_prescription(
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Prescriber,
    data: PrescriptionDraft,
    response: Response,
) -> PrescriptionPublic:
    """Draft a prescription, as a clinician of a clinic that treats the resident; nobody else sees it yet."""
    return await _answer(session, subject, await writing.draft(session, subject, data), response)


@router.put(_ONE, responses=problem_responses(*_PRESCRIBING, StaleVersion, NotNow, CannotReplace))
async def redraft_prescription(
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Prescriber,
    prescription_id: uuid.UUID,
    data: PrescriptionDraft,
    *,
    if_match: IfMatch,
    response: Response,
) -> PrescriptionPublic:
    """Write a draft anew, whole. What is signed never changes: it is stopped, or replaced by another."""
    row = await writing.redraft(session, subject, prescription_id, data, if_match)
    return await _answer(session, subject, row, response)


@router.post(f"{_ONE}/checks", responses=problem_responses(*_PRESCRIBING, NotNow, TooManyActive))
async def check_prescription(
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Prescriber,
    prescription_id: uuid.UUID,
) -> PrescriptionCheck:
    """Compare a draft's codes with the resident's allergies and with what is prescribed already."""
    return await writing.checked(session, subject, prescription_id)


@router.post(
    f"{_ONE}/signature",
    responses=problem_responses(
        *_PRESCRIBING,
        ResidenceEnded,
        StaleVersion,
        NotNow,
        LicenceNotValid,
        PrescriptionExpired,
        WarningsOpen,
        TooManyActive,
        CannotReplace,
    ),
)
async def sign_prescription(
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Prescriber,
    prescription_id: uuid.UUID,
    data: PrescriptionSign,
    *,
    if_match: IfMatch,
    response: Response,
) -> PrescriptionPublic:
    """Sign a draft, with a valid licence and a word on each warning; what it replaces is stopped."""
    row = await writing.sign(session, subject, prescription_id, data, if_match)
    return await _answer(session, subject, row, response)


@router.post(f"{_ONE}/dispense", responses=problem_responses(*_PRESCRIBING, NotNow, PrescriptionExpired))
async def dispense_prescription(
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Prescriber,
    prescription_id: uuid.UUID,
    response: Response,
) -> PrescriptionPublic:
    """Write down that it was handed out; with the last of its repeats it is completed."""
    row = await writing.dispense(session, subject, prescription_id)
    return await _answer(session, subject, row, response)


@router.post(f"{_ONE}/stop", responses=problem_responses(*_PRESCRIBING, NotNow))
async def stop_prescription(
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Prescriber,
    prescription_id: uuid.UUID,
    data: PrescriptionEnd,
    response: Response,
) -> PrescriptionPublic:
    """Stop a prescription that is in force; a draft is cancelled."""
    row = await writing.end(session, subject, prescription_id, data.reason)
    return await _answer(session, subject, row, response)


@router.resident_route(
    "POST",
    "/prescriptions/{prescription_id}/renewal-requests",
    status_code=201,
    responses=problem_responses(*_GUARDED, ForPatients, ResidenceEnded, NotNow, NotSeenLately, RenewalOpen),
)
async def request_renewal(
    session: Session, subject: Patient, prescription_id: uuid.UUID, data: RenewalRequest
) -> RenewalPublic:
    """Ask for a prescription again; whoever signed it is told."""
    return views.renewal(await renewing.request(session, subject, prescription_id, data))


@router.resident_route("GET", "/renewal-requests", responses=problem_responses(*_GUARDED))
async def list_renewal_requests(connection: Reading, subject: Reader, page: PageQuery) -> Page[RenewalPublic]:
    """List what a resident asked for again, and what the clinics answered."""
    return await views.renewals(connection, subject, page)


@router.post(
    "/residents/{resident_id}/renewal-requests/{renewal_request_id}/answer",
    responses=problem_responses(*_PRESCRIBING, RenewalAnswered, ResidenceEnded, CannotReplace),
)
async def answer_renewal(
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Prescriber,
    renewal_request_id: uuid.UUID,
    data: RenewalAnswer,
) -> RenewalPublic:
    """Answer a request: granted, there is a draft of the same, which is still to be signed."""
    return views.renewal(await renewing.answer(session, subject, renewal_request_id, data))


@router.get(
    "/clinics/{organization_id}/renewal-requests", responses=problem_responses(Unauthenticated, Forbidden, NotFound)
)
async def list_clinic_renewal_requests(
    organization_id: uuid.UUID, connection: Reading, member: Clinician, page: PageQuery
) -> Page[RenewalPublic]:
    """List what a clinic is asked for and has not answered, the longest waiting first."""
    require_staff(member, organization_id)
    return await views.waiting(connection, member.actor, organization_id, page)


async def _answer(
    session: Session, subject: RecordSubject, row: Prescription, response: Response
) -> PrescriptionPublic:
    set_etag(response, row.version)
    return await views.written(await session.connection(), subject, row.id)

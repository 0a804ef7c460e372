"""Notes of visits in person over HTTP."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Response

from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import ResidenceEnded
from telemedicine.records.access import WRITE, RecordSubject, records_guard
from telemedicine.records.problems import ForClinicians, NoTreatment
from telemedicine.records.schemas.records import HealthRecordPublic
from telemedicine.records.views import records as record_views
from telemedicine.visit_notes import service, views
from telemedicine.visit_notes.problems import NothingWritten
from telemedicine.visit_notes.schemas import VisitNotePublic, VisitNoteSign, VisitNoteWrite

router = Router(tags=["telemedicine"])

Writer = Annotated[RecordSubject, Depends(records_guard(WRITE))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound, NoTreatment, ForClinicians)
_ONE: Final = "/residents/{resident_id}/visit-note"


@router.get(_ONE, responses=problem_responses(*_GUARDED))
async def get_visit_note(
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    connection: Reading,
    subject: Writer,
    response: Response,
    organization_id: uuid.UUID | None = None,
) -> VisitNotePublic:
    """Show what the caller is writing about the resident; nobody else sees it until it is signed."""
    found = await views.own(connection, subject, service.clinic_of(subject, organization_id))
    set_etag(response, found.version)
    return found


@router.put(_ONE, responses=problem_responses(*_GUARDED, StaleVersion))
async def write_visit_note(
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Writer,
    data: VisitNoteWrite,
    if_match: IfMatch,
    response: Response,
) -> VisitNotePublic:
    """Write the caller's draft, whole, as often as they like until it is signed."""
    found = await service.write(session, subject, data, if_match)
    set_etag(response, found.version)
    return found


@router.delete(_ONE, status_code=204, responses=problem_responses(*_GUARDED))
async def discard_visit_note(
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Writer,
    organization_id: uuid.UUID | None = None,
) -> None:
    """Throw the caller's draft away."""
    await service.throw_away(session, subject, organization_id)


@router.post(
    f"{_ONE}/signature",
    status_code=201,
    responses=problem_responses(*_GUARDED, StaleVersion, NothingWritten, ResidenceEnded),
)
async def sign_visit_note(
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    subject: Writer,
    data: VisitNoteSign,
    if_match: IfMatch,
    response: Response,
) -> HealthRecordPublic:
    """Sign the draft: it is a document of the health record from now on, and is only ever corrected by versions."""
    row = await service.sign(session, subject, data, if_match)
    set_etag(response, row.number)
    return await record_views.written(await session.connection(), subject, row.id)

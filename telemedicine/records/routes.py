"""Health records over HTTP."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Query, Response
from pydantic import StringConstraints, ValidationError

from app.core.instants import GivenInstant
from app.core.paging import Page, PageQuery
from app.core.problems import (
    FieldError,
    Forbidden,
    Malformed,
    NotFound,
    StaleVersion,
    Unauthenticated,
    problem_responses,
)
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import ResidenceEnded
from telemedicine.records.access import READ, WRITE, RecordSubject, records_guard
from telemedicine.records.models import HealthRecord
from telemedicine.records.problems import (
    AnothersRecord,
    ContentRefused,
    EnteredInError,
    ForClinicians,
    KindFixed,
    NoTreatment,
    TooManyRecords,
    TooManyVersions,
)
from telemedicine.records.rules import Kind
from telemedicine.records.schemas.parts import Coding
from telemedicine.records.schemas.records import (
    HealthRecordCorrect,
    HealthRecordEnter,
    HealthRecordError,
    HealthRecordPublic,
    HealthRecordQuery,
)
from telemedicine.records.service import records
from telemedicine.records.views import records as views

router = Router(tags=["telemedicine"])

Reader = Annotated[RecordSubject, Depends(records_guard(READ))]
Writer = Annotated[RecordSubject, Depends(records_guard(WRITE))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound, NoTreatment)
_CORRECTING: Final = (*_GUARDED, AnothersRecord, EnteredInError, TooManyVersions, StaleVersion)


async def _code(
    code: Annotated[str | None, Query(max_length=250, description="`system|code`, both exactly")] = None,
) -> Coding | None:
    if code is None:
        return None
    system, bar, value = code.rpartition("|")
    try:
        return Coding(system=system, code=value)
    except ValidationError:
        detail = "a system and a code, as in http://loinc.org|4548-4" if bar else "name the system too: system|code"
        raise Malformed(errors=[FieldError("/query/code", detail, "code")]) from None


async def _query(
    code: Annotated[Coding | None, Depends(_code)],
    kind: Annotated[Kind | None, Query()] = None,
    status: Annotated[str | None, StringConstraints(pattern=r"^[a-z-]{1,32}$"), Query()] = None,
    first: Annotated[GivenInstant | None, Query(alias="from", description="was so, or began, then or later")] = None,
    end: Annotated[GivenInstant | None, Query(alias="to", description="was so, or began, before")] = None,
    *,
    entered_in_error: Annotated[bool, Query(description="also what nobody is to rely on")] = False,
) -> HealthRecordQuery:
    return HealthRecordQuery(
        kind=kind,
        statuses=[status] if status else None,
        codes=[code] if code else None,
        first=first,
        end=end,
        with_errors=entered_in_error,
    )


Wanted = Annotated[HealthRecordQuery, Depends(_query)]


@router.resident_route("GET", "/health-records", responses=problem_responses(*_GUARDED))
async def list_health_records(
    connection: Reading, subject: Reader, wanted: Wanted, page: PageQuery
) -> Page[HealthRecordPublic]:
    """List what is known of a resident's health, what was entered last first. `source` says who vouches for it."""
    return await views.records(connection, subject, wanted, page)


@router.resident_route(
    "POST",
    "/health-records",
    status_code=201,
    responses=problem_responses(*_GUARDED, ContentRefused, ForClinicians, ResidenceEnded, TooManyRecords),
)
async def create_health_record(
    session: Session, subject: Writer, data: HealthRecordEnter, response: Response
) -> HealthRecordPublic:
    """Enter something: a clinic as what it found, a resident as what they say of themselves."""
    return await _answer(
        session, subject, await records.enter(session, subject, data.content, data.organization_id), response
    )


@router.resident_route("GET", "/health-records/{record_id}", responses=problem_responses(*_GUARDED))
async def get_health_record(
    connection: Reading, subject: Reader, record_id: uuid.UUID, response: Response
) -> HealthRecordPublic:
    """Show a record as it stands, also one that was entered in error."""
    found = await views.record(connection, subject, record_id)
    set_etag(response, found.version)
    return found


@router.resident_route(
    "PUT",
    "/health-records/{record_id}",
    responses=problem_responses(*_CORRECTING, ContentRefused, ForClinicians, KindFixed),
)
async def correct_health_record(
    session: Session,
    subject: Writer,
    record_id: uuid.UUID,
    data: HealthRecordCorrect,
    if_match: IfMatch,
    response: Response,
) -> HealthRecordPublic:
    """Say what is right instead. What was said before stays readable among the versions."""
    row = await records.correct(session, subject, record_id, data, if_match)
    return await _answer(session, subject, row, response)


@router.resident_route(
    "POST", "/health-records/{record_id}/entered-in-error", responses=problem_responses(*_CORRECTING)
)
async def withdraw_health_record(
    session: Session,
    subject: Writer,
    record_id: uuid.UUID,
    data: HealthRecordError,
    if_match: IfMatch,
    response: Response,
) -> HealthRecordPublic:
    """Mark a record as entered in error: it stays, lists leave it out, and nobody is to rely on it."""
    row = await records.mark_wrong(session, subject, record_id, data.reason, if_match)
    return await _answer(session, subject, row, response)


@router.resident_route("GET", "/health-records/{record_id}/versions", responses=problem_responses(*_GUARDED))
async def list_health_record_versions(
    connection: Reading, subject: Reader, record_id: uuid.UUID, page: PageQuery
) -> Page[HealthRecordPublic]:
    """List what was ever said in a record, the last version first, each with who said it and when."""
    return await views.versions(connection, subject, record_id, page)


async def _answer(
    session: Session, subject: RecordSubject, row: HealthRecord, response: Response
) -> HealthRecordPublic:
    set_etag(response, row.number)
    return await views.written(await session.connection(), subject, row.id)

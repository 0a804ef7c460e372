"""The HTTP side of vital signs."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import Depends, Query

from app.core import clock
from app.core.access import CurrentActor
from app.core.instants import GivenInstant
from app.core.paging import Page, PageQuery
from app.core.problems import FieldError, Forbidden, Malformed, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import Member, Person, ResidenceEnded, ResidentSubject, member_guard, resident_guard
from eldercare.vitals.access import clinician_guard
from eldercare.vitals.problems import (
    AlreadyCorrected,
    ForClinicians,
    NotAClinician,
    ReadingsContradict,
    ReadingsRefused,
)
from eldercare.vitals.rules.codes import FUTURE_TOLERANCE, Refused, VitalSign, sign_of
from eldercare.vitals.schemas import (
    CorrectionMade,
    CorrectionMake,
    EarlyWarningScore,
    LatestPublic,
    OxygenScalePublic,
    OxygenScaleSet,
    ReadingPublic,
    ReadingQuery,
    ReadingsGive,
    ReadingsTaken,
    ResponsibleClinicianName,
    ResponsibleClinicianPublic,
    SeriesPublic,
    ThresholdPublic,
    ThresholdSet,
    TrendPublic,
)
from eldercare.vitals.service import corrections, readings, responsibility, thresholds
from eldercare.vitals.views import clinicians as clinician_views
from eldercare.vitals.views import readings as views

router = Router(tags=["eldercare"])

Reader = Annotated[ResidentSubject, Depends(resident_guard("vitals:read"))]
Writer = Annotated[ResidentSubject, Depends(resident_guard("vitals:write"))]
Clinical = Annotated[ResidentSubject, Depends(clinician_guard)]
Operator = Annotated[Member, Depends(member_guard("operator", organization_kind="operator"))]
Overseer = Annotated[
    Member, Depends(member_guard("operator", "coordinator", "dispatcher", "clinician", organization_kind=None))
]
_GUARDED = (Unauthenticated, Forbidden, NotFound)
_CLINICAL = (Unauthenticated, ForClinicians, NotFound)
_RESIDENT: Final = "/residents/{resident_id}"
_LONGEST_SERIES: Final = timedelta(days=400)
_USUAL_SERIES: Final = timedelta(days=31)

CodeQuery = Annotated[str, Query(max_length=16, description="LOINC")]
From = Annotated[GivenInstant | None, Query(alias="from", description="measured at or after")]
To = Annotated[GivenInstant | None, Query(alias="to", description="measured before")]


@router.resident_route(
    "POST",
    "/vitals",
    status_code=201,
    responses=problem_responses(*_GUARDED, ReadingsRefused, ReadingsContradict, ResidenceEnded),
)
async def record_vitals(session: Session, actor: CurrentActor, subject: Writer, data: ReadingsGive) -> ReadingsTaken:
    """Record up to 1,000 readings. The same reading again (device, code, instant) is stored once."""
    return await readings.take(session, actor, subject, data.mode, data.readings)


@router.resident_route("GET", "/vitals", responses=problem_responses(*_GUARDED))
async def list_vitals(
    connection: Reading,
    actor: CurrentActor,
    subject: Reader,
    page: PageQuery,
    *,
    code: Annotated[str | None, Query(max_length=16, description="LOINC; all without one")] = None,
    first: From = None,
    end: To = None,
) -> Page[ReadingPublic]:
    """List readings, the latest first; those that were entered in error are among them and say so."""
    signs = None if code is None else [_sign(code)]
    codes = None if signs is None else [sign.code for sign in signs]
    query = ReadingQuery(signs=codes, first=first, end=end)
    return await views.list_readings(connection, actor, subject, page, query)


@router.resident_route("GET", "/vitals/latest", responses=problem_responses(*_GUARDED))
async def list_latest_vitals(connection: Reading, actor: CurrentActor, subject: Reader) -> Page[LatestPublic]:
    """List the latest reading of each code, and whether it is within the resident's limits. Old ones are `unknown`."""
    return Page(items=await views.latest(connection, actor, subject), next=None)


@router.resident_route("GET", "/vitals/series", responses=problem_responses(*_GUARDED))
async def get_vital_series(
    connection: Reading,
    actor: CurrentActor,
    subject: Reader,
    code: CodeQuery,
    *,
    first: From = None,
    end: To = None,
    points: Annotated[int, Query(ge=3, le=2000)] = 300,
) -> SeriesPublic:
    """Show a code's readings of at most 400 days (the last 31 without a time) with as many points as a chart needs."""
    end = end or clock.now() + FUTURE_TOLERANCE
    first = first or end - _USUAL_SERIES
    _check_time(first, end)
    return await views.series_of(connection, actor, subject, _number(code), first=first, end=end, points=points)


@router.resident_route("GET", "/vitals/trend", responses=problem_responses(*_GUARDED))
async def get_vital_trend(
    connection: Reading,
    actor: CurrentActor,
    subject: Reader,
    code: CodeQuery,
    days: Annotated[int, Query(ge=7, le=90)] = 28,
) -> TrendPublic:
    """Show how a code changes per day, or that there are too few readings to tell."""
    return await views.trend_of(connection, actor, subject, _number(code), days)


@router.resident_route(
    "POST",
    "/vitals/{reading_id}/correction",
    status_code=201,
    responses=problem_responses(*_GUARDED, AlreadyCorrected),
)
async def correct_vital(
    session: Session, actor: Person, subject: Writer, reading_id: uuid.UUID, data: CorrectionMake
) -> CorrectionMade:
    """Mark a reading as entered in error, with a reason, and put another in its place if one is given."""
    return await corrections.correct(session, actor, subject, reading_id, data)


@router.resident_route("GET", "/vitals/{reading_id}", responses=problem_responses(*_GUARDED))
async def get_vital(connection: Reading, actor: CurrentActor, subject: Reader, reading_id: uuid.UUID) -> ReadingPublic:
    """Show one reading: what an alarm names as its evidence."""
    return await views.reading(connection, actor, subject, reading_id)


@router.resident_route("GET", "/vital-thresholds", responses=problem_responses(*_GUARDED))
async def list_vital_thresholds(
    connection: Reading, actor: CurrentActor, subject: Reader, page: PageQuery
) -> Page[ThresholdPublic]:
    """List the limits a clinician set, every version, the latest first; those without an end are in force."""
    return await clinician_views.thresholds_of(connection, actor, subject, page)


@router.post(f"{_RESIDENT}/vital-thresholds", status_code=201, responses=problem_responses(*_CLINICAL, ResidenceEnded))
async def set_vital_threshold(
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    actor: Person,
    subject: Clinical,
    data: ThresholdSet,
) -> ThresholdPublic:
    """Set a resident's limits for a code, as a clinician; they replace those before and apply at once."""
    return clinician_views.threshold_public(await thresholds.set_threshold(session, actor, subject, data))


@router.delete(
    f"{_RESIDENT}/vital-thresholds/{{threshold_id}}", status_code=204, responses=problem_responses(*_CLINICAL)
)
async def end_vital_threshold(
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    actor: Person,
    subject: Clinical,
    threshold_id: uuid.UUID,
) -> None:
    """End a threshold, as a clinician: nobody is called for this code from now on."""
    await thresholds.end_threshold(session, actor, subject, threshold_id)


@router.get(f"{_RESIDENT}/early-warning-score", responses=problem_responses(*_CLINICAL))
async def get_early_warning_score(
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    connection: Reading,
    actor: Person,
    subject: Clinical,
) -> EarlyWarningScore:
    """Show NEWS2 of the latest set of readings, or what is missing of one; for clinicians only."""
    return await clinician_views.early_warning_score(connection, actor, subject)


@router.post(f"{_RESIDENT}/oxygen-scales", status_code=201, responses=problem_responses(*_CLINICAL))
async def set_oxygen_scale(
    resident_id: uuid.UUID,  # noqa: ARG001 - read by the guard
    session: Session,
    actor: Person,
    subject: Clinical,
    data: OxygenScaleSet,
) -> OxygenScalePublic:
    """Decide which SpO2 scale of NEWS2 applies to a resident, as a clinician."""
    decision = await thresholds.set_scale(session, actor, subject, data.scale)
    return OxygenScalePublic.model_validate(decision)


@router.get("/responsible-clinicians", responses=problem_responses(Unauthenticated, Forbidden))
async def list_responsible_clinicians(
    connection: Reading, member: Overseer, page: PageQuery
) -> Page[ResponsibleClinicianPublic]:
    """List who answers, and answered, for the community's thresholds; without one in force, alerts are off."""
    return await clinician_views.responsible_clinicians(connection, member.community_id, page)


@router.post(
    "/responsible-clinicians", status_code=201, responses=problem_responses(Unauthenticated, Forbidden, NotAClinician)
)
async def name_responsible_clinician(
    session: Session, member: Operator, data: ResponsibleClinicianName
) -> ResponsibleClinicianPublic:
    """Name the clinician who answers for the community's thresholds: this turns alerts on."""
    named = await responsibility.name_clinician(session, member, data)
    return await clinician_views.responsible_public(await session.connection(), named)


@router.delete(
    "/responsible-clinicians/{clinician_id}",
    status_code=204,
    responses=problem_responses(Unauthenticated, Forbidden, NotFound),
)
async def end_responsible_clinician(session: Session, member: Operator, clinician_id: uuid.UUID) -> None:
    """Let nobody answer for the community's thresholds from now on: this turns alerts off."""
    await responsibility.end_clinician(session, member, clinician_id)


def _sign(code: str) -> VitalSign:
    """Return what a code of the address means; raises ``Malformed``."""
    try:
        return sign_of(code)
    except Refused as refusal:
        raise Malformed(errors=[FieldError("/query/code", refusal.detail, refusal.code)]) from None


def _number(code: str) -> VitalSign:
    """Return what a code means whose values can be drawn; raises ``Malformed``."""
    sign = _sign(code)
    if sign.is_coded:
        raise Malformed(errors=[FieldError("/query/code", "a letter has no line", "not_a_number")])
    return sign


def _check_time(first: datetime, end: datetime) -> None:
    if not timedelta() < end - first <= _LONGEST_SERIES:
        raise Malformed(errors=[FieldError("/query/from", "before `to`, and at most 400 days before it", "time")])

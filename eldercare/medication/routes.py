"""The HTTP side of medication: regimens, doses and what came of them, stock, meal times, adherence."""

import uuid
from typing import Annotated

from fastapi import Depends, Query, Response

from app.core.access import CurrentActor
from app.core.instants import GivenInstant
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import ResidentSubject, resident_guard, trace_read
from eldercare.absences.problems import ResidentClosed
from eldercare.medication.problems import (
    DailyMaximumReached,
    DoseAlreadyRecorded,
    DoseNotOpen,
    DoseTooSoon,
    NotAsNeeded,
    NothingToWithdraw,
    RegimenOverlaps,
    RegimenStateConflict,
    RegimenStopped,
    StockNotKept,
)
from eldercare.medication.rules import State
from eldercare.medication.schemas.doses import Adherence, AsNeededDose, DosePublic, DoseRecord
from eldercare.medication.schemas.regimens import (
    MealTimesPublic,
    MealTimesWrite,
    RegimenChange,
    RegimenCreate,
    RegimenPublic,
    RegimenStateChange,
    RegimenVersionPublic,
)
from eldercare.medication.schemas.stocks import Refill, StockEntryPublic, StockPublic, StockWrite
from eldercare.medication.service import meals, recording, regimens, stocks, withdrawing
from eldercare.medication.views import doses as dose_views
from eldercare.medication.views import regimens as views
from eldercare.medication.views import stocks as stock_views

router = Router(tags=["eldercare"])

Reader = Annotated[ResidentSubject, Depends(resident_guard("medication:read"))]
Recorder = Annotated[ResidentSubject, Depends(resident_guard("medication:record"))]
Manager = Annotated[ResidentSubject, Depends(resident_guard("medication:manage"))]
_GUARDED = (Unauthenticated, Forbidden, NotFound)


@router.resident_route("GET", "/regimens", responses=problem_responses(*_GUARDED))
async def list_regimens(connection: Reading, actor: CurrentActor, subject: Reader) -> Page[RegimenPublic]:
    """List what a resident takes, and what they took: the stopped regimens last."""
    await trace_read(connection, actor, subject, "regimens:list")
    return Page(items=await views.regimens(connection, subject.resident_id), next=None)


@router.resident_route(
    "POST", "/regimens", status_code=201, responses=problem_responses(*_GUARDED, ResidentClosed, RegimenOverlaps)
)
async def create_regimen(
    session: Session, actor: CurrentActor, subject: Manager, data: RegimenCreate, response: Response
) -> RegimenPublic:
    """Agree what a resident takes and when. Interactions with other drugs are not checked."""
    regimen = await regimens.create(session, actor, subject, data)
    set_etag(response, regimen.version)
    return await views.regimen(await session.connection(), subject.resident_id, regimen.id)


@router.resident_route("GET", "/regimens/{regimen_id}", responses=problem_responses(*_GUARDED))
async def get_regimen(
    connection: Reading, actor: CurrentActor, subject: Reader, regimen_id: uuid.UUID, response: Response
) -> RegimenPublic:
    """Show a regimen with the version in force."""
    await trace_read(connection, actor, subject, "regimen:read", regimen_id)
    regimen = await views.regimen(connection, subject.resident_id, regimen_id)
    set_etag(response, regimen.version)
    return regimen


@router.resident_route("GET", "/regimens/{regimen_id}/versions", responses=problem_responses(*_GUARDED))
async def list_regimen_versions(
    connection: Reading, actor: CurrentActor, subject: Reader, regimen_id: uuid.UUID
) -> Page[RegimenVersionPublic]:
    """List what a regimen said over time, the latest first."""
    await trace_read(connection, actor, subject, "regimen:read", regimen_id)
    return Page(items=await views.versions(connection, subject.resident_id, regimen_id), next=None)


@router.resident_route(
    "PUT",
    "/regimens/{regimen_id}",
    responses=problem_responses(*_GUARDED, StaleVersion, RegimenStopped, RegimenOverlaps),
)
async def change_regimen(
    session: Session,
    actor: CurrentActor,
    subject: Manager,
    regimen_id: uuid.UUID,
    data: RegimenChange,
    if_match: IfMatch,
    *,
    response: Response,
) -> RegimenPublic:
    """Give a regimen a new version from now on; doses that were due stay as they were."""
    regimen = await regimens.change(session, actor, subject, regimen_id, data, if_match)
    set_etag(response, regimen.version)
    return await views.regimen(await session.connection(), subject.resident_id, regimen_id)


@router.resident_route(
    "PUT",
    "/regimens/{regimen_id}/state",
    responses=problem_responses(*_GUARDED, StaleVersion, RegimenStateConflict, ResidentClosed),
)
async def set_regimen_state(
    session: Session,
    actor: CurrentActor,
    subject: Manager,
    regimen_id: uuid.UUID,
    data: RegimenStateChange,
    if_match: IfMatch,
    *,
    response: Response,
) -> RegimenPublic:
    """Make a regimen active, pause it, or stop it for good; its history stays."""
    regimen = await regimens.set_state(session, actor, subject, regimen_id, data, if_match)
    set_etag(response, regimen.version)
    return await views.regimen(await session.connection(), subject.resident_id, regimen_id)


@router.resident_route(
    "POST",
    "/regimens/{regimen_id}/doses",
    status_code=201,
    responses=problem_responses(*_GUARDED, NotAsNeeded, DoseTooSoon, DailyMaximumReached, DoseAlreadyRecorded),
)
async def record_as_needed_dose(
    session: Session, actor: CurrentActor, subject: Recorder, regimen_id: uuid.UUID, data: AsNeededDose
) -> DosePublic:
    """Record a dose that was taken because it was needed; what the regimen itself does not allow is a warning."""
    return await recording.record_as_needed(session, actor, subject, regimen_id, data)


@router.resident_route("GET", "/doses", responses=problem_responses(*_GUARDED))
async def list_doses(
    connection: Reading,
    actor: CurrentActor,
    subject: Reader,
    page: PageQuery,
    since: Annotated[GivenInstant | None, Query(alias="from", description="without it: a day ago")] = None,
    until: Annotated[GivenInstant | None, Query(alias="to", description="doses due before it")] = None,
    *,
    state: Annotated[State | None, Query(description="only doses in this state")] = None,
) -> Page[DosePublic]:
    """List a resident's doses in the order they are due; those ahead are planned for two days."""
    wanted = dose_views.Wanted(since, until, state)
    items, following = await dose_views.doses(connection, actor, subject, page, wanted)
    return Page(items=items, next=following)


@router.resident_route("GET", "/doses/{dose_id}", responses=problem_responses(*_GUARDED))
async def get_dose(connection: Reading, actor: CurrentActor, subject: Reader, dose_id: uuid.UUID) -> DosePublic:
    """Show one dose."""
    return await dose_views.dose(connection, actor, subject, dose_id)


@router.resident_route(
    "POST",
    "/doses/{dose_id}/record",
    responses=problem_responses(*_GUARDED, DoseNotOpen, DoseAlreadyRecorded, DoseTooSoon, DailyMaximumReached),
)
async def record_dose(
    session: Session, actor: CurrentActor, subject: Recorder, dose_id: uuid.UUID, data: DoseRecord
) -> DosePublic:
    """Record that a planned dose was taken, or why it was not; for oneself, or for somebody one gave it to."""
    return await recording.record(session, actor, subject, dose_id, data)


@router.resident_route(
    "DELETE", "/doses/{dose_id}/record", status_code=204, responses=problem_responses(*_GUARDED, NothingToWithdraw)
)
async def withdraw_dose_record(session: Session, actor: CurrentActor, subject: Recorder, dose_id: uuid.UUID) -> None:
    """Withdraw what was recorded of a dose by mistake, within a day: it is what it was before."""
    await withdrawing.withdraw(session, actor, subject, dose_id)


@router.resident_route("GET", "/regimens/{regimen_id}/stock", responses=problem_responses(*_GUARDED, StockNotKept))
async def get_medication_stock(
    connection: Reading, actor: CurrentActor, subject: Reader, regimen_id: uuid.UUID, response: Response
) -> StockPublic:
    """Show what is left of a drug, and when that runs out if all goes by plan."""
    await trace_read(connection, actor, subject, "medication_stock:read", regimen_id)
    stock = await stock_views.stock(connection, subject.resident_id, regimen_id)
    set_etag(response, stock.version)
    return stock


@router.resident_route(
    "PUT", "/regimens/{regimen_id}/stock", responses=problem_responses(*_GUARDED, StaleVersion, RegimenStopped)
)
async def set_medication_stock(
    session: Session,
    actor: CurrentActor,
    subject: Recorder,
    regimen_id: uuid.UUID,
    data: StockWrite,
    if_match: IfMatch,
    *,
    response: Response,
) -> StockPublic:
    """Say how much is there, as somebody counted it."""
    set_etag(response, await stocks.count(session, actor, subject, regimen_id, data, if_match))
    return await stock_views.stock(await session.connection(), subject.resident_id, regimen_id)


@router.resident_route("GET", "/regimens/{regimen_id}/refills", responses=problem_responses(*_GUARDED))
async def list_refills(
    connection: Reading, actor: CurrentActor, subject: Reader, regimen_id: uuid.UUID, page: PageQuery
) -> Page[StockEntryPublic]:
    """List who brought or counted how much, the latest first."""
    await trace_read(connection, actor, subject, "medication_stock:read", regimen_id)
    items, following = await stock_views.entries(connection, subject.resident_id, regimen_id, page)
    return Page(items=items, next=following)


@router.resident_route(
    "POST",
    "/regimens/{regimen_id}/refills",
    status_code=201,
    responses=problem_responses(*_GUARDED, RegimenStopped, StockNotKept),
)
async def record_refill(
    session: Session, actor: CurrentActor, subject: Recorder, regimen_id: uuid.UUID, data: Refill
) -> StockEntryPublic:
    """Add what was brought to what is there."""
    return StockEntryPublic.model_validate(await stocks.refill(session, actor, subject, regimen_id, data))


@router.resident_route("GET", "/meal-times", responses=problem_responses(*_GUARDED))
async def get_meal_times(
    connection: Reading, actor: CurrentActor, subject: Reader, response: Response
) -> MealTimesPublic:
    """Show when a resident eats."""
    await trace_read(connection, actor, subject, "meal_times:read")
    told = await views.meal_times(connection, subject.resident_id)
    set_etag(response, told.version)
    return told


@router.resident_route("PUT", "/meal-times", responses=problem_responses(*_GUARDED, StaleVersion, ResidentClosed))
async def set_meal_times(
    session: Session,
    actor: CurrentActor,
    subject: Manager,
    data: MealTimesWrite,
    if_match: IfMatch,
    *,
    response: Response,
) -> MealTimesPublic:
    """Say when a resident eats; what is taken with meals is planned by it from the next dose on."""
    set_etag(response, await meals.set_meal_times(session, actor, subject, data, if_match))
    return await views.meal_times(await session.connection(), subject.resident_id)


@router.resident_route("GET", "/adherence", responses=problem_responses(*_GUARDED))
async def get_adherence(
    connection: Reading,
    actor: CurrentActor,
    subject: Reader,
    weeks: Annotated[int, Query(ge=1, le=53, description="how many weeks, this one included")] = 4,
) -> Adherence:
    """Show how many planned doses were taken, week by week and regimen by regimen."""
    await trace_read(connection, actor, subject, "adherence:read")
    return await dose_views.adherence(connection, subject, weeks)

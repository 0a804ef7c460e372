"""Appointments over HTTP: booked, seen, changed, prepared for."""

import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import Depends, Response

from app.core.access import CurrentActor
from app.core.database import connection_of
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session, set_etag
from app.identity.api import Person, ResidenceEnded, ResidentSubject
from app.reservations.api import HoldOver
from telemedicine.appointments.access import Subject, appointment_guard, clinics_appointment_guard, patient_guard
from telemedicine.appointments.models import Appointment
from telemedicine.appointments.problems import (
    AnswerTooLate,
    BookedElsewhere,
    NotAllowedNow,
    SeriesConflict,
    TooManyAhead,
    TooManyHolds,
)
from telemedicine.appointments.schemas import (
    AnswersWrite,
    AppointmentAnswer,
    AppointmentCancel,
    AppointmentCreate,
    AppointmentDetail,
    AppointmentMove,
    AppointmentOutcome,
    AppointmentPublic,
    AppointmentSeriesPublic,
    PreparationPublic,
    SeriesCreate,
    SeriesDates,
    SeriesPreview,
)
from telemedicine.appointments.service import booking, changing, preparing, series
from telemedicine.appointments.views import appointments as views
from telemedicine.clinics.problems import NotOffered
from telemedicine.consultations.problems import ConsultationUnderWay

router = Router(tags=["telemedicine"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_BOOKED: Final = (
    *_GUARDED,
    ResidenceEnded,
    NotOffered,
    BookedElsewhere,
    TooManyAhead,
    TooManyHolds,
)
_ONE: Final = "/appointments/{appointment_id}"
Mine = Annotated[ResidentSubject, Depends(patient_guard)]
Seen = Annotated[Subject, Depends(appointment_guard)]
OfClinic = Annotated[Subject, Depends(clinics_appointment_guard)]


async def _shown(session: Session, row: Appointment, response: Response) -> AppointmentPublic:
    await session.flush()
    set_etag(response, row.version)
    return (await views.shown(connection_of(session), [row.id]))[0]


def _public(row: Any, response: Response) -> AppointmentPublic:
    set_etag(response, row.version)
    return views.public(row)


@router.post("/appointments", status_code=201, responses=problem_responses(*_BOOKED))
async def create_appointment(
    session: Session, actor: Person, data: AppointmentCreate, response: Response
) -> AppointmentPublic:
    """Hold a slot for five minutes; it is booked by confirming it, and let go otherwise.

    For oneself, for somebody who lets one do it, or as the clinic. If the time is not to be had, the answer names
    what is free nearby.
    """
    return _public(await booking.hold(session, actor, data), response)


@router.resident_route("GET", "/appointments", responses=problem_responses(*_GUARDED))
async def list_appointments(
    connection: Reading, actor: CurrentActor, subject: Mine, page: PageQuery
) -> Page[AppointmentPublic]:
    """List a resident's appointments, the latest (and those ahead) first."""
    return await views.of_resident(connection, actor, subject, page)


@router.get(_ONE, responses=problem_responses(*_GUARDED))
async def get_appointment(
    connection: Reading, actor: CurrentActor, subject: Seen, response: Response
) -> AppointmentDetail:
    """Show an appointment and how it came to stand as it does."""
    shown = await views.detail(connection, actor, subject)
    set_etag(response, shown.version)
    return shown


@router.post(f"{_ONE}/confirmation", responses=problem_responses(*_GUARDED, HoldOver, NotAllowedNow))
async def confirm_appointment(
    session: Session, actor: CurrentActor, subject: Seen, response: Response
) -> AppointmentPublic:
    """Book what is held, or take what came free; what is booked stays so.

    A clinic that keeps its own diary is asked: it is `pending` and awaits the clinic until that has answered.
    """
    return _public(await booking.confirm_one(session, actor, subject), response)


@router.post(
    f"{_ONE}/move",
    responses=problem_responses(
        *_GUARDED, NotAllowedNow, AnswerTooLate, NotOffered, BookedElsewhere, ConsultationUnderWay
    ),
)
async def move_appointment(
    session: Session, actor: CurrentActor, subject: Seen, data: AppointmentMove, response: Response
) -> AppointmentPublic:
    """Give an appointment another time, or somebody else, in one step: if that cannot be had, all stays as it was."""
    return await _shown(session, await changing.reschedule(session, actor, subject, data), response)


@router.post(
    f"{_ONE}/answer",
    responses=problem_responses(*_GUARDED, AnswerTooLate, NotAllowedNow, NotOffered, BookedElsewhere),
)
async def answer_appointment(
    session: Session, actor: CurrentActor, subject: OfClinic, data: AppointmentAnswer, response: Response
) -> AppointmentPublic:
    """Answer, as a clinic that keeps its own diary, what it was asked for: yes, no, or another time instead."""
    return await _shown(session, await changing.answer(session, actor, subject, data), response)


@router.post(f"{_ONE}/cancellation", responses=problem_responses(*_GUARDED, NotAllowedNow, AnswerTooLate))
async def cancel_appointment(
    session: Session, actor: CurrentActor, subject: Seen, data: AppointmentCancel, response: Response
) -> AppointmentPublic:
    """Call an appointment off, let a hold go, or let an offer pass."""
    return await _shown(session, await changing.cancel(session, actor, subject, data), response)


@router.post(f"{_ONE}/outcome", responses=problem_responses(*_GUARDED, NotAllowedNow))
async def record_appointment_outcome(
    session: Session, actor: CurrentActor, subject: OfClinic, data: AppointmentOutcome, response: Response
) -> AppointmentPublic:
    """Write down, as the clinic, that somebody came, was seen, or did not come."""
    return await _shown(session, await changing.set_outcome(session, actor, subject, data), response)


@router.get(f"{_ONE}/preparation", responses=problem_responses(*_GUARDED))
async def get_appointment_preparation(connection: Reading, actor: CurrentActor, subject: Seen) -> PreparationPublic:
    """Show what the clinic asks before a visit, and what was answered."""
    return await views.preparation(connection, actor, subject)


@router.post(f"{_ONE}/preparation", responses=problem_responses(*_GUARDED, NotAllowedNow))
async def prepare_appointment(
    session: Session, actor: CurrentActor, subject: Seen, data: AnswersWrite
) -> PreparationPublic:
    """Say what the clinic should know. People read it, nothing else does: whoever needs help raises an alarm."""
    await preparing.answer(session, actor, subject, data)
    return await views.preparation(await session.connection(), actor, subject)


@router.post("/appointment-series-previews", responses=problem_responses(*_GUARDED, ResidenceEnded))
async def preview_appointment_series(session: Session, actor: Person, data: SeriesPreview) -> SeriesDates:
    """List the dates of a series, and of each that cannot be had what is free near it. Nothing is held by it."""
    return SeriesDates(dates=await series.preview(await session.connection(), actor, data))


@router.post("/appointment-series", status_code=201, responses=problem_responses(*_BOOKED, SeriesConflict))
async def create_appointment_series(session: Session, actor: Person, data: SeriesCreate) -> AppointmentSeriesPublic:
    """Hold all the dates for five minutes, or none of them."""
    return _series(await series.hold(session, actor, data))


@router.post("/appointment-series/{series_id}/confirmation", responses=problem_responses(*_GUARDED, HoldOver))
async def confirm_appointment_series(session: Session, actor: Person, series_id: uuid.UUID) -> AppointmentSeriesPublic:
    """Book what is held of a series, all of it."""
    return _series(await series.confirm(session, actor, series_id))


def _series(rows: Sequence[Any]) -> AppointmentSeriesPublic:
    shown = sorted(map(views.public, rows), key=lambda one: (one.starts_at, one.id))
    return AppointmentSeriesPublic(id=rows[0].series_id or rows[0].id, appointments=shown)

"""Hours over HTTP: weekly ones, exceptions, and how somebody's schedule stands."""

import uuid
from datetime import timedelta
from typing import Annotated, Final

from fastapi import Query

from app.core import clock
from app.core.instants import GivenInstant
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session
from app.identity.api import Person
from telemedicine.clinics.access import ClinicStaff, Keeper, require_own_clinic
from telemedicine.clinics.models import BookableResource, Practitioner
from telemedicine.clinics.problems import NotAClinic
from telemedicine.clinics.schemas.availability import (
    AvailabilityPublic,
    AvailabilitySaved,
    AvailabilityWrite,
    BookingConflicts,
    ExceptionCreate,
    ExceptionPublic,
    ExceptionSaved,
)
from telemedicine.clinics.schemas.slots import MOST_DAYS, SchedulesPublic
from telemedicine.clinics.service import availability as service
from telemedicine.clinics.views import clinics as views

router = Router(tags=["telemedicine"])

_OF: Final = "/clinics/{organization_id}"
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
Since = Annotated[GivenInstant | None, Query(alias="from", description="default: now")]
Days = Annotated[int, Query(ge=1, le=MOST_DAYS)]


@router.get(f"{_OF}/practitioners/{{practitioner_id}}/availability", responses=problem_responses(*_GUARDED))
async def get_practitioner_availability(
    organization_id: uuid.UUID,
    practitioner_id: uuid.UUID,
    connection: Reading,
    member: ClinicStaff,  # noqa: ARG001 - it guards
) -> AvailabilityPublic:
    """Show a practitioner's weekly hours."""
    await service.require_owner(connection, organization_id, practitioner_id, "practitioner")
    return await service.availability(connection, practitioner_id)


@router.put(
    f"{_OF}/practitioners/{{practitioner_id}}/availability", responses=problem_responses(*_GUARDED, StaleVersion)
)
async def set_practitioner_availability(
    organization_id: uuid.UUID,
    practitioner_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: AvailabilityWrite,
    if_match: IfMatch,
) -> AvailabilitySaved:
    """Set all of a practitioner's weekly hours; bookings they leave outside are named, and stay booked."""
    owner = (Practitioner, organization_id, practitioner_id)
    return await service.set_hours(session, member.actor, owner, data, if_match)


@router.get(f"{_OF}/bookable-resources/{{resource_id}}/availability", responses=problem_responses(*_GUARDED))
async def get_resource_availability(
    organization_id: uuid.UUID,
    resource_id: uuid.UUID,
    connection: Reading,
    member: ClinicStaff,  # noqa: ARG001 - it guards
) -> AvailabilityPublic:
    """Show the weekly hours of a room or interpreter; without any it is there whenever somebody needs it."""
    await service.require_owner(connection, organization_id, resource_id, "resource")
    return await service.availability(connection, resource_id)


@router.put(
    f"{_OF}/bookable-resources/{{resource_id}}/availability", responses=problem_responses(*_GUARDED, StaleVersion)
)
async def set_resource_availability(
    organization_id: uuid.UUID,
    resource_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: AvailabilityWrite,
    if_match: IfMatch,
) -> AvailabilitySaved:
    """Set all weekly hours of a room or interpreter; bookings they leave outside are named, and stay booked."""
    owner = (BookableResource, organization_id, resource_id)
    return await service.set_hours(session, member.actor, owner, data, if_match)


@router.get(f"{_OF}/availability-exceptions", responses=problem_responses(*_GUARDED))
async def list_availability_exceptions(
    organization_id: uuid.UUID,
    connection: Reading,
    member: ClinicStaff,  # noqa: ARG001 - it guards
    page: PageQuery,
) -> Page[ExceptionPublic]:
    """List closed times and extra hours, in the order in which they were entered."""
    return await views.exceptions(connection, organization_id, page)


@router.post(f"{_OF}/availability-exceptions", status_code=201, responses=problem_responses(*_GUARDED, NotAClinic))
async def add_availability_exception(
    organization_id: uuid.UUID, session: Session, member: Keeper, data: ExceptionCreate
) -> ExceptionSaved:
    """Close the clinic, or somebody's hours, for a while, or add hours. Bookings in closed times stay booked."""
    await require_own_clinic(await session.connection(), member.actor, organization_id)
    return await service.add_exception(session, member.actor, organization_id, data)


@router.delete(f"{_OF}/availability-exceptions/{{exception_id}}", responses=problem_responses(*_GUARDED))
async def remove_availability_exception(
    organization_id: uuid.UUID, exception_id: uuid.UUID, session: Session, member: Keeper
) -> BookingConflicts:
    """Take an exception back; bookings in extra hours that are no more are named, and stay booked."""
    found = await service.remove_exception(session, member.actor, organization_id, exception_id)
    return BookingConflicts(conflicts=found)


@router.get(f"{_OF}/practitioners/{{practitioner_id}}/schedule", responses=problem_responses(*_GUARDED))
async def get_practitioner_schedule(
    organization_id: uuid.UUID,
    practitioner_id: uuid.UUID,
    connection: Reading,
    member: ClinicStaff,
    since: Since = None,
    days: Days = 7,
) -> SchedulesPublic:
    """Show when a practitioner is there, and what of it is taken."""
    owner = await service.require_owner(connection, organization_id, practitioner_id, "practitioner")
    start = since or clock.now()
    return await service.schedule_of(connection, member.actor, owner, start, start + timedelta(days=days))


@router.get("/me/practitioner-schedule", responses=problem_responses(Unauthenticated, Forbidden))
async def get_my_practitioner_schedule(
    connection: Reading, actor: Person, since: Since = None, days: Days = 7
) -> SchedulesPublic:
    """Show a practitioner their own schedule, at each of their clinics; nothing to whoever is none."""
    start = since or clock.now()
    return await service.own_schedules(connection, actor, start, start + timedelta(days=days))

"""Setting up a clinic: its zone, departments, places, people, rooms, interpreters, and what can be booked."""

import uuid
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import StaleVersion
from app.core.routing import check_version
from app.core.tables import Table
from app.identity.api import members_here, organizations_named
from app.media.api import Purpose, attach
from app.reservations.api import register
from telemedicine.clinics import repository, rules
from telemedicine.clinics.models import BookableResource, Clinic, Department, Location, Practitioner, VisitType
from telemedicine.clinics.problems import NotAClinic, NotAClinician, PractitionerExists
from telemedicine.clinics.schemas.availability import BookingConflict
from telemedicine.clinics.schemas.clinics import (
    ClinicWrite,
    DepartmentWrite,
    LocationWrite,
    PractitionerCreate,
    PractitionerWrite,
    ResourceCreate,
    ResourceWrite,
    VisitTypeWrite,
)
from telemedicine.clinics.service.changes import changing, tell
from telemedicine.clinics.views.calendars import PRACTITIONER, RESOURCE
from telemedicine.clinics.views.clinics import PHOTO_OF

Row = TypeVar("Row", bound=Table)


async def set_clinic(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: ClinicWrite, if_match: int | None
) -> tuple[Clinic, list[BookingConflict]]:
    """Set what a clinic says of itself, and return it with the bookings that another zone moves out of its hours.

    Raises ``NotAClinic`` for an organization of another kind, ``StaleVersion``.
    """
    connection = await session.connection()
    known = await organizations_named(connection, actor.community_id, [organization_id])
    if organization_id not in known or known[organization_id].kind != "clinic":
        raise NotAClinic
    clinic = await repository.locked_clinic(session, organization_id)
    if clinic is None:
        if if_match is not None:
            raise StaleVersion
        clinic = Clinic(community_id=actor.community_id, organization_id=organization_id, **data.model_dump())
        session.add(clinic)
        await session.flush()
        await audit.record(session, actor, "clinic:set", object_id=organization_id)
        return clinic, []
    check_version(clinic, if_match)
    is_moved = clinic.time_zone != data.time_zone
    async with changing(session, organization_id) as conflicts:
        for name, value in data.model_dump().items():
            setattr(clinic, name, value)
        await session.flush()
        if is_moved:
            # A licence ends with a day where its holder works.
            for person in await repository.practitioners_of(session, organization_id):
                _set_licence_end(person, clinic.time_zone)
    if is_moved:
        await tell(session, clinic.id, (clinic.community_id, organization_id), len(conflicts))
    await audit.record(session, actor, "clinic:set", object_id=organization_id)
    return clinic, conflicts


async def add_department(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: DepartmentWrite
) -> Department:
    """Add a part to a clinic."""
    row = Department(organization_id=organization_id, **data.model_dump())
    return await _added(session, actor, row, "department:add")


async def set_department(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    department_id: uuid.UUID,
    data: DepartmentWrite,
    if_match: int | None,
) -> Department:
    """Set what a department is called; raises ``NotFound``, ``StaleVersion``."""
    row = await repository.locked(session, Department, organization_id, department_id)
    return await _set(session, actor, row, data.model_dump(), if_match, "department:set")


async def add_location(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: LocationWrite
) -> Location:
    """Add a place to a clinic."""
    return await _added(
        session, actor, Location(organization_id=organization_id, **data.model_dump()), "clinic_location:add"
    )


async def set_location(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    location_id: uuid.UUID,
    data: LocationWrite,
    if_match: int | None,
) -> Location:
    """Set where a place is; raises ``NotFound``, ``StaleVersion``."""
    row = await repository.locked(session, Location, organization_id, location_id)
    return await _set(session, actor, row, data.model_dump(), if_match, "clinic_location:set")


async def add_practitioner(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: PractitionerCreate
) -> Practitioner:
    """Add somebody who sees people for the clinic; their calendar is the one they have at other clinics, too.

    Raises ``NotAClinician`` for an account that does not work there, ``PractitionerExists``, ``Malformed`` for a
    department of another clinic, and what ``media.attach`` raises of a photo.
    """
    # Locked: nobody is added twice, and the zone stays what the end of the licence is worked out with.
    clinic = await _locked_clinic(session, organization_id)
    await _check_department(session, organization_id, data.department_id)
    if data.account_id is not None:
        connection = await session.connection()
        there = await members_here(connection, actor.community_id, organization_id, "clinician")
        if data.account_id not in there:
            raise NotAClinician
        known = await repository.practitioners_of(session, organization_id)
        if data.account_id in {row.account_id for row in known}:
            raise PractitionerExists
    row_id = clock.new_id()
    calendar_id = await register(
        session,
        community_id=actor.community_id,
        kind=PRACTITIONER,
        subject_id=data.account_id or row_id,
        account_id=data.account_id,
        is_blockable=True,
    )
    ends_at = rules.end_of(data.licence_valid_until, data.time_zone or clinic.time_zone)
    row = Practitioner(
        id=row_id,
        community_id=actor.community_id,
        organization_id=organization_id,
        calendar_id=calendar_id,
        licence_ends_at=ends_at,
        licence_look_at=ends_at,
        **data.model_dump(exclude={"photo_id"}),
    )
    session.add(row)
    await session.flush()
    await _set_photo(session, actor, row, data.photo_id)
    await audit.record(session, actor, "practitioner:add", object_id=row.id)
    return row


async def set_practitioner(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    practitioner_id: uuid.UUID,
    data: PractitionerWrite,
    if_match: int | None,
) -> tuple[Practitioner, list[BookingConflict]]:
    """Set what is known of a practitioner, and return it with the bookings that cannot be as agreed any more.

    Raises as ``add_practitioner`` does, ``NotFound``, ``StaleVersion``.
    """
    clinic = await _locked_clinic(session, organization_id)
    row = await repository.locked(session, Practitioner, organization_id, practitioner_id)
    check_version(row, if_match)
    await _check_department(session, organization_id, data.department_id)
    was = _decisive(row)
    async with changing(session, organization_id, [row.id]) as conflicts:
        for name, value in data.model_dump(exclude={"photo_id"}).items():
            setattr(row, name, value)
        _set_licence_end(row, clinic.time_zone)
        await session.flush()
    await _set_photo(session, actor, row, data.photo_id)
    if was != _decisive(row):
        await tell(session, row.id, (row.community_id, row.organization_id), len(conflicts))
    await audit.record(session, actor, "practitioner:set", object_id=row.id)
    return row, conflicts


async def add_resource(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: ResourceCreate
) -> BookableResource:
    """Add a room or an interpreter; an interpreter's calendar is the one they have at other clinics, too.

    Raises ``Malformed`` for a place of another clinic.
    """
    await _check_location(session, organization_id, data.location_id)
    row_id = clock.new_id()
    calendar_id = await register(
        session,
        community_id=actor.community_id,
        kind=RESOURCE,
        subject_id=data.account_id or row_id,
        account_id=data.account_id,
    )
    row = BookableResource(
        id=row_id,
        community_id=actor.community_id,
        organization_id=organization_id,
        calendar_id=calendar_id,
        **data.model_dump(),
    )
    return await _added(session, actor, row, "clinic_resource:add")


async def set_resource(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    resource_id: uuid.UUID,
    data: ResourceWrite,
    if_match: int | None,
) -> tuple[BookableResource, list[BookingConflict]]:
    """Set what is known of a room or interpreter, and return it with the bookings that cannot have it as agreed.

    Raises ``NotFound``, ``StaleVersion``, ``Malformed`` for a place of another clinic.
    """
    row = await repository.locked(session, BookableResource, organization_id, resource_id)
    check_version(row, if_match)
    await _check_location(session, organization_id, data.location_id)
    async with changing(session, organization_id, [row.id]) as conflicts:
        for name, value in data.model_dump().items():
            setattr(row, name, value)
    await tell(session, row.id, (row.community_id, organization_id), len(conflicts))
    await audit.record(session, actor, "clinic_resource:set", object_id=row.id)
    return row, conflicts


async def add_visit_type(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: VisitTypeWrite
) -> VisitType:
    """Let something be booked; raises ``Malformed`` for a department of another clinic."""
    await _check_department(session, organization_id, data.department_id)
    row = VisitType(community_id=actor.community_id, organization_id=organization_id, **_type_values(data))
    return await _added(session, actor, row, "visit_type:add")


async def set_visit_type(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    visit_type_id: uuid.UUID,
    data: VisitTypeWrite,
    if_match: int | None,
) -> tuple[VisitType, list[BookingConflict]]:
    """Set what can be booked, and return it with what is booked and could not be so now; it stays as it was agreed.

    Raises as ``add_visit_type``, ``NotFound``, ``StaleVersion``.
    """
    row = await repository.locked(session, VisitType, organization_id, visit_type_id)
    await _check_department(session, organization_id, data.department_id)
    async with changing(session, organization_id, visit_type_id=visit_type_id) as conflicts:
        await _set(session, actor, row, _type_values(data), if_match, "visit_type:set")
    await tell(session, row.id, (row.community_id, organization_id), len(conflicts))
    return row, conflicts


def _type_values(data: VisitTypeWrite) -> dict[str, Any]:
    values = data.model_dump(exclude={"price", "step"})
    price = {"price_amount": data.price.amount, "price_currency": data.price.currency}
    return values | price | {"step": data.step or data.duration}


def _decisive(row: Practitioner) -> tuple[Any, ...]:
    """Return what decides whether a practitioner can be booked."""
    return row.time_zone, row.licence_valid_until, row.is_active, row.specialties, row.languages


def _set_licence_end(row: Practitioner, clinic_zone: str) -> None:
    """Work out when the licence ends, and have that told once it does; an end that was told is not told again."""
    ends_at = rules.end_of(row.licence_valid_until, row.time_zone or clinic_zone)
    if ends_at != row.licence_ends_at:
        row.licence_ends_at, row.licence_look_at = ends_at, ends_at


async def _locked_clinic(session: AsyncSession, organization_id: uuid.UUID) -> Clinic:
    clinic = await repository.locked_clinic(session, organization_id)
    if clinic is None:
        raise NotAClinic
    return clinic


async def _set_photo(session: AsyncSession, actor: Actor, row: Practitioner, photo_id: uuid.UUID | None) -> None:
    if photo_id is not None and photo_id != row.photo_id:
        await attach(session, actor, photo_id, purpose=Purpose.PHOTO, kind=PHOTO_OF, object_id=row.id)
    row.photo_id = photo_id
    await session.flush()


async def _check_department(session: AsyncSession, organization_id: uuid.UUID, department_id: uuid.UUID | None) -> None:
    wanted = [department_id] if department_id else []
    await repository.require_of_clinic(session, Department, organization_id, wanted, "/body/department_id")


async def _check_location(session: AsyncSession, organization_id: uuid.UUID, location_id: uuid.UUID | None) -> None:
    wanted = [location_id] if location_id else []
    await repository.require_of_clinic(session, Location, organization_id, wanted, "/body/location_id")


async def _added(session: AsyncSession, actor: Actor, row: Row, action: str) -> Row:
    session.add(row)
    await session.flush()
    await audit.record(session, actor, action, object_id=row.id)
    return row


async def _set(
    session: AsyncSession, actor: Actor, row: Row, values: dict[str, Any], if_match: int | None, action: str
) -> Row:
    check_version(row, if_match)
    for name, value in values.items():
        setattr(row, name, value)
    await session.flush()
    await audit.record(session, actor, action, object_id=row.id)
    return row

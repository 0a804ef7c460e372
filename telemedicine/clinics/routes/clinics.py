"""Setting up a clinic over HTTP: what it is, its departments, places, people, rooms, and what can be booked."""

import uuid
from typing import Final

from fastapi import Response

from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import Person
from telemedicine.clinics.access import ClinicStaff, Keeper, require_clinic, require_own_clinic
from telemedicine.clinics.problems import NotAClinic, NotAClinician, PractitionerExists
from telemedicine.clinics.schemas.clinics import (
    ClinicPublic,
    ClinicSaved,
    ClinicWrite,
    DepartmentPublic,
    DepartmentWrite,
    LocationPublic,
    LocationWrite,
    PractitionerCreate,
    PractitionerDetail,
    PractitionerSaved,
    PractitionerWrite,
    ResourceCreate,
    ResourcePublic,
    ResourceSaved,
    ResourceWrite,
    VisitTypePublic,
    VisitTypeSaved,
    VisitTypeWrite,
)
from telemedicine.clinics.service import setup
from telemedicine.clinics.views import clinics as views

router = Router(tags=["telemedicine"])

_OF: Final = "/clinics/{organization_id}"
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_KEPT: Final = (*_GUARDED, NotAClinic)


@router.get("/clinics", responses=problem_responses(Unauthenticated, Forbidden))
async def list_clinics(connection: Reading, actor: Person, page: PageQuery) -> Page[ClinicPublic]:
    """List the clinics of one's community."""
    return await views.clinics(connection, actor, page)


@router.get(_OF, responses=problem_responses(*_GUARDED))
async def get_clinic(
    organization_id: uuid.UUID, connection: Reading, actor: Person, response: Response
) -> ClinicPublic:
    """Show a clinic of one's community."""
    row = await require_clinic(connection, actor, organization_id)
    set_etag(response, row.version)
    return (await views.clinics_public(connection, actor.community_id, [row]))[0]


@router.put(_OF, responses=problem_responses(*_KEPT, StaleVersion))
async def set_clinic(
    organization_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: ClinicWrite,
    if_match: IfMatch,
    response: Response,
) -> ClinicSaved:
    """Set up an organization of the kind `clinic`. Another zone moves all hours: bookings it leaves outside are named.

    They stay booked.
    """
    row, conflicts = await setup.set_clinic(session, member.actor, organization_id, data, if_match)
    set_etag(response, row.version)
    connection = await session.connection()
    shown = await views.clinics_public(
        connection, member.community_id, [await require_clinic(connection, member.actor, organization_id)]
    )
    return ClinicSaved(clinic=shown[0], conflicts=conflicts)


@router.get(f"{_OF}/departments", responses=problem_responses(*_GUARDED))
async def list_departments(
    organization_id: uuid.UUID, connection: Reading, actor: Person, page: PageQuery
) -> Page[DepartmentPublic]:
    """List a clinic's departments."""
    await require_clinic(connection, actor, organization_id)
    return await views.departments(connection, organization_id, page)


@router.post(f"{_OF}/departments", status_code=201, responses=problem_responses(*_KEPT))
async def add_department(
    organization_id: uuid.UUID, session: Session, member: Keeper, data: DepartmentWrite
) -> DepartmentPublic:
    """Add a department."""
    await require_own_clinic(await session.connection(), member.actor, organization_id)
    row = await setup.add_department(session, member.actor, organization_id, data)
    return DepartmentPublic.model_validate(row)


@router.put(f"{_OF}/departments/{{department_id}}", responses=problem_responses(*_KEPT, StaleVersion))
async def set_department(
    organization_id: uuid.UUID,
    department_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: DepartmentWrite,
    if_match: IfMatch,
) -> DepartmentPublic:
    """Set what a department is called."""
    row = await setup.set_department(session, member.actor, organization_id, department_id, data, if_match)
    return DepartmentPublic.model_validate(row)


@router.get(f"{_OF}/locations", responses=problem_responses(*_GUARDED))
async def list_locations(
    organization_id: uuid.UUID, connection: Reading, actor: Person, page: PageQuery
) -> Page[LocationPublic]:
    """List a clinic's places."""
    await require_clinic(connection, actor, organization_id)
    return await views.locations(connection, organization_id, page)


@router.post(f"{_OF}/locations", status_code=201, responses=problem_responses(*_KEPT))
async def add_location(
    organization_id: uuid.UUID, session: Session, member: Keeper, data: LocationWrite
) -> LocationPublic:
    """Add a place."""
    await require_own_clinic(await session.connection(), member.actor, organization_id)
    return LocationPublic.model_validate(await setup.add_location(session, member.actor, organization_id, data))


@router.put(f"{_OF}/locations/{{location_id}}", responses=problem_responses(*_KEPT, StaleVersion))
async def set_location(
    organization_id: uuid.UUID,
    location_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: LocationWrite,
    if_match: IfMatch,
) -> LocationPublic:
    """Set where a place is. Hours are on the wall of the clinic or practitioner: another zone here moves none."""
    row = await setup.set_location(session, member.actor, organization_id, location_id, data, if_match)
    return LocationPublic.model_validate(row)


@router.get(f"{_OF}/practitioners", responses=problem_responses(*_GUARDED))
async def list_practitioners(
    organization_id: uuid.UUID,
    connection: Reading,
    member: ClinicStaff,  # noqa: ARG001 - it guards
    page: PageQuery,
) -> Page[PractitionerDetail]:
    """List who sees people for the clinic, with their licences."""
    return await views.practitioners(connection, organization_id, page)


@router.post(
    f"{_OF}/practitioners",
    status_code=201,
    responses=problem_responses(*_KEPT, NotAClinician, PractitionerExists),
)
async def add_practitioner(
    organization_id: uuid.UUID, session: Session, member: Keeper, data: PractitionerCreate
) -> PractitionerDetail:
    """Add a practitioner. Whoever works at several clinics with one account is never booked at two at once."""
    row = await setup.add_practitioner(session, member.actor, organization_id, data)
    return (await views.practitioner_details(await session.connection(), [row]))[0]


@router.put(f"{_OF}/practitioners/{{practitioner_id}}", responses=problem_responses(*_KEPT, StaleVersion))
async def set_practitioner(
    organization_id: uuid.UUID,
    practitioner_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: PractitionerWrite,
    if_match: IfMatch,
) -> PractitionerSaved:
    """Set what is known of a practitioner. Bookings that cannot be as agreed any more are named, and stay booked."""
    row, conflicts = await setup.set_practitioner(
        session, member.actor, organization_id, practitioner_id, data, if_match
    )
    shown = (await views.practitioner_details(await session.connection(), [row]))[0]
    return PractitionerSaved(practitioner=shown, conflicts=conflicts)


@router.get(f"{_OF}/bookable-resources", responses=problem_responses(*_GUARDED))
async def list_bookable_resources(
    organization_id: uuid.UUID,
    connection: Reading,
    member: ClinicStaff,  # noqa: ARG001 - it guards
    page: PageQuery,
) -> Page[ResourcePublic]:
    """List the clinic's rooms and interpreters."""
    return await views.resources(connection, organization_id, page)


@router.post(f"{_OF}/bookable-resources", status_code=201, responses=problem_responses(*_KEPT))
async def add_bookable_resource(
    organization_id: uuid.UUID, session: Session, member: Keeper, data: ResourceCreate
) -> ResourcePublic:
    """Add a room or an interpreter. Without hours of their own they are there whenever the practitioner is."""
    await require_own_clinic(await session.connection(), member.actor, organization_id)
    return ResourcePublic.model_validate(await setup.add_resource(session, member.actor, organization_id, data))


@router.put(f"{_OF}/bookable-resources/{{resource_id}}", responses=problem_responses(*_KEPT, StaleVersion))
async def set_bookable_resource(
    organization_id: uuid.UUID,
    resource_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: ResourceWrite,
    if_match: IfMatch,
) -> ResourceSaved:
    """Set what is known of a room or interpreter. Bookings that cannot have it any more are named, and stay booked."""
    row, conflicts = await setup.set_resource(session, member.actor, organization_id, resource_id, data, if_match)
    return ResourceSaved(resource=ResourcePublic.model_validate(row), conflicts=conflicts)


@router.get(f"{_OF}/visit-types", responses=problem_responses(*_GUARDED))
async def list_visit_types(
    organization_id: uuid.UUID, connection: Reading, actor: Person, page: PageQuery
) -> Page[VisitTypePublic]:
    """List what can be booked at a clinic; who works there also sees what only they book, and what is put aside."""
    await require_clinic(connection, actor, organization_id)
    return await views.visit_types(connection, actor, organization_id, page)


@router.post(f"{_OF}/visit-types", status_code=201, responses=problem_responses(*_KEPT))
async def add_visit_type(
    organization_id: uuid.UUID, session: Session, member: Keeper, data: VisitTypeWrite
) -> VisitTypePublic:
    """Let something be booked."""
    await require_own_clinic(await session.connection(), member.actor, organization_id)
    return views.visit_type_public(await setup.add_visit_type(session, member.actor, organization_id, data))


@router.put(f"{_OF}/visit-types/{{visit_type_id}}", responses=problem_responses(*_KEPT, StaleVersion))
async def set_visit_type(
    organization_id: uuid.UUID,
    visit_type_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: VisitTypeWrite,
    if_match: IfMatch,
) -> VisitTypeSaved:
    """Set what can be booked from now on; what is booked stays as it was agreed, and is named if it no longer fits."""
    row, conflicts = await setup.set_visit_type(session, member.actor, organization_id, visit_type_id, data, if_match)
    return VisitTypeSaved(visit_type=views.visit_type_public(row), conflicts=conflicts)

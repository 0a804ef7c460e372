"""Hours: weekly ones in place of those there were, closed times, extra hours, and how they stand."""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.core.routing import check_version
from telemedicine.clinics import repository, rules
from telemedicine.clinics.models import (
    Availability,
    AvailabilityException,
    BookableResource,
    Location,
    Practitioner,
    VisitType,
)
from telemedicine.clinics.schemas.availability import (
    AvailabilityPublic,
    AvailabilitySaved,
    AvailabilityWrite,
    BookingConflict,
    ExceptionCreate,
    ExceptionSaved,
    WeeklyHoursPublic,
    hour_of,
    minutes_of,
)
from telemedicine.clinics.schemas.slots import SchedulePublic, SchedulesPublic, SpanPublic, TakenPublic
from telemedicine.clinics.service.changes import changing, tell
from telemedicine.clinics.views import calendars, schedules
from telemedicine.clinics.views.clinics import exception_public
from telemedicine.clinics.views.schedules import Owner

Bookable = type[Practitioner] | type[BookableResource]


async def set_hours(
    session: AsyncSession,
    actor: Actor,
    owner: tuple[Bookable, uuid.UUID, uuid.UUID],
    data: AvailabilityWrite,
    if_match: int | None,
) -> AvailabilitySaved:
    """Set all weekly hours of ``owner``: its model, the clinic, its id.

    Raises ``NotFound``, ``StaleVersion``, and ``Malformed`` for hours that overlap or name what the clinic does not
    have.
    """
    model, organization_id, owner_id = owner
    row: Practitioner | BookableResource
    if model is Practitioner:
        row = await repository.locked(session, Practitioner, organization_id, owner_id)
    else:
        row = await repository.locked(session, BookableResource, organization_id, owner_id)
    check_version(row, if_match)
    _refuse_overlaps(data)
    for place, hours in enumerate(data.hours):
        at = f"/body/hours/{place}"
        await repository.require_of_clinic(
            session, VisitType, organization_id, hours.visit_type_ids, f"{at}/visit_type_ids"
        )
        where = [hours.location_id] if hours.location_id else []
        await repository.require_of_clinic(session, Location, organization_id, where, f"{at}/location_id")
    async with changing(session, organization_id, [row.id]) as conflicts:
        await repository.drop_hours(session, row)
        session.add_all(_rows(row, data))
        # Who believes to know the hours knows them by the version of whose they are.
        row.updated_at = clock.now()
        flag_modified(row, "updated_at")
    await tell(session, row.id, (row.community_id, organization_id), len(conflicts))
    await audit.record(session, actor, "availability:set", object_id=row.id)
    return AvailabilitySaved(availability=await availability(await session.connection(), row.id), conflicts=conflicts)


def _refuse_overlaps(data: AvailabilityWrite) -> None:
    pairs = rules.overlapping([hours.hours() for hours in data.hours])
    if pairs:
        raise Malformed(
            errors=[
                FieldError(f"/body/hours/{other}", f"overlaps /body/hours/{one}", "hours_overlap")
                for one, other in pairs
            ]
        )


def _rows(owner: Practitioner | BookableResource, data: AvailabilityWrite) -> list[Availability]:
    is_person = isinstance(owner, Practitioner)
    return [
        Availability(
            organization_id=owner.organization_id,
            account_id=owner.account_id,
            starts_minute=minutes_of(hours.starts),
            ends_minute=minutes_of(hours.ends),
            practitioner_id=owner.id if is_person else None,
            resource_id=None if is_person else owner.id,
            **hours.model_dump(exclude={"starts", "ends"}),
        )
        for hours in data.hours
    ]


async def availability(connection: AsyncConnection, owner_id: uuid.UUID) -> AvailabilityPublic:
    """Return the weekly hours of a practitioner or resource; raises ``NotFound``."""
    found = await schedules.owners(connection, [owner_id])
    if not found:
        raise NotFound
    return AvailabilityPublic(
        time_zone=found[0].time_zone,
        version=found[0].version,
        hours=[
            WeeklyHoursPublic(
                weekday=row.weekday,
                starts=hour_of(row.starts_minute),
                ends=hour_of(row.ends_minute),
                valid_from=row.valid_from,
                valid_until=row.valid_until,
                visit_type_ids=row.visit_type_ids,
                location_id=row.location_id,
                on_holidays=row.on_holidays,
            )
            for row in await schedules.hours_of(connection, owner_id)
        ],
    )


async def require_owner(
    connection: AsyncConnection, organization_id: uuid.UUID, owner_id: uuid.UUID, kind: str
) -> Owner:
    """Return a practitioner or resource of the clinic; raises ``NotFound``."""
    found = await schedules.owners(connection, [owner_id])
    if not found or found[0].organization_id != organization_id or found[0].kind != kind:
        raise NotFound
    return found[0]


async def add_exception(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: ExceptionCreate
) -> ExceptionSaved:
    """Close somebody's hours, or the clinic, for a while, or add hours.

    Raises ``Malformed`` for what the clinic does not have.
    """
    account_id = await _lock_owner(session, organization_id, data.practitioner_id, data.resource_id)
    at = "/body/visit_type_ids"
    await repository.require_of_clinic(session, VisitType, organization_id, data.visit_type_ids, at)
    where = [data.location_id] if data.location_id else []
    await repository.require_of_clinic(session, Location, organization_id, where, "/body/location_id")
    row = AvailabilityException(
        organization_id=organization_id,
        account_id=account_id,
        starts_local=data.starts,
        ends_local=data.ends,
        **data.model_dump(exclude={"starts", "ends"}),
    )
    async with changing(session, organization_id, _whose(row)) as conflicts:
        session.add(row)
    await _told(session, actor, row, "availability_exception:add", conflicts)
    return ExceptionSaved(exception=exception_public(row), conflicts=conflicts)


async def remove_exception(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, exception_id: uuid.UUID
) -> list[BookingConflict]:
    """Take an exception back and return what is at odds with that: extra hours may be booked. Raises ``NotFound``."""
    row = await repository.locked(session, AvailabilityException, organization_id, exception_id)
    await _lock_owner(session, organization_id, row.practitioner_id, row.resource_id)
    async with changing(session, organization_id, _whose(row)) as conflicts:
        await session.delete(row)
    await _told(session, actor, row, "availability_exception:remove", conflicts)
    return conflicts


async def _lock_owner(
    session: AsyncSession,
    organization_id: uuid.UUID,
    practitioner_id: uuid.UUID | None,
    resource_id: uuid.UUID | None,
) -> uuid.UUID | None:
    """Lock whose hours change, the clinic if it is everybody's, and return their account."""
    try:
        if practitioner_id:
            return (await repository.locked(session, Practitioner, organization_id, practitioner_id)).account_id
        if resource_id:
            return (await repository.locked(session, BookableResource, organization_id, resource_id)).account_id
    except NotFound:
        pointer = "/body/practitioner_id" if practitioner_id else "/body/resource_id"
        raise Malformed(errors=[FieldError(pointer, "this clinic has no such thing", "unknown_id")]) from None
    await repository.locked_clinic(session, organization_id)
    return None


def _whose(row: AvailabilityException) -> list[uuid.UUID] | None:
    owner = row.practitioner_id or row.resource_id
    return [owner] if owner else None


async def _told(
    session: AsyncSession,
    actor: Actor,
    row: AvailabilityException,
    action: str,
    conflicts: list[BookingConflict],
) -> None:
    whose = _whose(row)
    clinic = await repository.locked_clinic(session, row.organization_id)
    aggregate = whose[0] if whose else clinic.id if clinic else row.organization_id
    await tell(session, aggregate, (actor.community_id, row.organization_id), len(conflicts))
    await audit.record(session, actor, action, object_id=row.id)


async def own_schedules(connection: AsyncConnection, actor: Actor, since: datetime, until: datetime) -> SchedulesPublic:
    """Return when the actor is there as a practitioner, at each of their clinics, and what of it is taken."""
    found = await schedules.own(connection, actor.id)
    return await _schedules(connection, found, since, until)


async def schedule_of(
    connection: AsyncConnection, actor: Actor, owner: Owner, since: datetime, until: datetime
) -> SchedulesPublic:
    """Return when a practitioner of the clinic is there, and what of it is taken; the look leaves a trace."""
    await audit.record(connection, actor, "practitioner_schedule:read", object_id=owner.id)
    return await _schedules(connection, [owner], since, until)


async def _schedules(
    connection: AsyncConnection, found: list[Owner], since: datetime, until: datetime
) -> SchedulesPublic:
    known = await schedules.schedules(connection, found, since)
    taken = await calendars.taken_ranges(connection, {one.calendar_id for one in found}, since, until)
    shown = []
    for one in found:
        days = await schedules.holidays(connection, one.community_id, since, until)
        there = rules.hours_there(known[one.id], days, since, until)
        shown.append(
            SchedulePublic(
                practitioner_id=one.id,
                organization_id=one.organization_id,
                time_zone=one.time_zone,
                there=[SpanPublic(starts_at=start, ends_at=end) for start, end in there],
                taken=[TakenPublic.model_validate(row, from_attributes=True) for row in taken[one.calendar_id]],
            )
        )
    return SchedulesPublic(since=since, until=until, schedules=shown)

"""Clinics, really committed: their zone, places, people, rooms, what can be booked, hours, and what is booked."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from app.core import clock
from app.core.database import unit_of_work
from app.core.tables import Table
from app.identity.models import Account, Community, Organization
from app.reservations.api import Want, register, take
from telemedicine.clinics.models import (
    Availability,
    AvailabilityException,
    BookableResource,
    Clinic,
    Department,
    Location,
    Practitioner,
    VisitType,
)
from telemedicine.clinics.rules import end_of
from telemedicine.clinics.schemas.availability import minutes_of
from telemedicine.clinics.views.calendars import PRACTITIONER, RESOURCE
from tests.factories import identity

Row = TypeVar("Row", bound=Table)

NAME = {"en": "First visit", "zh-CN": "初诊"}
MOST = timedelta(days=366)


async def clinic(of: Community, organization: Organization | None = None, *, time_zone: str | None = None) -> Clinic:
    """Insert what a clinic says of itself, and the organization unless it is given."""
    organization = organization or await identity.organization(of, "clinic", name="Lake Clinic")
    return await _insert(
        Clinic(community_id=of.id, organization_id=organization.id, time_zone=time_zone or of.time_zone)
    )


async def department(of: Clinic) -> Department:
    """Insert a part of a clinic."""
    return await _insert(Department(organization_id=of.organization_id, name={"en": "Heart", "zh-CN": "心内科"}))


async def location(of: Clinic, place: tuple[float, float] = (31.23, 121.47)) -> Location:
    """Insert a place of a clinic at a latitude and longitude."""
    return await _insert(
        Location(
            organization_id=of.organization_id,
            name={"en": "Main house", "zh-CN": "本部"},
            address="2 Lake Road",
            latitude=place[0],
            longitude=place[1],
            time_zone=of.time_zone,
        )
    )


async def practitioner(
    of: Clinic, person: Account | None = None, *, licence_valid_until: date = date(2030, 12, 31), **values: Any
) -> Practitioner:
    """Insert somebody who sees people for a clinic, with their calendar."""
    row_id = clock.new_id()
    account_id = person.id if person else None
    ends_at = end_of(licence_valid_until, values.get("time_zone") or of.time_zone)
    async with unit_of_work() as session:
        calendar_id = await register(
            session,
            community_id=of.community_id,
            kind=PRACTITIONER,
            subject_id=account_id or row_id,
            account_id=account_id,
            is_blockable=True,
        )
    defaults: dict[str, Any] = {"name": "Dr Lin", "licence_number": "L-1", "languages": ["zh-CN", "en"]}
    return await _insert(
        Practitioner(
            id=row_id,
            community_id=of.community_id,
            organization_id=of.organization_id,
            account_id=account_id,
            calendar_id=calendar_id,
            licence_valid_until=licence_valid_until,
            licence_ends_at=ends_at,
            licence_look_at=ends_at,
            **defaults | values,
        )
    )


async def resource(of: Clinic, kind: str = "room", **values: Any) -> BookableResource:
    """Insert a room or an interpreter, with its calendar."""
    row_id = clock.new_id()
    async with unit_of_work() as session:
        calendar_id = await register(session, community_id=of.community_id, kind=RESOURCE, subject_id=row_id)
    return await _insert(
        BookableResource(
            id=row_id,
            community_id=of.community_id,
            organization_id=of.organization_id,
            calendar_id=calendar_id,
            kind=kind,
            **{"name": "Room 1"} | values,
        )
    )


async def visit_type(of: Clinic, **values: Any) -> VisitType:
    """Insert something that can be booked: half an hour by video, for everybody, a month ahead."""
    duration = values.get("duration", timedelta(minutes=30))
    defaults: dict[str, Any] = {
        "name": NAME,
        "mode": "video",
        "duration": duration,
        "step": duration,
        "lead_time": timedelta(),
        "horizon": timedelta(days=30),
        "price_amount": 5000,
        "price_currency": "CNY",
    }
    return await _insert(
        VisitType(community_id=of.community_id, organization_id=of.organization_id, **defaults | values)
    )


async def hours(
    of: Practitioner | BookableResource, weekdays: Sequence[int], starts: str, ends: str, **values: Any
) -> list[Availability]:
    """Insert weekly hours on the wall."""
    is_person = isinstance(of, Practitioner)
    return [
        await _insert(
            Availability(
                organization_id=of.organization_id,
                account_id=of.account_id,
                weekday=weekday,
                starts_minute=minutes_of(starts),
                ends_minute=minutes_of(ends),
                practitioner_id=of.id if is_person else None,
                resource_id=None if is_person else of.id,
                **values,
            )
        )
        for weekday in weekdays
    ]


async def exception(of: Practitioner, kind: str, starts: datetime, ends: datetime) -> AvailabilityException:
    """Insert closed times or extra hours of a practitioner, on the wall."""
    return await _insert(
        AvailabilityException(
            organization_id=of.organization_id,
            practitioner_id=of.id,
            account_id=of.account_id,
            kind=kind,
            starts_local=starts,
            ends_local=ends,
        )
    )


async def booked(
    calendar_id: uuid.UUID,
    starts_at: datetime,
    ends_at: datetime,
    *,
    origin_kind: str = "appointment",
    origin_id: uuid.UUID | None = None,
    hold_until: datetime | None = None,
) -> uuid.UUID:
    """Take a calendar's time, as whatever books visits does; return the reservation's id."""
    async with unit_of_work() as session:
        want = Want(calendar_id, starts_at, ends_at, origin_id or clock.new_id())
        taken = await take(session, [want], origin_kind=origin_kind, taken_by=clock.new_id(), hold_until=hold_until)
    return taken[0]


async def _insert(row: Row) -> Row:
    async with unit_of_work() as session:
        session.add(row)
    return row

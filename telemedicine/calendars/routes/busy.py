"""Calendars that are read elsewhere over HTTP: the practitioner's own ones, and for the clinic those of each."""

import uuid
from datetime import timedelta
from typing import Final

from fastapi import Depends

from app.core import audit
from app.core.paging import Page
from app.core.problems import Forbidden, NotFound, TooManyRequests, Unauthenticated, problem_responses
from app.core.rate_limits import Rate, rate_limited
from app.core.routing import Reading, Router, Session
from app.identity.api import Person
from telemedicine.calendars.problems import TooManyBusyCalendars
from telemedicine.calendars.schemas import BusyCalendarCreate, BusyCalendarPublic
from telemedicine.calendars.service import busy as service
from telemedicine.calendars.views import busy as views
from telemedicine.clinics.access import Keeper

router = Router(tags=["telemedicine"])

_OWN: Final = "/me/busy-calendars"
_OF: Final = "/clinics/{organization_id}/practitioners/{practitioner_id}/busy-calendars"
_GUARDED: Final = (Unauthenticated, Forbidden)
_LIMIT: Final = Depends(rate_limited("busy_calendars", Rate(20, timedelta(hours=1)), by="actor"))


@router.post(
    _OWN,
    status_code=201,
    dependencies=[_LIMIT],
    responses=problem_responses(*_GUARDED, TooManyBusyCalendars, TooManyRequests),
)
async def add_my_busy_calendar(session: Session, actor: Person, data: BusyCalendarCreate) -> BusyCalendarPublic:
    """Have a calendar of mine read: while it says I am busy, nobody can book me. The address is never shown again."""
    return await service.add(session, actor, await views.whose_own(await session.connection(), actor), data)


@router.get(_OWN, responses=problem_responses(*_GUARDED))
async def list_my_busy_calendars(connection: Reading, actor: Person) -> Page[BusyCalendarPublic]:
    """List the calendars of mine that are read, how that goes, and what is booked at times they say I am busy."""
    return Page(items=await views.own(connection, actor.id), next=None)


@router.delete(f"{_OWN}/{{calendar_id}}", status_code=204, responses=problem_responses(*_GUARDED, NotFound))
async def remove_my_busy_calendar(calendar_id: uuid.UUID, session: Session, actor: Person) -> None:
    """Have a calendar of mine read no more, and free what it blocked."""
    await service.remove_own(session, actor, calendar_id)


@router.post(
    _OF,
    status_code=201,
    dependencies=[_LIMIT],
    responses=problem_responses(*_GUARDED, NotFound, TooManyBusyCalendars, TooManyRequests),
)
async def add_busy_calendar(
    organization_id: uuid.UUID,
    practitioner_id: uuid.UUID,
    session: Session,
    member: Keeper,
    data: BusyCalendarCreate,
) -> BusyCalendarPublic:
    """Have a calendar of a practitioner read: while it says they are busy, nobody can book them, at any clinic."""
    whose = await views.whose_at(await session.connection(), organization_id, practitioner_id)
    return await service.add(session, member.actor, whose, data)


@router.get(_OF, responses=problem_responses(*_GUARDED, NotFound))
async def list_busy_calendars(
    organization_id: uuid.UUID, practitioner_id: uuid.UUID, connection: Reading, member: Keeper
) -> Page[BusyCalendarPublic]:
    """List the calendars that are read for a practitioner, whoever gave them; the look leaves a trace."""
    whose = await views.whose_at(connection, organization_id, practitioner_id)
    await audit.record(connection, member.actor, "busy_calendars:read", object_id=practitioner_id)
    return Page(items=await views.of_calendar(connection, whose.calendar_id), next=None)


@router.delete(f"{_OF}/{{calendar_id}}", status_code=204, responses=problem_responses(*_GUARDED, NotFound))
async def remove_busy_calendar(
    organization_id: uuid.UUID,
    practitioner_id: uuid.UUID,
    calendar_id: uuid.UUID,
    session: Session,
    member: Keeper,
) -> None:
    """Have a calendar of a practitioner read no more, and free what it blocked."""
    whose = await views.whose_at(await session.connection(), organization_id, practitioner_id)
    await service.remove_of(session, member.actor, whose, calendar_id)

"""Calendars that are read elsewhere: given by their address, and removed, which frees what they blocked."""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock, outbound
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.core.sealing import seal
from app.core.settings import settings
from app.reservations.api import block
from telemedicine.calendars import repository
from telemedicine.calendars.models import BUSY_URL, BusyCalendar
from telemedicine.calendars.problems import TooManyBusyCalendars
from telemedicine.calendars.schemas import BusyCalendarCreate, BusyCalendarPublic
from telemedicine.calendars.views import busy as views
from telemedicine.calendars.views.busy import Whose

MOST: Final = 5


async def add(session: AsyncSession, actor: Actor, whose: Whose, data: BusyCalendarCreate) -> BusyCalendarPublic:
    """Have a calendar read from now on, and return it.

    Raises ``Malformed`` for an address that is not to be called, ``TooManyBusyCalendars``.
    """
    url = str(data.url)
    try:
        # What its name leads to is looked at whenever it is called.
        outbound.check_url(url, allow_private=settings().calendars.allow_private)
    except outbound.AddressForbidden:
        error = FieldError("/body/url", "a public https address is wanted", "address_not_allowed")
        raise Malformed(errors=[error]) from None
    connection = await session.connection()
    await repository.alone(session, whose.calendar_id)
    if len(await views.of_calendar(connection, whose.calendar_id)) >= MOST:
        raise TooManyBusyCalendars(most=MOST)
    row = BusyCalendar(
        community_id=whose.community_id,
        account_id=whose.account_id,
        calendar_id=whose.calendar_id,
        url=seal(url, BUSY_URL),
        host=data.url.host or "",
        fetch_at=clock.now(),
    )
    session.add(row)
    await session.flush()
    await audit.record(session, actor, "busy_calendar:add", object_id=row.id)
    (shown,) = await views.shown(connection, [row])
    return shown


async def remove_own(session: AsyncSession, actor: Actor, row_id: uuid.UUID) -> None:
    """Remove a calendar of the actor's; raises ``NotFound`` for what is not theirs."""
    row = await repository.locked(session, row_id)
    if row is None or row.account_id != actor.id:
        raise NotFound
    await _remove(session, actor, row)


async def remove_of(session: AsyncSession, actor: Actor, whose: Whose, row_id: uuid.UUID) -> None:
    """Remove a calendar that blocks a practitioner's; raises ``NotFound``."""
    row = await repository.locked(session, row_id)
    if row is None or row.calendar_id != whose.calendar_id:
        raise NotFound
    await _remove(session, actor, row)


async def remove_all_of(session: AsyncSession, account_ids: Sequence[uuid.UUID]) -> None:
    """Remove the calendars of people whose accounts are closed."""
    for row in await repository.locked_of(session, account_ids):
        await _remove(session, None, row)


async def _remove(session: AsyncSession, actor: Actor | None, row: BusyCalendar) -> None:
    await block(session, row.calendar_id, row.id, [])
    await session.delete(row)
    await session.flush()
    if actor is not None:
        await audit.record(session, actor, "busy_calendar:remove", object_id=row.id)

"""Series: the same time of the wall every few weeks, each date looked at before any is taken."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.identity.api import ResidentSubject
from telemedicine.appointments import repository, rules
from telemedicine.appointments.access import require_appointment, require_bookable
from telemedicine.appointments.problems import SeriesConflict
from telemedicine.appointments.schemas import SeriesCreate, SeriesDate, SeriesPreview
from telemedicine.appointments.service import booking
from telemedicine.clinics.problems import NotOffered
from telemedicine.clinics.service.slots import Offer
from telemedicine.clinics.views.clinics import practitioner_zone
from telemedicine.clinics.views.offers import SlotQuery


async def preview(connection: AsyncConnection, actor: Actor, data: SeriesPreview) -> list[SeriesDate]:
    """Return the dates of a series and, of each that cannot be had, why, and what is free near it. Nothing is held.

    Raises ``NotFound``, ``Forbidden``, ``ResidenceEnded``.
    """
    subject = await require_bookable(connection, actor, data.resident_id)
    query = booking.query_of(actor, subject, data.visit_type_id, data.practitioner_id, data.language)
    zone = await practitioner_zone(connection, data.practitioner_id)
    starts = rules.series(data.starts_at, zone, data.every_weeks, data.count)
    return [date for date, _ in await _dates(connection, actor, subject, query, starts)]


async def hold(session: AsyncSession, actor: Actor, data: SeriesCreate) -> list[Any]:
    """Hold all dates for five minutes, or none, and return the appointments in order of time.

    Raises ``SeriesConflict`` naming each date that cannot be had, and what ``booking.hold`` raises.
    """
    connection = await session.connection()
    subject = await require_bookable(connection, actor, data.resident_id)
    query = booking.query_of(actor, subject, data.visit_type_id, data.practitioner_id, data.language)
    found = await _dates(connection, actor, subject, query, sorted(data.starts))
    offers = [offer for _, offer in found if offer is not None]
    if len(offers) < len(found):
        raise SeriesConflict(conflicts=[date.model_dump(mode="json") for date, offer in found if offer is None])
    await booking.require_room(session, actor, subject, offers[0].organization_id)
    held = booking.Held(subject, query, "pending", clock.now() + rules.HOLD, actor.id)
    return await booking.hold_all(session, actor, held, offers)


async def confirm(session: AsyncSession, actor: Actor, series_id: uuid.UUID) -> list[Any]:
    """Book what is held of a series, all of it; raises ``NotFound``, ``HoldOver``."""
    rows = await repository.lock_series(session, series_id)
    if not rows:
        raise NotFound
    await require_appointment(await session.connection(), actor, rows[0].id)
    booked = await booking.confirm_rows(session, actor, rows)
    return sorted(booked, key=lambda row: row.starts_at)


async def _dates(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, query: SlotQuery, starts: Sequence[datetime]
) -> list[tuple[SeriesDate, Offer | None]]:
    found: list[tuple[SeriesDate, Offer | None]] = []
    for start in starts:
        try:
            offer = await booking.wanted_slot(connection, actor, subject, query, start)
        except NotOffered as refusal:
            date = SeriesDate(starts_at=start, is_free=False, **refusal.extensions)
            found.append((date, None))
        else:
            found.append((SeriesDate(starts_at=start, is_free=True), offer))
    return found

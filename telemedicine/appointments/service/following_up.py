"""Follow-ups: what a signed note says of meeting again is suggested, and booked with one tap."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.identity.api import active_residents
from telemedicine.appointments import notices, repository, rules
from telemedicine.appointments.access import Subject, require_bookable
from telemedicine.appointments.models import Appointment
from telemedicine.appointments.schemas import AppointmentCreate, FollowUpBook, FollowUpPublic
from telemedicine.appointments.service import booking, keeping
from telemedicine.appointments.views import appointments as views
from telemedicine.clinics.problems import NotOffered
from telemedicine.clinics.schemas.slots import SlotPublic
from telemedicine.clinics.service.slots import nearest
from telemedicine.clinics.views.clinics import visit_type

SHOWN = 5
"""How many slots are suggested."""


async def suggest(session: AsyncSession, row: Appointment, days: int) -> None:
    """Suggest to meet again so many days after an appointment; it is told once such a day can be booked."""
    if row.status in rules.GIVES_BACK:
        return
    row.follow_up_at = rules.follow_up_at(row.starts_at, row.time_zone, days)
    horizon = (await visit_type(await session.connection(), row.visit_type_id)).horizon
    row.follow_up_tell_at = max(clock.now(), row.follow_up_at - horizon)
    await session.flush()


async def tell(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell residents that it is time to book the follow-up of appointments, unless they have."""
    connection = await session.connection()
    rows = await repository.all_locked(session, ids)
    # Whoever has died or moved out is not called back.
    here = await active_residents(connection, {row.resident_id for row in rows})
    for row in rows:
        row.follow_up_tell_at = None
        await session.flush()
        suggested = await views.follow_up(connection, row.id)
        if suggested is not None and row.resident_id in here:
            await keeping.tell(session, notices.FOLLOW_UP, row, "follow_up", follow_up_at=suggested.follow_up_at)


async def show(connection: AsyncConnection, actor: Actor, subject: Subject) -> FollowUpPublic:
    """Return when somebody should come again, and what is free near it with the same practitioner.

    Raises ``NotFound`` once it is booked or past, and where nothing was said of it.
    """
    row = await _suggested(connection, subject)
    await views.trace(connection, actor, subject, "appointment:read")
    return FollowUpPublic(due_at=row.follow_up_at, slots=await _slots(connection, actor, row))


async def book(session: AsyncSession, actor: Actor, subject: Subject, data: FollowUpBook) -> Any:
    """Book one of the suggested slots, the nearest unless another is named; return it as ``views.public`` shows it.

    Raises ``NotFound`` as ``show`` does, and what ``booking.hold`` raises.
    """
    connection = await session.connection()
    # Two taps at once are one booking: whoever is second finds nothing suggested any more.
    await repository.alone(session, subject.resident_id, subject.organization_id)
    row = await _suggested(connection, subject)
    starts_at = data.starts_at
    if starts_at is None or abs(starts_at - row.follow_up_at) > rules.FOLLOW_UP_NEAR:
        slots = await _slots(connection, actor, row)
        if starts_at is not None or not slots:
            near = [slot.model_dump(mode="json") for slot in slots]
            raise NotOffered(reason="not_a_slot" if starts_at else "taken", alternatives=near)
        starts_at = slots[0].starts_at
    wanted = AppointmentCreate(
        resident_id=subject.resident_id,
        visit_type_id=row.visit_type_id,
        practitioner_id=row.practitioner_id,
        starts_at=starts_at,
        language=row.language,
    )
    held = await booking.hold(session, actor, wanted)
    (booked,) = await booking.confirm_rows(session, actor, [held])
    await keeping.untell(session, subject.id)
    return booked


async def _suggested(connection: AsyncConnection, subject: Subject) -> Any:
    row = await views.follow_up(connection, subject.id)
    if row is None:
        raise NotFound("no follow-up is suggested")
    return row


async def _slots(connection: AsyncConnection, actor: Actor, row: Any) -> list[SlotPublic]:
    subject = await require_bookable(connection, actor, row.resident_id)
    query = booking.query_of(actor, subject, row.visit_type_id, row.practitioner_id, row.language)
    return await nearest(connection, query, row.follow_up_at, SHOWN, also_others=False)

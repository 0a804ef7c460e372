"""Taking what appointments need of the booking kernel: a practitioner, a room, an interpreter, the person's own time.

The person has a calendar, too: nobody is at two places, whichever clinics they are with.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.database import connection_of
from app.reservations.api import CalendarTaken, Want, of_origin, register, take
from telemedicine.appointments.models import Appointment
from telemedicine.appointments.problems import BookedElsewhere
from telemedicine.appointments.rules import choices
from telemedicine.clinics.problems import NotOffered
from telemedicine.clinics.service.slots import Offer, nearest
from telemedicine.clinics.views.calendars import RESOURCE
from telemedicine.clinics.views.offers import SlotQuery

ORIGIN: Final = "appointment"
PATIENT: Final = "patient"
"""The kind of a resident's own calendar."""

Attempt = Callable[[list[Want]], Awaitable[list[uuid.UUID]]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A slot that an appointment is to have, and what was asked for it."""

    appointment_id: uuid.UUID
    offer: Offer
    query: SlotQuery


async def hold(
    session: AsyncSession, wanted: Sequence[Wanted], patient: uuid.UUID, *, by: uuid.UUID, until: datetime
) -> None:
    """Hold all that is wanted for a patient's calendar until an instant, or nothing.

    Raises ``NotOffered`` with what is free nearby, ``BookedElsewhere``.
    """

    async def attempt(wants: list[Want]) -> list[uuid.UUID]:
        return await take(session, wants, origin_kind=ORIGIN, taken_by=by, hold_until=until)

    await insisting(connection_of(session), wanted, patient, attempt)


async def insisting(
    connection: AsyncConnection, wanted: Sequence[Wanted], patient: uuid.UUID, attempt: Attempt
) -> None:
    """Try one room or interpreter after the other while it is only those that somebody else was faster at.

    ``attempt`` takes all, or undoes itself with ``CalendarTaken``.
    """
    free = {f"{one.appointment_id}/{kind}": found for one in wanted for kind, found in one.offer.free.items()}
    refusal: CalendarTaken | None = None
    for choice in choices(free, wanted[0].appointment_id.int):
        try:
            await attempt([want for one in wanted for want in _wants(one, patient, choice)])
        except CalendarTaken as taken:
            refusal = taken
            if {conflict["kind"] for conflict in taken.extensions["conflicts"]} != {RESOURCE}:
                break
        else:
            return
    if refusal is not None:
        raise await _explained(connection, wanted, refusal)


def _wants(wanted: Wanted, patient: uuid.UUID, choice: Mapping[str, int]) -> list[Want]:
    offer = wanted.offer
    calendars = [
        offer.calendar_id,
        *(found[choice[f"{wanted.appointment_id}/{kind}"]] for kind, found in offer.free.items()),
    ]
    return [
        *(Want(calendar, *offer.blocks, wanted.appointment_id) for calendar in calendars),
        Want(patient, offer.starts_at, offer.ends_at, wanted.appointment_id),
    ]


async def _explained(
    connection: AsyncConnection, wanted: Sequence[Wanted], refusal: CalendarTaken
) -> NotOffered | BookedElsewhere:
    conflicts: list[dict[str, Any]] = refusal.extensions["conflicts"]
    kinds = {conflict["kind"] for conflict in conflicts}
    if kinds == {PATIENT}:
        return BookedElsewhere(starts_at=conflicts[0]["wanted"]["starts_at"])
    concerned = {conflict["origin_id"] for conflict in conflicts if conflict["kind"] != PATIENT}
    first = next(one for one in wanted if str(one.appointment_id) in concerned)
    near = await nearest(connection, first.query, first.offer.starts_at)
    return NotOffered(reason="taken", alternatives=[slot.model_dump(mode="json") for slot in near])


async def patients_calendar(
    session: AsyncSession, community_id: uuid.UUID, resident_id: uuid.UUID, account_id: uuid.UUID
) -> uuid.UUID:
    """Return the calendar of a resident's own time."""
    return await register(
        session, community_id=community_id, kind=PATIENT, subject_id=resident_id, account_id=account_id
    )


async def reservations_of(session: AsyncSession, appointments: Sequence[Appointment]) -> list[uuid.UUID]:
    """Return what is held or booked for appointments."""
    found = await of_origin(connection_of(session), ORIGIN, [one.id for one in appointments])
    return [one.id for one in found]

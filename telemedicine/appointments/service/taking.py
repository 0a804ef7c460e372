"""Taking what appointments need of the booking kernel: a practitioner, a room, an interpreter, the person's own time.

The person has a calendar, too: nobody is at two places, whichever clinics they are with.
"""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.database import connection_of
from app.reservations.api import CalendarTaken, Reserved, Want, confirm_for, extend, of_origin, register, release, take
from app.reservations.api import move as kernel_move
from telemedicine.appointments.problems import BookedElsewhere
from telemedicine.appointments.rules import choices
from telemedicine.appointments.service import sessions
from telemedicine.appointments.service.sessions import Seats
from telemedicine.appointments.views.appointments import ORIGIN
from telemedicine.clinics.problems import NotOffered
from telemedicine.clinics.service.slots import Offer, nearest
from telemedicine.clinics.views.calendars import RESOURCE, SESSION
from telemedicine.clinics.views.offers import SlotQuery

PATIENT: Final = "patient"
"""The kind of a resident's own calendar."""


@dataclass(frozen=True, slots=True)
class Wants:
    """What appointments take: ``own`` is theirs, ``shared`` that of sessions which begin to be with them."""

    own: list[Want]
    shared: list[Want]


Attempt = Callable[[Wants], Awaitable[object]]


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

    async def attempt(wants: Wants) -> None:
        async with _whole(session, is_one_step=not wants.shared):
            await take(session, wants.own, origin_kind=ORIGIN, taken_by=by, hold_until=until)
            await take(session, wants.shared, origin_kind=SESSION, taken_by=by, hold_until=until)

    seats = await sessions.enter(session, [one.offer for one in wanted])
    await _insisting(connection_of(session), wanted, seats, patient, attempt)
    if seats:
        reserved = await of_origin(connection_of(session), ORIGIN, [one.appointment_id for one in wanted])
        await sessions.settle(session, reserved)


async def move(
    session: AsyncSession,
    wanted: Wanted,
    old: Sequence[Reserved],
    patient: uuid.UUID,
    *,
    by: uuid.UUID,
    until: datetime | None = None,
) -> None:
    """Give what is taken for an appointment back for what is wanted instead, in one step, or change nothing.

    It is booked, or with ``until`` held until then. ``old`` may be in the way of what is wanted. Raises ``NotOffered``,
    ``BookedElsewhere``.
    """
    await sessions.alone(session, sessions.of(old).union(_shared(wanted.offer)))
    left = await sessions.held_alone(session, old)
    given_up = {one.id for one in old} | set(left)

    async def attempt(wants: Wants) -> None:
        if until is not None:
            async with _whole(session, is_one_step=False):
                await release(session, given_up)
                await take(session, wants.own, origin_kind=ORIGIN, taken_by=by, hold_until=until)
                await take(session, wants.shared, origin_kind=SESSION, taken_by=by, hold_until=until)
            return
        async with _whole(session, is_one_step=not left and not wants.shared):
            await release(session, left)
            await kernel_move(session, [one.id for one in old], wants.own, origin_kind=ORIGIN, taken_by=by)
            await take(session, wants.shared, origin_kind=SESSION, taken_by=by)

    seats = await sessions.enter(session, [wanted.offer], given_up)
    await _insisting(connection_of(session), [wanted], seats, patient, attempt)
    new = await of_origin(connection_of(session), ORIGIN, [wanted.appointment_id])
    await sessions.settle(session, [*old, *new])


def _shared(offer: Offer) -> list[uuid.UUID]:
    return [offer.session_id] if offer.session_id is not None else []


@asynccontextmanager
async def _whole(session: AsyncSession, *, is_one_step: bool) -> AsyncIterator[None]:
    """Undo what a block has done if it fails in the middle; a block of one step does so by itself."""
    if is_one_step:
        yield
        return
    async with session.begin_nested():
        await session.connection()  # the savepoint is set by the first use of it, and statements of ours go past
        yield


async def _insisting(
    connection: AsyncConnection,
    wanted: Sequence[Wanted],
    seats: Mapping[uuid.UUID, Seats],
    patient: uuid.UUID,
    attempt: Attempt,
) -> None:
    """Try one room or interpreter after the other while it is only those that somebody else was faster at.

    ``attempt`` takes all, or undoes itself with ``CalendarTaken``.
    """
    for one in wanted:
        if any(seats[its].left < 1 for its in _shared(one.offer)):
            raise await _refused(connection, one)
    free = {f"{one.appointment_id}/{kind}": found for one in wanted for kind, found in one.offer.free.items()}
    refusal: CalendarTaken | None = None
    for choice in choices(free, wanted[0].appointment_id.int):
        try:
            await attempt(_wants(wanted, seats, patient, choice))
        except CalendarTaken as taken:
            refusal = taken
            if {conflict["kind"] for conflict in taken.extensions["conflicts"]} != {RESOURCE}:
                break
        else:
            return
    if refusal is not None:
        raise await _explained(connection, wanted, refusal)


def _wants(
    wanted: Sequence[Wanted], seats: Mapping[uuid.UUID, Seats], patient: uuid.UUID, choice: Mapping[str, int]
) -> Wants:
    own: list[Want] = []
    shared: list[Want] = []
    for one in wanted:
        offer, origin_id = one.offer, one.appointment_id
        calendars = [
            offer.calendar_id,
            *(found[choice[f"{origin_id}/{kind}"]] for kind, found in offer.free.items()),
        ]
        if offer.session_id is None:
            own += [Want(calendar, *offer.blocks, origin_id) for calendar in calendars]
        else:
            its = seats[offer.session_id]
            own.append(Want(its.calendar_id, offer.starts_at, offer.ends_at, origin_id))
            if not its.is_running:
                shared += [Want(calendar, *offer.blocks, offer.session_id) for calendar in calendars]
        own.append(Want(patient, offer.starts_at, offer.ends_at, origin_id))
    return Wants(own, shared)


async def _explained(
    connection: AsyncConnection, wanted: Sequence[Wanted], refusal: CalendarTaken
) -> NotOffered | BookedElsewhere:
    conflicts: list[dict[str, Any]] = refusal.extensions["conflicts"]
    kinds = {conflict["kind"] for conflict in conflicts}
    if kinds == {PATIENT}:
        return BookedElsewhere(starts_at=conflicts[0]["wanted"]["starts_at"])
    concerned = {conflict["origin_id"] for conflict in conflicts if conflict["kind"] != PATIENT}
    first = next(one for one in wanted if {str(one.appointment_id), str(one.offer.session_id)} & concerned)
    return await _refused(connection, first)


async def _refused(connection: AsyncConnection, wanted: Wanted) -> NotOffered:
    near = await nearest(connection, wanted.query, wanted.offer.starts_at)
    return NotOffered(reason="taken", alternatives=[slot.model_dump(mode="json") for slot in near])


async def patients_calendar(
    session: AsyncSession, community_id: uuid.UUID, resident_id: uuid.UUID, account_id: uuid.UUID
) -> uuid.UUID:
    """Return the calendar of a resident's own time."""
    return await register(
        session, community_id=community_id, kind=PATIENT, subject_id=resident_id, account_id=account_id
    )


async def reservations_of(session: AsyncSession, appointments: Sequence[Any]) -> list[Reserved]:
    """Return what is held or booked for appointments."""
    return await of_origin(connection_of(session), ORIGIN, [one.id for one in appointments])


async def book(session: AsyncSession, appointments: Sequence[Any]) -> None:
    """Book what is held for appointments; raises ``HoldOver`` if any of it is held no longer."""
    reserved = await reservations_of(session, appointments)
    await sessions.alone(session, sessions.of(reserved))
    await confirm_for(session, ORIGIN, [one.id for one in appointments])
    await sessions.settle(session, reserved)


async def keep(session: AsyncSession, appointment: Any, until: datetime) -> None:
    """Hold until ``until`` what is held for an appointment; raises ``HoldOver`` if any of it is held no longer."""
    reserved = await reservations_of(session, [appointment])
    await sessions.alone(session, sessions.of(reserved))
    await extend(session, [one.id for one in reserved], until)
    await sessions.settle(session, reserved)


async def give_back(session: AsyncSession, reserved: Sequence[Reserved]) -> None:
    """Give back what is held or booked for appointments, and with the last seat the time of its session."""
    await sessions.alone(session, sessions.of(reserved))
    await release(session, [one.id for one in reserved])
    await sessions.settle(session, reserved)

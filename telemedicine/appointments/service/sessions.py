"""Sessions: several who share a slot. The practitioner's time is taken once, for as long as anybody has a seat.

How it is taken follows from the seats: booked while one is, held while all are, free without any. Whoever changes a
seat is alone with its session until they are done, so that two who leave do not both believe that the other one stays.
Who needs the clinic's row, too, locks that first.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.database import connection_of
from app.reservations.api import (
    CapacityTaken,
    Reserved,
    Want,
    confirm,
    extend,
    is_live,
    of_origin,
    register,
    release,
    take,
)
from app.reservations.api import taken as taken_of
from telemedicine.appointments import repository
from telemedicine.appointments.rules import session_until
from telemedicine.clinics.rules import session_id
from telemedicine.clinics.service.slots import Offer
from telemedicine.clinics.views.calendars import SESSION, seats_taken


@dataclass(frozen=True, slots=True)
class Seats:
    """Where a seat of a session is taken, whether the session is there already, and how many seats are left."""

    calendar_id: uuid.UUID
    is_running: bool
    left: int


def of(reserved: Iterable[Reserved]) -> set[uuid.UUID]:
    """Return the sessions in which reservations of appointments are seats."""
    return {session_id(one.subject_id, one.starts_at) for one in reserved if one.kind == SESSION}


async def alone(session: AsyncSession, session_ids: Collection[uuid.UUID]) -> None:
    """Wait until nobody else changes seats of the sessions."""
    for one in sorted(session_ids):
        await repository.alone_in_session(session, one)


async def enter(
    session: AsyncSession, offers: Sequence[Offer], besides: Collection[uuid.UUID] = ()
) -> dict[uuid.UUID, Seats]:
    """Return what there is to be had of the sessions of offers, which nobody else changes from here on.

    ``besides`` are reservations that are given up.
    """
    shared = {one.session_id: one for one in offers if one.session_id is not None}
    if not shared:
        return {}
    await alone(session, shared.keys())
    running = {one.origin_id for one in await _live(session, shared.keys()) if one.id not in besides}
    found: dict[uuid.UUID, Seats] = {}
    for one in sorted(shared):
        offer = shared[one]
        calendar_id = await _calendar(session, offer)
        taken = await seats_taken(
            connection_of(session), [_seats_id(offer)], offer.starts_at, offer.ends_at, besides=besides
        )
        found[one] = Seats(calendar_id, one in running, offer.visit_type.capacity - taken[one])
    return found


async def held_alone(session: AsyncSession, reserved: Sequence[Reserved]) -> list[uuid.UUID]:
    """Return what is taken for sessions in which nobody has a seat but those of ``reserved``."""
    own = {one.id for one in reserved}
    seats = await _seats(session, reserved)
    return [
        held.id for held in await _live(session, seats.keys()) if all(seat.id in own for seat in seats[held.origin_id])
    ]


async def settle(session: AsyncSession, reserved: Sequence[Reserved], by: uuid.UUID) -> None:
    """Have the sessions in which ``reserved`` are or were seats taken as their seats say."""
    seats = await _seats(session, reserved)
    for held in await _live(session, seats.keys()):
        until = session_until((seat.state, seat.expires_at) for seat in seats[held.origin_id])
        if until == "over":
            await release(session, [held.id])
        elif until == "booked":
            if held.expires_at is not None:
                await confirm(session, [held.id])
        elif held.expires_at is None:
            # Who had booked has left: it is kept for those who have yet to confirm, and no longer than for them.
            await release(session, [held.id])
            want = Want(held.resource_id, held.starts_at, held.ends_at, held.origin_id, held.lane)
            await take(session, [want], origin_kind=SESSION, taken_by=by, hold_until=until)
        elif held.expires_at < until:
            await extend(session, [held.id], until)


async def _live(session: AsyncSession, session_ids: Collection[uuid.UUID]) -> list[Reserved]:
    """Return what is taken for sessions of practitioners and of what they need."""
    if not session_ids:
        return []
    now = clock.now()
    found = await of_origin(connection_of(session), SESSION, session_ids)
    return [one for one in found if is_live(one.state, one.expires_at, now)]


async def _seats(session: AsyncSession, reserved: Sequence[Reserved]) -> dict[uuid.UUID, list[Any]]:
    """Return the seats that are held or booked in each session in which ``reserved`` are or were some."""
    own = [one for one in reserved if one.kind == SESSION]
    if not own:
        return {}
    subjects = {one.resource_id: one.subject_id for one in own}
    since, until = min(one.starts_at for one in own), max(one.ends_at for one in own)
    found: dict[uuid.UUID, list[Any]] = {one: [] for one in of(own)}
    for row in await taken_of(connection_of(session), subjects.keys(), since, until):
        its = session_id(subjects[row.resource_id], row.starts_at)
        if its in found:
            found[its].append(row)
    return found


async def _calendar(session: AsyncSession, offer: Offer) -> uuid.UUID:
    """Return the calendar of the seats of an offer's sessions, with a lane for each."""

    async def registered(lanes: int) -> uuid.UUID:
        return await register(
            session, community_id=offer.community_id, kind=SESSION, subject_id=_seats_id(offer), lanes=lanes
        )

    try:
        return await registered(offer.visit_type.capacity)
    except CapacityTaken as taken:
        # Fewer may take part than did. Whoever has such a seat keeps it, and nobody is given one: see ``Seats.left``.
        return await registered(taken.extensions["taken"])


def _seats_id(offer: Offer) -> uuid.UUID:
    if offer.seats_id is None:
        raise ValueError("nobody shares this slot")
    return offer.seats_id

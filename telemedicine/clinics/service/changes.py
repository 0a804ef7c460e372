"""What every change at a clinic does: it says which bookings it is at odds with, drops none of them, and is told."""

import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.core.events import emit
from telemedicine.clinics import rules
from telemedicine.clinics.rules import LONGEST_HORIZON, Odds, Span, Terms, Thing, Visit
from telemedicine.clinics.schemas.availability import BookingConflict
from telemedicine.clinics.views import calendars
from telemedicine.clinics.views.calendars import Taken
from telemedicine.clinics.views.schedules import Owner, holidays, owners, owners_at, schedules
from telemedicine.clinics.views.visits import offering, visits_ahead
from telemedicine.events import AvailabilityChanged

AHEAD: Final = LONGEST_HORIZON
"""How far ahead bookings are looked at: further than anything can be booked."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """How things stand: when each is there, and why visits cannot be as agreed."""

    there: dict[uuid.UUID, list[Span]]
    odds: dict[uuid.UUID, frozenset[Odds]]


@dataclass(frozen=True, slots=True)
class _Concerned:
    """What a change may be at odds with: visits and their calendars, by what time is taken for, and until when."""

    organization_id: uuid.UUID
    visits: dict[uuid.UUID, list[Visit]]
    calendars: dict[uuid.UUID, set[uuid.UUID]]
    span: Span


@asynccontextmanager
async def changing(
    session: AsyncSession,
    organization_id: uuid.UUID,
    owner_ids: Sequence[uuid.UUID] | None = None,
    *,
    visit_type_id: uuid.UUID | None = None,
) -> AsyncIterator[list[BookingConflict]]:
    """Hand out a list that holds, once the block is left, what is booked and cannot be as agreed because of the block.

    ``owner_ids`` are the practitioners and resources the block changes; ``None``: all of the clinic's, or those who
    make visits of the type that it changes. Their rows, or the clinic's, are locked by the caller before, so that two
    changes do not judge each other's past.
    """
    connection = await session.connection()
    now = clock.now()
    conflicts: list[BookingConflict] = []
    await session.flush()
    visits = await visits_ahead(connection, organization_id, now)
    if visit_type_id is not None:
        owner_ids = [one.practitioner_id for one in visits if one.visit_type_id == visit_type_id]
    found = await owners_at(connection, organization_id) if owner_ids is None else await owners(connection, owner_ids)
    booked = await calendars.booked_ranges(connection, {one.calendar_id for one in found}, now, now + AHEAD)
    taken = [one for one in found if booked[one.calendar_id]]
    concerned = await _concerned(connection, organization_id, booked, visits, now)
    before = await _standing(connection, taken, concerned)
    yield conflicts
    await session.flush()
    if not taken:
        return
    changed = {one.id: one for one in await owners(connection, [one.id for one in taken])}
    after = await _standing(connection, list(changed.values()), concerned)
    new = {one: after.odds[one] - before.odds[one] for one in after.odds}
    # What is no matter of hours is named once: with the practitioner, if the change concerns them, not with a room.
    for one in sorted(taken, key=lambda owner: owner.kind):
        gone = rules.lost(before.there[one.id], after.there[one.id])
        until = changed[one.id].until
        for row in booked[one.calendar_id]:
            reasons: set[Odds] = set()
            if row.starts_at < row.ends_at and rules.meets(gone, (max(row.starts_at, now), row.ends_at)):
                reasons.add("licence" if until is not None and until < row.ends_at else "hours")
            for visit in concerned.visits.get(row.origin_id, [None]):
                why = reasons | (new.pop(visit.id, frozenset()) if visit else frozenset())
                if why:
                    conflicts.append(_conflict(one, row, visit, why))
    conflicts.sort(key=lambda conflict: (conflict.starts_at, conflict.reservation_id, conflict.origin_id))


async def tell(session: AsyncSession, aggregate_id: uuid.UUID, owner: tuple[uuid.UUID, uuid.UUID], found: int) -> None:
    """Tell that hours are others; ``owner`` is the community and the organization, ``found`` how many conflicts."""
    community_id, organization_id = owner
    await emit(
        session,
        AvailabilityChanged(
            aggregate_id=aggregate_id, community_id=community_id, organization_id=organization_id, conflicts=found
        ),
    )


async def _concerned(
    connection: AsyncConnection,
    organization_id: uuid.UUID,
    booked: dict[uuid.UUID, list[Taken]],
    visits: Sequence[Visit],
    now: datetime,
) -> _Concerned:
    """Return what ``booked`` is taken for; hours behind the last of it need not be worked out."""
    rows = [row for rows in booked.values() for row in rows]
    by_origin: defaultdict[uuid.UUID, list[Visit]] = defaultdict(list)
    for visit in visits:
        by_origin[visit.id].append(visit)
        by_origin[visit.session_id].append(visit)
    origins = {(row.origin_kind, row.origin_id) for row in rows if row.origin_id in by_origin}
    return _Concerned(
        organization_id,
        {origin_id: by_origin[origin_id] for _, origin_id in origins},
        await calendars.calendars_of(connection, origins),
        (now, max((row.ends_at for row in rows), default=now)),
    )


async def _standing(connection: AsyncConnection, of: Sequence[Owner], concerned: _Concerned) -> _Standing:
    if not of:
        return _Standing({}, {})
    known = await schedules(connection, of, concerned.span[0])
    days = await holidays(connection, of[0].community_id, *concerned.span)
    there = {one: rules.hours_there(schedule, days, *concerned.span) for one, schedule in known.items()}
    if not concerned.visits:
        return _Standing(there, {})
    offers = await offering(connection, concerned.organization_id)
    openings = {one: rules.openings(schedule, days, *concerned.span) for one, schedule in known.items()}
    odds: dict[uuid.UUID, frozenset[Odds]] = {}
    for origin_id, those in concerned.visits.items():
        things = [
            Thing(row.kind, row.languages, row.location_id)
            for calendar in concerned.calendars[origin_id]
            if (row := offers.things.get(calendar)) is not None
        ]
        for visit in those:
            of_type, person = offers.types[visit.visit_type_id], offers.people[visit.practitioner_id]
            terms = Terms(
                type_is_active=of_type.is_active,
                specialty=of_type.specialty,
                mode=of_type.mode,
                needs=of_type.needs,
                capacity=of_type.capacity,
                taking_part=len(those),
                specialties=person.specialties,
                languages=person.languages,
                things=things,
                openings=openings.get(visit.practitioner_id),
            )
            odds[visit.id] = rules.at_odds(visit, terms)
    return _Standing(there, odds)


def _conflict(owner: Owner, row: Taken, visit: Visit | None, reasons: AbstractSet[Odds]) -> BookingConflict:
    return BookingConflict(
        reservation_id=row.reservation_id,
        # Of a session, each who takes part in it.
        origin_kind=visit.origin_kind if visit else row.origin_kind,
        origin_id=visit.id if visit else row.origin_id,
        practitioner_id=owner.id if owner.kind == "practitioner" else None,
        resource_id=owner.id if owner.kind == "resource" else None,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        reasons=sorted(reasons),
    )

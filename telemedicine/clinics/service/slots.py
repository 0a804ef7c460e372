"""Finding a time: the slots of many practitioners at once, whether a wanted one is real, and what is near it.

Nothing is held here. Whoever books takes the calendars an ``Offer`` names, and the database decides who was first.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.paging import Page, PageRequest, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.identity.api import organizations_named
from telemedicine.clinics.problems import NotOffered
from telemedicine.clinics.rules import Need, Span
from telemedicine.clinics.schemas.clinics import Money, PractitionerPublic, ResourcePublic, VisitTypePublic
from telemedicine.clinics.schemas.slots import SlotClinic, SlotLocation, SlotPublic, SlotVisitType
from telemedicine.clinics.service.candidates import (
    Position,
    Slot,
    first_free,
    free_of,
    full,
    horizon,
    in_order,
    metres_to,
    starts_in,
)
from telemedicine.clinics.views import clinics as views
from telemedicine.clinics.views import offers
from telemedicine.clinics.views.offers import Offers, SlotQuery

KIND: Final = "telemedicine.slots"
WINDOWS: Final = (timedelta(days=1), timedelta(days=16))
"""How much time is looked at first, and at most, at once: twice as much each time, until a page is full."""
NEARBY: Final = (timedelta(days=1), timedelta(days=7))
"""How far around a wanted instant is looked: no further than there are enough, which are then the nearest."""
ALTERNATIVES: Final = 3


@dataclass(frozen=True, slots=True)
class Offer:
    """A slot that is there now, with what has to be taken for it.

    ``blocks`` is the time to take, buffers included, of ``calendar_id`` and of one calendar of each kind in ``free``.
    Where several take part (``session_id``), that is taken once, with the session as origin (``is_running``: it was),
    and each takes a lane of the session's own calendar.
    """

    visit_type: VisitTypePublic
    practitioner_id: uuid.UUID
    organization_id: uuid.UUID
    community_id: uuid.UUID
    calendar_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    blocks: Span
    time_zone: str
    location_id: uuid.UUID | None
    free: Mapping[Need, tuple[uuid.UUID, ...]]
    places: int
    session_id: uuid.UUID | None
    is_running: bool


async def visit_type_with_resources(
    connection: AsyncConnection, visit_type_id: uuid.UUID
) -> tuple[VisitTypePublic, list[ResourcePublic]]:
    """Return a visit type and the clinic's rooms and interpreters it can need; raises ``NotFound``."""
    row = await views.visit_type(connection, visit_type_id)
    return views.visit_type_public(row), await views.resources_for(connection, row)


async def search(
    connection: AsyncConnection, query: SlotQuery, earliest: datetime | None, page: PageRequest
) -> Page[SlotPublic]:
    """Return a page of free slots, the earliest first."""
    now = clock.now()
    after = _position(page.cursor) if page.cursor else None
    since = max(now, after.starts_at if after else earliest or now)
    found = await offers.load(connection, query, since, now)
    slots: list[Slot] = []
    end, window, meets_full = horizon(found), WINDOWS[0], False
    while since < end and len(slots) <= page.limit:
        until = min(since + window, end)
        # Where much is taken, hours of which nothing is left are passed by as a whole.
        taken = await full(connection, found, since, until) if meets_full else {}
        candidates = in_order(found, since, until, after, taken)
        free = await first_free(connection, found, candidates, page.limit + 1 - len(slots))
        slots, meets_full = slots + free, meets_full or len(free) < len(candidates)
        since, window = until, min(window * 2, WINDOWS[1])
    items = await _shown(connection, found, slots[: page.limit])
    return Page(items=items, next=next_cursor(KIND, [s.position for s in slots], page.limit, Position._fields))


async def offered(connection: AsyncConnection, query: SlotQuery, starts_at: datetime) -> Offer:
    """Return the slot that begins at the instant with the practitioner and of the visit type that ``query`` names.

    Raises ``NotFound`` where there is no such practitioner or visit type for whoever asks, and ``NotOffered`` if the
    instant is no slot or no place is left, with what is free near it.
    """
    if query.practitioner_id is None or query.visit_type_id is None:
        raise ValueError("a slot is somebody's and for something")
    now = clock.now()
    found = await offers.load(connection, query, min(now, starts_at), now)
    if not found.pairs:
        raise NotFound
    here = list(starts_in(found, starts_at, starts_at + timedelta(microseconds=1), {}))
    free = await free_of(connection, found, here)
    if not free:
        near = await nearest(connection, query, starts_at, found=found)
        raise NotOffered(
            reason="taken" if here else "not_a_slot", alternatives=[slot.model_dump(mode="json") for slot in near]
        )
    return _offer(free[0])


async def nearest(
    connection: AsyncConnection,
    query: SlotQuery,
    wanted: datetime,
    count: int = ALTERNATIVES,
    *,
    found: Offers | None = None,
) -> list[SlotPublic]:
    """Return up to ``count`` free slots within a week of an instant: the same practitioner's first, then the nearest.

    ``query`` names what is wanted, ``found`` is what it offers, if that is known; other practitioners who offer the
    same are asked where its own has too little.
    """
    now = clock.now()
    others = replace(query, practitioner_id=None)
    shown: list[SlotPublic] = []
    known: set[Position] = set()
    for asked in [others] if query.practitioner_id is None else [query, others]:
        if len(shown) >= count:
            break
        offered_by = found if found is not None and asked is query else await offers.load(connection, asked, now, now)
        chosen = await _nearest(connection, offered_by, wanted, count - len(shown), known)
        known |= {slot.position for slot in chosen}
        shown += await _shown(connection, offered_by, chosen)
    return shown


async def _nearest(
    connection: AsyncConnection, found: Offers, wanted: datetime, count: int, known: Collection[Position]
) -> list[Slot]:
    chosen: list[Slot] = []
    for around in NEARBY:
        candidates = list(starts_in(found, max(found.now, wanted - around), wanted + around, {}))
        free = [slot for slot in await free_of(connection, found, candidates) if slot.position not in known]
        free.sort(key=lambda slot: (abs(slot.starts_at - wanted), slot.position))
        chosen = free[:count]
        if len(chosen) == count:
            break
    return chosen


def _position(cursor: str) -> Position:
    starts_at, practitioner_id, visit_type_id = decode_cursor(KIND, cursor)
    return Position(datetime.fromisoformat(starts_at), uuid.UUID(practitioner_id), uuid.UUID(visit_type_id))


def _offer(slot: Slot) -> Offer:
    return Offer(
        visit_type=views.visit_type_public(slot.visit_type),
        practitioner_id=slot.practitioner.id,
        organization_id=slot.practitioner.organization_id,
        community_id=slot.practitioner.community_id,
        calendar_id=slot.practitioner.calendar_id,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        blocks=slot.blocks,
        time_zone=slot.time_zone,
        location_id=slot.location_id,
        free=slot.free,
        places=slot.places,
        session_id=slot.session_id,
        is_running=slot.is_running,
    )


async def _shown(connection: AsyncConnection, found: Offers, slots: Sequence[Slot]) -> list[SlotPublic]:
    people = {slot.practitioner.id: slot.practitioner for slot in slots}
    photos = await views.photos(connection, people.values())
    shown = {
        one: PractitionerPublic.model_validate(person).model_copy(update={"photo": photos.get(one)})
        for one, person in people.items()
    }
    ids = {person.organization_id for person in people.values()}
    named = await organizations_named(connection, found.query.community_id, ids) if ids else {}
    return [
        SlotPublic(
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            time_zone=slot.time_zone,
            practitioner=shown[slot.practitioner.id],
            clinic=SlotClinic(
                organization_id=slot.practitioner.organization_id, name=named[slot.practitioner.organization_id].name
            ),
            visit_type=_visit_type(slot.visit_type),
            location=_location(found, slot.location_id),
            places=slot.places,
        )
        for slot in slots
    ]


def _visit_type(row: Any) -> SlotVisitType:
    price = Money(amount=row.price_amount, currency=row.price_currency)
    return SlotVisitType(
        id=row.id, name=row.name, preparation=row.preparation, mode=row.mode, duration=row.duration, price=price
    )


def _location(found: Offers, location_id: uuid.UUID | None) -> SlotLocation | None:
    place = found.locations.get(location_id) if location_id else None
    if place is None:
        return None
    metres = metres_to(found, location_id)
    fields = {name: getattr(place, name) for name in SlotLocation.model_fields if name != "distance"}
    return SlotLocation(**fields, distance=None if metres is None else round(metres))

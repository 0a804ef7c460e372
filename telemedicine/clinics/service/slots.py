"""Finding a time: the slots of many practitioners at once, whether a wanted one is real, and what is near it.

Nothing is held here. Whoever books takes the calendars an ``Offer`` names, and the database decides who was first.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.paging import Page, PageRequest, decode_cursor, next_cursor
from app.core.problems import FieldError, Malformed, NotFound
from telemedicine.clinics.problems import NotOffered
from telemedicine.clinics.rules import Need, Span
from telemedicine.clinics.schemas.clinics import ResourcePublic, VisitTypePublic
from telemedicine.clinics.schemas.slots import SlotPublic, Sort
from telemedicine.clinics.service.candidates import (
    Candidate,
    as_taken,
    first_free,
    free_of,
    full,
    horizon,
    in_order,
    starts_in,
)
from telemedicine.clinics.service.showing import Position, Slot, metres_to, shown
from telemedicine.clinics.views import clinics as views
from telemedicine.clinics.views import offers
from telemedicine.clinics.views.offers import Offers, SlotQuery

KIND: Final = "telemedicine.slots"
WINDOWS: Final = (timedelta(days=1), timedelta(days=16))
"""How much time is looked at first, and at most, at once: twice as much each time, until a page is full."""
NO_WAY: Final = 1e9
"""Metres to what needs no way: beyond any place on earth."""
NEARBY: Final = (timedelta(days=1), timedelta(days=7))
"""How far around a wanted instant is looked: no further than there are enough, which are then the nearest."""
ALTERNATIVES: Final = 3


class Standing(NamedTuple):
    """Where a slot stands in a list that is ordered by distance first; 0 where it is not."""

    metres: float
    starts_at: datetime
    practitioner_id: uuid.UUID
    visit_type_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Offer:
    """A slot that is there now, with what has to be taken for it.

    ``blocks`` is the time to take, buffers included, of ``calendar_id`` and of one calendar of each kind in ``free``.
    Where several take part (``session_id``), that is taken once, with the session as origin (``is_running``: it was),
    and each takes a lane of the calendar of its seats (``seats_id``). ``answer_within`` is how long the clinic takes to
    answer where it keeps its own diary.
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
    seats_id: uuid.UUID | None
    session_id: uuid.UUID | None
    is_running: bool
    answer_within: timedelta | None


async def visit_type_with_resources(
    connection: AsyncConnection, visit_type_id: uuid.UUID
) -> tuple[VisitTypePublic, list[ResourcePublic]]:
    """Return a visit type and the clinic's rooms and interpreters it can need; raises ``NotFound``."""
    row = await views.visit_type(connection, visit_type_id)
    return views.visit_type_public(row), await views.resources_for(connection, row)


async def search(
    connection: AsyncConnection,
    query: SlotQuery,
    earliest: datetime | None,
    page: PageRequest,
    sort: Sort = "earliest",
    *,
    before: datetime | None = None,
) -> Page[SlotPublic]:
    """Return a page of free slots: the earliest first, or by place, the nearest first, and for each the earliest.

    They begin in ``[earliest, before)``. What needs no way, a call or a visit at home, comes behind all places. Raises
    ``Malformed`` for ``nearest`` without a place to be near.
    """
    if sort == "nearest" and query.near is None:
        raise Malformed(errors=[FieldError("/query/sort", "nearest needs near", "near_missing")])
    now = clock.now()
    kind = f"{KIND}:{sort}"
    reached, after = _position(kind, page.cursor) if page.cursor else (0.0, None)
    begin = max(now, earliest or now)
    found = await offers.load(connection, query, begin, now)
    slots: list[tuple[float, Slot]] = []
    for metres, narrowed in _rings(found, sort):
        if metres < reached or len(slots) > page.limit:
            continue
        last = after if metres == reached else None
        free = await _in_order(connection, narrowed, begin, before, last, page.limit + 1 - len(slots))
        slots += [(metres, slot) for slot in free]
    items = await shown(connection, found, [slot for _, slot in slots[: page.limit]])
    positions = [Standing(metres, *slot.position) for metres, slot in slots]
    return Page(items=items, next=next_cursor(kind, positions, page.limit, Standing._fields))


def _rings(found: Offers, sort: Sort) -> Iterator[tuple[float, Offers]]:
    """Yield what is offered by how far away it is, the nearest first; in order of time all of it is one ring."""
    if sort == "earliest":
        yield 0.0, found
        return
    by_distance: defaultdict[float, set[uuid.UUID | None]] = defaultdict(set)
    for place in found.locations:
        metres = metres_to(found, place)
        if metres is not None and metres <= found.query.within:
            by_distance[metres].add(place)
    for metres, places in sorted(by_distance.items()):
        yield metres, _narrowed(found, places)
    yield NO_WAY, _narrowed(found, {None})


def _narrowed(found: Offers, places: set[uuid.UUID | None]) -> Offers:
    """Return what is offered at the places; ``None`` is where nobody has to go."""

    def is_there(person: Any, of_type: Any) -> bool:
        if of_type.mode != "in_person":
            return None in places
        schedule = found.schedules[person.id]
        return not places.isdisjoint(
            [*(hours.location_id for hours in schedule.weekly), *(extra.location_id for extra in schedule.extra)]
        )

    return replace(found, pairs=[pair for pair in found.pairs if is_there(*pair)], places=frozenset(places))


async def _in_order(
    connection: AsyncConnection,
    found: Offers,
    begin: datetime,
    before: datetime | None,
    after: Position | None,
    most: int,
) -> list[Slot]:
    """Return the first ``most`` free slots of what is offered in ``[begin, before)``, those behind ``after``."""
    slots: list[Slot] = []
    since = max(begin, after.starts_at) if after else begin
    end, window, meets_full = horizon(found), WINDOWS[0], False
    end = min(end, before) if before else end
    while since < end and len(slots) < most:
        until = min(since + window, end)
        # Where much is taken, hours of which nothing is left are passed by as a whole.
        taken = await full(connection, found, since, until) if meets_full else {}
        candidates = in_order(found, since, until, after, taken)
        free = await first_free(connection, found, candidates, most - len(slots))
        slots, meets_full = slots + free, meets_full or len(free) < len(candidates)
        since, window = until, min(window * 2, WINDOWS[1])
    return slots


async def offered(connection: AsyncConnection, query: SlotQuery, starts_at: datetime) -> Offer:
    """Return the slot that begins at the instant with the practitioner and of the visit type that ``query`` names.

    Raises ``NotFound`` where there is no such practitioner or visit type for whoever asks, and ``NotOffered`` if the
    instant is no slot or no place is left, with what is free near it.
    """
    if query.practitioner_id is None or query.visit_type_id is None:
        raise ValueError("a slot is somebody's and for something")
    found, here, free = await _at(connection, query, starts_at)
    if not free:
        near = await nearest(connection, query, starts_at, found=found)
        raise NotOffered(
            reason="taken" if here else "not_a_slot", alternatives=[slot.model_dump(mode="json") for slot in near]
        )
    return _offer(free[0])


async def slot_at(connection: AsyncConnection, query: SlotQuery, starts_at: datetime) -> tuple[SlotPublic, bool]:
    """Return the slot that begins at the instant with whom and for what ``query`` names, and whether it is free.

    Raises ``NotFound`` where there is none by their hours.
    """
    found, here, free = await _at(connection, query, starts_at)
    if not here:
        raise NotFound
    return (await shown(connection, found, free or [as_taken(found, here[0])]))[0], bool(free)


async def _at(
    connection: AsyncConnection, query: SlotQuery, starts_at: datetime
) -> tuple[Offers, list[Candidate], list[Slot]]:
    now = clock.now()
    found = await offers.load(connection, query, min(now, starts_at), now)
    if not found.pairs:
        raise NotFound
    here = list(starts_in(found, starts_at, starts_at + timedelta(microseconds=1), {}))
    return found, here, await free_of(connection, found, here)


async def nearest(
    connection: AsyncConnection,
    query: SlotQuery,
    wanted: datetime,
    count: int = ALTERNATIVES,
    *,
    also_others: bool = True,
    found: Offers | None = None,
) -> list[SlotPublic]:
    """Return up to ``count`` free slots within a week of an instant: the same practitioner's first, then the nearest.

    ``query`` names what is wanted, ``found`` is what it offers, if that is known; other practitioners who offer the
    same are asked where its own has too little, if ``also_others``.
    """
    now = clock.now()
    others = replace(query, practitioner_id=None)
    near: list[SlotPublic] = []
    known: set[Position] = set()
    for asked in (query, others) if also_others and query.practitioner_id else (query,):
        if len(near) >= count:
            break
        offered_by = found if found is not None and asked is query else await offers.load(connection, asked, now, now)
        chosen = await _nearest(connection, offered_by, wanted, count - len(near), known)
        known |= {slot.position for slot in chosen}
        near += await shown(connection, offered_by, chosen)
    return near


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


def _position(kind: str, cursor: str) -> tuple[float, Position]:
    metres, starts_at, practitioner_id, visit_type_id = decode_cursor(kind, cursor)
    return metres, Position(datetime.fromisoformat(starts_at), uuid.UUID(practitioner_id), uuid.UUID(visit_type_id))


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
        seats_id=slot.seats_id,
        session_id=slot.session_id,
        is_running=slot.is_running,
        answer_within=slot.practitioner.answer_within,
    )

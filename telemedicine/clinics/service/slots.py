"""Finding a time: the slots of many practitioners at once, whether a wanted one is real, and what is near it.

Nothing is held here. Whoever books takes the calendars an ``Offer`` names, and the database decides who was first.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.paging import Page, PageRequest, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.dispatch.api import Place, distance
from app.identity.api import organizations_named
from telemedicine.clinics import rules
from telemedicine.clinics.problems import NotOffered
from telemedicine.clinics.rules import LONGEST_HORIZON, Need, Span
from telemedicine.clinics.schemas.clinics import Money, PractitionerPublic, ResourcePublic, VisitTypePublic
from telemedicine.clinics.schemas.slots import SlotClinic, SlotLocation, SlotPublic, SlotVisitType
from telemedicine.clinics.views import calendars, offers
from telemedicine.clinics.views import clinics as views
from telemedicine.clinics.views.offers import Offers, SlotQuery

KIND: Final = "telemedicine.slots"
WINDOWS: Final = (timedelta(days=1), timedelta(days=16))
"""How much time is looked at first, and at most, at once: twice as much each time, until a page is full."""
NEARBY: Final = timedelta(days=7)
ALTERNATIVES: Final = 3


class Position(NamedTuple):
    """Where a slot stands in the list."""

    starts_at: datetime
    practitioner_id: uuid.UUID
    visit_type_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Slot:
    """A start of a practitioner's, by their hours; ``free`` are calendars of each kind of resource to choose from."""

    starts_at: datetime
    ends_at: datetime
    blocks: Span
    practitioner: Any
    visit_type: Any
    location_id: uuid.UUID | None
    time_zone: str
    free: Mapping[Need, tuple[uuid.UUID, ...]]
    places: int
    is_running: bool = False

    @property
    def position(self) -> Position:
        """Return where it stands in the list."""
        return Position(self.starts_at, self.practitioner.id, self.visit_type.id)

    @property
    def session_id(self) -> uuid.UUID | None:
        """Return the session that those who share the slot take part in, if several can."""
        if self.visit_type.capacity == 1:
            return None
        return rules.session_id(self.practitioner.id, self.visit_type.id, self.starts_at)


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
    connection: AsyncConnection,
    query: SlotQuery,
    earliest: datetime | None,
    page: PageRequest,
    before: datetime | None = None,
) -> Page[SlotPublic]:
    """Return a page of free slots that begin in ``[earliest, before)``, the earliest first."""
    now = clock.now()
    after = _position(page.cursor) if page.cursor else None
    since = max(now, after.starts_at if after else earliest or now)
    found = await offers.load(connection, query, since, now)
    slots: list[Slot] = []
    end, window = _horizon(found), WINDOWS[0]
    end = min(end, before) if before else end
    while since < end and len(slots) <= page.limit:
        until = min(since + window, end)
        candidates = sorted(_candidates(found, since, until), key=attrgetter("position"))
        if after is not None:
            candidates = [slot for slot in candidates if slot.position > after]
        # Days on which nobody is there cost no statement.
        if candidates:
            slots += await _free(connection, found, candidates)
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
    _, here, free = await _at(connection, query, starts_at)
    if not free:
        near = await nearest(connection, query, starts_at)
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
    return (await _shown(connection, found, free or here))[0], bool(free)


async def _at(
    connection: AsyncConnection, query: SlotQuery, starts_at: datetime
) -> tuple[Offers, list[Slot], list[Slot]]:
    now = clock.now()
    found = await offers.load(connection, query, min(now, starts_at), now)
    if not found.pairs:
        raise NotFound
    here = list(_candidates(found, starts_at, starts_at + timedelta(microseconds=1)))
    return found, here, await _free(connection, found, here)


async def nearest(
    connection: AsyncConnection, query: SlotQuery, wanted: datetime, count: int = ALTERNATIVES
) -> list[SlotPublic]:
    """Return up to ``count`` free slots within a week of an instant: the same practitioner's first, then the nearest.

    ``query`` names what is wanted; other practitioners who offer the same are asked where its own has too little.
    """
    now = clock.now()
    since, until = max(now, wanted - NEARBY), wanted + NEARBY
    others = replace(query, practitioner_id=None)
    shown: list[SlotPublic] = []
    known: set[Position] = set()
    for asked in [others] if query.practitioner_id is None else [query, others]:
        if len(shown) >= count:
            break
        found = await offers.load(connection, asked, since, now)
        free = await _free(connection, found, list(_candidates(found, since, until)))
        free.sort(key=lambda slot: (abs(slot.starts_at - wanted), slot.position))
        chosen = [slot for slot in free if slot.position not in known][: count - len(shown)]
        known |= {slot.position for slot in chosen}
        shown += await _shown(connection, found, chosen)
    return shown


def _position(cursor: str) -> Position:
    starts_at, practitioner_id, visit_type_id = decode_cursor(KIND, cursor)
    return Position(datetime.fromisoformat(starts_at), uuid.UUID(practitioner_id), uuid.UUID(visit_type_id))


def _horizon(found: Offers) -> datetime:
    """Return the instant behind which nothing can be booked."""
    ahead = (LONGEST_HORIZON if found.is_staffs(of) else of.horizon for _, of in found.pairs)
    return found.now + max(ahead, default=timedelta()) + timedelta(microseconds=1)


def _candidates(found: Offers, since: datetime, until: datetime) -> Iterator[Slot]:
    """Yield what could be booked in ``[since, until)`` if nothing were taken."""
    for person, of_type in found.pairs:
        schedule = found.schedules[person.id]
        closed = rules.closures(schedule)
        first, last = _bookable(found, of_type)
        seen: set[datetime] = set()
        for opening in rules.openings(schedule, found.holidays, since, until):
            if not opening.serves(of_type.id) or not _is_near(found, of_type, opening.location_id):
                continue
            for start in rules.starts(opening, of_type.duration, of_type.step):
                end = start + of_type.duration
                is_asked = since <= start < until and first <= start <= last and start not in seen
                if is_asked and end <= person.licence_ends_at and not rules.meets(closed, (start, end)):
                    seen.add(start)
                    yield _slot(person, of_type, start, opening)


def _slot(person: Any, of_type: Any, start: datetime, opening: rules.Opening) -> Slot:
    end = start + of_type.duration
    return Slot(
        starts_at=start,
        ends_at=end,
        blocks=(start - of_type.buffer_before, end + of_type.buffer_after),
        practitioner=person,
        visit_type=of_type,
        location_id=opening.location_id if of_type.mode == "in_person" else None,
        time_zone=opening.time_zone,
        free={},
        places=of_type.capacity,
    )


def _bookable(found: Offers, of_type: Any) -> Span:
    if found.is_staffs(of_type):
        return found.now, found.now + LONGEST_HORIZON
    return found.now + of_type.lead_time, found.now + of_type.horizon


def _is_near(found: Offers, of_type: Any, location_id: uuid.UUID | None) -> bool:
    """Say whether a visit is near enough; one that is not in person is near everywhere."""
    if found.query.near is None or of_type.mode != "in_person":
        return True
    metres = _distance(found, location_id)
    return metres is not None and metres <= found.query.within


def _distance(found: Offers, location_id: uuid.UUID | None) -> float | None:
    place = found.locations.get(location_id) if location_id else None
    if place is None or found.query.near is None:
        return None
    return distance(Place(*found.query.near), Place(place.latitude, place.longitude))


async def _free(connection: AsyncConnection, found: Offers, candidates: Sequence[Slot]) -> list[Slot]:
    """Return those of the candidates whose practitioner and needs are free, and in which a place is left."""
    if not candidates:
        return []
    since = min(slot.blocks[0] for slot in candidates)
    until = max(slot.blocks[1] for slot in candidates)
    needed = {slot.practitioner.organization_id for slot in candidates if slot.visit_type.needs}
    things = [thing for organization_id in needed for thing in found.resources[organization_id]]
    asked = {slot.practitioner.calendar_id for slot in candidates} | {thing.calendar_id for thing in things}
    taken = await calendars.booked_ranges(connection, asked, since, until)
    there = {thing.id: rules.hours_there(found.schedules[thing.id], found.holidays, since, until) for thing in things}
    running = {one.origin_id for rows in taken.values() for one in rows if one.origin_kind == calendars.SESSION}
    sessions = running & {slot.session_id for slot in candidates if slot.session_id}
    seats = await calendars.seats_taken(connection, sessions, since, until) if sessions else {}
    books = _Books(taken)
    free: list[Slot] = []
    for slot in candidates:
        session = slot.session_id
        places = slot.visit_type.capacity - (seats.get(session, 0) if session else 0)
        if places < 1 or not books.is_free(slot.practitioner.calendar_id, slot.blocks, session):
            continue
        pools = _pools(found, slot, there, books)
        if all(pools.values()):
            free.append(replace(slot, free=pools, places=places, is_running=session in sessions))
    return free


def _pools(
    found: Offers, slot: Slot, there: Mapping[uuid.UUID, Sequence[Span]], books: "_Books"
) -> dict[Need, tuple[uuid.UUID, ...]]:
    """Return for each kind of resource the visit needs the calendars that are free for it."""
    things = found.resources[slot.practitioner.organization_id] if slot.visit_type.needs else ()
    return {
        kind: tuple(
            thing.calendar_id
            for thing in things
            if thing.kind == kind
            and _suits(found, slot, thing)
            and rules.covers(there[thing.id], (slot.starts_at, slot.ends_at))
            and books.is_free(thing.calendar_id, slot.blocks, slot.session_id)
        )
        for kind in slot.visit_type.needs
    }


def _suits(found: Offers, slot: Slot, thing: Any) -> bool:
    if thing.location_id is not None and thing.location_id != slot.location_id:
        return False
    language = found.query.language
    if thing.kind != "interpreter" or language is None or rules.speaks(slot.practitioner.languages, language):
        return True
    return rules.speaks(thing.languages, language)


class _Books:
    """What is taken of calendars, looked up by span; a session is not in the way of those who take part in it."""

    def __init__(self, taken: Mapping[uuid.UUID, Sequence[calendars.Taken]]) -> None:
        self._taken = taken
        self._spans = {one: rules.merged(row.blocks for row in rows) for one, rows in taken.items()}

    def is_free(self, calendar_id: uuid.UUID, wanted: Span, session: uuid.UUID | None) -> bool:
        if not rules.meets(self._spans.get(calendar_id, ()), wanted):
            return True
        if session is None:
            return False
        return not any(
            row.origin_id != session and row.blocks[0] < wanted[1] and row.blocks[1] > wanted[0]
            for row in self._taken[calendar_id]
        )


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
    metres = _distance(found, location_id)
    fields = {name: getattr(place, name) for name in SlotLocation.model_fields if name != "distance"}
    return SlotLocation(**fields, distance=None if metres is None else round(metres))

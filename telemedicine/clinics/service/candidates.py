"""Which slots there are: the starts that hours allow, in order, and which of them nothing that is taken stands in."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from telemedicine.clinics import rules
from telemedicine.clinics.rules import LONGEST_HORIZON, Need, Span
from telemedicine.clinics.service.showing import Position, Slot, metres_to
from telemedicine.clinics.views import calendars
from telemedicine.clinics.views.offers import Offers


class Candidate(NamedTuple):
    """A start by the hours of the ``pair``-th of the offers' pairs, which are in the order of the list."""

    starts_at: datetime
    pair: int
    opening: rules.Opening


async def first_free(
    connection: AsyncConnection, found: Offers, candidates: Sequence[Candidate], count: int
) -> list[Slot]:
    """Return the first ``count`` that are free of candidates in order: some are looked at, and twice as many each time.

    Days on which nobody is there cost no statement.
    """
    slots: list[Slot] = []
    place, size = 0, 4 * count
    while place < len(candidates) and len(slots) < count:
        slots += await free_of(connection, found, candidates[place : place + size])
        place, size = place + size, size * 2
    return slots[:count]


def horizon(found: Offers) -> datetime:
    """Return the instant behind which nothing can be booked."""
    ahead = (LONGEST_HORIZON if found.is_staffs(of) else of.horizon for _, of in found.pairs)
    return found.now + max(ahead, default=timedelta()) + timedelta(microseconds=1)


async def full(
    connection: AsyncConnection, found: Offers, since: datetime, until: datetime
) -> dict[uuid.UUID, Sequence[Span]]:
    """Return when the practitioners' calendars are taken in ``[since, until)``, and not for sessions."""
    asked = {person.calendar_id for person, _ in found.pairs}
    taken = await calendars.busy(connection, asked, since, until, besides=found.query.given_up)
    return {calendar: spans.get(None, ()) for calendar, spans in taken.items()}


def in_order(
    found: Offers,
    since: datetime,
    until: datetime,
    after: Position | None,
    taken: Mapping[uuid.UUID, Sequence[Span]],
) -> list[Candidate]:
    """Return the candidates in ``[since, until)`` in the order of the list, those behind ``after``."""
    candidates = sorted(starts_in(found, since, until, taken))
    return [one for one in candidates if after is None or _position_of(found, one) > after]


def _position_of(found: Offers, candidate: Candidate) -> Position:
    person, of_type = found.pairs[candidate.pair]
    return Position(candidate.starts_at, person.id, of_type.id)


def starts_in(
    found: Offers, since: datetime, until: datetime, taken: Mapping[uuid.UUID, Sequence[Span]]
) -> Iterator[Candidate]:
    """Yield what could be booked in ``[since, until)`` if nothing were taken but hours of which nothing is left."""
    for pair, (person, of_type) in enumerate(found.pairs):
        schedule = found.schedules[person.id]
        closed = rules.closures(schedule)
        first, last = _bookable(found, of_type)
        latest = min(last, person.licence_ends_at - of_type.duration)
        first = max(first, since)
        spans = taken.get(person.calendar_id, ())
        left = found.query.moved_from
        seen = {left[0]} if left and left[1] == person.id else set()
        for opening in rules.openings(schedule, found.holidays, since, until):
            if rules.covers(spans, (opening.starts_at, opening.ends_at)):
                continue
            if not opening.serves(of_type.id) or not _is_near(found, of_type, opening.location_id):
                continue
            for start in rules.starts(opening, of_type.duration, of_type.step):
                if first <= start <= latest and start < until and start not in seen:
                    seen.add(start)
                    if not closed or not rules.meets(closed, (start, start + of_type.duration)):
                        yield Candidate(start, pair, opening)


def _blocks(of_type: Any, start: datetime) -> Span:
    return start - of_type.buffer_before, start + of_type.duration + of_type.buffer_after


def _bookable(found: Offers, of_type: Any) -> Span:
    if found.is_staffs(of_type):
        return found.now, found.now + LONGEST_HORIZON
    return found.now + of_type.lead_time, found.now + of_type.horizon


def _is_near(found: Offers, of_type: Any, location_id: uuid.UUID | None) -> bool:
    """Say whether a visit is near enough; one that is not in person is near everywhere."""
    if found.query.near is None or of_type.mode != "in_person":
        return True
    metres = metres_to(found, location_id)
    is_reached = metres is not None and metres <= found.query.within
    return is_reached and (found.places is None or location_id in found.places)


async def free_of(connection: AsyncConnection, found: Offers, candidates: Sequence[Candidate]) -> list[Slot]:
    """Return those of the candidates whose practitioner and needs are free, and in which a place is left."""
    if not candidates:
        return []
    blocks = [_blocks(found.pairs[one.pair][1], one.starts_at) for one in candidates]
    since, until = min(span[0] for span in blocks), max(span[1] for span in blocks)
    pairs = [found.pairs[pair] for pair in {one.pair for one in candidates}]
    needed = {person.organization_id for person, of_type in pairs if of_type.needs}
    things = [thing for organization_id in needed for thing in found.resources[organization_id]]
    asked = {person.calendar_id for person, _ in pairs} | {thing.calendar_id for thing in things}
    given_up = found.query.given_up
    books = _Books(await calendars.busy(connection, asked, since, until, besides=given_up))
    there = {thing.id: rules.hours_there(found.schedules[thing.id], found.holidays, since, until) for thing in things}
    shared = [_shared(*found.pairs[one.pair], one.starts_at) for one in candidates]
    running = {session: seats for seats, session in shared if seats and session in books.sessions}
    whose = set(running.values())
    seated = await calendars.seats_taken(connection, whose, since, until, besides=given_up) if whose else {}
    free: list[Slot] = []
    for one, span, (seats, session) in zip(candidates, blocks, shared, strict=True):
        person, of_type = found.pairs[one.pair]
        places = of_type.capacity - (seated.get(session, 0) if session else 0)
        if places < 1 or not books.is_free(person.calendar_id, span, session):
            continue
        slot = _slot(found, one, span, places)
        if session:
            slot = replace(slot, seats_id=seats, session_id=session, is_running=session in running)
        pools = _pools(found, slot, there, books)
        if all(pools.values()):
            free.append(replace(slot, free=pools) if pools else slot)
    return free


def _shared(person: Any, of_type: Any, starts_at: datetime) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    """Return whose the seats in a slot are, and the session that those who share it take part in, if several can."""
    if of_type.capacity == 1:
        return None, None
    seats = rules.seats_id(person.id, of_type.id)
    return seats, rules.session_id(seats, starts_at)


def as_taken(found: Offers, candidate: Candidate) -> Slot:
    """Return a candidate as a slot in which no place is left."""
    return _slot(found, candidate, _blocks(found.pairs[candidate.pair][1], candidate.starts_at), places=0)


def _slot(found: Offers, candidate: Candidate, blocks: Span, places: int) -> Slot:
    person, of_type = found.pairs[candidate.pair]
    return Slot(
        starts_at=candidate.starts_at,
        ends_at=candidate.starts_at + of_type.duration,
        blocks=blocks,
        practitioner=person,
        visit_type=of_type,
        location_id=candidate.opening.location_id if of_type.mode == "in_person" else None,
        time_zone=candidate.opening.time_zone,
        free={},
        places=places,
        seats_id=None,
        session_id=None,
        is_running=False,
    )


def _pools(
    found: Offers, slot: Slot, there: Mapping[uuid.UUID, Sequence[Span]], books: "_Books"
) -> dict[Need, tuple[uuid.UUID, ...]]:
    """Return for each kind of resource the visit needs the calendars that are free for it."""
    things = found.resources[slot.practitioner.organization_id] if slot.visit_type.needs else ()
    is_running = books.has(slot.practitioner.calendar_id, slot.session_id)
    return {
        kind: tuple(
            thing.calendar_id
            for thing in things
            if thing.kind == kind
            # Who joins a session is in its room, and hears its interpreter.
            and (not is_running or books.has(thing.calendar_id, slot.session_id))
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

    def __init__(self, taken: Mapping[uuid.UUID, Mapping[uuid.UUID | None, Sequence[Span]]]) -> None:
        self._taken = taken
        self.sessions = {session for spans in taken.values() for session in spans if session}

    def has(self, calendar_id: uuid.UUID, session: uuid.UUID | None) -> bool:
        """Say whether the calendar's time is taken for the session."""
        return session is not None and session in self._taken.get(calendar_id, ())

    def is_free(self, calendar_id: uuid.UUID, wanted: Span, session: uuid.UUID | None) -> bool:
        return not any(
            rules.meets(spans, wanted)
            for origin, spans in self._taken.get(calendar_id, {}).items()
            if origin is None or origin != session
        )

"""Roll-calls: who was counted where, from lists that may come late and twice; whoever is on none by then is missing."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import SYSTEM_ID, Actor
from app.core.problems import NotFound
from app.core.queues import Stuck
from app.core.sealing import seal
from community.trips import notices, repository, rules
from community.trips.access import TripSubject
from community.trips.models import MARK_NOTE, MARKS, Trip, TripMark, TripParticipant, TripStop
from community.trips.problems import RollCallTooEarly, TripNotOpen
from community.trips.rules import Outcome, Whereabouts
from community.trips.schemas import MarkGive, MarkOutcome, RollCallGive, RollCallTaken
from community.trips.service.changing import HEARTHLINE, By, change, found
from community.trips.service.telling import desk, leaders, tell, tell_of_trip, waiting


async def take(
    session: AsyncSession, actor: Actor, subject: TripSubject, stop_id: uuid.UUID, data: RollCallGive
) -> RollCallTaken:
    """Take a stop's list, or a part of it, and say what became of each mark: of a mark heard before, the same.

    A complete list makes missing who is on none. Raises ``NotFound``, ``TripNotOpen``, ``RollCallTooEarly``.
    """
    by = By(subject.side("leader", "organizer", "operator"), actor)
    trip = await session.get_one(Trip, subject.id)
    stops = await repository.stops_of(session, trip.id)
    stop = next((one for one in stops if one.id == stop_id), None)
    if stop is None:
        raise NotFound
    now = clock.now()
    if trip.state not in ("open", "over"):
        raise TripNotOpen(trip_state=trip.state)
    before = next(((one.roll_state, one.departs_at) for one in stops if one.position == stop.position - 1), None)
    opens_at = rules.roll_opens(trip.starts_at, before)
    if now < opens_at:
        raise RollCallTooEarly(opens_at=opens_at.isoformat())
    people = {row.id: row for row in await repository.travelling(session, trip.id)}
    away = [row for row in people.values() if row.state != "going"]
    known = await repository.known_marks(session, trip.id, [mark.nonce for mark in data.marks])
    outcomes: dict[uuid.UUID, Outcome] = dict(known)
    for mark in sorted(data.marks, key=lambda one: (one.marked_at, one.nonce)):
        if mark.nonce in outcomes:
            continue
        row = people.get(mark.participation_id) or await _of_trip(session, trip, mark.participation_id)
        if row is not None:
            at = rules.by_our_clock(mark.marked_at, data.sent_at, now)
            outcomes[mark.nonce] = await _mark(session, by, (trip, stop), row, mark, at)
    # Who is with them again by a list that came late was not counted where counting is over: there they are missing.
    counted = max((one.position for one in stops if one.roll_state == "done"), default=0)
    await _miss(session, trip, away, counted, by)
    # That one of them stays at home is no counting of the others: whoever counts has somebody there.
    if stop.roll_state == "ahead" and any(one.mark == "present" and one.nonce not in known for one in data.marks):
        _begin(stop, now)
    if data.is_complete and stop.roll_state != "done":
        await _finish(session, trip, stop, list(people.values()), by)
    await session.flush()
    return RollCallTaken(
        outcomes=[
            MarkOutcome(nonce=mark.nonce, outcome=outcomes.get(mark.nonce, "unknown_participation"))
            for mark in data.marks
        ],
        state=stop.roll_state,  # type: ignore[arg-type]  # a check constraint holds it to them
        missing=sorted(row.id for row in people.values() if row.state == "missing"),
    )


def _begin(stop: TripStop, now: datetime) -> None:
    """Have counting be begun: who begins late has some minutes for the rest."""
    stop.roll_state = "begun"
    stop.look_at = max(stop.departs_at + rules.COUNTED, now + rules.FINISHING)


async def _mark(
    session: AsyncSession, by: By, where: tuple[Trip, TripStop], row: TripParticipant, mark: MarkGive, at: datetime
) -> Outcome:
    trip, stop = where
    known = Whereabouts(row.state, row.seen_at, row.missing_since, row.missing_position)  # type: ignore[arg-type]  # held to them
    is_older = at < trip.starts_at - rules.ROLL_OPENS  # than the trip: it says nothing of it
    outcome = "superseded" if is_older else rules.outcome(mark.mark, stop.position, at, known)
    await _keep(session, by, stop, row, mark, (at, outcome))
    if mark.mark == "present" and outcome != "not_travelling" and not is_older:
        row.seen_position = max(row.seen_position, stop.position)
    if outcome != "applied":
        return outcome
    row.seen_at = max(at, row.seen_at or at)
    transition = rules.MARKED.get((mark.mark, row.state))  # type: ignore[arg-type]  # a check constraint holds it
    if transition is None:
        await session.flush()
        return outcome
    was = row.state
    await change(session, row, transition, by, note=mark.note)
    if transition == "miss":
        await _tell_missing(session, trip, row)
    elif was == "missing":
        await found(session, row)
        await tell(session, notices.FOUND, row, await leaders(session, trip.id, row), f"found:{row.seen_at}")
    return outcome


async def _keep(
    session: AsyncSession,
    by: By,
    stop: TripStop,
    row: TripParticipant,
    mark: MarkGive,
    heard: tuple[datetime, Outcome],
) -> None:
    at, outcome = heard
    kept = TripMark(
        trip_id=row.trip_id,
        stop_id=stop.id,
        participant_id=row.id,
        resident_id=row.resident_id,
        nonce=mark.nonce,
        mark=mark.mark,
        marked_at=at,
        marked_by=by.id or SYSTEM_ID,
        outcome=outcome,
        note=seal(mark.note, MARK_NOTE) if mark.note else None,
    )
    await session.execute(insert(MARKS).values({column.name: getattr(kept, column.name) for column in MARKS.columns}))


async def _of_trip(session: AsyncSession, trip: Trip, participation_id: uuid.UUID) -> TripParticipant | None:
    row = next(iter(await repository.all_locked(session, [participation_id])), None)
    return row if row is not None and row.trip_id == trip.id else None


async def _finish(session: AsyncSession, trip: Trip, stop: TripStop, people: Sequence[TripParticipant], by: By) -> None:
    """End a stop's counting: whoever goes along and was counted neither there nor farther on is missing."""
    stop.roll_state, stop.look_at = "done", None
    stop.done_at, stop.done_by = clock.now(), by.id
    await _miss(session, trip, people, stop.position, by)
    if by.actor is not None:
        await audit.record(session, by.actor, "roll_call:complete", object_id=stop.id, details={"trip": str(trip.id)})
    await session.flush()


async def _miss(session: AsyncSession, trip: Trip, people: Sequence[TripParticipant], position: int, by: By) -> None:
    for row in people:
        if row.state == "going" and row.seen_position < position:
            await change(session, row, "miss", by, missing_position=position)
            await _tell_missing(session, trip, row)


async def _tell_missing(session: AsyncSession, trip: Trip, row: TripParticipant) -> None:
    """Tell the leaders at once; whom else, follows from the fact."""
    await tell(session, notices.MISSING, row, await leaders(session, trip.id, row), f"missing:{row.missing_since}")


async def look(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """See to roll-calls whose time is over: who was not counted is missing; where nobody counts, somebody is told.

    Their leaders first, then the operator's desk with them, until it is done.
    """
    now = clock.now()
    for stop in await repository.stops_locked(session, ids):
        trip = await session.get_one(Trip, stop.trip_id)
        people = await repository.travelling(session, trip.id)
        uncounted = [row for row in people if row.state == "going" and row.seen_position < stop.position]
        if stop.roll_state == "begun" or not uncounted:
            await _finish(session, trip, stop, people, HEARTHLINE)
            continue
        stop.look_step += 1
        stop.look_at = rules.next_word(rules.REMINDING, stop.look_step, now)
        occasion = f"roll_call:{stop.id}:{stop.look_step}"
        told = await leaders(session, trip.id, trip)
        await tell_of_trip(session, notices.ROLL_CALL_DUE, trip, told, occasion, stop.departs_at)
        if stop.look_step > 1:
            told = await desk(session, trip)
            await tell_of_trip(session, notices.ROLL_CALL_UNDONE, trip, told, occasion, stop.departs_at)
    await session.flush()


async def tell_stuck(session: AsyncSession, stuck: Stuck) -> None:
    """Tell the operator's desk, once, of a roll-call that we fail to see to: they call whoever leads the trip."""
    stop = await session.get_one(TripStop, stuck.id)
    trip = await session.get_one(Trip, stop.trip_id)
    occasion = f"roll_call:{stop.id}:stuck"
    await tell_of_trip(session, notices.ROLL_CALL_UNDONE, trip, await desk(session, trip), occasion, stop.departs_at)


async def look_for(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell again, until they are found, of those who are missing: their leaders and the operator's desk."""
    now = clock.now()
    for row in await repository.all_locked(session, ids):
        row.look_step += 1
        row.look_at = rules.next_word(rules.LOOKING, row.look_step, now)
        told = [*await leaders(session, row.trip_id, row), *await desk(session, row)]
        await tell(session, notices.MISSING, row, told, f"missing:{row.missing_since}:{row.look_step}")
    await session.flush()


async def close(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """End the line of trips that leave soon, and close those of which all are back.

    Of any other it is looked again, as long as it takes.
    """
    now = clock.now()
    for trip in await repository.trips_locked(session, ids):
        stops = await repository.stops_of(session, trip.id)
        for row in await repository.line(session, trip.id):
            await change(session, row, "expire", HEARTHLINE)
            await tell(session, notices.CANCELLED, row, await waiting(session, row), "waited")
        people = await repository.travelling(session, trip.id)
        if now < trip.ends_at or stops[-1].roll_state != "done" or any(row.state == "missing" for row in people):
            trip.close_at = rules.next_look(trip.starts_at, trip.ends_at, now)
            continue
        trip.state, trip.close_at = "over", None
        for stop in stops:
            stop.look_at = None
    await session.flush()

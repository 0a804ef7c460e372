"""Holds, moves and overbooking: what is extended, told of, remembered and put on record."""

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core.access import system_actor
from app.core.clock import ManualClock, new_id
from app.core.database import reading, unit_of_work
from app.reservations import api as reservations
from app.reservations import jobs
from app.reservations.api import CalendarTaken, HoldOver, Overbooking, Want
from tests.reservations.conftest import PLACE, TAKER, Calendars, take, want

HALF = timedelta(minutes=30)
SOON = timedelta(minutes=10)
LEAVE = Overbooking(system_actor(PLACE), "a child with a fever")


async def told() -> list[tuple[str, uuid.UUID]]:
    """Return the facts of reservations, in order."""
    async with reading() as connection:
        rows = await connection.execute(
            sa.text("SELECT name, aggregate_id FROM core_event WHERE name LIKE 'reservations.%' ORDER BY sequence")
        )
        return [(row.name.split(".")[1].removeprefix("reservation_"), row.aggregate_id) for row in rows]


async def test_every_change_is_told_once(calendars: Calendars, clock: ManualClock) -> None:
    (carer,) = await calendars()
    at = clock.now() + timedelta(hours=3)
    until = clock.now() + SOON
    first, second, third, fourth = await take(*(want(carer, at + n * HALF) for n in range(4)), hold_until=until)
    async with unit_of_work() as session:
        await reservations.confirm(session, [first, second])
    async with unit_of_work() as session:
        await reservations.release(session, [first])
        await reservations.release(session, [first])
    async with unit_of_work() as session:
        (moved,) = await reservations.move(
            session, [second], [want(carer, at + 8 * HALF)], origin_kind="test", taken_by=TAKER
        )
    clock.advance(SOON)
    await take(want(carer, at + 2 * HALF))  # puts aside the third
    assert await jobs.expire() == 1  # and the worker the fourth
    assert await jobs.expire() == 0
    facts = await told()
    assert sorted(facts[:2]) == sorted([("confirmed", first), ("confirmed", second)])
    assert facts[2:] == [("released", first), ("moved", second), ("expired", third), ("expired", fourth)]
    async with reading() as connection:
        history = sa.text("SELECT id, state, moved_from_id FROM reservations_reservation WHERE id IN (:old, :new)")
        rows = {row.id: row for row in await connection.execute(history, {"old": second, "new": moved})}
    assert (rows[second].state, rows[moved].state, rows[moved].moved_from_id) == ("moved", "booked", second)


async def test_a_hold_is_extended_while_it_lasts(calendars: Calendars, clock: ManualClock) -> None:
    (carer,) = await calendars()
    at = clock.now() + timedelta(hours=1)
    held = await take(want(carer, at), hold_until=clock.now() + SOON)

    async def extend() -> None:
        async with unit_of_work() as session:
            await reservations.extend(session, held, clock.now() + SOON)

    clock.advance(SOON / 2)
    await extend()
    clock.advance(SOON / 2)
    with pytest.raises(CalendarTaken):
        await take(want(carer, at))
    clock.advance(SOON)
    with pytest.raises(HoldOver):
        await extend()
    with pytest.raises(ValueError, match="before it begins"):
        await take(want(carer, at), hold_until=clock.now())


async def test_a_hold_that_moves_stays_a_hold(calendars: Calendars, clock: ManualClock) -> None:
    (carer,) = await calendars()
    at = clock.now() + timedelta(hours=1)
    held = await take(want(carer, at), hold_until=clock.now() + SOON)

    async def move(old: list[uuid.UUID]) -> list[uuid.UUID]:
        async with unit_of_work() as session:
            return await reservations.move(
                session, old, [want(carer, at + timedelta(minutes=10))], origin_kind="test", taken_by=TAKER
            )

    moved = await move(held)
    with pytest.raises(HoldOver):
        await move(held)
    clock.advance(SOON)
    with pytest.raises(HoldOver):
        async with unit_of_work() as session:
            await reservations.confirm(session, moved)
    with pytest.raises(HoldOver):
        await move(moved)


async def test_a_refusal_that_is_caught_changes_nothing(calendars: Calendars, clock: ManualClock) -> None:
    first, second = await calendars(2)
    at = clock.now() + timedelta(hours=1)
    old = await take(want(first, at))
    await take(want(second, at))
    async with unit_of_work() as session:
        with pytest.raises(CalendarTaken):
            await reservations.take(
                session, [want(first, at + HALF), want(second, at)], origin_kind="test", taken_by=TAKER
            )
        with pytest.raises(CalendarTaken):
            await reservations.move(session, old, [want(second, at)], origin_kind="test", taken_by=TAKER)
    async with reading() as connection:
        assert [row.id for row in await reservations.taken(connection, [first], at, at + 2 * HALF)] == old
    assert await told() == []


async def test_a_calendar_is_overbooked_on_purpose_and_on_record(calendars: Calendars, clock: ManualClock) -> None:
    (doctor,) = await calendars()
    at = clock.now() + timedelta(hours=1)
    one = want(doctor, at)

    async def squeeze_in() -> uuid.UUID:
        async with unit_of_work() as session:
            (made,) = await reservations.take(session, [one], origin_kind="test", taken_by=TAKER, overbooking=LEAVE)
            return made

    await squeeze_in()  # there was room: nothing to put on record
    beyond = [await squeeze_in(), await squeeze_in()]
    with pytest.raises(CalendarTaken):
        await take(one)
    async with reading() as connection:
        entries = await connection.execute(sa.text("SELECT action, object_id FROM core_audit_entry ORDER BY id"))
        assert [tuple(entry) for entry in entries] == [("reservation:overbook", made) for made in beyond]
        assert await reservations.recount(connection, PLACE) == []
        assert len(await reservations.of_origin(connection, "test", [one.origin_id])) == 3


async def test_a_move_to_nowhere_is_no_release(calendars: Calendars, clock: ManualClock) -> None:
    (carer,) = await calendars()
    held = await take(want(carer, clock.now() + timedelta(hours=3)))
    with pytest.raises(ValueError, match="leads somewhere"):
        async with unit_of_work() as session:
            await reservations.move(session, held, [], origin_kind="test", taken_by=TAKER)
    async with unit_of_work() as session:
        assert await reservations.release(session, held) == set(held)  # it was still theirs


async def test_what_is_held_for_a_thing_is_confirmed_whole_or_not_at_all(
    calendars: Calendars, clock: ManualClock
) -> None:
    first, second = await calendars(2)
    thing = new_id()
    at = clock.now() + timedelta(hours=1)
    until = clock.now() + SOON
    wants = [Want(one, at, at + HALF, thing) for one in (first, second)]

    async def confirm(whose: uuid.UUID) -> None:
        async with unit_of_work() as session:
            await reservations.confirm_for(session, "test", [whose])

    with pytest.raises(HoldOver):
        await confirm(thing)
    held = await take(*wants, hold_until=until)
    async with unit_of_work() as session:
        await reservations.extend(session, held[:1], until + SOON)
    clock.set(until)
    with pytest.raises(HoldOver):
        await confirm(thing)
    async with reading() as connection:
        assert {one.state for one in await reservations.of_origin(connection, "test", [thing])} == {"held"}
    async with unit_of_work() as session:
        await reservations.release(session, held)
    again = await take(*wants, hold_until=clock.now() + SOON)
    await confirm(thing)
    async with reading() as connection:
        found = await reservations.of_origin(connection, "test", [thing])
    assert {(one.id, one.state) for one in found} == {(one, "booked") for one in again}

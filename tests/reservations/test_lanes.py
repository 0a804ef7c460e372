"""Calendars of several lanes: which are taken, which are offered, and what becomes of those that go."""

import asyncio
import uuid
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.access import system_actor
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.reservations import api as reservations
from app.reservations.api import CalendarTaken, CapacityTaken, Overbooking, Want
from tests.reservations.conftest import PLACE, TAKER, Calendars, take, want
from tests.waiting import waits

HALF = timedelta(minutes=30)
LEAVE = Overbooking(system_actor(PLACE), "a room is being painted")


async def register(subject_id: uuid.UUID, lanes: int, leave: Overbooking | None = None) -> uuid.UUID:
    """Give a subject's calendar so many lanes."""
    async with unit_of_work() as session:
        return await reservations.register(
            session, community_id=PLACE, kind="room", subject_id=subject_id, lanes=lanes, overbooking=leave
        )


async def drift() -> list[reservations.Drift]:
    async with reading() as connection:
        return await reservations.recount(connection, PLACE)


async def overbooked() -> list[uuid.UUID]:
    async with reading() as connection:
        return list(await connection.scalars(sa.text("SELECT id FROM reservations_reservation WHERE is_overbooked")))


async def offered(*wants: Want) -> list[datetime]:
    """Return what is offered in place of the first of ``wants``, which cannot be had."""
    with pytest.raises(CalendarTaken) as refused:
        await take(*wants)
    alternatives = refused.value.extensions["conflicts"][0]["alternatives"]
    return [datetime.fromisoformat(span["starts_at"]) for span in alternatives]


async def test_lanes_that_are_taken_do_not_go_but_on_purpose(database: Database, clock: ManualClock) -> None:
    subject = clocks.new_id()
    room = await register(subject, 3)
    at = clock.now() + timedelta(hours=1)
    await take(want(room, at, lane=1))
    (third,) = await take(want(room, at, lane=3))
    with pytest.raises(CapacityTaken) as refused:
        await register(subject, 2)
    assert refused.value.extensions["taken"] == 3
    await take(want(room, at + HALF, lane=3))  # it is as it was
    assert await register(subject, 1, LEAVE) == room
    with pytest.raises(CalendarTaken):
        await take(want(room, at))
    async with reading() as connection:
        entries = await connection.execute(sa.text("SELECT action, object_id FROM core_audit_entry"))
        assert [tuple(entry) for entry in entries] == [("resource:overbook", room)]
    assert third in await overbooked()
    assert await drift() == []


async def test_lanes_go_once_what_had_them_is_over(database: Database, clock: ManualClock) -> None:
    subject = clocks.new_id()
    room = await register(subject, 3)
    await take(want(room, clock.now(), lane=2))
    await take(want(room, clock.now() + 4 * HALF, lane=3), hold_until=clock.now() + HALF)
    with pytest.raises(CapacityTaken):
        await register(subject, 1)
    clock.advance(HALF)
    await register(subject, 1)
    assert (await overbooked(), await drift()) == ([], [])


async def test_nobody_enters_a_lane_while_it_goes(database: Database, clock: ManualClock) -> None:
    subject = clocks.new_id()
    room = await register(subject, 2)
    at = clock.now() + HALF
    async with unit_of_work() as session:
        await reservations.register(session, community_id=PLACE, kind="room", subject_id=subject, lanes=1)
        taker = asyncio.create_task(take(want(room, at, lane=2)))
        await waits(taker)
    with pytest.raises(CalendarTaken):
        await taker
    assert await drift() == []


async def test_the_same_wish_twice_is_two_lanes(calendars: Calendars, clock: ManualClock) -> None:
    (room,) = await calendars(lanes=3)
    wish = want(room, clock.now())
    assert len(set(await take(wish, wish))) == 2
    with pytest.raises(CalendarTaken):
        await take(wish, wish)


async def test_what_is_offered_is_free_in_the_lane_that_is_wanted(calendars: Calendars, clock: ManualClock) -> None:
    (room,) = await calendars(lanes=2)
    at = clock.now() + 4 * HALF
    await take(want(room, at, lane=2))
    assert (await offered(want(room, at, lane=2)))[:2] == [at - HALF, at + HALF]
    assert await offered(want(room, at, lane=3)) == []  # there is no such lane


async def test_what_is_offered_is_free_as_often_as_it_is_wanted(calendars: Calendars, clock: ManualClock) -> None:
    (room,) = await calendars(lanes=2)
    at = clock.now() + 4 * HALF
    await take(want(room, at))
    assert (await offered(want(room, at), want(room, at)))[:2] == [at - HALF, at + HALF]
    assert await offered(want(room, at), want(room, at), want(room, at)) == []


async def test_leave_to_overbook_is_not_held_up_by_a_lane_that_is_named(
    calendars: Calendars, clock: ManualClock
) -> None:
    (room,) = await calendars(lanes=2)
    at = clock.now()
    await take(want(room, at, lane=1))

    async def squeeze_in(lane: int) -> uuid.UUID:
        async with unit_of_work() as session:
            (made,) = await reservations.take(
                session, [want(room, at, lane=lane)], origin_kind="test", taken_by=TAKER, overbooking=LEAVE
            )
            return made

    beyond = await squeeze_in(1)
    await squeeze_in(2)  # there was room
    assert (await overbooked(), await drift()) == ([beyond], [])

"""Many at once: one slot has one winner, and different slots are everybody's."""

import asyncio
import uuid
from datetime import timedelta

from app.core.clock import ManualClock
from app.core.database import is_retryable, reading, unit_of_work
from app.reservations import api as reservations
from app.reservations.api import CalendarTaken, Want
from tests.reservations.conftest import PLACE, TAKER, Calendars, take, want


async def attempt(*wants: Want) -> bool:
    try:
        await take(*wants)
    except CalendarTaken:
        return False
    return True


async def test_fifty_takers_of_one_slot_have_one_winner(calendars: Calendars, clock: ManualClock) -> None:
    (carer,) = await calendars()
    at = clock.now()
    won = await asyncio.gather(*(attempt(want(carer, at + timedelta(seconds=number))) for number in range(50)))
    assert sum(won) == 1


async def test_a_hundred_slots_are_all_taken(calendars: Calendars, clock: ManualClock) -> None:
    (carer,) = await calendars()
    at = clock.now()
    won = await asyncio.gather(*(attempt(want(carer, at + number * timedelta(minutes=30))) for number in range(100)))
    assert all(won)


async def test_pairs_in_crossing_order_never_deadlock(calendars: Calendars, clock: ManualClock) -> None:
    first, second = await calendars(2)
    at = clock.now()
    pairs = [
        (want(first, at), want(second, at)) if number % 2 else (want(second, at), want(first, at))
        for number in range(30)
    ]
    won = await asyncio.gather(*(attempt(*pair) for pair in pairs))
    assert sum(won) == 1


async def test_many_take_what_an_expired_hold_left(calendars: Calendars, clock: ManualClock) -> None:
    (carer,) = await calendars()
    at = clock.now() + timedelta(hours=1)
    await take(want(carer, at), hold_until=clock.now() + timedelta(minutes=1))
    clock.advance(timedelta(minutes=1))
    won = await asyncio.gather(*(attempt(want(carer, at)) for _ in range(20)))
    assert sum(won) == 1


async def test_a_hold_is_confirmed_or_taken_by_somebody_else_never_both(
    calendars: Calendars, clock: ManualClock
) -> None:
    (carer,) = await calendars()
    at = clock.now() + timedelta(hours=1)
    held = await take(want(carer, at), hold_until=clock.now() + timedelta(minutes=1))

    async def confirm() -> bool:
        async with unit_of_work() as session:
            await reservations.confirm(session, held)
        return True

    won = await asyncio.gather(confirm(), *(attempt(want(carer, at)) for _ in range(10)))
    assert won == [True, *[False] * 10]


async def test_two_who_swap_their_times_do_not_wait_for_each_other_for_ever(
    calendars: Calendars, clock: ManualClock
) -> None:
    first, second = await calendars(2)
    at, later = clock.now(), clock.now() + timedelta(hours=1)
    one, other = await take(want(first, at)), await take(want(second, later))

    async def move(old: list[uuid.UUID], to: Want) -> bool:
        for _ in range(5):
            try:
                async with unit_of_work() as session:
                    await reservations.move(session, old, [to], origin_kind="test", taken_by=TAKER)
            except CalendarTaken:
                return False
            except Exception as error:
                if not is_retryable(error):
                    raise
                continue
            return True
        raise AssertionError("never got through")

    await asyncio.gather(move(one, want(second, later)), move(other, want(first, at)))
    async with reading() as connection:
        assert await reservations.recount(connection, PLACE) == []
        assert len(await reservations.taken(connection, [first, second], at, later + timedelta(hours=1))) == 2

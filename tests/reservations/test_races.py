"""Many at once: one slot has one winner, and different slots are everybody's."""

import asyncio
import random
import uuid
from contextlib import suppress
from datetime import timedelta

from app.core.clock import ManualClock
from app.core.database import is_retryable, reading, unit_of_work
from app.reservations import api as reservations
from app.reservations.api import CalendarTaken, HoldOver, Want
from tests.reservations.conftest import PLACE, TAKER, Calendars, take, want


async def attempt(*wants: Want) -> bool:
    try:
        await take(*wants)
    except CalendarTaken:
        return False
    return True


async def test_sixty_takers_of_one_slot_have_one_winner_round_after_round(
    calendars: Calendars, clock: ManualClock
) -> None:
    (carer,) = await calendars()
    for day in range(3):
        at = clock.now() + timedelta(days=day)
        won = await asyncio.gather(*(attempt(want(carer, at + timedelta(seconds=number))) for number in range(60)))
        assert sum(won) == 1


async def test_random_sets_of_calendars_never_deadlock(calendars: Calendars, clock: ManualClock) -> None:
    """Without the retry: not one of them may fail by a deadlock."""
    whose = [*await calendars(5), *await calendars(2, lanes=2)]
    chance = random.Random(7)
    at = clock.now() + timedelta(hours=1)

    async def client() -> None:
        mine: list[list[uuid.UUID]] = []
        for _ in range(6):
            chosen = chance.choices(whose, k=chance.randrange(1, 5))
            wants = [want(one, at + chance.randrange(8) * timedelta(minutes=15)) for one in chosen]
            with suppress(CalendarTaken, HoldOver):
                async with unit_of_work() as session:
                    if mine and chance.random() < 0.4:
                        old = mine.pop(chance.randrange(len(mine)))
                        mine.append(await reservations.move(session, old, wants, origin_kind="test", taken_by=TAKER))
                    elif mine and chance.random() < 0.3:
                        await reservations.release(session, mine.pop())
                    else:
                        mine.append(await reservations.take(session, wants, origin_kind="test", taken_by=TAKER))

    await asyncio.gather(*(client() for _ in range(24)))
    async with reading() as connection:
        assert await reservations.recount(connection, PLACE) == []


async def test_five_hundred_slots_are_all_taken(calendars: Calendars, clock: ManualClock) -> None:
    (carer,) = await calendars()
    at = clock.now()
    won = await asyncio.gather(*(attempt(want(carer, at + number * timedelta(minutes=30))) for number in range(500)))
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

"""Calendars as their users see them: taken, held, confirmed, given back, moved, and what a refusal says."""

import uuid
from contextlib import suppress
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.problems import NotFound
from app.reservations import api as reservations
from app.reservations import jobs
from app.reservations.api import CalendarTaken, HoldOver
from tests.reservations.conftest import PLACE, TAKER, Calendars, take, want

HALF = timedelta(minutes=30)


async def live(resource_id: uuid.UUID) -> int:
    """Return how much of a calendar is held or booked by the table, expired holds included."""
    async with reading() as connection:
        statement = sa.text(
            "SELECT count(*) FROM reservations_reservation WHERE resource_id = :id AND state IN ('held', 'booked')"
        )
        return int(await connection.scalar(statement, {"id": resource_id}) or 0)


async def test_a_time_is_taken_once_and_the_refusal_says_who_when_and_what_else(
    calendars: Calendars, clock: ManualClock
) -> None:
    (carer,) = await calendars()
    at = clock.now() + timedelta(hours=2)
    await take(want(carer, at))
    with pytest.raises(CalendarTaken) as refused:
        await take(want(carer, at + timedelta(minutes=15)))
    (conflict,) = refused.value.extensions["conflicts"]
    assert refused.value.status == 409
    assert [span["starts_at"] for span in conflict["taken"]] == [at.isoformat()]
    offered = [span["starts_at"] for span in conflict["alternatives"]]
    assert offered[:2] == [(at + HALF).isoformat(), (at - HALF).isoformat()]
    await take(want(carer, at + HALF))  # what was offered can be had


async def test_half_open_times_touch(calendars: Calendars, clock: ManualClock) -> None:
    (carer,) = await calendars()
    await take(want(carer, clock.now()), want(carer, clock.now() + HALF))
    assert await live(carer) == 2


async def test_buffers_stand_between(calendars: Calendars, clock: ManualClock) -> None:
    (carer,) = await calendars(buffer_after=timedelta(minutes=10))
    at = clock.now() + timedelta(hours=1)
    await take(want(carer, at))
    for minutes in (39, -39):
        with pytest.raises(CalendarTaken):
            await take(want(carer, at + timedelta(minutes=minutes)))
    await take(want(carer, at + timedelta(minutes=40)), want(carer, at - timedelta(minutes=40)))


async def test_several_are_taken_together_or_not_at_all(calendars: Calendars, clock: ManualClock) -> None:
    first, second = await calendars(2)
    at = clock.now() + timedelta(hours=1)
    await take(want(second, at))
    with pytest.raises(CalendarTaken) as refused:
        await take(want(first, at), want(second, at))
    assert (await live(first), await live(second)) == (0, 1)
    (conflict,) = refused.value.extensions["conflicts"]
    # What is offered is free for both of them.
    assert conflict["alternatives"][0]["starts_at"] in {(at + HALF).isoformat(), (at - HALF).isoformat()}


async def test_a_hold_blocks_until_it_ends_and_then_nobody_even_without_a_worker(
    calendars: Calendars, clock: ManualClock
) -> None:
    (carer,) = await calendars()
    at = clock.now() + timedelta(hours=1)
    (held,) = await take(want(carer, at), hold_until=clock.now() + timedelta(minutes=10))
    with pytest.raises(CalendarTaken):
        await take(want(carer, at))
    clock.advance(timedelta(minutes=10))
    assert await live(carer) == 1  # nobody has put it aside
    (other,) = await take(want(carer, at))
    assert await live(carer) == 1
    with pytest.raises(HoldOver):
        async with unit_of_work() as session:
            await reservations.confirm(session, [held])
    async with unit_of_work() as session:
        assert await reservations.release(session, [held, other]) == {other}


async def test_a_confirmed_hold_stays(calendars: Calendars, clock: ManualClock) -> None:
    (carer,) = await calendars()
    at = clock.now() + timedelta(hours=1)
    held = await take(want(carer, at), hold_until=clock.now() + timedelta(minutes=10))
    async with unit_of_work() as session:
        await reservations.confirm(session, held)
    clock.advance(timedelta(minutes=20))
    with pytest.raises(CalendarTaken):
        await take(want(carer, at))


async def test_a_hold_that_is_over_is_not_confirmed_although_nobody_else_took_the_time(
    calendars: Calendars, clock: ManualClock
) -> None:
    (carer,) = await calendars()
    held = await take(want(carer, clock.now() + HALF), hold_until=clock.now() + timedelta(minutes=10))
    clock.advance(timedelta(minutes=10))
    with pytest.raises(HoldOver):
        async with unit_of_work() as session:
            await reservations.confirm(session, held)


async def test_an_expired_hold_is_not_offered_as_taken(calendars: Calendars, clock: ManualClock) -> None:
    (carer,) = await calendars()
    at = clock.now() + timedelta(hours=1)
    await take(want(carer, at), hold_until=clock.now() + timedelta(minutes=1))
    clock.advance(timedelta(minutes=1))
    async with reading() as connection:
        assert await reservations.taken(connection, [carer], at, at + HALF) == []


async def test_the_worker_puts_expired_holds_aside(calendars: Calendars, clock: ManualClock) -> None:
    (carer,) = await calendars()
    await take(want(carer, clock.now() + HALF), hold_until=clock.now() + timedelta(minutes=1))
    await take(want(carer, clock.now() + 2 * HALF), hold_until=clock.now() + timedelta(minutes=5))
    clock.advance(timedelta(minutes=1))
    assert await jobs.expire() == 1
    assert await live(carer) == 1


async def test_a_move_gives_back_and_takes_and_a_failed_one_changes_nothing(
    calendars: Calendars, clock: ManualClock
) -> None:
    (carer,) = await calendars()
    at = clock.now() + timedelta(hours=1)
    old = await take(want(carer, at))
    await take(want(carer, at + 3 * HALF))

    async def move(to: reservations.Want) -> None:
        async with unit_of_work() as session:
            await reservations.move(session, old, [to], origin_kind="test", taken_by=TAKER)

    with pytest.raises(CalendarTaken):
        await move(want(carer, at + 3 * HALF))
    with pytest.raises(CalendarTaken):
        await take(want(carer, at))  # it is still there
    await move(want(carer, at + timedelta(minutes=15)))  # over where it was itself
    assert await live(carer) == 2


async def test_lanes_are_as_many_as_there_are(calendars: Calendars, clock: ManualClock) -> None:
    (room,) = await calendars(lanes=3)
    at = clock.now()
    for _ in range(3):
        await take(want(room, at))
    with pytest.raises(CalendarTaken):
        await take(want(room, at))
    with pytest.raises(CalendarTaken):
        await take(want(room, at + HALF), want(room, at, lane=2))
    await take(want(room, at + HALF, lane=3))
    with pytest.raises(CalendarTaken):
        await take(want(room, at + 2 * HALF, lane=4))


async def test_an_unknown_calendar_is_not_found(calendars: Calendars, clock: ManualClock) -> None:
    await calendars()
    with pytest.raises(NotFound):
        await take(want(clocks.new_id(), clock.now()))


async def test_a_calendar_is_registered_once_and_keeps_up_with_its_buffers(
    clock: ManualClock, database: object
) -> None:
    subject = clocks.new_id()

    async def register(minutes: int) -> uuid.UUID:
        async with unit_of_work() as session:
            return await reservations.register(
                session,
                community_id=PLACE,
                kind="carer",
                subject_id=subject,
                buffer_after=timedelta(minutes=minutes),
            )

    first, again = await register(0), await register(20)
    assert first == again
    await take(want(first, clock.now()))
    with pytest.raises(CalendarTaken):
        await take(want(first, clock.now() + timedelta(minutes=40)))


async def test_a_recount_finds_what_must_not_be(calendars: Calendars, clock: ManualClock) -> None:
    first, second = await calendars(2, lanes=2)
    at = clock.now() + timedelta(hours=4)
    await take(want(first, at), want(first, at), want(second, at, lane=2))
    await take(want(second, at + HALF), hold_until=clock.now() + timedelta(minutes=1))
    async with reading() as connection:
        assert await reservations.recount(connection, PLACE) == []
    clock.advance(timedelta(hours=2))
    assert await _drift_without_constraint(second) == {"overlap": 1, "lane": 1, "stale_hold": 1}
    # A week after it was over nobody can be spared it any more; a hold that was forgotten is found however old it is.
    clock.advance(timedelta(days=5))
    assert await _drift_without_constraint(second) == {"overlap": 1, "stale_hold": 1}
    clock.advance(timedelta(days=3))
    assert await _drift_without_constraint(second) == {"stale_hold": 1}


async def _drift_without_constraint(second: uuid.UUID) -> dict[str, int]:
    """Count what a recount finds if the constraint was lost in a restore and somebody wrote without it."""
    found: dict[str, int] = {}
    with suppress(_UndoneError):
        async with unit_of_work() as session:
            for statement in (
                "ALTER TABLE reservations_reservation DROP CONSTRAINT ex_reservations_reservation_once",
                "UPDATE reservations_reservation SET lane = 1 WHERE resource_id <> :second",
                "UPDATE reservations_resource SET lanes = 1 WHERE id = :second",
            ):
                await session.execute(sa.text(statement), {"second": second} if ":second" in statement else {})
            for drift in await reservations.recount(await session.connection(), PLACE):
                found[drift.kind] = found.get(drift.kind, 0) + 1
            raise _UndoneError
    return found


class _UndoneError(Exception):
    """Takes back what a test did to the tables."""

"""Time that is blocked: nobody takes it any more, even in a race, and what was taken before stays."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import system_actor
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.events import Subscriber, install_subscribers
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.reservations import api as reservations
from app.reservations.api import CalendarTaken, Opening, Overbooking, Want
from app.reservations.events import TimeUnblocked
from tests.reservations.conftest import TAKER, Calendars, take, want
from tests.waiting import waits

SOURCE, OTHER = uuid.UUID(int=7), uuid.UUID(int=8)
HOUR = timedelta(hours=1)
Span = tuple[datetime, datetime]


async def block(calendar: uuid.UUID, *spans: Span, source: uuid.UUID = SOURCE) -> None:
    async with unit_of_work() as session:
        await reservations.block(session, calendar, source, spans)


async def free(calendar: uuid.UUID, since: datetime, until: datetime) -> list[Span]:
    async with reading() as connection:
        found = await reservations.free(connection, [Opening(calendar, since, until)])
    return [(one.starts_at, one.ends_at) for one in found]


async def test_nothing_is_taken_of_what_is_blocked_and_its_edges_are_free(
    calendars: Calendars, clock: ManualClock
) -> None:
    buffer = timedelta(minutes=10)
    (doctor,) = await calendars(is_blockable=True, buffer_after=buffer)
    at = clock.now() + HOUR
    await block(doctor, (at + HOUR, at + 2 * HOUR))
    with pytest.raises(CalendarTaken) as refused:
        await take(want(doctor, at + HOUR - timedelta(minutes=39)))
    (conflict,) = refused.value.extensions["conflicts"]
    assert [one["state"] for one in conflict["taken"]] == ["blocked"]
    assert conflict["alternatives"][0]["ends_at"] == (at + HOUR - buffer).isoformat()
    assert await free(doctor, at, at + 3 * HOUR) == [(at, at + HOUR - buffer), (at + 2 * HOUR, at + 3 * HOUR)]
    await take(want(doctor, at + HOUR - timedelta(minutes=40)), want(doctor, at + 2 * HOUR))


async def test_what_was_taken_stays_and_is_named(calendars: Calendars, clock: ManualClock) -> None:
    (doctor,) = await calendars(is_blockable=True)
    at = clock.now() + HOUR
    (booked,) = await take(want(doctor, at))
    await block(doctor, (at - HOUR, at + HOUR))
    async with reading() as connection:
        (found,) = await reservations.at_odds(connection, [SOURCE])
        assert (found.reservation_id, found.state) == (booked, "booked")
        assert await reservations.blocked_by(connection, [SOURCE, OTHER]) == {SOURCE: 1}
    async with unit_of_work() as session:
        with pytest.raises(CalendarTaken):
            await reservations.move(session, [booked], [want(doctor, at + HOUR / 2)], origin_kind="t", taken_by=TAKER)
        await reservations.move(session, [booked], [want(doctor, at + HOUR)], origin_kind="t", taken_by=TAKER)
    async with reading() as connection:
        assert await reservations.at_odds(connection, [SOURCE]) == []


async def test_a_calendar_that_is_taken_without_its_lock_is_not_blocked(
    calendars: Calendars, clock: ManualClock
) -> None:
    (carer,) = await calendars()
    with pytest.raises(ValueError, match="blockable"):
        await block(carer, (clock.now(), clock.now() + HOUR))


async def test_every_lane_is_blocked_and_overbooking_goes_past(calendars: Calendars, clock: ManualClock) -> None:
    (room,) = await calendars(is_blockable=True, lanes=2)
    at = clock.now() + HOUR
    await block(room, (at, at + HOUR))
    assert await free(room, at, at + HOUR) == []
    with pytest.raises(CalendarTaken) as refused:
        await take(want(room, at, lane=2))
    assert refused.value.extensions["conflicts"][0]["alternatives"][0]["ends_at"] == at.isoformat()
    async with unit_of_work() as session:
        allowed = Overbooking(system_actor(uuid.UUID(int=1)), "agreed")
        await reservations.take(session, [want(room, at)], origin_kind="t", taken_by=TAKER, overbooking=allowed)


async def test_a_source_blocks_what_it_says_last_and_tells_what_came_free(
    calendars: Calendars, clock: ManualClock
) -> None:
    told: list[uuid.UUID] = []

    async def hear(_session: AsyncSession, events: Sequence[TimeUnblocked]) -> None:
        told.extend(event.resource_id for event in events)

    install_subscribers([Subscriber("tests.unblocked", (TimeUnblocked,), hear)])
    (doctor,) = await calendars(is_blockable=True)
    at = clock.now() + HOUR
    first, longer = (at, at + HOUR), (at, at + 2 * HOUR)
    await block(doctor, first)
    await block(doctor, first, source=OTHER)
    await block(doctor, first, (at + 5 * HOUR, at + 6 * HOUR))
    await settle(RELAY_JOBS)
    assert told == []
    await block(doctor, longer)
    assert await free(doctor, at, at + 7 * HOUR) == [(at + 2 * HOUR, at + 7 * HOUR)]
    await block(doctor)
    assert await free(doctor, at, at + 2 * HOUR) == [(at + HOUR, at + 2 * HOUR)]
    await settle(RELAY_JOBS)
    assert told == [doctor, doctor]


@pytest.mark.parametrize("number", [1, 2])
async def test_who_takes_while_it_is_being_blocked_waits_and_is_refused(
    calendars: Calendars, clock: ManualClock, number: int
) -> None:
    doctor, patient = await calendars(2, is_blockable=True)
    at = clock.now() + HOUR
    wants = [want(doctor, at), want(patient, at)][:number]
    async with unit_of_work() as session:
        await reservations.block(session, doctor, SOURCE, [(at, at + HOUR)])
        taking = asyncio.create_task(take(*wants))
        await waits(taking)
    with pytest.raises(CalendarTaken):
        await taking


@pytest.mark.parametrize("number", [1, 2])
async def test_who_blocks_while_it_is_being_taken_waits_and_finds_it_booked(
    calendars: Calendars, clock: ManualClock, number: int
) -> None:
    doctor, patient = await calendars(2, is_blockable=True)
    at = clock.now() + HOUR
    wants = [want(doctor, at), want(patient, at)][:number]
    async with unit_of_work() as session:
        await reservations.take(session, wants, origin_kind="test", taken_by=TAKER)
        blocking = asyncio.create_task(block(doctor, (at, at + HOUR)))
        await waits(blocking)
    await blocking
    async with reading() as connection:
        assert len(await reservations.at_odds(connection, [SOURCE])) == 1


async def test_takers_and_blockers_in_a_storm_neither_deadlock_nor_pass_each_other(
    calendars: Calendars, clock: ManualClock
) -> None:
    doctor, patient = await calendars(2, is_blockable=True)
    at = clock.now() + HOUR
    order: list[str] = []

    async def taking(number: int) -> None:
        start = at + number * HOUR
        try:
            await take(Want(doctor, start, start + HOUR, TAKER), Want(patient, start, start + HOUR, TAKER))
        except CalendarTaken:
            order.append(f"refused {number}")

    async def blocking(number: int) -> None:
        await block(doctor, (at + number * HOUR, at + (number + 1) * HOUR), source=uuid.UUID(int=100 + number))

    await asyncio.gather(*(one(number) for number in range(20) for one in (taking, blocking)))
    async with reading() as connection:
        odds = await reservations.at_odds(connection, [uuid.UUID(int=100 + number) for number in range(20)])
    # Whichever came first: each hour was taken and then blocked, or blocked and then refused.
    assert len(odds) + len(order) == 20

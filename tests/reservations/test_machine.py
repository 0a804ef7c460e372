"""A calendar does what a list of bookings with a clock does, whatever is done to it in whatever order."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core import clock as clocks
from app.core.access import system_actor
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.reservations import api as reservations
from app.reservations.api import CalendarTaken, HoldOver, Overbooking, Want
from tests.conftest import START
from tests.reservations.conftest import PLACE, TAKER

STEP = timedelta(minutes=15)
LEAVE = Overbooking(system_actor(PLACE), "whoever may")

steps = st.one_of(
    st.tuples(st.just("take"), st.integers(0, 1), st.integers(0, 12), st.integers(1, 4), st.booleans()),
    st.tuples(st.just("squeeze_in"), st.integers(0, 1), st.integers(0, 12)),
    st.tuples(st.just("confirm"), st.integers(0, 20)),
    st.tuples(st.just("extend"), st.integers(0, 20)),
    st.tuples(st.just("release"), st.integers(0, 20)),
    st.tuples(st.just("move"), st.integers(0, 20), st.integers(0, 12)),
    st.tuples(st.just("wait"), st.integers(1, 3)),
)


@dataclass
class Booking:
    """What the model knows of a reservation."""

    id: uuid.UUID
    calendar: int
    since: datetime
    until: datetime
    hold_until: datetime | None
    gone: bool = False
    beyond: bool = False

    def blocks(self, now: datetime) -> bool:
        return not self.gone and (self.hold_until is None or self.hold_until > now)


@dataclass
class Model:
    """The list of bookings."""

    calendars: list[uuid.UUID]
    bookings: list[Booking] = field(default_factory=list)

    def is_free(self, calendar: int, since: datetime, until: datetime, now: datetime, besides: object = None) -> bool:
        return not any(
            one.blocks(now) and not one.beyond and one.calendar == calendar and one.since < until and since < one.until
            for one in self.bookings
            if one is not besides
        )


async def _take(want: Want, hold_until: datetime | None, overbooking: Overbooking | None = None) -> uuid.UUID | None:
    try:
        async with unit_of_work() as session:
            (made,) = await reservations.take(
                session, [want], origin_kind="test", taken_by=TAKER, hold_until=hold_until, overbooking=overbooking
            )
    except CalendarTaken:
        return None
    return made


async def _do(model: Model, step: tuple[Any, ...], clock: ManualClock) -> None:
    now = clock.now()
    match step:
        case ("take", calendar, offset, length, holds):
            since = START + offset * STEP
            until, hold_until = since + length * STEP, now + 2 * STEP if holds else None
            expected = model.is_free(calendar, since, until, now)
            made = await _take(Want(model.calendars[calendar], since, until, TAKER), hold_until)
            assert (made is not None) == expected
            if made is not None:
                model.bookings.append(Booking(made, calendar, since, until, hold_until))
        case ("squeeze_in", calendar, offset):
            since = START + offset * STEP
            is_free = model.is_free(calendar, since, since + STEP, now)
            made = await _take(Want(model.calendars[calendar], since, since + STEP, TAKER), None, LEAVE)
            assert made is not None
            model.bookings.append(Booking(made, calendar, since, since + STEP, None, beyond=not is_free))
        case ("confirm" | "extend" as what, number) if model.bookings:
            await _keep(model.bookings[number % len(model.bookings)], now, longer=what == "extend")
        case ("release", number) if model.bookings:
            booking = model.bookings[number % len(model.bookings)]
            async with unit_of_work() as session:
                await reservations.release(session, [booking.id])
            booking.gone = True
        case ("move", number, offset) if model.bookings:
            await _move(model, model.bookings[number % len(model.bookings)], START + offset * STEP, now)
        case ("wait", steps_on):
            clock.advance(steps_on * STEP)


async def _keep(booking: Booking, now: datetime, *, longer: bool) -> None:
    expected = booking.blocks(now) and booking.hold_until is not None
    until = now + 3 * STEP
    try:
        async with unit_of_work() as session:
            if longer:
                await reservations.extend(session, [booking.id], until)
            else:
                await reservations.confirm(session, [booking.id])
    except HoldOver:
        assert not expected
        return
    assert expected
    booking.hold_until = until if longer else None


async def _move(model: Model, booking: Booking, since: datetime, now: datetime) -> None:
    until = since + (booking.until - booking.since)
    expected = booking.blocks(now) and model.is_free(booking.calendar, since, until, now, besides=booking)
    want = Want(model.calendars[booking.calendar], since, until, TAKER)
    try:
        async with unit_of_work() as session:
            (made,) = await reservations.move(session, [booking.id], [want], origin_kind="test", taken_by=TAKER)
    except (CalendarTaken, HoldOver):
        assert not expected
        return
    assert expected
    booking.gone = True
    model.bookings.append(Booking(made, booking.calendar, since, until, booking.hold_until))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, max_size=25))
async def test_a_calendar_is_a_list_of_bookings(
    database: Database, clock: ManualClock, given_steps: list[tuple[Any, ...]]
) -> None:
    clock.set(START)
    calendars = []
    for _ in range(2):
        async with unit_of_work() as session:
            subject = clocks.new_id()
            calendars.append(await reservations.register(session, community_id=PLACE, kind="carer", subject_id=subject))
    model = Model(calendars)
    for step in given_steps:
        await _do(model, step, clock)
    async with reading() as connection:
        found = await reservations.taken(connection, calendars, START - 50 * STEP, START + 200 * STEP)
        drift = await reservations.recount(connection, PLACE)
    assert {row.id for row in found} == {one.id for one in model.bookings if one.blocks(clock.now())}
    assert {row.id for row in found if row.lane > 1} == {
        one.id for one in model.bookings if one.beyond and one.blocks(clock.now())
    }
    assert [one for one in drift if one.kind != "stale_hold"] == []

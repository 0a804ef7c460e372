"""Free time as those who look for a slot see it, over nights on which the clocks change, too."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from app.core.clock import ManualClock
from app.core.database import reading
from app.reservations import api as reservations
from app.reservations.api import CalendarTaken, Opening, Want
from tests.reservations.conftest import TAKER, Calendars, take, want

HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")


async def free(*openings: Opening, at_least: timedelta = timedelta()) -> list[tuple[int, datetime, datetime]]:
    """Return what is free as (lane, from, until)."""
    async with reading() as connection:
        found = await reservations.free(connection, openings, at_least=at_least)
    return [(one.lane, one.starts_at, one.ends_at) for one in found]


async def test_what_is_free_can_be_had_and_nothing_longer(calendars: Calendars, clock: ManualClock) -> None:
    (doctor,) = await calendars(buffer_before=timedelta(minutes=5), buffer_after=timedelta(minutes=10))
    at = clock.now() + HOUR
    await take(want(doctor, at + 2 * HOUR, minutes=60))
    found = await free(Opening(doctor, at, at + 5 * HOUR))
    minute = timedelta(minutes=1)
    assert found == [(1, at, at + 2 * HOUR - 15 * minute), (1, at + 3 * HOUR + 15 * minute, at + 5 * HOUR)]
    for _, since, until in found:
        with pytest.raises(CalendarTaken):
            await take(Want(doctor, since - minute, until + minute, TAKER))
        await take(Want(doctor, since, until, TAKER))
    assert await free(Opening(doctor, at, at + 5 * HOUR)) == []


async def test_many_calendars_holds_that_are_over_and_short_gaps(calendars: Calendars, clock: ManualClock) -> None:
    one, other = await calendars(2)
    at = clock.now() + HOUR
    await take(want(one, at, minutes=30), hold_until=clock.now() + timedelta(minutes=1))
    await take(want(other, at + timedelta(minutes=10), minutes=30))
    spans = [Opening(calendar, at, at + HOUR) for calendar in (one, other)]
    assert len(await free(*spans)) == 3
    assert await free(*spans, at_least=timedelta(minutes=25)) == [(1, at + timedelta(minutes=30), at + HOUR)]
    clock.advance(timedelta(minutes=1))
    assert await free(*spans, at_least=timedelta(minutes=25)) == [(1, at, at + HOUR)]


async def test_each_lane_is_told_by_itself(calendars: Calendars, clock: ManualClock) -> None:
    (room,) = await calendars(lanes=2)
    at = clock.now()
    await take(want(room, at, minutes=60, lane=1), want(room, at + HOUR, minutes=60, lane=2))
    assert await free(Opening(room, at, at + 2 * HOUR)) == [(2, at, at + HOUR), (1, at + HOUR, at + 2 * HOUR)]


async def test_what_is_offered_lies_within_the_openings_of_all(calendars: Calendars, clock: ManualClock) -> None:
    doctor, room = await calendars(2)
    at = clock.now() + 4 * HOUR
    await take(want(room, at, minutes=60))
    openings = [Opening(doctor, at - 2 * HOUR, at + HOUR), Opening(room, at - HOUR, at + 8 * HOUR)]
    with pytest.raises(CalendarTaken) as refused:
        await take(want(doctor, at, minutes=60), want(room, at, minutes=60), openings=openings)
    (conflict,) = refused.value.extensions["conflicts"]
    assert [one["starts_at"] for one in conflict["alternatives"]] == [(at - HOUR).isoformat()]


async def test_what_is_offered_for_several_stretches_goes_together(calendars: Calendars, clock: ManualClock) -> None:
    doctor, ward = [*await calendars(), *await calendars(lanes=2)]
    at = clock.now() + 12 * HOUR
    for start in (at, at + HOUR):
        await take(want(doctor, start, minutes=60))
        await take(want(ward, start, minutes=60, lane=1))
    await take(want(ward, at, minutes=60, lane=2))
    wishes = [want(one, at + hours * HOUR, minutes=60) for one in (doctor, ward) for hours in (0, 1, 2)]
    with pytest.raises(CalendarTaken) as refused:
        await take(*wishes)
    spans = [(at + 2 * HOUR, at + 3 * HOUR)]  # this one could be had, and is meant
    for conflict in {one["wanted"]["starts_at"]: one for one in refused.value.extensions["conflicts"]}.values():
        assert len(conflict["alternatives"]) == 3
        for one in conflict["alternatives"]:
            start = datetime.fromisoformat(one["starts_at"])
            spans.append((start, start + HOUR))
    spans.sort()
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    # Whichever of them are chosen, all of it can be had.
    await take(*(Want(one, *span, TAKER) for one in (doctor, ward) for span in spans))


async def test_the_hour_that_comes_twice_is_two_hours(calendars: Calendars, clock: ManualClock) -> None:
    (doctor,) = await calendars()
    first, second = (datetime(2026, 10, 25, 2, 0, tzinfo=BERLIN, fold=fold).astimezone(UTC) for fold in (0, 1))
    await take(want(doctor, first, minutes=60))
    await take(want(doctor, second, minutes=60))
    night = Opening(doctor, first - 2 * HOUR, second + 2 * HOUR)
    assert await free(night) == [(1, first - 2 * HOUR, first), (1, second + HOUR, second + 2 * HOUR)]
    assert night.ends_at - night.starts_at == 5 * HOUR


async def test_the_hour_that_is_missing_is_nobodys(calendars: Calendars, clock: ManualClock) -> None:
    (doctor,) = await calendars()
    before = datetime(2026, 3, 29, 1, 0, tzinfo=BERLIN).astimezone(UTC)
    after = datetime(2026, 3, 29, 3, 0, tzinfo=BERLIN).astimezone(UTC)
    await take(Want(doctor, before, after, TAKER))
    with pytest.raises(CalendarTaken):
        await take(want(doctor, before + timedelta(minutes=30)))
    await take(want(doctor, after), want(doctor, before - HOUR, minutes=60))
    assert after - before == HOUR


async def test_thirty_hours_are_as_good_as_one(calendars: Calendars, clock: ManualClock) -> None:
    (carer,) = await calendars()
    at = clock.now() + HOUR
    await take(want(carer, at, minutes=30 * 60))
    with pytest.raises(CalendarTaken) as refused:
        await take(want(carer, at + 29 * HOUR, minutes=30 * 60))
    (conflict,) = refused.value.extensions["conflicts"]
    assert conflict["alternatives"][0]["starts_at"] == (at + 30 * HOUR).isoformat()


def test_what_ends_before_it_begins_is_nothing() -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    for make in (Want, Opening):
        arguments = (TAKER, at, at, TAKER) if make is Want else (TAKER, at, at)
        with pytest.raises(ValueError, match="ends before"):
            make(*arguments)

"""Hours and days: each value counts for as long as it stood, meters may be reset, and days are the home's own."""

import uuid
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.broker.api import Message
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from community.home_devices.models import HomeEntity
from community.home_inbox.service.taking import Inbox
from community.home_states import jobs
from community.home_states.models import READINGS, STATISTICS
from community.home_states.rules.periods import days
from community.homes.models import Home
from tests.community.home_states.conftest import House, Said, forget, say, statistics_of, sum_at
from tests.factories import community_homes as homes
from tests.factories import identity

BEGIN: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
_SLOW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _mean(said: Said, begin: datetime, end: datetime) -> float | None:
    """Return the mean second by second, which is slow and plain."""
    values = []
    at = begin
    while at < end:
        standing = [value for when, value in said if when <= at]
        if standing and standing[-1] is not None:
            values.append(standing[-1])
        at += SECOND
    return sum(values) / len(values) if values else None


async def test_each_value_counts_for_as_long_as_it_stood(house: House, clock: ManualClock) -> None:
    await say(house.warmth, [(BEGIN, 20.0), (BEGIN + 15 * MINUTE, 24.0), (BEGIN + 75 * MINUTE, 10.0)])
    clock.set(BEGIN + 2 * HOUR + 6 * MINUTE)
    assert await jobs.sum_up() == 1
    first, second = await statistics_of(house.warmth, "hour")
    assert (first.mean, first.minimum, first.maximum, first.count) == (23.0, 20.0, 24.0, 2)
    assert (second.mean, second.minimum, second.maximum, second.count) == (13.5, 10.0, 24.0, 1)
    assert (first.sum, first.starts_at) == (None, BEGIN)


async def test_an_hour_is_computed_when_it_is_over_and_not_before(house: House, clock: ManualClock) -> None:
    await say(house.warmth, [(BEGIN, 20.0)])
    clock.set(BEGIN + HOUR + 4 * MINUTE)
    await jobs.sum_up()
    assert await statistics_of(house.warmth, "hour") == []
    assert await sum_at(house.warmth) == BEGIN + HOUR + 5 * MINUTE
    clock.advance(MINUTE)
    assert await jobs.sum_up() == 1
    assert len(await statistics_of(house.warmth, "hour")) == 1


async def test_what_was_gone_counts_for_nothing_and_what_is_silent_for_a_day_is_not_known(
    house: House, clock: ManualClock
) -> None:
    await say(house.warmth, [(BEGIN, 20.0), (BEGIN + 30 * MINUTE, None), (BEGIN + 45 * MINUTE, 30.0)])
    clock.set(BEGIN + 40 * HOUR)
    while await jobs.sum_up():
        clock.advance(MINUTE)
    hours = await statistics_of(house.warmth, "hour")
    assert hours[0].mean == pytest.approx((20 * 30 + 30 * 15) / 45)
    assert len(hours) == 25
    assert {(hour.mean, hour.count) for hour in hours[1:]} == {(30.0, 0)}
    assert await sum_at(house.warmth) is None


async def test_a_sensor_gone_mad_holds_up_nobody_s_hours(house: House, clock: ManualClock) -> None:
    inbox = Inbox()
    for minute, told in enumerate(("1e300", "-1e300", "20", "1.7e308")):
        clock.set(BEGIN + minute * MINUTE)
        topic = f"homes/{house.home.key}/{house.warmth.config['state_topic']}"
        await inbox.take([Message(topic, told.encode(), 1, False, False, clock.now())])
    clock.set(BEGIN + HOUR + 6 * MINUTE)
    assert await jobs.sum_up() == 1
    (hour,) = await statistics_of(house.warmth, "hour")
    assert (hour.mean, hour.count) == (20.0, 1)


async def test_a_meter_that_is_reset_goes_on_counting(house: House, clock: ManualClock) -> None:
    shown = [(BEGIN, 100.0), (BEGIN + 20 * MINUTE, 103.0), (BEGIN + 40 * MINUTE, 2.0), (BEGIN + 70 * MINUTE, 5.0)]
    await say(house.meter, shown)
    clock.set(BEGIN + 2 * HOUR + 6 * MINUTE)
    await jobs.sum_up()
    assert [hour.sum for hour in await statistics_of(house.meter, "hour")] == [5.0, 3.0]


async def test_what_comes_late_has_its_hour_computed_again(house: House, clock: ManualClock) -> None:
    await say(house.warmth, [(BEGIN, 20.0)])
    clock.set(BEGIN + 3 * HOUR + 6 * MINUTE)
    await jobs.sum_up()
    await say(house.warmth, [(BEGIN + 90 * MINUTE, 40.0)])
    await jobs.sum_up()
    assert [hour.mean for hour in await statistics_of(house.warmth, "hour")] == [20.0, 30.0, 40.0]


@pytest.mark.parametrize(("day", "length"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 3, 30), 24)])
async def test_a_day_is_as_long_as_the_home_s_clocks_say(
    house: House, clock: ManualClock, day: tuple[int, int, int], length: int
) -> None:
    ((begin, end),) = days(
        datetime(*day, 12, tzinfo=UTC), datetime(*day, 23, tzinfo=UTC) + timedelta(hours=1), "Europe/Berlin"
    )
    assert end - begin == length * HOUR
    clock.set(begin)
    await say(house.warmth, [(begin + number * HOUR, float(number)) for number in range(length)])
    clock.set(end + 6 * MINUTE)
    await jobs.sum_up()
    (found,) = await statistics_of(house.warmth, "day")
    assert (found.starts_at, found.count, found.maximum) == (begin, length, length - 1)
    assert found.mean == pytest.approx(sum(range(length)) / length)


_NUMBERS = st.one_of(st.none(), st.integers(-50, 50).map(float))


@_SLOW
@given(st.dictionaries(st.integers(0, 3 * 3600 - 1), _NUMBERS, min_size=1, max_size=12))
async def test_hours_are_what_a_second_by_second_count_makes_them(
    house: House, clock: ManualClock, said: dict[int, float | None]
) -> None:
    clock.set(BEGIN)
    await forget(house.warmth.id)
    shown = [(BEGIN + offset * SECOND, value) for offset, value in sorted(said.items())]
    await say(house.warmth, shown)
    clock.set(BEGIN + 3 * HOUR + 6 * MINUTE)
    await jobs.sum_up()
    found = {hour.starts_at: hour.mean for hour in await statistics_of(house.warmth, "hour")}
    for number in range(3):
        begin = BEGIN + number * HOUR
        mean = _mean(shown, begin, begin + HOUR)
        assert (found.get(begin) is None) == (mean is None)
        assert mean is None or found[begin] == pytest.approx(mean)


@_SLOW
@given(
    st.lists(
        st.tuples(st.integers(1, 900), st.floats(0, 10).map(lambda one: round(one, 2)), st.booleans()),
        min_size=1,
        max_size=15,
    )
)
async def test_a_meter_s_hours_add_up_to_what_it_counted_whatever_it_was_reset_to(
    house: House, clock: ManualClock, steps: list[tuple[int, float, bool]]
) -> None:
    clock.set(BEGIN)
    await forget(house.meter.id)
    at, shown, used = BEGIN, 1_000.0, 0.0
    said = [(at, shown)]
    for seconds, grown, is_reset in steps:
        at += seconds * SECOND
        # Whoever changes a meter does it before much was counted again.
        shown = min(grown, shown * 0.5) if is_reset else shown + grown
        used += shown if is_reset else grown
        said.append((at, shown))
    await say(house.meter, said)
    clock.set(at + 2 * HOUR)
    await jobs.sum_up()
    hours = await statistics_of(house.meter, "hour")
    assert sum(hour.sum for hour in hours) == pytest.approx(used, abs=1e-6)
    assert all(after.starts_at - before.starts_at == HOUR for before, after in pairwise(hours))


async def test_what_a_closed_home_said_goes_with_it_and_that_of_others_stays(house: House, clock: ManualClock) -> None:
    flat = await homes.home(await identity.resident(await identity.community_of(house.daughter)))
    other = await homes.entity(await homes.device(flat), "sensor", device_class="temperature", role="temperature")
    for entity in (house.warmth, other):
        await say(entity, [(BEGIN, 20.0), (BEGIN + 30 * MINUTE, 21.0)])
    clock.set(BEGIN + 2 * HOUR)
    await settle(jobs.JOBS)
    async with unit_of_work() as session:
        home = await session.get_one(Home, house.home.id)
        home.state, home.closed_at = "closed", clock.now()
    clock.advance(28 * 24 * HOUR + 23 * HOUR)
    await settle(jobs.JOBS)
    assert await left(house.warmth, other) == {house.warmth.id, other.id}
    clock.advance(2 * HOUR)
    await settle(jobs.JOBS)
    assert await left(house.warmth, other) == {other.id}


async def left(*entities: HomeEntity) -> set[uuid.UUID]:
    """Return of which entities there still are readings and statistics, which is either both or neither."""
    ids = [entity.id for entity in entities]
    async with reading() as connection:
        said, summed = [
            set(await connection.scalars(sa.select(table.c.entity_id).where(table.c.entity_id.in_(ids))))
            for table in (READINGS, STATISTICS)
        ]
    assert said == summed
    return said

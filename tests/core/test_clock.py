"""Time and ids."""

import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.core import clock as clocks
from app.core.clock import ManualClock

_INSTANTS = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis takes bounds without a zone
    datetime(2100, 1, 1),  # noqa: DTZ001 - and adds the zone itself
    timezones=st.just(UTC),
)


def test_ids_are_version_7_and_sort_as_they_were_made_while_the_clock_stands_still(clock: ManualClock) -> None:
    made = [clocks.new_id() for _ in range(10_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {identifier.version for identifier in made} == {7}
    assert {identifier.variant for identifier in made} == {uuid.RFC_4122}


@given(_INSTANTS)
def test_an_id_says_when_it_was_made(instant: datetime) -> None:
    floor = clocks.id_floor(instant)
    assert timedelta(0) <= instant - clocks.instant_of(floor) < timedelta(milliseconds=1)


@given(_INSTANTS, st.integers(min_value=1, max_value=10**9))
def test_id_floor_follows_time(instant: datetime, milliseconds: int) -> None:
    assert clocks.id_floor(instant) < clocks.id_floor(instant + timedelta(milliseconds=milliseconds))


def test_the_installed_clock_is_the_only_one(clock: ManualClock) -> None:
    clock.advance(timedelta(hours=3))
    assert clocks.now() == clock.now()
    assert clocks.id_floor(clock.now()) <= clocks.new_id()

"""What a report makes of how a thing stands, whatever is reported in whatever order."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from app.core import clock
from community.home_states.rules.standing import HEARTBEAT, Heard, Kept, Outcome, Standing, pass_time, take
from community.home_states.rules.traits import NO_GAP, NUMERIC_GAP, OTHER_GAP, Traits

BEGIN: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
_ONE: Final = uuid.UUID(int=1)


@dataclass(frozen=True)
class Said:
    """A report, as what reads Home Assistant's words gives it."""

    role: str
    value: str | None
    number: float | None = None
    attributes: dict[str, Any] | None = None
    is_event: bool = False


_THING: Final = Traits(
    entity_id=_ONE,
    home_id=_ONE,
    resident_id=_ONE,
    device_id=_ONE,
    names=(_ONE, _ONE, _ONE, _ONE, _ONE, "sensor", None, None, None),
    is_hazard=False,
    is_call=False,
    is_battery=False,
    gap=NUMERIC_GAP,
    noise=0.5,
    expire_after=None,
    off_delay=None,
    is_available=lambda heard: all(heard.values()),
)
_HAZARD: Final = replace(_THING, is_hazard=True, gap=NO_GAP, noise=0.0)


def _new() -> Standing:
    return Standing(None, None, {}, True, BEGIN, BEGIN, False, {}, None, None, None, None, None, None)


def _outcome(at: datetime) -> Outcome:
    return Outcome(lambda when: clock.id_of(when, 0), at)


def _hear(
    traits: Traits, standing: Standing, said: Said, at: datetime, *, retained: bool = False, repeated: bool = False
) -> Outcome:
    outcome = _outcome(at)
    take(traits, standing, Heard(said, "t", at, retained, repeated), outcome)
    return outcome


_numbers = st.lists(st.tuples(st.integers(0, 1_800), st.integers(-40, 80).map(lambda tenths: tenths / 4)), min_size=1)


@given(_numbers)
def test_the_state_is_what_was_said_last_and_readings_keep_their_distance(said: list[tuple[int, float]]) -> None:
    standing, at = _new(), BEGIN
    kept: list[Kept] = []
    for seconds, number in said:
        at += seconds * SECOND
        if standing.look_at is not None and standing.look_at <= at:
            due = _outcome(standing.look_at)
            pass_time(_THING, standing, standing.look_at, due)
            kept += due.readings
        kept += _hear(_THING, standing, Said("state", str(number), number), at).readings
        assert standing.number == number
    assert len(kept) <= 1 + (at - BEGIN) / NUMERIC_GAP
    assert all(before.at <= after.at for before, after in pairwise(kept))
    # What was held back is written when its time has come; what is missing then is noise.
    if standing.look_at is not None:
        due = _outcome(standing.look_at)
        pass_time(_THING, standing, standing.look_at, due)
        kept += due.readings
    assert abs((kept[-1].number or 0.0) - (standing.number or 0.0)) < _THING.noise


@given(st.lists(st.sampled_from(["on", "off"]), min_size=1))
def test_of_a_danger_each_change_is_kept_and_told(values: list[str]) -> None:
    standing, kept, told = _new(), 0, 0
    for value in values:
        outcome = _hear(_HAZARD, standing, Said("state", value), BEGIN)
        kept, told = kept + len(outcome.readings), told + len(outcome.changes)
    changes = 1 + sum(before != after for before, after in pairwise(values))
    assert (kept, told) == (changes, changes)


@given(st.lists(st.tuples(st.sampled_from(["on", "off", None]), st.booleans()), min_size=1), st.booleans())
def test_what_a_broker_kept_never_happened_just_now(said: list[tuple[str | None, bool]], is_event: bool) -> None:
    standing = _new()
    for value, is_retained in said:
        outcome = _hear(_HAZARD, standing, Said("state", value, is_event=is_event), BEGIN, retained=is_retained)
        assert not (is_retained and any(change.is_fresh for change in outcome.changes))


def test_a_danger_that_was_never_stored_is_news_though_it_is_delivered_again() -> None:
    standing = _new()
    _hear(_HAZARD, standing, Said("state", "off"), BEGIN)
    (change,) = _hear(_HAZARD, standing, Said("state", "on"), BEGIN + SECOND, repeated=True).changes
    assert change.is_fresh


def test_a_danger_is_news_though_a_clock_was_set_back_and_its_end_is_not() -> None:
    standing, now = _new(), BEGIN + timedelta(hours=1)
    _hear(_HAZARD, standing, Said("state", "on"), BEGIN)
    _hear(_HAZARD, standing, Said("state", "off"), now)
    (change,) = _hear(_HAZARD, standing, Said("state", "on"), BEGIN + SECOND).changes
    assert (change.old, change.new, change.is_fresh, standing.state) == ("off", "on", True, "on")
    assert standing.changed_at == now
    assert _hear(_HAZARD, standing, Said("state", "off"), BEGIN + 2 * SECOND).changes == []
    assert standing.state == "on"
    assert _hear(_HAZARD, _heard_off(now), Said("state", "on"), BEGIN, retained=True).changes == []


def _heard_off(at: datetime) -> Standing:
    standing = _new()
    _hear(_HAZARD, standing, Said("state", "off"), at)
    return standing


def test_a_fall_or_a_call_for_help_counts_the_first_time_it_is_heard() -> None:
    pendant = replace(_HAZARD, is_call=True)
    (change,) = _hear(pendant, _new(), Said("state", "on"), BEGIN).changes
    assert change.is_fresh
    (change,) = _hear(pendant, _new(), Said("state", "on"), BEGIN, retained=True).changes
    assert not change.is_fresh
    (change,) = _hear(_HAZARD, _new(), Said("state", "on"), BEGIN).changes
    assert not change.is_fresh


def test_attributes_are_told_as_changes_and_more_than_is_kept_is_left_out() -> None:
    standing = _new()
    assert not _hear(_THING, standing, Said("brightness", "10", 10.0), BEGIN).changes[0].is_fresh
    (change,) = _hear(_THING, standing, Said("brightness", "20", 20.0), BEGIN).changes
    assert (change.attribute, change.old, change.number, change.is_fresh) == ("brightness", "10.0", 20.0, True)
    assert not _hear(_THING, standing, Said("brightness", "20", 20.0), BEGIN).changes
    _hear(_THING, standing, Said("attributes", None, attributes={"a": "x" * 5_000}), BEGIN)
    _hear(_THING, standing, Said("attributes", None, attributes={"b": 1}), BEGIN)
    assert standing.attributes == {"brightness": 20.0, "b": 1}


def test_a_flapping_contact_is_told_each_time_and_written_once_a_second() -> None:
    door = replace(_THING, gap=OTHER_GAP, noise=0.0)
    standing, told, kept = _new(), 0, 0
    for number in range(40):
        outcome = _hear(door, standing, Said("state", "on" if number % 2 else "off"), BEGIN + number * SECOND / 20)
        told, kept = told + len(outcome.changes), kept + len(outcome.readings)
    assert (told, kept) == (40, 2)
    assert standing.held_until is not None


def test_a_number_that_is_none_is_no_number() -> None:
    standing = _new()
    for number in (float("nan"), float("inf"), -float("inf")):
        _hear(_THING, standing, Said("state", str(number), number), BEGIN)
        assert standing.number is None


def test_what_at_first_does_not_know_is_summed_up_from_its_first_number_on() -> None:
    standing = _new()
    assert _hear(_THING, standing, Said("state", None), BEGIN).sums == {}
    outcome = _hear(_THING, standing, Said("state", "21", 21.0), BEGIN + HEARTBEAT)
    assert outcome.sums == {_ONE: (_ONE, BEGIN + HEARTBEAT)}
    assert _hear(_THING, standing, Said("state", "22", 22.0), BEGIN + HEARTBEAT + timedelta(minutes=1)).sums == {}


def test_noise_is_kept_at_the_heartbeat() -> None:
    standing = _new()
    _hear(_THING, standing, Said("state", "20", 20.0), BEGIN)
    assert not _hear(_THING, standing, Said("state", "20.1", 20.1), BEGIN + HEARTBEAT - SECOND).readings
    assert len(_hear(_THING, standing, Said("state", "20.2", 20.2), BEGIN + HEARTBEAT).readings) == 1

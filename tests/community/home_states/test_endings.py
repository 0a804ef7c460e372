"""An end that was lost, or stored before its beginning, hides no danger and no call for help that comes after it."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from app.core import clock
from community.home_states.rules.changes import StateChange
from community.home_states.rules.standing import Heard, Outcome, Standing, pass_time, take
from community.home_states.rules.traits import NO_GAP, Traits
from tests.community.home_states.test_rules import Said

BEGIN: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
_ONE: Final = uuid.UUID(int=1)
_SMOKE: Final = Traits(
    entity_id=_ONE,
    home_id=_ONE,
    resident_id=_ONE,
    device_id=_ONE,
    names=(_ONE, _ONE, _ONE, _ONE, _ONE, "binary_sensor", None, None, None),
    is_hazard=True,
    is_call=False,
    is_battery=False,
    gap=NO_GAP,
    noise=0.0,
    expire_after=None,
    off_delay=None,
    is_available=lambda heard: all(heard.values()),
)
_PENDANT: Final = replace(_SMOKE, is_call=True)


class Thing:
    """What reports, and how it stands."""

    def __init__(self, traits: Traits) -> None:
        self.traits = traits
        self.standing = Standing(None, None, {}, True, BEGIN, BEGIN, False, {}, None, None, None, None, None, None)

    def says(self, value: str, at: datetime, *, retained: bool = False) -> list[StateChange]:
        """Report ``value``; return what is told of it."""
        outcome = Outcome(lambda when: clock.id_of(when, 0), at)
        take(self.traits, self.standing, Heard(Said("state", value), "t", at, retained, False), outcome)
        return outcome.changes

    def happens(self, when: str, at: datetime, *, retained: bool = False) -> list[StateChange]:
        """Report a press that a hub dates ``when``; return what is told of it."""
        outcome = Outcome(lambda now: clock.id_of(now, 0), at)
        said = Said("state", "press", attributes={"happened_at": when}, is_event=True)
        take(self.traits, self.standing, Heard(said, "t", at, retained, False), outcome)
        return [change for change in outcome.changes if change.is_fresh]

    def waits(self, at: datetime) -> list[StateChange]:
        """Let time pass; return what is told of it."""
        outcome = Outcome(lambda when: clock.id_of(when, 0), at)
        pass_time(self.traits, self.standing, at, outcome)
        return outcome.changes


@pytest.mark.parametrize(("traits", "after"), [(_PENDANT, 10 * MINUTE), (_SMOKE, 2 * HOUR)])
def test_what_is_on_again_after_a_silence_is_told_though_no_end_was_heard(traits: Traits, after: timedelta) -> None:
    thing = Thing(traits)
    thing.says("off", BEGIN)
    thing.says("on", BEGIN + SECOND)
    (change,) = thing.says("on", BEGIN + SECOND + after)
    assert (change.old, change.new, change.is_fresh) == (None, "on", traits.is_call)


@pytest.mark.parametrize(("traits", "every"), [(_PENDANT, 9 * MINUTE), (_SMOKE, HOUR)])
def test_what_goes_on_saying_so_is_told_once(traits: Traits, every: timedelta) -> None:
    thing = Thing(traits)
    thing.says("off", BEGIN)
    assert [len(thing.says("on", BEGIN + number * every)) for number in range(1, 30)] == [1] + [0] * 28


def test_what_is_remembered_is_not_on_anew() -> None:
    thing = Thing(_PENDANT)
    thing.says("on", BEGIN)
    assert thing.says("on", BEGIN + HOUR, retained=True) == []


def test_a_press_after_the_time_of_its_end_is_a_press_though_nobody_saw_to_the_end_yet() -> None:
    thing = Thing(replace(_PENDANT, off_delay=5 * SECOND))
    thing.says("on", BEGIN)
    off, on = thing.says("on", BEGIN + 2 * MINUTE)
    assert (off.new, off.at) == ("off", BEGIN + 5 * SECOND)
    assert (on.old, on.new, on.is_fresh) == ("off", "on", True)
    assert thing.waits(BEGIN + 2 * MINUTE + 4 * SECOND) == []


def test_an_end_that_another_gateway_stored_first_hides_neither_this_press_nor_the_next() -> None:
    thing = Thing(_PENDANT)
    thing.says("off", BEGIN)
    assert thing.says("off", BEGIN + MINUTE + SECOND) == []
    (pressed,) = thing.says("on", BEGIN + MINUTE)
    assert (pressed.new, pressed.is_fresh, thing.standing.state) == ("on", True, "off")
    (again,) = thing.says("on", BEGIN + 3 * MINUTE)
    assert (again.new, again.is_fresh) == ("on", True)


def test_a_pendant_s_end_by_a_slower_clock_is_its_end() -> None:
    thing = Thing(_PENDANT)
    thing.says("off", BEGIN)
    thing.says("on", BEGIN + MINUTE)
    thing.says("off", BEGIN + MINUTE - SECOND)
    (again,) = thing.says("on", BEGIN + 3 * MINUTE)
    assert (again.new, again.is_fresh) == ("on", True)


def test_a_call_in_other_words_than_on_counts_by_a_slower_clock_too() -> None:
    thing = Thing(_PENDANT)
    thing.says("emergency", BEGIN)
    thing.says("", BEGIN + MINUTE)
    (change,) = thing.says("emergency", BEGIN + MINUTE - SECOND)
    assert (change.new, change.is_fresh) == ("emergency", True)


def test_of_a_button_that_says_so_each_word_counts() -> None:
    thing = Thing(replace(_PENDANT, counts_each=True))
    thing.says("on", BEGIN)
    assert len(thing.says("on", BEGIN + 2 * SECOND)) == 1
    assert thing.says("on", BEGIN + 3 * SECOND, retained=True) == []


def test_a_press_that_a_hub_remembers_and_we_have_not_heard_is_a_press() -> None:
    thing = Thing(_PENDANT)
    assert thing.happens("10:00", BEGIN, retained=True) == [], "nobody knows how long ago"
    assert thing.happens("10:00", BEGIN + HOUR, retained=True) == []
    assert len(thing.happens("11:30", BEGIN + 2 * HOUR, retained=True)) == 1
    assert thing.happens("11:30", BEGIN + 2 * HOUR + SECOND, retained=True) == []
    assert len(thing.happens("12:00", BEGIN + 3 * HOUR)) == 1
    assert thing.happens("12:00", BEGIN + 4 * HOUR, retained=True) == []
    bell = Thing(replace(_SMOKE, is_hazard=False))
    bell.happens("10:00", BEGIN, retained=True)
    assert bell.happens("11:00", BEGIN + HOUR, retained=True) == [], "a visitor of an hour ago"


def test_what_a_hub_remembers_from_before_the_last_press_is_no_press() -> None:
    thing = Thing(_PENDANT)
    thing.happens("2026-03-02T09:00:00+00:00", BEGIN, retained=True)
    assert len(thing.happens("2026-03-02T10:10:00+00:00", BEGIN + HOUR)) == 1
    # It lost its power before it had written that down.
    assert thing.happens("2026-03-02T09:00:00+00:00", BEGIN + 2 * HOUR, retained=True) == []
    assert len(thing.happens("2026-03-02T10:30:00.5+00:00", BEGIN + 3 * HOUR, retained=True)) == 1


@pytest.mark.parametrize("calm", ["normal", "No smoke", "clear", "off"])
def test_that_there_was_no_danger_before_it_ends_none_that_came_after(calm: str) -> None:
    thing = Thing(_SMOKE)
    thing.says(calm, BEGIN)
    thing.says("smoke_detected", BEGIN + MINUTE)
    assert thing.says(calm, BEGIN + 30 * SECOND) == []
    assert thing.standing.state == "smoke_detected"


def test_what_says_that_all_is_well_is_no_news_each_time_it_does() -> None:
    thing = Thing(_PENDANT)
    thing.says("normal", BEGIN)
    assert thing.says("normal", BEGIN + 20 * MINUTE) == []

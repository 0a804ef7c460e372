"""What makes a command riskier, what may become of one, and when a home has done it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.home_commands import rules
from community.home_commands.models import OPEN, RISKS, STATES
from community.home_commands.rules import Action, Thing

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("thing", "command", "arguments", "expected"),
    [
        (Thing("lock"), "unlock", {}, "riskier"),
        (Thing("lock"), "open", {}, "riskier"),
        (Thing("lock"), "lock", {}, "safer"),
        (Thing("cover", "garage"), "open_cover", {}, "riskier"),
        (Thing("cover", "garage"), "set_position", {"position": 40}, "riskier"),
        (Thing("cover", "garage"), "set_position", {"position": 0}, "plain"),
        (Thing("cover", "garage"), "close", {}, "safer"),
        (Thing("cover", "blind"), "open_cover", {}, "plain"),
        (Thing("cover", role="door"), "open", {}, "riskier"),
        (Thing("valve", "gas"), "open", {}, "riskier"),
        (Thing("valve", "water"), "close_valve", {}, "safer"),
        (Thing("switch", role="stove"), "turn_on", {}, "riskier"),
        (Thing("switch", role="stove"), "turn_off", {}, "safer"),
        (Thing("switch", names="Bathroom Heater"), "turn_on", {}, "riskier"),
        (Thing("switch", names="取暖器"), "turn_on", {}, "riskier"),
        (Thing("switch", names="Desk lamp"), "turn_on", {}, "plain"),
        (Thing("switch", role="lock", names="Street door"), "turn_on", {}, "riskier"),
        (Thing("button", role="door"), "press", {}, "riskier"),
        (Thing("button", names="Chime"), "press", {}, "plain"),
        (Thing("light", names="Cooker hood"), "turn_on", {}, "plain"),
        (Thing("alarm_control_panel"), "alarm_disarm", {"code": "1"}, "riskier"),
        (Thing("alarm_control_panel"), "alarm_arm_home", {}, "plain"),
        (Thing("climate"), "set_temperature", {"temperature": 21}, "plain"),
        (Thing("climate"), "set_temperature", {"temperature": 12}, "riskier"),
        (Thing("climate"), "set_temperature", {"temperature": 35}, "riskier"),
        (Thing("climate"), "set_temperature", {"target_temp_low": 20, "target_temp_high": 31}, "riskier"),
        (Thing("climate", is_fahrenheit=True), "set_temperature", {"temperature": 70}, "plain"),
        (Thing("climate"), "turn_off", {}, "plain"),
        (Thing("water_heater"), "set_temperature", {"temperature": 70}, "riskier"),
        (Thing("water_heater"), "set_temperature", {"temperature": 48}, "plain"),
        (Thing("update"), "install", {}, "riskier"),
        (Thing("button", names="Open | Front door"), "press", {}, "riskier"),
        (Thing("button", names="front_door_unlock"), "press", {}, "riskier"),
        (Thing("switch", names="Garage"), "turn_on", {}, "riskier"),
        (Thing("switch", names="Türöffner"), "turn_on", {}, "riskier"),
        (Thing("scene", names="Open the gate"), "turn_on", {}, "riskier"),
        (Thing("select", names="大门 | 模式"), "select_option", {"option": "open"}, "riskier"),
        (Thing("cover", names="Garage door"), "open", {}, "riskier"),
        (Thing("cover", names="Garage door"), "close", {}, "safer"),
        (Thing("cover", "blind", names="Door blind"), "open", {}, "plain"),
        (Thing("switch", names="Outdoor socket"), "turn_on", {}, "plain"),
        (Thing("switch", names="Child lock | Radiator"), "turn_on", {}, "plain"),
        (Thing("switch", names="门厅灯"), "turn_on", {}, "plain"),
        (Thing("button", names="门铃"), "press", {}, "plain"),
        (Thing("switch", names="Kochfeld"), "turn_on", {}, "riskier"),
        (Thing("light", role="door", names="Relay 1"), "turn_on", {}, "riskier"),
        (Thing("number", is_temperature=True), "set_value", {"value": 21}, "plain"),
        (Thing("number", is_temperature=True), "set_value", {"value": 5}, "riskier"),
        (Thing("number", is_temperature=True), "set_value", {"value": 35}, "riskier"),
        (Thing("number"), "set_value", {"value": 5}, "plain"),
        (Thing("switch", names="Bedroom | Oxygen concentrator"), "turn_off", {}, "riskier"),
        (Thing("switch", names="制氧机"), "turn_off", {}, "riskier"),
        (Thing("switch", names="CPAP"), "turn_off", {}, "riskier"),
        (Thing("switch", names="CPAP"), "turn_on", {}, "plain"),
        (Thing("fan", names="Ventilator"), "turn_off", {}, "safer"),
    ],
)
def test_what_opens_heats_or_disarms_is_riskier_and_the_way_back_is_not(
    thing: Thing, command: str, arguments: dict[str, Any], expected: str
) -> None:
    assert rules.risk(thing, command, arguments) == expected


def test_a_siren_is_not_silenced_by_one_tap_while_there_is_smoke() -> None:
    assert rules.risk(Thing("siren"), "turn_off", {}) == "safer"
    assert rules.risk(Thing("siren"), "turn_off", {}, smoke=True) == "riskier"


def test_a_temperature_that_is_no_number_is_riskier() -> None:
    assert rules.risk(Thing("climate"), "set_temperature", {"temperature": "nan"}) == "riskier"


@given(st.sampled_from(STATES), st.lists(st.sampled_from(list(Action)), max_size=20))
def test_a_command_that_has_ended_stays_as_it_is(state: str, actions: list[Action]) -> None:
    for action in actions:
        following = rules.after(state, action)
        if state not in OPEN:
            assert following is None
        if following is not None:
            assert following in STATES
            state = following


@given(st.lists(st.sampled_from(list(Action)), max_size=30))
def test_what_may_have_been_sent_goes_out_again_only_by_repeating_or_when_nothing_had_left(
    actions: list[Action],
) -> None:
    state, was_lost_or_sent = "queued", False
    for action in actions:
        following = rules.after(state, action)
        if following is None:
            continue
        if action == Action.TAKE:
            assert not was_lost_or_sent
        was_lost_or_sent = was_lost_or_sent or action in (Action.HAND_OVER, Action.LOSE)
        state = following


@given(st.sampled_from(RISKS), st.integers(-600, 600))
def test_after_a_crash_only_the_safer_ones_go_out_again_and_only_in_time(risk: rules.Risk, seconds: int) -> None:
    action = rules.after_crash(risk, NOW + timedelta(seconds=seconds), NOW)
    assert (action == Action.REPEAT) == (risk == "safer" and seconds > 0)


@given(st.one_of(st.none(), st.timedeltas()))
def test_no_command_is_good_for_more_than_ten_minutes(wished: timedelta | None) -> None:
    assert timedelta(0) < rules.ttl(wished) <= timedelta(minutes=10)


@pytest.mark.parametrize(
    ("expected", "reported", "is_done"),
    [
        ({"state": "on"}, {"state": "ON"}, True),
        ({"state": "on"}, {"state": None}, False),
        ({"state": "on", "brightness": "128"}, {"state": "on", "brightness": 127}, True),
        ({"state": "on", "brightness": "128"}, {"state": "on", "brightness": 60}, False),
        ({"state": "on", "brightness": "128"}, {"state": "on"}, False),
        ({"temperature": "21.5"}, {"temperature": "22"}, False),
        ({"temperature": "21.5"}, {"temperature": "21.50"}, True),
    ],
)
def test_it_is_done_when_all_of_it_is_reported(expected: Any, reported: Any, is_done: bool) -> None:
    assert rules.fits(expected, reported) is is_done

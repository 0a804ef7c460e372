"""Commands: what is published, what it will be known by, and what is not possible."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.home_assistant.api import (
    NotPossible,
    Publication,
    arguments_schema,
    commands,
    publication,
    reader,
)
from tests.home_assistant.sampling import announced, entities

BRIGHT = {"stat_t": "l", "cmd_t": "l/set", "bri_stat_t": "l/b", "bri_cmd_t": "l/b/set", "bri_scl": 100}
ECHOING: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("switch", {"stat_t": "s", "cmd_t": "c"}, "turn_on", {}),
    ("switch", {"stat_t": "s", "cmd_t": "c", "pl_on": 1, "pl_off": 0}, "turn_off", {}),
    ("switch", {"stat_t": "s", "cmd_t": "c", "pl_on": True, "val_tpl": "{{ value }}"}, "turn_on", {}),
    ("light", {"stat_t": "s", "cmd_t": "c"}, "turn_off", {}),
    ("light", {"stat_t": "s", "cmd_t": "c", "schema": "json", "brightness": True}, "turn_on", {"brightness": 77}),
    (
        "light",
        {"stat_t": "s", "cmd_t": "c", "schema": "json", "bri_scl": 100, "sup_clrm": ["color_temp"]},
        "turn_on",
        {"brightness": 77, "color_temp_kelvin": 2700},
    ),
    (
        "light",
        {
            "stat_t": "s",
            "cmd_t": "c",
            "schema": "template",
            "cmd_on_tpl": "on,{{ brightness|d }}",
            "cmd_off_tpl": "off",
            "stat_tpl": "{{ value.split(',')[0] }}",
            "bri_tpl": "{{ value.split(',')[1] }}",
        },
        "turn_on",
        {"brightness": 12},
    ),
    ("fan", {"stat_t": "s", "cmd_t": "c"}, "turn_on", {}),
    (
        "fan",
        {"pct_stat_t": "s", "pct_cmd_t": "c", "cmd_t": "x", "spd_rng_max": 3},
        "set_percentage",
        {"percentage": 67},
    ),
    ("fan", {"osc_stat_t": "s", "osc_cmd_t": "c", "cmd_t": "x"}, "oscillate", {"oscillating": True}),
    ("humidifier", {"hum_stat_t": "s", "hum_cmd_t": "c", "cmd_t": "x"}, "set_humidity", {"humidity": 45}),
    ("number", {"stat_t": "s", "cmd_t": "c"}, "set_value", {"value": 21.5}),
    (
        "number",
        {"stat_t": "s", "cmd_t": "c", "cmd_tpl": '{"n": {{ value * 2 }}}', "val_tpl": "{{ value_json.n / 2 }}"},
        "set_value",
        {"value": 21},
    ),
    ("select", {"stat_t": "s", "cmd_t": "c", "ops": ["a", "b"]}, "select_option", {"option": "b"}),
    ("text", {"stat_t": "s", "cmd_t": "c"}, "set_value", {"value": "Guten Tag"}),
    ("cover", {"pos_t": "s", "set_pos_t": "c"}, "set_position", {"position": 40}),
    ("cover", {"pos_t": "s", "set_pos_t": "c", "pos_open": 0, "pos_clsd": 100}, "set_position", {"position": 30}),
    ("cover", {"tilt_status_t": "s", "tilt_cmd_t": "c", "cmd_t": "x"}, "set_tilt_position", {"tilt_position": 25}),
    ("valve", {"stat_t": "s", "cmd_t": "c", "reports_position": True}, "close", {}),
    ("climate", {"mode_stat_t": "s", "mode_cmd_t": "c"}, "set_hvac_mode", {"hvac_mode": "heat"}),
    ("climate", {"temp_stat_t": "s", "temp_cmd_t": "c"}, "set_temperature", {"temperature": 21.0}),
    ("climate", {"pr_mode_stat_t": "s", "pr_mode_cmd_t": "c"}, "set_preset_mode", {"preset_mode": "away"}),
    ("water_heater", {"mode_stat_t": "s", "mode_cmd_t": "c"}, "set_operation_mode", {"operation_mode": "eco"}),
    ("siren", {"stat_t": "s", "cmd_t": "c"}, "turn_on", {"duration": 10}),
]


@pytest.mark.parametrize(("component", "config", "command", "arguments"), ECHOING)
def test_a_device_that_says_what_it_was_told_says_what_is_expected(
    component: str, config: dict[str, Any], command: str, arguments: dict[str, Any]
) -> None:
    entity = announced(component, config)
    made = publication(component, entity.config, command, arguments)
    assert made.topic == "c"
    assert made.expected
    (_, *other) = [made, *made.then]
    assert not other
    told = reader(component, entity.config).read("s", made.payload)
    found = {one.role: one.value for one in told}
    assert dict(made.expected).items() <= found.items()


@given(st.integers(1, 255), st.integers(1, 1000))
def test_a_light_is_as_bright_as_expected_on_whatever_scale(brightness: int, scale: int) -> None:
    entity = announced("light", BRIGHT | {"bri_scl": scale})
    first, last = (made := publication("light", entity.config, "turn_on", {"brightness": brightness})), made.then[0]
    assert (first.topic, last.topic, last.payload) == ("l/b/set", "l/set", b"ON")
    (told,) = reader("light", entity.config).read("l/b", first.payload)
    assert told.value == first.expected["brightness"]


@given(st.floats(-1000, 1000, allow_nan=False))
def test_a_number_comes_back_as_it_was_set(value: float) -> None:
    entity = announced("number", {"stat_t": "s", "cmd_t": "c", "min": -1000, "max": 1000})
    made = publication("number", entity.config, "set_value", {"value": value})
    (told,) = reader("number", entity.config).read("s", made.payload)
    assert (told.value, told.number) == (made.expected["state"], value)


def test_locks_and_gates_are_told_in_their_own_words() -> None:
    lock = announced("lock", {"stat_t": "s", "cmd_t": "c", "pl_unlk": "OPEN SESAME", "qos": 1, "ret": True})
    assert publication("lock", lock.config, "unlock", {}) == Publication(
        "c", b"OPEN SESAME", qos=1, retain=False, expected={"state": "unlocked"}
    )
    blind = entities("esphome_bathroom")["blind"]
    assert commands("cover", blind.config) == ("open", "close", "stop", "set_position")
    assert publication("cover", blind.config, "close", {}).expected == {"state": "closed"}
    assert publication("cover", blind.config, "stop", {}).expected == {}
    assert commands("cover", announced("cover", {"cmd_t": "c", "pl_stop": None}).config) == ("open", "close")


def test_a_command_that_opens_or_sounds_is_never_kept_for_later() -> None:
    for component, command in (
        ("lock", "unlock"),
        ("cover", "open"),
        ("valve", "open"),
        ("siren", "turn_on"),
        ("button", "press"),
    ):
        entity = announced(component, {"cmd_t": "c", "stat_t": "s", "ret": True})
        assert not publication(component, entity.config, command, {}).retain
    switch = announced("switch", {"cmd_t": "c", "ret": True})
    assert publication("switch", switch.config, "turn_on", {}).retain


def test_what_asks_for_a_code_is_never_opened_from_outside() -> None:
    lock = announced("lock", {"cmd_t": "c", "code_format": "^[0-9]{4}$"})
    assert commands("lock", lock.config) == ("lock",)
    alarm = announced("alarm_control_panel", {"cmd_t": "c", "stat_t": "s", "code": "4711", "cod_arm_req": False})
    assert "alarm_disarm" not in commands("alarm_control_panel", alarm.config)
    assert "alarm_arm_away" in commands("alarm_control_panel", alarm.config)


def test_what_never_reports_is_not_waited_for() -> None:
    assert publication("switch", announced("switch", {"cmd_t": "c"}).config, "turn_on", {}).expected == {}
    assert publication("button", announced("button", {"cmd_t": "c"}).config, "press", {}).payload == b"PRESS"


@pytest.mark.parametrize(
    ("component", "config", "command", "arguments", "code"),
    [
        ("switch", {"cmd_t": "c"}, "explode", {}, "unknown_command"),
        ("switch", {"cmd_t": "c"}, "turn_on", {"brightness": 1}, "unknown_argument"),
        ("sensor", {"stat_t": "c"}, "turn_on", {}, "unknown_command"),
        ("number", {"cmd_t": "c"}, "set_value", {}, "missing_argument"),
        ("number", {"cmd_t": "c"}, "set_value", {"value": 101}, "bad_argument"),
        ("number", {"cmd_t": "c"}, "set_value", {"value": "5"}, "bad_argument"),
        ("number", {"cmd_t": "c"}, "set_value", {"value": True}, "bad_argument"),
        ("number", {"cmd_t": "c"}, "set_value", {"value": float("nan")}, "bad_argument"),
        ("select", {"cmd_t": "c", "ops": ["a"]}, "select_option", {"option": "b"}, "bad_argument"),
        ("text", {"cmd_t": "c"}, "set_value", {"value": "a\x00b"}, "bad_argument"),
        ("text", {"cmd_t": "c", "max": 3}, "set_value", {"value": "abcd"}, "bad_argument"),
        ("climate", {"temp_cmd_t": "c"}, "set_temperature", {"temperature": 90}, "bad_argument"),
        ("number", {"cmd_t": "c", "cmd_tpl": "{{ range(9) }}"}, "set_value", {"value": 5}, "template_not_allowed"),
        ("number", {"cmd_t": "c", "cmd_tpl": "{{ value / 0 }}"}, "set_value", {"value": 5}, "template_failed"),
    ],
)
def test_what_is_not_possible_says_why(
    component: str, config: dict[str, Any], command: str, arguments: dict[str, Any], code: str
) -> None:
    with pytest.raises(NotPossible) as told:
        publication(component, announced(component, config).config, command, arguments)
    assert told.value.code == code


def test_arguments_are_described_for_one_entity_and_for_any() -> None:
    entity = announced("select", {"cmd_t": "c", "ops": ["a", "b"]})
    schema = arguments_schema("select", "select_option", entity.config)
    assert schema["properties"] == {"option": {"type": "string", "enum": ["a", "b"]}}
    assert schema["required"] == ["option"]
    for component, command in (
        ("light", "turn_on"),
        ("cover", "set_position"),
        ("climate", "set_temperature"),
        ("vacuum", "start"),
    ):
        assert arguments_schema(component, command)["additionalProperties"] is False
    with pytest.raises(NotPossible):
        arguments_schema("light", "explode")

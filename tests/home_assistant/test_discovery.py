"""Announcements: whole words, whole topics, removal, removal by halves, and what is not taken."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.home_assistant.abbreviations import DEVICE_SHORT_NAMES, KNOWN, SHORT_NAMES
from app.home_assistant.api import Discovered, DiscoveryTopic, NotUnderstood, discovery_topic, read_discovery
from app.home_assistant.expansion import whole_names
from tests.home_assistant.sampling import announced

SENSOR = DiscoveryTopic("sensor", None, "thing")
DEVICE = DiscoveryTopic("device", None, "thing")


def test_only_topics_of_the_format_announce() -> None:
    assert discovery_topic("homeassistant/sensor/node/thing/config") == DiscoveryTopic("sensor", "node", "thing")
    assert discovery_topic("ha/sensor/thing/config", prefix="ha") == SENSOR
    for topic in (
        "homeassistant/status",
        "homeassistant/sensor/thing/state",
        "homeassistant/sensor/a/b/c/config",
        "homeassistant/sensor/a b/config",
        "other/sensor/thing/config",
        "homeassistant/sensor/thing/config/",
        f"homeassistant/sensor/{'x' * 600}/config",
    ):
        assert discovery_topic(topic) is None


def test_the_base_topic_stands_at_the_beginning_or_the_end() -> None:
    entity = announced("switch", {"~": "esp/1", "stat_t": "~/state", "cmd_t": "set/~", "avty": [{"t": "~/alive"}]})
    assert entity.config["state_topic"] == "esp/1/state"
    assert entity.config["command_topic"] == "set/esp/1"
    assert entity.config["availability"] == [{"topic": "esp/1/alive"}]


def test_the_homes_prefix_is_taken_off_where_devices_write_it() -> None:
    topic = DiscoveryTopic("switch", None, "thing")
    config = {
        "~": "homes/abc/zigbee2mqtt/lamp",
        "stat_t": "~",
        "cmd_t": "~/set",
        "uniq_id": "0x00158d0004a1b2c3_switch_homes/abc/zigbee2mqtt",
    }
    (entity,) = read_discovery(topic, json.dumps(config).encode(), within="homes/abc/").entities
    assert entity.config["state_topic"] == "zigbee2mqtt/lamp"
    assert entity.config["command_topic"] == "zigbee2mqtt/lamp/set"
    assert entity.key == "0x00158d0004a1b2c3_switch"


@pytest.mark.parametrize("base", ["zigbee2mqtt", "upstairs", "house/z2m"])
def test_another_base_topic_of_the_bridge_makes_no_other_entity(base: str) -> None:
    entity = announced(
        "binary_sensor",
        {"stat_t": f"{base}/door", "uniq_id": f"0x00158d0004a1b2c3_contact_{base}", "o": {"name": "Zigbee2MQTT"}},
    )
    assert entity.key == "0x00158d0004a1b2c3_contact"


def test_a_renamed_topic_and_name_make_no_other_entity() -> None:
    first = announced("sensor", {"stat_t": "a/b", "uniq_id": "meter_1", "name": "Meter"})
    second = announced("sensor", {"stat_t": "c/d", "uniq_id": "meter_1", "name": "Hall"}, name="other")
    assert first.key == second.key == "meter_1"
    assert announced("sensor", {"stat_t": "a/b"}).key == "thing"


def test_nothing_announced_any_more_is_a_removal_and_a_move_is_none() -> None:
    assert read_discovery(SENSOR, b"") == Discovered(is_removal=True)
    assert read_discovery(SENSOR, b'{"migrate_discovery": true}') == Discovered(migrates=True)
    assert read_discovery(SENSOR, b'{"migr_discvry": true}') == Discovered(migrates=True)


def test_a_component_of_which_only_the_platform_is_left_is_gone() -> None:
    device = {"dev": {"ids": "x"}, "o": {"name": "y"}, "cmps": {"a": {"p": "sensor"}, "b": {"platform": "camera"}}}
    found = read_discovery(DEVICE, json.dumps(device).encode())
    assert found.removed == ("a", "b")
    assert found.entities == ()
    assert not found.is_removal


def test_what_the_whole_device_says_holds_for_each_component_that_says_nothing_else() -> None:
    device = {
        "dev": {"ids": "x"},
        "stat_t": "x/state",
        "avty_t": "x/alive",
        "cmps": {
            "a": {"p": "sensor", "uniq_id": "a", "val_tpl": "{{ value_json.a }}"},
            "b": {"p": "sensor", "uniq_id": "b", "stat_t": "x/b"},
            "c": {"p": "sensor"},
            "d": {"p": "sensor", "stat_t": "x/d"},
        },
    }
    found = read_discovery(DEVICE, json.dumps(device).encode())
    assert [entity.config["state_topic"] for entity in found.entities] == ["x/state", "x/b"]
    assert {entity.config["availability_topic"] for entity in found.entities} == {"x/alive"}
    assert [(one.object_id, one.code) for one in found.refused] == [("d", "missing_unique_id")]


@pytest.mark.parametrize(
    ("component", "config", "code"),
    [
        ("sensor", {"stat_t": "a/#"}, "bad_topic"),
        ("sensor", {"stat_t": "a/+/b"}, "bad_topic"),
        ("sensor", {"stat_t": "$SYS/x"}, "bad_topic"),
        ("sensor", {"stat_t": ""}, "bad_topic"),
        ("sensor", {"stat_t": 7}, "bad_topic"),
        ("sensor", {"name": "x"}, "nothing_to_do"),
        ("sensor", {"stat_t": "a", "uniq_id": "x" * 300}, "bad_unique_id"),
        ("sensor", {"stat_t": "a", "avty": 5}, "bad_availability"),
        ("sensor", {"stat_t": "a", "dev": {"name": "no ids"}}, "bad_device"),
        ("sensor", {"stat_t": "a", "name": "a\x00b"}, "not_text"),
        ("camera", {"topic": "a"}, "refused_component"),
        ("image", {"image_topic": "a"}, "refused_component"),
        ("media_player", {"stat_t": "a"}, "refused_component"),
        ("teleporter", {"stat_t": "a"}, "unknown_component"),
    ],
)
def test_what_cannot_be_taken_says_why(component: str, config: dict[str, Any], code: str) -> None:
    with pytest.raises(NotUnderstood) as told:
        announced(component, config)
    assert told.value.code == code


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"[" * 100_000, "too_big"),
        (b" " * 1_000_000 + b"{}", "too_big"),
        (b"[" * 60_000, "not_json"),
        (b'{"a":' * 30 + b"1" + b"}" * 30, "too_deep"),
        (b"[1]", "not_an_object"),
        (b"{", "not_json"),
        (b'{"name": NaN}', "not_json"),
    ],
)
def test_what_is_too_much_is_not_read(payload: bytes, code: str) -> None:
    with pytest.raises(NotUnderstood) as told:
        read_discovery(SENSOR, payload)
    assert told.value.code == code


def test_a_device_with_too_many_components_is_not_taken() -> None:
    device = {"dev": {"ids": "x"}, "cmps": {str(one): {"p": "sensor"} for one in range(300)}}
    with pytest.raises(NotUnderstood, match="too_many_components"):
        read_discovery(DEVICE, json.dumps(device).encode())


def test_a_code_never_leaves_the_home() -> None:
    entity = announced("alarm_control_panel", {"cmd_t": "a", "stat_t": "b", "code": "4711"})
    assert "4711" not in json.dumps(entity.config)


def test_what_means_nothing_to_us_is_left_out() -> None:
    assert announced("sensor", {"stat_t": "a", "resident": "somebody", "dev": {"ids": "1"}}).config == {
        "state_topic": "a"
    }


keys = st.one_of(st.sampled_from(sorted({*SHORT_NAMES, *KNOWN, "dev", "o", "~"})), st.text(max_size=8))
values = st.one_of(
    st.text(max_size=12),
    st.dictionaries(
        st.sampled_from(sorted({*DEVICE_SHORT_NAMES, "t", "topic", "pl_avail", "name"})), st.text(max_size=5)
    ),
    st.lists(st.dictionaries(st.sampled_from(["t", "val_tpl", "pl_avail", "topic"]), st.text(max_size=5)), max_size=2),
)


@given(st.dictionaries(keys, values, max_size=12))
def test_writing_out_what_is_written_out_changes_nothing(config: dict[str, Any]) -> None:
    once = whole_names(config)
    assert whole_names(once) == once
    assert not once.keys() & SHORT_NAMES.keys() - set(SHORT_NAMES.values())


@pytest.mark.parametrize("odd", [[], {}, [1], 1, "x"])
def test_a_category_that_is_none_is_left_out(odd: Any) -> None:
    config = {"unique_id": "a", "state_topic": "a", "entity_category": odd, "device": {"identifiers": ["a"]}}
    found = read_discovery(DiscoveryTopic("sensor", None, "a"), orjson.dumps(config))
    assert found.entities[0].category is None

"""What Home Assistant tells of itself, made into what a device would announce and say, and commands into calls."""

import json
from typing import Any

import pytest

from app.home_assistant.api import (
    EntityConfig,
    NotPossible,
    NotUnderstood,
    commands,
    discovery_topic,
    hub_announcement,
    hub_call,
    hub_removal,
    hub_reports,
    read_discovery,
    reader,
)


def state(entity_id: str, value: str, **attributes: Any) -> dict[str, Any]:
    return {"entity_id": entity_id, "state": value, "attributes": attributes}


def known(
    told: dict[str, Any], entry: dict[str, Any] | None = None, device: dict[str, Any] | None = None
) -> EntityConfig:
    made = hub_announcement(told, entry or {}, device or {}, "homeassistant")
    topic = discovery_topic(made.topic)
    assert topic is not None
    (entity,) = read_discovery(topic, made.payload).entities
    return entity


def reads(told: dict[str, Any], *, has_happened: bool = True) -> dict[str, str | None]:
    entity = known(told)
    one = reader(entity.component, entity.config)
    said = [one.read(message.topic, message.payload) for message in hub_reports(told, has_happened=has_happened)]
    return {found.role: found.value for each in said for found in each}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (state("binary_sensor.smoke", "on", device_class="smoke"), {"state": "on", "availability": "online"}),
        (state("sensor.warmth", "21.5", unit_of_measurement="°C"), {"state": "21.5", "availability": "online"}),
        (state("sensor.warmth", "unknown", unit_of_measurement="°C"), {"state": None, "availability": "online"}),
        (state("lock.door", "unlocking"), {"state": "unlocking", "availability": "online"}),
        (
            state("light.hall", "on", brightness=128, color_temp_kelvin=2700, effect=None),
            {"state": "on", "brightness": "128", "color_temp_kelvin": "2700", "availability": "online"},
        ),
        (
            state("climate.hall", "heat", current_temperature=19.5, temperature=21, hvac_action="heating"),
            {
                "state": "heat",
                "current_temperature": "19.5",
                "temperature": "21",
                "hvac_action": "heating",
                "availability": "online",
            },
        ),
        (
            state("cover.blind", "open", current_position=40),
            {"state": "open", "position": "40", "availability": "online"},
        ),
        (state("fan.air", "on", percentage=33), {"state": "on", "percentage": "33", "availability": "online"}),
        (
            state("event.bell", "2026-11-28T10:00:00.000+00:00", event_type="ring", event_types=["ring"]),
            {"state": "ring", "availability": "online"},
        ),
        (state("binary_sensor.smoke", "unavailable"), {"availability": "offline"}),
    ],
)
def test_what_a_hub_tells_reads_like_what_a_device_says(told: dict[str, Any], expected: dict[str, str | None]) -> None:
    assert reads(told) == {"availability": expected["availability"]} | expected


def test_an_event_that_only_stands_there_did_not_happen() -> None:
    assert "state" not in reads(state("event.bell", "2026-11-28T10:00:00+00:00", event_type="ring"), has_happened=False)


def test_an_entity_stays_the_same_when_it_is_called_otherwise() -> None:
    entry = {"platform": "zha", "unique_id": "00:15:8d-1", "entity_category": "diagnostic"}
    device = {"id": "d1", "name": "Sensor", "name_by_user": "Hall", "manufacturer": "Aqara", "area": "Hall"}
    first = known(state("sensor.old", "1", unit_of_measurement="%"), entry, device)
    second = known(state("sensor.new", "1", unit_of_measurement="%"), entry, device)
    assert first.key == second.key == "hub_zha_00:15:8d-1"
    assert first.category == "diagnostic"


@pytest.mark.parametrize(
    ("entity_id", "entry", "code"),
    [
        ("camera.bedroom", {}, "refused_component"),
        ("media_player.tv", {}, "refused_component"),
        ("person.grace", {}, "unknown_component"),
        ("sensor.secret", {"hidden_by": "user"}, "hidden"),
        ("sensor.off", {"disabled_by": "user"}, "hidden"),
        ("nonsense", {}, "bad_topic"),
        ("sensor.a/b", {}, "bad_topic"),
    ],
)
def test_what_is_not_to_be_seen_is_not_announced(entity_id: str, entry: dict[str, Any], code: str) -> None:
    with pytest.raises(NotUnderstood) as told:
        hub_announcement(state(entity_id, "x"), entry, {}, "homeassistant")
    assert told.value.code == code


@pytest.mark.parametrize(
    ("told", "command", "arguments", "topic", "expected"),
    [
        (state("lock.door", "locked"), "unlock", {}, "hub/lock/unlock", {"state": "unlocked"}),
        (state("switch.plug", "on"), "turn_off", {}, "hub/switch/turn_off", {"state": "off"}),
        (
            state("light.hall", "on", supported_color_modes=["color_temp"]),
            "turn_on",
            {"brightness": 128, "color_temp_kelvin": 2700},
            "hub/light/turn_on",
            {"state": "on", "brightness": "128", "color_temp_kelvin": "2700"},
        ),
        (
            state("cover.blind", "open"),
            "set_position",
            {"position": 30},
            "hub/cover/set_cover_position",
            {"position": "30"},
        ),
        (state("cover.blind", "open"), "close", {}, "hub/cover/close_cover", {"state": "closed"}),
        (
            state("climate.hall", "heat", min_temp=5, max_temp=30, hvac_modes=["heat", "off"]),
            "set_temperature",
            {"temperature": 21},
            "hub/climate/set_temperature",
            {"temperature": "21"},
        ),
        (
            state("select.mode", "a", options=["a", "b"]),
            "select_option",
            {"option": "b"},
            "hub/select/select_option",
            {"state": "b"},
        ),
        (state("button.test", "unknown"), "press", {}, "hub/button/press", {}),
    ],
)
def test_a_command_is_the_call_of_a_service(
    told: dict[str, Any], command: str, arguments: dict[str, Any], topic: str, expected: dict[str, str]
) -> None:
    entity = known(told)
    made = hub_call(entity.component, entity.config, command, arguments)
    assert made.topic == topic
    assert json.loads(made.payload) == {"entity_id": told["entity_id"], **arguments}
    assert made.expected == expected
    assert made.then == ()


def test_a_hub_is_asked_for_nothing_an_entity_cannot_do() -> None:
    lamp = known(state("light.hall", "on", supported_color_modes=["onoff"]))
    with pytest.raises(NotPossible, match="unknown_argument"):
        hub_call("light", lamp.config, "turn_on", {"brightness": 5})
    door = known(state("lock.door", "locked", code_format="^\\d{4}$"))
    assert commands("lock", door.config) == ("lock",)


def test_an_entity_that_is_gone_is_announced_by_nothing() -> None:
    assert hub_removal("sensor.old", "homeassistant").payload == b""
    assert hub_removal("sensor.old", "ha").topic == "ha/sensor/hub/old/config"

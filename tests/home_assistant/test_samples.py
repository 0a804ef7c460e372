"""Devices as they are found in homes: zigbee2mqtt, ESPHome, Tasmota, and whole devices announced at once."""

import pytest

from app.home_assistant.api import Refused, reader
from tests.home_assistant.sampling import NAMES, discovered, entities, payload, sample


@pytest.mark.parametrize("name", NAMES)
def test_each_message_of_a_device_says_what_its_makers_mean(name: str) -> None:
    known = entities(name)
    for message in sample(name)["messages"]:
        for object_id, expected in message["reads"].items():
            one = reader(known[object_id].component, known[object_id].config)
            told = one.read(message["topic"], payload(message["payload"]))
            assert {found.role: found.value for found in told} == expected, (object_id, dict(one.why_not))


@pytest.mark.parametrize("name", NAMES)
def test_an_entity_is_known_by_what_does_not_change(name: str) -> None:
    known = entities(name)
    assert {object_id: known[object_id].key for object_id in sample(name)["keys"]} == sample(name)["keys"]


@pytest.mark.parametrize("name", NAMES)
def test_every_announcement_names_its_device(name: str) -> None:
    for one in discovered(name):
        assert one.device is not None
        assert one.device.identifiers
        assert one.device.name


def test_what_could_watch_is_refused_and_the_rest_of_its_device_is_taken() -> None:
    (found,) = discovered("device_smoke_alarm")
    assert found.refused == (Refused("camera", "eye", "refused_component"),)
    assert found.removed == ("old",)
    assert {entity.object_id for entity in found.entities} == {"smoke", "temp", "test", "siren", "knock"}
    assert found.origin == "Example gateway"


def test_numbers_come_as_numbers_and_a_press_comes_each_time() -> None:
    plug = entities("tasmota_plug")["8CAAB5_ENERGY_Power"]
    (power,) = reader("sensor", plug.config).read("tele/stove/SENSOR", b'{"ENERGY":{"Power":1820}}')
    assert power.number == 1820.0
    hold = entities("zigbee2mqtt_device_automations")["action_hold"]
    pressing = reader("device_automation", hold.config)
    assert [pressing.read("zigbee2mqtt/sos_button/action", b"hold")[0].is_event for _ in range(2)] == [True, True]


def test_what_entities_say_of_themselves_is_kept() -> None:
    bathroom = entities("esphome_bathroom")
    assert bathroom["humidity"].expire_after == 600.0
    assert bathroom["humidity"].unit == "%"
    assert bathroom["leak"].config["off_delay"] == 30
    assert bathroom["door"].config["force_update"] is True
    assert entities("zigbee2mqtt_contact")["battery"].category == "diagnostic"
    (first, *_) = discovered("esphome_bathroom")
    assert first.device is not None
    assert first.device.connections == ("mac:a0:b7:65:11:22:33",)
    assert first.device.suggested_area == "Bathroom"


def test_a_button_that_reports_nothing_after_its_press_can_be_pressed_again() -> None:
    pressing = reader("sensor", {"state_topic": "zigbee2mqtt/sos", "value_template": "{{ value_json.action }}"})
    said = (b'{"action": "emergency"}', b'{"action": ""}', b'{"battery": 80}', b'{"action": "emergency"}')
    assert [pressing.read("zigbee2mqtt/sos", one)[0].value for one in said] == ["emergency", "", "", "emergency"]
    measuring = reader(
        "sensor", {"state_topic": "t", "value_template": "{{ value_json.t }}", "unit_of_measurement": "C"}
    )
    assert measuring.read("t", b'{"battery": 80}') == ()

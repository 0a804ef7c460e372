"""Whether a device can be reached, homes that only tell, and our own device in a home."""

import json

import pytest

from app.home_assistant.api import (
    AVAILABILITY,
    EntityConfig,
    NotUnderstood,
    commands,
    discovery_topic,
    hub_entity_of,
    is_available,
    panel,
    publication,
    read_discovery,
    reader,
    statestream_announcement,
    statestream_told,
    statestream_topic,
)
from app.home_assistant.statestream import told_config
from tests.home_assistant.sampling import announced

NAMES = {
    "device": "Hearthline",
    "sos": "Hilfe",
    "fine": "Mir geht es gut",
    "next_dose": "下一次服药",
    "next_visit": "下一次上门",
    "alarm": "警报",
    "message": "Nachricht",
}


@pytest.mark.parametrize(("length", "expected"), [(255, []), (256, ["too_long"])])
def test_a_state_that_is_longer_than_any_is_left_out_and_says_so(length: int, expected: list[str]) -> None:
    one = reader("sensor", {"state_topic": "s"})
    assert len(one.read("s", b"x" * length)) == 1 - len(expected)
    assert list(one.why_not) == expected


def both(mode: str | None) -> dict[str, object]:
    told: dict[str, object] = {"availability": [{"topic": "a"}, {"topic": "b"}]}
    return told if mode is None else {**told, "availability_mode": mode}


def test_what_has_no_such_topic_can_always_be_reached() -> None:
    assert is_available({}, {})
    assert not is_available({"availability_topic": "a"}, {})
    assert is_available({"availability_topic": "a"}, {"a": True})


@pytest.mark.parametrize(
    ("mode", "heard", "expected"),
    [
        ("all", {"a": True}, False),
        ("all", {"a": True, "b": True}, True),
        ("all", {"a": True, "b": False}, False),
        ("any", {"b": True}, True),
        ("any", {"a": False}, False),
        ("latest", {"a": True, "b": False}, False),
        ("latest", {"b": False, "a": True}, True),
        (None, {"b": False, "a": True, "other": False}, True),
    ],
)
def test_several_topics_agree_as_the_device_wants(mode: str | None, heard: dict[str, bool], expected: bool) -> None:
    assert is_available(both(mode), heard) is expected


def test_availability_is_read_in_the_devices_own_words() -> None:
    entity = announced(
        "sensor",
        {"stat_t": "s", "avty_t": "a", "avty_tpl": "{{ value_json.up }}", "pl_avail": "yes", "pl_not_avail": "no"},
    )
    one = reader("sensor", entity.config)
    assert one.topics["a"] == {AVAILABILITY}
    assert [one.read("a", said)[0].value for said in (b'{"up":"yes"}', b'{"up":"no"}')] == ["online", "offline"]
    assert one.read("a", b'{"up":"perhaps"}') == ()
    assert one.why_not == {"unknown_payload": 1}


def streamed(entity_id: str, **told: bytes) -> EntityConfig:
    known = {name: statestream_told(name, said) for name, said in told.items()}
    message = statestream_announcement(entity_id, known, "homeassistant")
    topic = discovery_topic(message.topic)
    assert topic is not None
    (entity,) = read_discovery(topic, message.payload, within="homes/abc/").entities
    assert hub_entity_of(message.topic, entity.component, entity.config) == (entity_id, True)
    return entity


def test_a_home_that_only_tells_is_read_like_any_other() -> None:
    assert statestream_topic("statestream/light/kitchen/state") == ("light.kitchen", "state")
    assert statestream_topic("statestream/light/kitchen/friendly_name") == ("light.kitchen", "friendly_name")
    assert statestream_topic("other/light/kitchen/state") is None
    entity = streamed("binary_sensor.front_door", friendly_name=b'"Front door"', device_class=b'"door"')
    assert (entity.name, entity.device_class) == ("Front door", "door")
    assert commands(entity.component, entity.config) == ()
    one = reader(entity.component, entity.config)
    topic = "statestream/binary_sensor/front_door/state"
    assert [(told.role, told.value) for told in one.read(topic, b"on")] == [("state", "on"), ("availability", "online")]
    assert [(told.role, told.value) for told in one.read(topic, b"unavailable")] == [("availability", "offline")]


def test_what_watches_is_told_of_without_anything_in_it() -> None:
    message = statestream_announcement("camera.bedroom", {"friendly_name": "Bedroom"}, "homeassistant")
    topic = discovery_topic(message.topic)
    assert topic is not None
    assert message.payload == b"{}"
    with pytest.raises(NotUnderstood, match="refused_component"):
        read_discovery(topic, message.payload)


@pytest.mark.parametrize("entity_id", ["person.someone", "sun.sun", "automation.morning", "event.sos_button"])
def test_what_is_of_no_home_or_would_seem_to_happen_again_is_not_taken(entity_id: str) -> None:
    with pytest.raises(NotUnderstood, match="unknown_component"):
        statestream_announcement(entity_id, {}, "homeassistant")


@pytest.mark.parametrize(
    ("attribute", "said", "expected"),
    [
        ("friendly_name", b'"Door\\u0000"', "Door"),
        ("device_class", b'"smoke"', "smoke"),
        ("device_class", b'"No Word"', None),
        ("unit_of_measurement", '"°C"'.encode(), "°C"),
        ("options", b'["a", 1]', ["a", "1"]),
        ("options", b'"a"', None),
        ("entity_picture", b'"/api/camera_proxy/x?token=y"', None),
        ("friendly_name", b"{", None),
        ("options", b'["' + b"a" * 5_000 + b'"]', None),
    ],
)
def test_of_attributes_only_what_describes_is_taken(attribute: str, said: bytes, expected: object) -> None:
    assert statestream_told(attribute, said) == expected


@pytest.mark.parametrize(
    ("topic", "config", "expected"),
    [
        ("homeassistant/light/hub/kitchen/config", told_config("light.kitchen", "hub", {}), ("light.kitchen", False)),
        ("homeassistant/light/hub/kitchen/config", {}, None),
        ("homeassistant/light/0x1/light/config", {"default_entity_id": "light.kitchen"}, ("light.kitchen", False)),
        ("homeassistant/light/0x1/light/config", {"object_id": "kitchen"}, ("light.kitchen", False)),
        ("homeassistant/light/0x1/light/config", {"default_entity_id": "switch.kitchen"}, None),
        ("homeassistant/light/0x1/light/config", {"object_id": ["kitchen"]}, None),
    ],
)
def test_what_home_assistant_calls_an_entity_is_known_where_somebody_says_so(
    topic: str, config: dict[str, object], expected: object
) -> None:
    assert hub_entity_of(topic, "light", config) == expected


@pytest.mark.parametrize(
    ("entity_id", "said", "value"),
    [
        ("lock.door", b"locked", "locked"),
        ("cover.blind", b"closing", "closing"),
        ("climate.hall", b"heat", "heat"),
        ("light.hall", b"off", "off"),
        ("sensor.meter", b"21.5", "21.5"),
    ],
)
def test_each_kind_of_entity_is_told_of_in_home_assistants_words(entity_id: str, said: bytes, value: str) -> None:
    entity = streamed(entity_id)
    topic = f"statestream/{entity_id.replace('.', '/')}/state"
    told = {one.role: one.value for one in reader(entity.component, entity.config).read(topic, said)}
    assert told["state"] == value


@pytest.mark.parametrize("within", ["", "homes/abcdefgh/"])
def test_our_panel_is_announced_so_that_it_reads_back(within: str) -> None:
    made = panel("7f3a", NAMES, software="1.0", within=within)
    topic = discovery_topic(made.topic)
    assert topic is not None
    assert topic.component == "device"
    found = read_discovery(topic, made.payload, within=within)
    assert found.refused == ()
    known = {entity.object_id: entity for entity in found.entities}
    assert {name: entity.name for name, entity in known.items()} == {key: NAMES[key] for key in known}
    assert set(known) == {"sos", "fine", "next_dose", "next_visit", "alarm", "message"}
    pressed = publication("button", known["sos"].config, "press", {})
    assert made.presses[pressed.topic] == "sos"
    assert json.loads(made.payload)["components"]["sos"]["command_topic"] == within + pressed.topic
    dose = reader("sensor", known["next_dose"].config)
    assert dose.read(made.states["next_dose"], b"2026-03-01T08:00:00+08:00")[0].value == "2026-03-01T08:00:00+08:00"
    assert dose.read(made.states["next_dose"], b"None")[0].value is None
    alarm = reader("binary_sensor", known["alarm"].config)
    assert alarm.read(made.states["alarm"], b"ON")[0].value == "on"
    assert alarm.read(made.availability, b"offline")[0].value == "offline"


def test_a_panel_tells_of_no_message_where_none_is_wanted() -> None:
    made = panel("7f3a", NAMES, software="1.0", with_message=False)
    assert "message" not in made.states
    assert b"Nachricht" not in made.payload

"""What a hub describes becomes devices and entities: once, whatever it is called, and as much as there is room for."""

from datetime import timedelta
from typing import Any, cast

import orjson
import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.connections import Connection
from app.core.database import reading, unit_of_work
from app.core.tables import table_of
from community.home_devices import jobs
from community.home_devices.models import HomeDevice, HomeEntity
from community.home_devices.rules import registry
from community.home_devices.schemas import HeardConfig
from community.home_devices.service import take_discovery
from community.homes.models import Home
from notifications.inbox.models import InboxItem
from tests.asking import statements
from tests.community.home_devices.conftest import Hub, component, sensor, whole
from tests.factories import community_homes

IEEE = "0x00158d0001a2b3c4"


def zigbee(base: str = "zigbee2mqtt", friendly: str = "front door") -> tuple[str, Any]:
    """Return how zigbee2mqtt describes a door's contact."""
    return f"homeassistant/binary_sensor/{IEEE}/contact/config", {
        "availability": [{"topic": f"{base}/bridge/state", "value_template": "{{ value_json.state }}"}],
        "device": {"identifiers": [f"zigbee2mqtt_{IEEE}"], "name": friendly, "model": "Door sensor"},
        "device_class": "door",
        "origin": {"name": "Zigbee2MQTT"},
        "payload_off": True,
        "payload_on": False,
        "state_topic": f"{base}/{friendly}",
        "unique_id": f"{IEEE}_contact_{base}",
        "value_template": "{{ value_json.contact }}",
    }


async def test_a_description_makes_a_device_and_an_entity(hub: Hub) -> None:
    before = await hub.version()
    assert await hub.say(zigbee()) == {hub.home.id}
    [device], [entity] = await hub.devices(), (await hub.entities()).values()
    assert (device.name, device.model, device.identifiers) == ("front door", "Door sensor", [f"zigbee2mqtt_{IEEE}"])
    assert (entity.key, entity.component, entity.device_id) == (f"{IEEE}_contact", "binary_sensor", device.id)
    assert (entity.role, entity.config["state_topic"]) == ("door", "zigbee2mqtt/front door")
    assert await hub.version() == before + 1


async def test_what_is_the_same_as_before_costs_one_read_and_no_write(hub: Hub) -> None:
    described = [sensor(f"key{number}") for number in range(40)]
    await hub.say(*described)
    home = await hub.row()
    heard = [HeardConfig(home, topic, orjson.dumps(body), is_retained=True) for topic, body in described]
    async with unit_of_work() as session, statements(cast(Connection, await session.connection())) as seen:
        assert await take_discovery(session, heard) == set()
    assert len(seen) == 1
    assert seen[0].startswith("SELECT")


async def test_another_base_topic_and_another_name_change_the_entity_in_place(hub: Hub) -> None:
    await hub.say(zigbee())
    [before] = (await hub.entities()).values()
    await hub.say(zigbee("zigbee2mqtt_upstairs", "hall door"))
    [after], [device] = (await hub.entities()).values(), await hub.devices()
    assert (after.id, after.device_id) == (before.id, before.device_id)
    assert (after.config["state_topic"], device.name) == ("zigbee2mqtt_upstairs/hall door", "hall door")


def pressing(friendly: str, subtype: str = "single") -> tuple[str, Any]:
    """Return how zigbee2mqtt describes that a button was pressed."""
    return f"homeassistant/device_automation/{IEEE}/action_{subtype}/config", {
        "automation_type": "trigger",
        "device": {"identifiers": [f"zigbee2mqtt_{IEEE}"], "name": friendly, "model": "Smart button"},
        "origin": {"name": "Zigbee2MQTT"},
        "payload": subtype,
        "subtype": subtype,
        "topic": f"zigbee2mqtt/{friendly}/action",
        "type": "action",
    }


async def test_a_pendant_that_is_called_something_else_still_calls_for_help(hub: Hub) -> None:
    await hub.say(pressing("SOS"))
    await hub.say(pressing("Grandma's pendant"))
    [entity], [device] = (await hub.entities()).values(), await hub.devices()
    assert (device.name, entity.role) == ("Grandma's pendant", "sos_button")


async def test_a_trigger_that_says_emergency_calls_for_help_whatever_its_device_is_called(hub: Hub) -> None:
    await hub.say(pressing("Grandma's pendant"), pressing("Grandma's pendant", "emergency"))
    roles = {entity.config["subtype"]: entity.role for entity in (await hub.entities()).values()}
    assert roles == {"single": "other", "emergency": "sos_button"}


async def test_a_hub_that_moves_its_topics_keeps_its_entities(hub: Hub) -> None:
    await hub.say(sensor("a", topic="homeassistant/binary_sensor/old/a/config"))
    [before] = (await hub.entities()).values()
    await hub.say("homeassistant/binary_sensor/old/a/config", sensor("a", topic="homeassistant/binary_sensor/a/config"))
    [after] = (await hub.entities()).values()
    assert (after.id, after.discovery_topic) == (before.id, "homeassistant/binary_sensor/a/config")


async def test_the_new_topic_may_come_before_the_old_one_goes(hub: Hub) -> None:
    old, new = "homeassistant/binary_sensor/old/a/config", "homeassistant/binary_sensor/new/a/config"
    await hub.say(sensor("a", topic=old))
    [before] = (await hub.entities()).values()
    await hub.say(sensor("a", topic=new))
    assert await hub.configs() == {old: "taken", new: "duplicate"}
    await hub.say(old)
    [after] = (await hub.entities()).values()
    assert (after.id, after.discovery_topic, after.state) == (before.id, new, "active")
    assert await hub.configs() == {new: "taken"}
    assert await hub.refusals() == {}


async def test_of_two_live_topics_the_first_has_the_entity_and_the_second_is_shown(hub: Hub) -> None:
    await hub.say(sensor("a", topic="homeassistant/binary_sensor/x/config", name="first"))
    await hub.say(sensor("a", topic="homeassistant/binary_sensor/y/config", name="second"))
    assert (await hub.entities())["a"].name == "first"
    assert await hub.refusals() == {"homeassistant/binary_sensor/y/config": "duplicate"}
    assert await hub.refused() == {"duplicate": 1}


async def test_a_topic_whose_device_is_silent_for_a_day_gives_way(hub: Hub, clock: ManualClock) -> None:
    await hub.say(sensor("a", topic="homeassistant/binary_sensor/x/config"))
    await hub.say(sensor("a", topic="homeassistant/binary_sensor/y/config"))
    clock.advance(registry.LIVE + timedelta(minutes=1))
    await hub.say(sensor("a", topic="homeassistant/binary_sensor/y/config"))
    assert (await hub.entities())["a"].discovery_topic == "homeassistant/binary_sensor/y/config"


async def test_the_same_names_in_two_homes_are_two_devices(hub: Hub) -> None:
    other = Hub(await community_homes.home(hub.resident), hub.resident)
    here, there = await hub.row(), await other.row()
    topic, body = sensor("a")
    heard = [HeardConfig(home, topic, orjson.dumps(body)) for home in (here, there)]
    async with unit_of_work() as session:
        assert await take_discovery(session, heard) == {hub.home.id, other.home.id}
    [one], [two] = await hub.devices(), await other.devices()
    assert one.id != two.id
    assert (await hub.entities())["a"].device_id == one.id
    assert (await other.entities())["a"].device_id == two.id


async def test_devices_become_one_when_a_description_links_them(hub: Hub) -> None:
    await hub.say(sensor("a", ids=["serial"]), sensor("b", ids=["address"]))
    elder, younger = await hub.devices()
    async with unit_of_work() as session:
        row = await session.get_one(HomeDevice, younger.id)
        row.given_name = "By the window"
    await hub.say(sensor("c", ids=["serial", "address"]))
    [device] = await hub.devices()
    assert (device.id, device.given_name) == (elder.id, "By the window")
    assert set(device.identifiers) == {"serial", "address"}
    assert {row.device_id for row in (await hub.entities()).values()} == {elder.id}


async def test_what_is_removed_comes_back_as_the_same(hub: Hub) -> None:
    topic, _ = sensor("a")
    await hub.say(sensor("a"))
    [before] = (await hub.entities()).values()
    async with unit_of_work() as session:
        entity = await session.get_one(HomeEntity, before.id)
        entity.role, entity.is_role_given = "window", True
    await hub.say(topic)
    assert (await hub.entities(), await hub.devices(), await hub.configs()) == ({}, [], {})
    await hub.say(sensor("a"))
    [after], [device] = (await hub.entities()).values(), await hub.devices()
    assert (after.id, after.role, after.device_id, device.removed_at) == (before.id, "window", device.id, None)


async def test_moving_to_one_description_of_the_whole_device_keeps_all(hub: Hub) -> None:
    old = [sensor("one", ids=["hub"]), sensor("two", ids=["hub"])]
    await hub.say(*old)
    before = {key: row.id for key, row in (await hub.entities()).items()}
    await hub.say(*((topic, {"migrate_discovery": True}) for topic, _ in old))
    assert set(await hub.entities()) == {"one", "two"}
    await hub.say(whole({"x": component(key="one"), "y": component(key="two")}))
    await hub.say(*(topic for topic, _ in old))
    after = await hub.entities()
    assert {key: row.id for key, row in after.items()} == before
    assert {row.discovery_topic for row in after.values()} == {"homeassistant/device/hub/config"}


async def test_a_device_lets_go_of_single_components(hub: Hub) -> None:
    await hub.say(whole({"x": component(key="one"), "y": component(key="two")}))
    await hub.say(whole({"x": component(key="one"), "y": {"platform": "binary_sensor"}}))
    assert set(await hub.entities()) == {"one"}
    await hub.say("homeassistant/device/hub/config")
    assert await hub.entities() == {}
    assert await hub.devices() == []


async def test_another_identity_at_the_same_topic_takes_the_place(hub: Hub) -> None:
    topic = "homeassistant/binary_sensor/x/config"
    await hub.say(sensor("a", topic=topic))
    await hub.say(sensor("b", topic=topic))
    assert set(await hub.entities()) == {"b"}


async def test_cameras_and_microphones_are_counted_and_kept_nowhere(hub: Hub) -> None:
    camera = ("homeassistant/camera/door/config", {"unique_id": "cam", "topic": "cam", "device": {"ids": ["cam"]}})
    listening = component("assist_satellite", "ear")
    await hub.say(camera, whole({"x": component(key="one"), "y": listening}))
    await hub.say(camera)
    assert set(await hub.entities()) == {"one"}
    assert await hub.refused() == {"camera": 1, "assist_satellite": 1}
    assert (await hub.refusals())["homeassistant/camera/door/config"] == "refused_component"


async def test_an_area_makes_a_room_once_and_what_people_say_stays(hub: Hub) -> None:
    bath = {"suggested_area": "Badezimmer"}
    await hub.say(sensor("a", device=bath), sensor("b", device={"suggested_area": "badezimmer"}))
    [room] = (await hub.rooms()).values()
    assert (room.name, room.kind) == ("Badezimmer", "bathroom")
    assert {device.room_id for device in await hub.devices()} == {room.id}
    async with unit_of_work() as session:
        row = await session.get_one(HomeDevice, (await hub.devices())[0].id)
        row.room_id, row.is_room_given = None, True
    await hub.say(sensor("a", device=bath, name="again"))
    assert (await hub.devices())[0].room_id is None


async def test_a_device_knows_through_which_other_it_speaks_in_any_order(hub: Hub) -> None:
    await hub.say(sensor("a", device={"via_device": "bridge"}))
    await hub.say(sensor("b", ids=["bridge"]))
    through, bridge = await hub.devices()
    assert through.via_device_id == bridge.id


@pytest.mark.parametrize(
    "payload",
    [
        b"{",
        b"[]",
        b"\xff\xfe",
        b"null",
        b'{"a":' * 5000,
        b'{"device":5,"state_topic":"x"}',
        b'{"state_topic":"x","unique_id":"u","value_template":"\\u0000","device":{"identifiers":["a"]}}',
        b'{"state_topic":"x","unique_id":"u","expire_after":1e300,"device":{"identifiers":["a"],"name":"\\u0000"}}',
        b'{"state_topic":"x","unique_id":"u","options":[NaN],"device":{"identifiers":[null,{}]}}',
    ],
)
async def test_garbage_never_raises_and_hinders_nothing(hub: Hub, payload: bytes) -> None:
    await hub.say(("homeassistant/sensor/odd/config", payload), sensor("fine"), ("homeassistant/odd", b"x"))
    assert "fine" in await hub.entities()


async def test_a_flood_of_topics_costs_what_there_is_room_for(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MOST_TOPICS", 200)
    monkeypatch.setattr("community.home_devices.repository.loading.MOST_TOPICS", 200)
    read = 0
    original = registry.Registry._describe

    def counting(self: registry.Registry, told: registry.Told) -> None:
        nonlocal read
        read += 1
        original(self, told)

    monkeypatch.setattr(registry.Registry, "_describe", counting)
    for start in range(0, 5_000, 1_000):
        await hub.say(*(sensor(f"k{number}", ids=["one"]) for number in range(start, start + 1_000)))
    assert (read, len(await hub.entities()), len(await hub.configs())) == (200, 200, 200)
    assert await hub.refused() == {"too_many_topics": 4_800}
    assert len(await hub.refusals()) == 20
    async with reading() as connection:
        told = list(await connection.scalars(sa.select(table_of(InboxItem).c.notice_key)))
    assert told == ["community.home_full"]
    await hub.say(sensor("k0", ids=["one"], name="still read"))
    assert (await hub.entities())["k0"].name == "still read"


async def test_more_devices_than_there_is_room_for_are_refused_until_one_goes(hub: Hub) -> None:
    many = [sensor(f"k{number}") for number in range(registry.MOST_DEVICES + 1)]
    await hub.say(*many)
    assert len(await hub.devices()) == registry.MOST_DEVICES
    assert await hub.refusals() == {many[-1][0]: "too_many_devices"}
    await hub.say(many[0][0])
    await hub.say(many[-1])
    assert many[-1][0] in await hub.configs()
    assert len(await hub.devices()) == registry.MOST_DEVICES


async def test_nothing_is_taken_of_a_home_that_waits_or_is_closed(hub: Hub) -> None:
    waiting = Hub(await community_homes.home(hub.resident, state="waiting"), hub.resident)
    assert await waiting.say(sensor("a")) == set()
    assert await waiting.devices() == []


async def test_a_direct_home_is_read_without_its_prefix(hub: Hub) -> None:
    direct = Hub(await community_homes.home(hub.resident, addressing="direct"), hub.resident)
    await direct.say(sensor("a", state_topic=f"homes/{direct.home.key}/zigbee2mqtt/door"))
    assert (await direct.entities())["a"].config["state_topic"] == "zigbee2mqtt/door"


async def test_what_has_no_device_has_one_of_its_own(hub: Hub) -> None:
    await hub.say(
        ("homeassistant/binary_sensor/tasmota/config", {"unique_id": "a", "state_topic": "x", "name": "Bell"})
    )
    [device] = await hub.devices()
    assert (await hub.entities())["a"].device_id == device.id


async def test_a_hub_that_gets_another_prefix_keeps_its_entities(hub: Hub) -> None:
    await hub.say(sensor("a"))
    [before] = (await hub.entities()).values()
    async with unit_of_work() as session:
        (await session.get_one(Home, hub.home.id)).discovery_prefix = "ha"
    await hub.say(sensor("a", topic="ha/binary_sensor/a/config"))
    [after] = (await hub.entities()).values()
    assert (after.id, after.discovery_topic) == (before.id, "ha/binary_sensor/a/config")


async def test_what_is_gone_for_half_a_year_is_forgotten(hub: Hub, clock: ManualClock) -> None:
    await hub.say(sensor("a"), sensor("b"))
    await hub.say(sensor("a")[0])
    clock.advance(jobs.REMEMBERED)
    assert await jobs.forget_removed() == 2
    assert (len(await hub.devices(state="removed")), set(await hub.entities())) == (0, {"b"})

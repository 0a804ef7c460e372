"""A made-up home at a real broker: it says what homes say, and does what it is told."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import aiomqtt
import pytest

from app.demo.simulated_days import DAY, DEVICES, HAPPENINGS, PLUG
from app.demo.simulated_home import SimulatedHome
from app.demo.simulated_life import Door, Life
from tests.emulators.mosquitto import Mosquitto, mosquitto

KEY = "abcdefghij234567"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Lend a broker that lets in the home."""
    with mosquitto(tmp_path) as server:
        server.let_in(KEY, "secret")
        yield server


def door(broker: Mosquitto) -> Door:
    return Door.of(broker.url().replace("//", f"//{KEY}:secret@"))


def test_everything_that_happens_is_of_a_device_it_has() -> None:
    names = {device.name for device in DEVICES} | {PLUG}
    assert {moment.device for moment in DAY} | {name for what in HAPPENINGS.values() for name, _ in what} <= names
    assert [moment.at for moment in DAY] == sorted(moment.at for moment in DAY)


def test_what_it_announced_it_takes_back() -> None:
    home = SimulatedHome()
    announced = {said.topic for said in home.announce() if said.topic.endswith("/config")}
    assert {said.topic for said in home.withdraw()} == announced
    assert all(said.payload == b"" and said.is_retained for said in home.withdraw())


def test_a_command_is_obeyed_and_what_is_none_changes_nothing() -> None:
    home = SimulatedHome()
    [said] = home.answer("zigbee2mqtt/Hall light/set", b'{"state": "ON", "brightness": 40}')
    assert (json.loads(said.payload)["state"], json.loads(said.payload)["brightness"]) == ("ON", 40)
    assert home.answer("zigbee2mqtt/Bedroom motion/set", b'{"occupancy": true}') == []
    assert home.answer("zigbee2mqtt/Front door lock/set", b"UNLOCK")[0].payload.startswith(b'{"state":"UNLOCK"')


async def test_it_announces_itself_and_a_fall_and_leaves(broker: Mosquitto) -> None:
    await Life(door(broker)).announce(["fall"])
    async with door(broker).client() as client:
        await client.subscribe(f"homes/{KEY}/#")
        heard: dict[str, bytes] = {}
        async with asyncio.timeout(30):
            async for message in client.messages:
                heard[message.topic.value.removeprefix(f"homes/{KEY}/")] = bytes(message.payload)
                if len(heard) == len(SimulatedHome().announce()):
                    break
    assert json.loads(heard["homeassistant/binary_sensor/0x00158d0001000016/fall/config"])["name"] == "Fall"
    # What happened is not kept: whoever comes later hears of no fall.
    assert json.loads(heard["zigbee2mqtt/Bathroom fall"])["fall"] is False


async def test_it_lives_through_its_day_and_obeys(broker: Mosquitto) -> None:
    stop, said = asyncio.Event(), list[str]()
    life = Life(door(broker), speed=20_000, say=said.append)
    living = asyncio.create_task(life.live(datetime(2026, 3, 2, 7, 0, tzinfo=UTC), [], stop))
    async with door(broker).client() as client, asyncio.timeout(60):
        await client.subscribe(f"homes/{KEY}/zigbee2mqtt/+")
        is_asked = False
        async for message in client.messages:
            topic, state = message.topic.value.rsplit("/", 1)[1], json.loads(message.payload)
            if not is_asked and topic == "Kitchen motion" and state["occupancy"]:
                is_asked = True
                await client.publish(f"homes/{KEY}/zigbee2mqtt/Front door lock/set", b"UNLOCK")
            if topic == "Front door lock" and state["state"] == "UNLOCK":
                break
    stop.set()
    await living
    assert any(line.startswith("07:31 Kitchen motion") for line in said)


async def test_who_has_no_key_is_told(broker: Mosquitto) -> None:
    with pytest.raises(aiomqtt.MqttError):
        await Life(Door.of(broker.url().replace("//", "//abc:wrong@"))).announce([])
    with pytest.raises(ValueError, match="is not like"):
        Door.of("http://x")

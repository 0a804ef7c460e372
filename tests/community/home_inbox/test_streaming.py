"""A Home Assistant that only tells (``mqtt_statestream``): what it tells of is there like any device of the home."""

from typing import Any

import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading
from community.home_devices.models import DEVICES, ENTITIES
from community.home_inbox import rules
from community.home_states.models import STATES
from community.homes.models import HOMES
from tests.community.home_inbox.conftest import Scene

DOOR = "statestream/binary_sensor/front_door"
_ALL = (
    ("friendly_name", '"Front door"'),
    ("device_class", '"door"'),
    ("last_changed", '"2026-01-01T00:00:00"'),
    ("entity_picture", '"/x"'),
)


async def _told_of() -> list[Any]:
    query = (
        sa.select(
            ENTITIES.c.name, ENTITIES.c.role, ENTITIES.c.device_class, STATES.c.state, DEVICES.c.name.label("device")
        )
        .join(DEVICES, DEVICES.c.id == ENTITIES.c.device_id)
        .outerjoin(STATES, STATES.c.entity_id == ENTITIES.c.id)
        .where(ENTITIES.c.state == "active", ENTITIES.c.discovery_topic.like("%/statestream/%"))
        .order_by(ENTITIES.c.name)
    )
    async with reading() as connection:
        return list(await connection.execute(query))


async def _home(column: str) -> Any:
    async with reading() as connection:
        return await connection.scalar(sa.select(HOMES.c[column]))


async def test_what_a_hub_only_tells_of_is_a_device_with_its_state(scene: Scene, clock: ManualClock) -> None:
    (change,) = await scene.take(
        scene.at(f"{DOOR}/state", "off"), *(scene.at(f"{DOOR}/{name}", said) for name, said in _ALL)
    )
    assert (change.new, change.role, change.device_class, change.is_fresh) == ("off", "door", "door", False)
    assert [tuple(one) for one in await _told_of()] == [("Front door", "door", "door", "off", "Front door")]
    (change,) = await scene.take(scene.at(f"{DOOR}/state", "on"))
    assert (change.old, change.new, change.is_fresh) == ("off", "on", True)


async def test_what_it_is_may_be_told_later_and_in_any_order(scene: Scene) -> None:
    await scene.take(scene.at(f"{DOOR}/device_class", '"smoke"', retained=True))
    await scene.take(scene.at(f"{DOOR}/state", "off", retained=True))
    await scene.take(scene.at(f"{DOOR}/friendly_name", '"Smoke"', retained=True))
    assert [tuple(one) for one in await _told_of()] == [("Smoke", "smoke", "smoke", "off", "Smoke")]
    assert scene.inbox.is_urgent(scene.at(f"{DOOR}/state", "on"))


async def test_what_is_told_again_costs_the_registry_nothing(scene: Scene) -> None:
    said = [scene.at(f"{DOOR}/state", "off"), *(scene.at(f"{DOOR}/{name}", told) for name, told in _ALL)]
    odd = [scene.at("statestream/sun/sun/state", "above_horizon"), scene.at("statestream/camera/hall/state", "idle")]
    await scene.take(*said, *odd)
    version = await _home("registry_version")
    routes = scene.inbox._cache.peek(scene.home.key)
    assert routes is not None
    assert routes.streams.news([(one.topic[len("homes/") + 17 :], one.payload) for one in (*said, *odd)]) == {}
    await scene.take(*said, *odd)
    assert await _home("registry_version") == version
    assert await _home("refused") == {"camera": 1}
    assert len(await _told_of()) == 1


async def test_no_more_is_remembered_of_it_than_there_is_room_for() -> None:
    streams = rules.Streams()
    said = [(f"statestream/light/l{number}/state", b"on") for number in range(rules.MOST_TRIED)]
    streams.note_tried(streams.news(said))
    assert streams.news([("statestream/light/one_more/state", b"on")]) == {}


async def test_nothing_is_remembered_of_a_batch_that_failed(scene: Scene, monkeypatch: Any) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError("out of order")

    with monkeypatch.context() as broken:
        broken.setattr("community.home_inbox.service.followers.FOLLOWERS", (fail,))
        try:
            await scene.inbox.take([scene.at(f"{DOOR}/state", "on")])
        except RuntimeError:
            pass
        else:
            raise AssertionError("it was taken")
    assert await _told_of() == []
    assert len(await scene.take(scene.at(f"{DOOR}/state", "on"))) == 1


def _announced(scene: Scene) -> Any:
    config = (
        '{"unique_id": "d1", "state_topic": "zigbee2mqtt/door", "default_entity_id": "binary_sensor.front_door",'
        ' "device": {"identifiers": ["d1"], "name": "Door"}}'
    )
    return scene.at("homeassistant/binary_sensor/d1/config", config)


async def test_what_is_announced_as_well_is_there_once_whichever_came_first(scene: Scene) -> None:
    await scene.take(scene.at(f"{DOOR}/state", "off"))
    assert len(await _told_of()) == 1
    await scene.take(_announced(scene))
    assert await _told_of() == []
    assert await scene.take(scene.at(f"{DOOR}/state", "on")) == []
    assert await _told_of() == []
    (change,) = await scene.take(scene.at("zigbee2mqtt/door", "ON"))
    assert change.new == "on"


async def test_once_it_is_announced_no_more_it_is_told_of_again(scene: Scene) -> None:
    await scene.take(_announced(scene))
    await scene.take(scene.at(f"{DOOR}/state", "off"))
    assert await _told_of() == []
    await scene.take(scene.at("homeassistant/binary_sensor/d1/config", ""), scene.at(f"{DOOR}/state", "off"))
    assert [one.state for one in await _told_of()] == ["off"]

"""A pendant that a Home Assistant tells of over its own API: its first press counts as any other."""

from community.home_hubs import rules
from tests.community.home_hubs.conftest import Scene, until


async def test_a_pendant_of_which_nothing_was_known_calls_with_its_first_press(scene: Scene) -> None:
    # So they stand after each start of Home Assistant until they are pressed; a door's first word is no happening.
    scene.hub.has("event.pendant", "unknown", friendly_name="Panic button", event_types=["press"])
    scene.hub.has("binary_sensor.cord", "unknown", friendly_name="SOS cord")
    scene.hub.has("binary_sensor.gate", "unknown", friendly_name="Gate", device_class="door")
    await scene.connect()
    async with scene.followed():
        await scene.stands("Gate", None)
        await scene.hub.change("binary_sensor.gate", "on")
        assert not (await scene.stands("Gate", "on")).is_fresh
        await scene.hub.change("binary_sensor.cord", "on")
        assert (await scene.stands("SOS cord", "on")).is_fresh
        await scene.hub.change("event.pendant", "2026-11-28T10:00:01.000+00:00", event_type="press")
        assert (await scene.stands("Panic button", "press")).is_fresh


async def test_a_press_while_the_line_was_broken_is_heard_once_the_hub_is_back(scene: Scene) -> None:
    pendant = {"friendly_name": "Panic button", "event_types": ["press"], "event_type": "press"}
    scene.hub.has("event.pendant", "2026-11-28T10:00:01.000+00:00", **pendant)
    await scene.connect()
    async with scene.followed():
        assert not (await scene.stands("Panic button", "press")).is_fresh, "nobody knows how long ago"
    scene.hub.has("event.pendant", "2026-11-28T10:00:09.000+00:00", **pendant)
    scene.clock.advance(rules.LEASE)
    async with scene.followed():

        async def pressed() -> bool:
            return bool((await scene.state("Panic button")).is_fresh)

        await until(pressed)

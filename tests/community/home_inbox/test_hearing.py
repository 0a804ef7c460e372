"""From a hub, through a real broker, to how things stand; and what becomes of that when something is cut off."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiomqtt
import pytest_asyncio
import sqlalchemy as sa

from app.broker.api import Message
from app.core.database import reading
from community.home_inbox.service.taking import Inbox
from community.home_states.models import STATES
from tests.broker.scenes import Gateway, Keeper, hub, settings_for
from tests.community.home_inbox.conftest import Scene, readings_of
from tests.emulators.mosquitto import Mosquitto, mosquitto
from tests.factories import community_homes as homes

SECRET: Final = "the home's own secret"
_CONFIG: Final = {
    "unique_id": "s1",
    "device_class": "smoke",
    "state_topic": "zigbee2mqtt/s1",
    "device": {"identifiers": ["s1"], "name": "Smoke alarm"},
}


class Storing(Keeper):
    """Stores in the database, and then in memory; ``hangs`` once it has stored, so that nothing is acknowledged."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__()
        self.inbox = inbox
        self.hangs = False
        self.has_stored = asyncio.Event()

    def is_urgent(self, message: Message) -> bool:
        """Say what the inbox says."""
        return self.inbox.is_urgent(message)

    async def take(self, messages: Sequence[Message]) -> None:
        """Store ``messages``."""
        await self.inbox.take(messages)
        self.has_stored.set()
        if self.hangs:
            await asyncio.Event().wait()
        await super().take(messages)


@pytest_asyncio.fixture(loop_scope="session")
async def broker(tmp_path: Path, scene: Scene) -> AsyncIterator[Mosquitto]:
    """Run a broker that lets the home in."""
    with mosquitto(tmp_path) as running:
        await asyncio.to_thread(running.let_in, scene.home.key, SECRET)
        yield running


@asynccontextmanager
async def _gateway(broker: Mosquitto, keeper: Storing) -> AsyncIterator[Gateway]:
    running = Gateway(settings_for(broker, session_minutes=60), keeper, "gateway-0")
    running.begin()
    try:
        await running.connected()
        yield running
    finally:
        await running.crash()


async def _say(client: aiomqtt.Client, scene: Scene, local: str, payload: str, *, retain: bool = False) -> None:
    await client.publish(f"homes/{scene.home.key}/{local}", payload, 1, retain)


async def test_what_a_hub_says_stands_in_the_database_once_it_is_acknowledged(broker: Mosquitto, scene: Scene) -> None:
    keeper = Storing(scene.inbox)
    async with _gateway(broker, keeper), hub(broker, scene.home.key, SECRET) as client:
        await _say(client, scene, "homeassistant/binary_sensor/s1/config", json.dumps(_CONFIG), retain=True)
        await _say(client, scene, "zigbee2mqtt/s1", "OFF")
        await keeper.until(lambda: len(keeper.kept) == 2)
        scene.told.clear()
        await _say(client, scene, "zigbee2mqtt/s1", "ON")
        await keeper.until(lambda: len(keeper.kept) == 3)
    assert [(change.old, change.new, change.is_fresh) for change in scene.told] == [("off", "on", True)]


async def test_a_press_counts_once_though_the_gateway_died_before_it_said_that_it_was_stored(
    broker: Mosquitto, scene: Scene
) -> None:
    button = await homes.entity(
        scene.device, "event", role="sos_button", config={"state_topic": "b/event", "event_types": ["single"]}
    )
    dying = Storing(Inbox())
    dying.hangs = True
    scene.told.clear()
    async with hub(broker, scene.home.key, SECRET) as client:
        async with _gateway(broker, dying):
            await _say(client, scene, "b/event", '{"event_type": "single"}')
            async with asyncio.timeout(60):
                await dying.has_stored.wait()
        after = Storing(Inbox())
        async with _gateway(broker, after):
            await after.until(lambda: len(after.kept) == 1)
            assert after.kept[0].is_repeated
            await _say(client, scene, "b/event", '{"event_type": "single"}')
            await after.until(lambda: len(after.kept) == 2)
    assert len([change for change in scene.told if change.entity_id == button.id]) == 2
    assert len(await readings_of(button)) == 2


async def test_what_the_broker_kept_through_a_power_cut_is_how_things_stand(broker: Mosquitto, scene: Scene) -> None:
    async with hub(broker, scene.home.key, SECRET) as client:
        await _say(client, scene, "homeassistant/binary_sensor/s1/config", json.dumps(_CONFIG), retain=True)
        await _say(client, scene, "zigbee2mqtt/s1", "ON", retain=True)
    await asyncio.to_thread(broker.restart)
    keeper = Storing(scene.inbox)
    async with _gateway(broker, keeper):
        await keeper.until(lambda: len(keeper.kept) >= 2)
    async with reading() as connection:
        query = sa.select(STATES.c.state, STATES.c.is_fresh).where(STATES.c.state == "on")
        assert (await connection.execute(query)).all() == [("on", False)]
    assert not any(change.is_fresh for change in scene.told)

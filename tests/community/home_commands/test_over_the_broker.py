"""A door over a real Mosquitto: the hub hears it at once, good for seconds, and nobody hears it afterwards."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.database import Database, unit_of_work
from app.core.jobs import run_jobs
from app.core.settings import install_settings, settings
from community.home_commands import jobs
from community.home_inbox.service.taking import Inbox
from community.home_states.models import HomeState
from tests.community.home_commands.conftest import Scene, row_of
from tests.emulators.hub import SECRET, gateway, heard, hub
from tests.emulators.mosquitto import Mosquitto, mosquitto


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Run a Mosquitto."""
    with mosquitto(tmp_path) as running:
        yield running


async def is_heard(scene: Scene) -> bool:
    """Say whether the lock was heard of: what a thing says first is how it stands, and nothing that happened."""
    async with unit_of_work() as session:
        return await session.get(HomeState, scene.lock.id) is not None


async def test_a_door_is_opened_once_for_whoever_is_there_and_it_is_open_when_the_hub_says_so(
    scene: Scene, broker: Mosquitto
) -> None:
    key = scene.home.key
    broker.let_in(key, SECRET)
    async with hub(broker, key) as home, gateway(broker, Inbox()):
        await home.subscribe(f"homes/{key}/lock/set")
        await home.publish(f"homes/{key}/lock/state", "LOCKED", 1)
        async with asyncio.timeout(60):
            while not await is_heard(scene):
                pass  # asking lets the gateway work
        command = await scene.confirm(await scene.give(scene.lock, "unlock"))
        await jobs.send()
        (message,) = await heard(home, 1)
        assert (message.payload, message.retain, message.qos) == (b"UNLOCK", False, 0)
        assert 0 < vars(message.properties)["MessageExpiryInterval"] <= 30
        assert (await scene.seen(command))["state"] == "sent"
        await home.publish(f"homes/{key}/lock/state", "UNLOCKED", 1)
        async with asyncio.timeout(60):
            while (await scene.seen(command))["state"] != "confirmed":
                pass  # asking lets the gateway work
    async with hub(broker, key) as later:
        await later.subscribe(f"homes/{key}/#")
        await later.publish(f"homes/{key}/marker", "after all that was kept", 1)
        assert [str(one.topic) for one in await heard(later, 1)] == [f"homes/{key}/marker"]


async def test_without_a_broker_a_door_waits_for_its_time_and_not_longer(scene: Scene, database: Database) -> None:
    command = await scene.confirm(await scene.give(scene.lock, "unlock"))
    await jobs.send()  # this process has no connection
    row = await row_of(command)
    assert (row.state, row.sent_at) == ("queued", None)


async def test_what_cannot_be_forgotten_in_time_opens_no_door(scene: Scene, broker: Mosquitto) -> None:
    key = scene.home.key
    broker.let_in(key, SECRET)
    async with hub(broker, key) as home, gateway(broker, Inbox()):
        await home.subscribe(f"homes/{key}/lock/set")
        current = settings()
        old = current.mqtt.model_copy(update={"protocol": "3.1.1"})
        install_settings(current.model_copy(update={"mqtt": old}))
        try:
            opened = await scene.confirm(await scene.give(scene.lock, "unlock"))
            await jobs.send()
            locked = await scene.give(scene.lock, "lock")
            await jobs.send()
        finally:
            install_settings(current)
        (message,) = await heard(home, 1)
        assert message.payload == b"LOCK"  # what makes a home safer may come whenever it comes
        assert [(await scene.seen(one))["state"] for one in (opened, locked)] == ["failed", "sent"]


async def test_a_gateway_is_woken_by_what_is_given(scene: Scene, broker: Mosquitto) -> None:
    key = scene.home.key
    broker.let_in(key, SECRET)
    stop = asyncio.Event()
    async with hub(broker, key) as home, gateway(broker, Inbox()):
        await home.subscribe(f"homes/{key}/lamp/set")
        running = asyncio.create_task(run_jobs(jobs.GATEWAY_JOBS, stop))
        await scene.give(scene.lamp, "turn_on")
        (message,) = await heard(home, 1)
        assert message.payload == b"ON"
        stop.set()
        await running

"""Gateways beside each other: one hears and the others stand by, and what they run can speak to homes."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from app import gateway
from app.broker import api
from app.core.database import Database
from app.core.jobs import Job
from app.core.settings import Settings, install_settings
from tests.broker.scenes import HOME, Keeper, hub, say, settings_for
from tests.emulators.mosquitto import Mosquitto


@pytest.fixture
def at_broker(broker: Mosquitto) -> Iterator[Mosquitto]:
    """Make ``broker`` the one of the process's settings."""
    install_settings(Settings(environment="test", mqtt=settings_for(broker)))
    yield broker
    install_settings(None)


async def test_one_hears_and_another_takes_over_with_all_that_came_meanwhile(
    at_broker: Mosquitto, database: Database
) -> None:
    one, two = Keeper(), Keeper()
    end_one, end_two = asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(gateway.attend(one, (), end_one))
    async with hub(at_broker) as home:
        while not one.kept:
            await say(home, "zigbee2mqtt/meter", "0", 0)
            await asyncio.sleep(0.1)
        second = asyncio.create_task(gateway.attend(two, (), end_two))
        await say(home, "zigbee2mqtt/meter", "1")
        await one.until(lambda: b"1" in one.payloads())
        assert two.kept == []
        end_one.set()
        await first
        await say(home, "zigbee2mqtt/meter", "2")
        await two.until(lambda: bool(two.kept))
        end_two.set()
        await second
    assert two.payloads() == [b"2"]


async def test_a_job_of_the_gateway_speaks_to_homes(at_broker: Mosquitto, database: Database) -> None:
    stop, said = asyncio.Event(), 0

    async def speak() -> int:
        nonlocal said
        try:
            await api.publisher().publish(f"homes/{HOME}/lamp/set", b"on")
        except api.NotConnected:
            return 0
        said += 1
        return 0

    jobs = (Job("speak", timedelta(minutes=1), speak, wake_on=(gateway.CONNECTED,)),)
    async with hub(at_broker) as home:
        await home.subscribe(f"homes/{HOME}/lamp/set")
        attending = asyncio.create_task(gateway.attend(Keeper(), jobs, stop))
        async with asyncio.timeout(60):
            assert (await anext(aiter(home.messages))).payload == b"on"
    stop.set()
    await attending
    assert said == 1
    with pytest.raises(api.NotConnected):
        await api.publisher().publish(f"homes/{HOME}/lamp/set", b"on")

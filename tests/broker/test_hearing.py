"""Hearing homes: nothing is acknowledged before it is stored, and what is stored is not stored twice."""

import asyncio
from collections.abc import Sequence
from functools import partial

import aiomqtt
import pytest

from app.broker.messages import Message
from tests.broker.scenes import HOME, Gateway, Keeper, gateway, hub, say, settings_for
from tests.emulators.mosquitto import Mosquitto
from tests.faults.processes import eventually


async def test_what_a_home_says_is_stored_in_order(broker: Mosquitto) -> None:
    async with gateway(broker) as ours, hub(broker) as home:
        for number in range(50):
            await say(home, f"zigbee2mqtt/thing{number % 3}", str(number), number % 2)
        await ours.keeper.until(lambda: len(ours.keeper.kept) == 50)
    assert ours.keeper.payloads() == [str(number).encode() for number in range(50)]
    first = ours.keeper.kept[0]
    assert (first.topic, first.qos) == (f"homes/{HOME}/zigbee2mqtt/thing0", 0)
    assert not any(message.is_retained or message.is_repeated for message in ours.keeper.kept)


async def test_a_crash_between_hearing_and_storing_loses_nothing(broker: Mosquitto) -> None:
    keeper = Keeper()
    keeper.gate.clear()
    async with gateway(broker, keeper) as first, hub(broker) as home:
        await say(home, "zigbee2mqtt/door", "open")
        await keeper.is_taking.wait()
        await first.crash()
    assert keeper.kept == []
    async with gateway(broker) as again:
        await again.keeper.until(lambda: bool(again.keeper.kept))
    assert again.keeper.payloads() == [b"open"]
    assert again.keeper.kept[0].is_repeated


async def test_what_was_said_while_the_gateway_was_away_is_heard_when_it_is_back(broker: Mosquitto) -> None:
    async with gateway(broker) as ours:
        await ours.leave()
    async with hub(broker) as home:
        await say(home, "zigbee2mqtt/door", "open")
    async with gateway(broker) as back:
        await back.keeper.until(lambda: bool(back.keeper.kept))
    assert back.keeper.payloads() == [b"open"]


class Storm:
    """A hub that says numbers until it is told to stop; what the broker has not confirmed it says again."""

    def __init__(self, broker: Mosquitto) -> None:
        self.confirmed = 0
        self._broker = broker
        self._is_ending = False
        self._task = asyncio.create_task(self._go_on())

    async def end(self) -> int:
        """Return how many numbers the broker has confirmed."""
        self._is_ending = True
        await self._task
        return self.confirmed

    async def _go_on(self) -> None:
        while not self._is_ending:
            try:
                async with hub(self._broker) as home:
                    while not self._is_ending:
                        await say(home, "zigbee2mqtt/meter", f"{self.confirmed}")
                        self.confirmed += 1
            except aiomqtt.MqttError:
                await asyncio.sleep(0.05)


def fresh(keeper: Keeper) -> list[Message]:
    """Leave out what is told to have been sent before, if it is there: what whoever stores has to do."""
    seen: set[tuple[str, bytes]] = set()
    kept = []
    for message in keeper.kept:
        said = (message.topic, message.payload)
        if not (message.is_repeated and said in seen):
            kept.append(message)
        seen.add(said)
    return kept


def has_kept(keeper: Keeper, count: int) -> bool:
    return len(keeper.kept) >= count


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_a_broker_that_restarts_in_a_storm_loses_and_doubles_nothing(broker: Mosquitto, protocol: str) -> None:
    # Alone, as is the default: Mosquitto 2.0 forgets over a restart who shared what, until they are back.
    async with gateway(broker, batch=100, protocol=protocol) as ours:
        storm = Storm(broker)
        for enough in (500, 1000, 1500):
            await ours.keeper.until(partial(has_kept, ours.keeper, enough))
            await asyncio.to_thread(broker.restart)
        await ours.keeper.until(partial(has_kept, ours.keeper, 2000))
        confirmed = await storm.end()
        await ours.keeper.until(lambda: len(set(ours.keeper.payloads())) >= confirmed)
        # Said again because the broker went before confirming it: the hub's doing, and no repetition to the broker.
        stored = [int(message.payload) for message in fresh(ours.keeper)]
    assert set(range(confirmed)) <= set(stored)
    assert len(stored) - len(set(stored)) <= 3


async def test_a_broker_that_is_killed_in_a_storm_is_found_again(broker: Mosquitto) -> None:
    async with gateway(broker, batch=100) as ours:
        storm = Storm(broker)
        await ours.keeper.until(lambda: len(ours.keeper.kept) >= 500)
        await asyncio.to_thread(broker.kill)
        await asyncio.to_thread(broker.start)
        await ours.connected(2)
        last = len(ours.keeper.kept)
        await ours.keeper.until(lambda: len(ours.keeper.kept) >= last + 100)
        await storm.end()


async def test_a_batch_that_cannot_be_stored_is_tried_again_while_the_database_is_away(broker: Mosquitto) -> None:
    keeper, tries = Keeper(), 0

    def refuse(_: Sequence[Message]) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise ConnectionRefusedError

    keeper.fails = refuse
    async with gateway(broker, keeper) as ours, hub(broker) as home:
        await say(home, "zigbee2mqtt/door", "open")
        await keeper.until(lambda: bool(keeper.kept))
        await ours.leave()
    assert tries == 3
    async with gateway(broker) as again:
        await again.leave()
    assert again.keeper.kept == []  # it was acknowledged


async def test_one_message_that_cannot_be_stored_stands_in_no_other_s_way(broker: Mosquitto) -> None:
    keeper = Keeper()
    keeper.gate.clear()

    def refuse(messages: Sequence[Message]) -> None:
        if any(message.payload == b"poison" for message in messages):
            raise ValueError("poison")

    keeper.fails = refuse
    async with gateway(broker, keeper) as ours, hub(broker) as home:
        for payload in ("1", "2", "poison", "3"):
            await say(home, "zigbee2mqtt/meter", payload)
        keeper.gate.set()
        await keeper.until(lambda: len(keeper.kept) == 3)
        await ours.leave()
    assert (keeper.payloads(), keeper.alone) == ([b"1", b"2", b"3"], [b"poison"])
    async with gateway(broker) as again:
        await again.leave()
    assert again.keeper.kept == []


async def test_a_gateway_that_is_stopped_stores_what_it_has_heard(broker: Mosquitto) -> None:
    keeper = Keeper()
    keeper.gate.clear()
    async with gateway(broker, keeper) as ours, hub(broker) as home:
        await say(home, "zigbee2mqtt/door", "open")
        await say(home, "zigbee2mqtt/door", "closed")
        await keeper.is_taking.wait()
        leaving = asyncio.create_task(ours.leave())
        keeper.gate.set()
        await leaving
    assert keeper.payloads() == [b"open", b"closed"]


async def test_two_gateways_share_the_load_and_one_goes_on_alone(broker: Mosquitto) -> None:
    one, two = Keeper(), Keeper()

    async def all_is_kept() -> bool:
        return len(one.kept) + len(two.kept) >= 60

    async with (
        gateway(broker, one, "gateway-0", shared_group="city"),
        gateway(broker, two, "gateway-1", shared_group="city") as second,
        hub(broker) as home,
    ):
        for number in range(40):
            await say(home, "zigbee2mqtt/meter", str(number))
        await one.until(lambda: len(one.kept) == 20)
        await two.until(lambda: len(two.kept) == 20)
        await second.crash()
        for number in range(40, 60):
            await say(home, "zigbee2mqtt/meter", str(number))
        back = Gateway(settings_for(broker, shared_group="city"), two, "gateway-1")
        back.begin()
        await eventually(all_is_kept, "all is kept by one of them")  # whichever of them keeps the last
        await back.leave()
    # The second one died before it could say what it had stored.
    assert sorted(int(message.payload) for message in fresh(one) + fresh(two)) == list(range(60))


@pytest.mark.parametrize("group", ["", "city"])
async def test_what_the_broker_kept_from_before_is_heard_once_by_a_new_gateway(broker: Mosquitto, group: str) -> None:
    async with hub(broker) as home:
        await say(home, "homeassistant/sensor/door/config", "{}", retain=True)
    async with gateway(broker, shared_group=group) as ours, hub(broker) as home:
        await say(home, "zigbee2mqtt/door", "open")
        await ours.keeper.until(lambda: len(ours.keeper.kept) == 2)
        await ours.leave()
    assert [(message.payload, message.is_retained) for message in ours.keeper.kept] == [(b"{}", True), (b"open", False)]
    async with gateway(broker, shared_group=group) as again, hub(broker) as home:
        await say(home, "zigbee2mqtt/door", "closed")
        await again.keeper.until(lambda: bool(again.keeper.kept))
    assert again.keeper.payloads() == [b"closed"]


async def test_a_message_of_one_mebibyte_is_heard_and_a_longer_one_is_not(broker: Mosquitto) -> None:
    async with gateway(broker) as ours, hub(broker) as home:
        await say(home, "frigate/snapshot", b"x" * 1_200_000)
        await say(home, "frigate/snapshot", b"x" * 1_048_576)
        await say(home, "frigate/snapshot", b"end")
        await ours.keeper.until(lambda: b"end" in ours.keeper.payloads())
    assert [len(payload) for payload in ours.keeper.payloads()] == [1_048_576, 3]

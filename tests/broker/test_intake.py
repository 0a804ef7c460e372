"""More than can be stored: what may be left out is, what may not is waited for, and what was urgent goes first out."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.broker import telemetry
from app.broker.frames import Frames, Published, acknowledgements, published
from app.broker.intake import Intake
from app.broker.messages import Message, Unanswered
from app.broker.rules import home_of, shape, subscription, tells_a_state
from app.broker.wire import Wire
from app.core.clock import now
from app.core.mqtt_settings import MqttSettings
from tests.broker.scenes import HOME, Keeper, gateway, hub, say
from tests.emulators.mosquitto import Mosquitto


def message(rest: str, payload: bytes, qos: int = 0, *, is_retained: bool = False) -> Message:
    return Message(f"homes/{HOME}/{rest}", payload, qos, is_retained, False, now())


def frame(topic: str, payload: bytes, qos: int = 0, packet_id: int = 1) -> bytes:
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + (packet_id.to_bytes(2, "big") if qos else b"") + b"\x00" + payload
    length, size = bytearray(), len(body)
    while True:
        size, low = size >> 7, size & 127
        length.append(low | (128 if size else 0))
        if not size:
            return bytes([0x30 | qos << 1]) + bytes(length) + body


@given(
    said=st.lists(st.tuples(st.text(min_size=1, max_size=40), st.binary(max_size=300), st.integers(0, 1)), max_size=12),
    cuts=st.lists(st.integers(1, 200), max_size=30),
)
def test_a_stream_is_taken_apart_wherever_it_is_cut(said: list[tuple[str, bytes, int]], cuts: list[int]) -> None:
    said = [(topic, payload, qos) for topic, payload, qos in said if topic.isprintable()]
    stream = b"".join(frame(topic, payload, qos) for topic, payload, qos in said)
    frames, found, at = Frames(), [], 0
    for size in [*cuts, len(stream) or 1]:
        for first, _, body in frames.cut(stream[at : at + size]):
            found.append(published(first, body, has_properties=True))
        at += size
    assert [(one.topic, one.payload, one.qos) for one in found] == said
    assert all(one.packet_id == one.qos for one in found)


def test_what_tells_of_a_moment_is_never_overtaken() -> None:
    assert tells_a_state(message("zigbee2mqtt/door", b"{}"))
    for moment in (
        message("zigbee2mqtt/door", b"{}", 1),
        message("zigbee2mqtt/door", b"{}", is_retained=True),
        message("homeassistant/sensor/door/config", b"{}"),
        message("event/bell", b"{}"),
        message("zigbee2mqtt/button/action", b"single"),
    ):
        assert not tells_a_state(moment)
    assert shape(message("zigbee2mqtt/button", b'{"battery":90,"action":"single"}')) is None
    assert shape(message("tasmota/RESULT", b'{"POWER1":"ON"}')) != shape(message("tasmota/RESULT", b'{"POWER2":"ON"}'))
    assert shape(message("zigbee2mqtt/x", b'{"broken')) is None
    assert shape(message("zigbee2mqtt/door/state", b"ON")) == ()


def test_nobody_else_can_know_what_the_gateways_share() -> None:
    ours = subscription("homes/#", "city", b"k" * 32)
    assert ours.startswith("$share/city-")
    assert ours.endswith("/homes/#")
    assert ours != subscription("homes/#", "city", b"j" * 32)
    assert subscription("homes/#", "", b"k" * 32) == "homes/#"


class NoWire:
    """Stands for a connection that is not there: what is asked of it is noted."""

    def __init__(self) -> None:
        self.is_open = True
        self.is_paused = False
        self.acknowledged: list[int] = []

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        self.acknowledged += packet_ids

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False


def say_to(intake: Intake, wire: NoWire, said: Sequence[tuple[str, bytes, int]], *, again: bool = False) -> None:
    heard = [
        Published(f"homes/{HOME}/{rest}", payload, int(bool(packet_id)), False, again, packet_id, 0)
        for rest, payload, packet_id in said
    ]
    intake.hear("gateway-0", cast("Wire", wire), heard)


async def drained(intake: Intake) -> None:
    intake.stop()
    async with asyncio.timeout(60):
        await intake.run()


async def test_when_too_much_is_waiting_the_last_state_wins_and_moments_stay() -> None:
    keeper, wire = Keeper(), NoWire()
    intake = Intake(keeper, MqttSettings(queue=100))
    intake.greet("gateway-0", cast("Wire", wire), is_kept=False)
    before = telemetry.OVERTAKEN._value.get()
    say_to(intake, wire, [("zigbee2mqtt/meter", b'{"power":%d}' % number, 0) for number in range(60)])
    say_to(intake, wire, [("zigbee2mqtt/button", b'{"action":"single"}', 0)] * 20)
    say_to(intake, wire, [("zigbee2mqtt/smoke", b"ON", 0)] * 3)
    say_to(intake, wire, [("zigbee2mqtt/door", b"open", number) for number in range(1, 21)])
    assert not wire.is_paused
    await drained(intake)
    kept = keeper.payloads()
    assert kept[:4] == [b"ON"] * 3 + [b'{"power":59}']
    assert (kept.count(b'{"action":"single"}'), kept.count(b"ON"), kept.count(b"open")) == (20, 3, 20)
    assert telemetry.OVERTAKEN._value.get() - before == 59
    assert wire.acknowledged == list(range(1, 21))


async def test_what_nobody_knows_to_be_needless_or_is_described_only_now_is_not_left_out() -> None:
    keeper, wire = Keeper(), NoWire()
    keeper.unread = "pendant"
    intake = Intake(keeper, MqttSettings(queue=20))
    intake.greet("gateway-0", cast("Wire", wire), is_kept=False)
    say_to(intake, wire, [("zigbee2mqtt/pendant", b"ON", 0), ("zigbee2mqtt/pendant", b"OFF", 0)])
    say_to(intake, wire, [("homeassistant/sensor/a/config", b"{}", 0)])
    say_to(intake, wire, [("zigbee2mqtt/meter", b'{"power":%d}' % number, 0) for number in range(30)])
    await drained(intake)
    kept = keeper.payloads()
    assert (kept.count(b"ON"), kept.count(b"OFF"), len(kept)) == (1, 1, 33)


async def test_when_nothing_may_be_left_out_the_broker_waits() -> None:
    keeper, wire = Keeper(), NoWire()
    intake = Intake(keeper, MqttSettings(queue=50))
    intake.greet("gateway-0", cast("Wire", wire), is_kept=False)
    say_to(intake, wire, [("zigbee2mqtt/door", b"open", number) for number in range(1, 81)])
    assert wire.is_paused
    await drained(intake)
    assert len(keeper.kept) == 80
    assert not wire.is_paused


async def test_however_long_messages_are_no_more_is_held_than_there_is_memory_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.broker.intake.MOST_HELD", 10_000)
    monkeypatch.setattr("app.broker.intake.MOST_IN_BATCH", 2_000)
    keeper, wire = Keeper(), NoWire()
    intake = Intake(keeper, MqttSettings())
    intake.greet("gateway-0", cast("Wire", wire), is_kept=False)
    say_to(intake, wire, [("zigbee2mqtt/door", b"x" * 1_000, number) for number in range(1, 9)])
    was_paused = wire.is_paused
    say_to(intake, wire, [("zigbee2mqtt/door", b"x" * 1_000, number) for number in range(9, 13)])
    assert (was_paused, wire.is_paused) == (False, True)
    await drained(intake)
    assert keeper.batches == [2] * 6
    assert not wire.is_paused


async def test_who_is_asked_to_stop_while_the_database_is_away_stops_and_acknowledges_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.broker.intake.LAST_TRIES", 0.0, raising=False)
    keeper, wire = Keeper(), NoWire()

    def fail(_: object) -> None:
        raise ConnectionRefusedError

    keeper.fails = fail
    intake = Intake(keeper, MqttSettings(batch=2))
    intake.greet("gateway-0", cast("Wire", wire), is_kept=False)
    say_to(intake, wire, [("zigbee2mqtt/door", b"open", number) for number in range(1, 6)])
    intake.stop()
    async with asyncio.timeout(5):
        await intake.run()
    assert (keeper.kept, wire.acknowledged) == ([], [])


async def test_what_was_stored_while_the_connection_ended_is_not_stored_again() -> None:
    keeper, wire, other = Keeper(), NoWire(), NoWire()
    intake = Intake(keeper, MqttSettings())
    intake.greet("gateway-0", cast("Wire", wire), is_kept=False)
    keeper.gate.clear()
    running = asyncio.create_task(intake.run())
    say_to(intake, wire, [("zigbee2mqtt/door", b"open", 1)])
    await keeper.is_taking.wait()
    say_to(intake, wire, [("zigbee2mqtt/door", b"closed", 2)])  # waits, and will come again
    wire.is_open = False
    intake.greet("gateway-0", cast("Wire", other), is_kept=True)
    say_to(intake, other, [("zigbee2mqtt/door", b"open", 1), ("zigbee2mqtt/door", b"closed", 2)], again=True)
    keeper.gate.set()
    intake.stop()
    await running
    assert keeper.payloads() == [b"open", b"closed"]
    assert (wire.acknowledged, other.acknowledged) == ([], [1, 2])


async def test_what_a_broker_that_forgot_us_cannot_send_again_is_kept() -> None:
    keeper, wire, other = Keeper(), NoWire(), NoWire()
    intake = Intake(keeper, MqttSettings())
    intake.greet("gateway-0", cast("Wire", wire), is_kept=False)
    say_to(intake, wire, [("zigbee2mqtt/door", b"open", 7)])
    wire.is_open = False
    intake.greet("gateway-0", cast("Wire", other), is_kept=False)
    say_to(intake, other, [("zigbee2mqtt/door", b"closed", 7)])
    await drained(intake)
    assert keeper.payloads() == [b"open", b"closed"]
    assert other.acknowledged == [7]


async def test_an_alarm_waits_for_nobody(broker: Mosquitto) -> None:
    keeper = Keeper()
    async with gateway(broker, keeper, batch_milliseconds=5000) as ours, hub(broker) as home:
        for number in range(3):
            await say(home, "zigbee2mqtt/meter", str(number), 0)
        await say(home, "zigbee2mqtt/smoke", "ON", 0)
        await ours.keeper.until(lambda: b"ON" in keeper.payloads())
    assert keeper.payloads() == [b"ON"]


def test_an_acknowledgement_names_its_message() -> None:
    assert acknowledgements([1, 65535]) == b"\x40\x02\x00\x01\x40\x02\xff\xff"


class Beside(Keeper):
    """Holds up what is no alarm while ``gate`` is shut, and every alarm of the homes in ``stuck`` while it is."""

    def __init__(self) -> None:
        super().__init__()
        self.knows_smoke = True
        self.stuck: set[str] = set()
        self.mended = asyncio.Event()

    def is_urgent(self, message: Message) -> bool:
        """Say whether it is smoke, if smoke is known yet."""
        return self.knows_smoke and super().is_urgent(message)

    async def take(self, messages: Sequence[Message]) -> None:
        """Keep ``messages`` once nothing holds them up."""
        if any(home_of(message.topic).removeprefix("homes/") in self.stuck for message in messages):
            await self.mended.wait()
        if not all(message.topic.endswith("/smoke") for message in messages):
            await super().take(messages)
            return
        self.kept += messages
        self._changed.set()


@asynccontextmanager
async def held_up(
    *said: tuple[str, bytes, int], knows_smoke: bool = True
) -> AsyncIterator[tuple[Beside, Intake, NoWire]]:
    """Run an intake whose first batch, of ``said``, is being stored and does not get on."""
    keeper, wire = Beside(), NoWire()
    keeper.knows_smoke = knows_smoke
    keeper.gate.clear()
    intake = Intake(keeper, MqttSettings(batch_milliseconds=1))
    intake.greet("gateway-0", cast("Wire", wire), is_kept=True)
    running = asyncio.create_task(intake.run())
    say_to(intake, wire, said)
    await keeper.is_taking.wait()
    keeper.knows_smoke = True
    try:
        yield keeper, intake, wire
    finally:
        keeper.gate.set()
        keeper.mended.set()
        intake.stop()
        async with asyncio.timeout(60):
            await running


async def test_an_alarm_is_stored_beside_a_batch_that_is_held_up() -> None:
    async with held_up(("zigbee2mqtt/door", b"open", 1)) as (keeper, intake, wire):
        say_to(intake, wire, [("zigbee2mqtt/door", b"closed", 2), ("zigbee2mqtt/smoke", b"ON", 3)])
        await keeper.until(lambda: keeper.payloads() == [b"ON"])
        assert wire.acknowledged == []  # the broker is told in the order it sent
    assert keeper.payloads() == [b"ON", b"open", b"closed"]
    assert wire.acknowledged == [1, 2, 3]


async def test_what_is_said_at_one_topic_is_stored_in_its_order_though_it_became_urgent_meanwhile() -> None:
    async with held_up(("zigbee2mqtt/smoke", b"OFF", 1), ("zigbee2mqtt/door", b"open", 2), knows_smoke=False) as (
        keeper,
        intake,
        wire,
    ):
        say_to(intake, wire, [("zigbee2mqtt/smoke", b"ON", 3), ("zigbee2mqtt/x/smoke", b"ON too", 4)])
        await keeper.until(lambda: keeper.payloads() == [b"ON too"])
    assert keeper.payloads() == [b"ON too", b"OFF", b"open", b"ON"]


async def test_an_alarm_is_understood_by_what_its_home_described_before_it() -> None:
    config = "homeassistant/binary_sensor/smoke/config"
    async with held_up((config, b"{}", 1)) as (keeper, intake, wire):
        say_to(intake, wire, [("zigbee2mqtt/smoke", b"ON", 2)])
        other = Published("homes/eeeeffffgggghhhh/zigbee2mqtt/smoke", b"another's", 0, False, False, 0, 0)
        intake.hear("gateway-0", cast("Wire", wire), [other])
        await keeper.until(lambda: keeper.payloads() == [b"another's"])
    assert keeper.payloads() == [b"another's", b"{}", b"ON"]


async def test_a_home_whose_alarm_cannot_be_stored_holds_up_no_other_home_s() -> None:
    async with held_up(("zigbee2mqtt/door", b"open", 1)) as (keeper, intake, wire):
        keeper.stuck.add(HOME)
        say_to(intake, wire, [("zigbee2mqtt/smoke", b"ON", 2)])
        other = Published("homes/eeeeffffgggghhhh/zigbee2mqtt/smoke", b"another's", 0, False, False, 0, 0)
        await asyncio.sleep(0)
        intake.hear("gateway-0", cast("Wire", wire), [other])
        say_to(intake, wire, [("zigbee2mqtt/smoke", b"OFF", 3)])
        await keeper.until(lambda: keeper.payloads() == [b"another's"])
    smoke = [one.payload for one in keeper.kept if one.topic == f"homes/{HOME}/zigbee2mqtt/smoke"]
    assert smoke == [b"ON", b"OFF"]
    assert wire.acknowledged == [1, 2, 3]


async def test_what_was_stored_beside_a_batch_and_comes_again_is_acknowledged_and_not_stored_again() -> None:
    said = [("zigbee2mqtt/door", b"open", 1), ("zigbee2mqtt/smoke", b"ON", 2)]
    other = NoWire()
    async with held_up(said[0]) as (keeper, intake, wire):
        say_to(intake, wire, said[1:])
        await keeper.until(lambda: keeper.payloads() == [b"ON"])
        wire.is_open = False
        intake.greet("gateway-0", cast("Wire", other), is_kept=True)
        say_to(intake, other, said, again=True)
    assert keeper.payloads() == [b"ON", b"open"]
    assert (wire.acknowledged, other.acknowledged) == ([], [1, 2])


@pytest.mark.parametrize("is_stored", [True, False])
async def test_what_may_be_stored_is_asked_about_before_it_is_stored_once_more(is_stored: bool) -> None:
    keeper, wire, asked = Keeper(), NoWire(), 0

    async def was_stored() -> bool:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise ConnectionRefusedError
        return is_stored

    def lose(_: object) -> None:
        if not asked:
            raise Unanswered(was_stored)

    keeper.fails = lose
    intake = Intake(keeper, MqttSettings())
    intake.greet("gateway-0", cast("Wire", wire), is_kept=True)
    say_to(intake, wire, [("zigbee2mqtt/door", b"open", 1)])
    await drained(intake)
    assert (asked, keeper.payloads()) == (2, [] if is_stored else [b"open"])
    assert wire.acknowledged == [1]


async def test_who_stores_is_told_that_the_broker_forgot_the_session() -> None:
    keeper, wire = Keeper(), NoWire()
    intake = Intake(keeper, MqttSettings())
    intake.greet("gateway-0", cast("Wire", wire), is_kept=True)
    assert keeper.begun == []
    intake.greet("gateway-0", cast("Wire", wire), is_kept=False)
    assert keeper.begun == ["gateway-0"]

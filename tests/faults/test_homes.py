"""Homes and what goes wrong around them: brokers that go away, power cuts, hubs that say anything."""

import asyncio
import json
import math
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aiomqtt
import pytest
import pytest_asyncio
import sqlalchemy as sa

from app.broker.api import Message
from app.core.clock import ManualClock
from app.core.database import Database, reading
from app.core.event_tables import EventRecord
from app.core.tables import table_of
from app.identity.models import Community
from community.home_care.models import INCIDENTS
from community.home_devices.models import DEVICES, ENTITIES, HomeEntity
from community.home_inbox.service.taking import Inbox
from community.home_states.models import READINGS, STATES
from community.homes.models import HOMES, Home
from tests.broker.scenes import Gateway, Keeper, hub, settings_for
from tests.emulators.mosquitto import Mosquitto, mosquitto
from tests.factories import community_homes as homes
from tests.factories import identity

SECRET: Final = "a home's own secret"
BATCH: Final = 100
PRESSES: Final = 4_000
"""More than are pressed: each says another word, so that each is found again."""
RESTARTS: Final = 6
DEATHS: Final = (0, 1, 0, 1)
"""Of gateways, and how many batches each acknowledges before; there are more presses than these can hold."""
ALIKE: Final = 6 * BATCH
QUARTER, EACH = 12, 5
PAUSE: Final = timedelta(minutes=1)
FLOOD: Final = 150


class Storing(Keeper):
    """Stores in the database, and remembers what is stored; after ``hangs_after`` batches it never says so again."""

    def __init__(self) -> None:
        super().__init__()
        self._inbox = Inbox()
        self.hangs_after: float = math.inf
        self.is_hanging = asyncio.Event()

    def begin_anew(self, session: str) -> None:
        """Say what the broker forgot."""
        self._inbox.begin_anew(session)

    def is_urgent(self, message: Message) -> bool:
        """Say what the inbox says."""
        return self._inbox.is_urgent(message)

    async def take(self, messages: Sequence[Message]) -> None:
        """Store ``messages``."""
        await self._inbox.take(messages)
        self.hangs_after -= 1
        if self.hangs_after < 0:
            self.is_hanging.set()
            await asyncio.Event().wait()
        await super().take(messages)


class Presses:
    """A hub whose button is pressed until it is told to stop; what the broker has not confirmed it says again."""

    def __init__(self, broker: Mosquitto, button: HomeEntity, key: str) -> None:
        self.confirmed = 0
        self.again: Counter[str] = Counter()
        self._broker, self._key = broker, key
        self._topic = f"homes/{key}/{button.config['state_topic']}"
        self._is_ending = False
        self._task = asyncio.create_task(self._go_on())

    async def end(self) -> set[str]:
        """Return what the broker has confirmed."""
        self._is_ending = True
        await self._task
        return {f"e{number}" for number in range(self.confirmed)}

    @property
    def _is_over(self) -> bool:
        """It stops by itself after as many as the button knows how to be pressed."""
        return self._is_ending or self.confirmed >= PRESSES

    async def _go_on(self) -> None:
        while not self._is_over:
            try:
                async with hub(self._broker, self._key, SECRET) as line:
                    while not self._is_over:
                        word = f"e{self.confirmed}"
                        self.again[word] += 1
                        await line.publish(self._topic, json.dumps({"event_type": word}), 1)
                        self.confirmed += 1
            except aiomqtt.MqttError:
                await asyncio.sleep(0.05)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Run a broker."""
    with mosquitto(tmp_path) as running:
        yield running


@asynccontextmanager
async def _gateway(broker: Mosquitto, keeper: Storing) -> AsyncIterator[Gateway]:
    running = Gateway(settings_for(broker, batch=BATCH, session_minutes=60), keeper, "gateway-0")
    running.begin()
    try:
        await running.connected()
        yield running
    finally:
        await running.crash()


async def _button(broker: Mosquitto) -> tuple[Home, HomeEntity]:
    """Return a home with a button that knows many words, let in at the broker."""
    place = await identity.community()
    home = await homes.home(await identity.resident(place))
    await asyncio.to_thread(broker.let_in, home.key, SECRET)
    config = {"state_topic": "b/event", "event_types": [f"e{number}" for number in range(PRESSES)]}
    return home, await homes.entity(await homes.device(home), "event", role="sos_button", config=config)


async def _stored() -> Counter[str]:
    async with reading() as connection:
        return Counter((await connection.scalars(sa.select(READINGS.c.state))).all())


async def _count(table: sa.Table) -> int:
    async with reading() as connection:
        return int(await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


def _doubled(stored: Counter[str], pressing: Presses) -> dict[str, int]:
    """Return what is stored more often than its hub said it."""
    return {word: times for word, times in stored.items() if times > pressing.again[word]}


@pytest.mark.usefixtures("database", "clock")
async def test_a_broker_that_restarts_in_a_storm_loses_no_press_and_doubles_none(broker: Mosquitto) -> None:
    home, button = await _button(broker)
    keeper = Storing()
    async with _gateway(broker, keeper):
        pressing = Presses(broker, button, home.key)
        for enough in range(200, 200 * RESTARTS + 1, 200):
            await keeper.until(lambda enough=enough: len(keeper.kept) >= enough)  # type: ignore[misc]
            await asyncio.to_thread(broker.restart)
        await keeper.until(lambda: len(keeper.kept) >= 200 * (RESTARTS + 1))
        said = await pressing.end()
        await keeper.until(lambda: len(set(keeper.payloads())) >= len(said))
    stored = await _stored()
    assert said <= stored.keys()
    assert _doubled(stored, pressing) == {}


@pytest.mark.usefixtures("database", "clock")
async def test_gateways_that_die_in_a_storm_lose_no_press_and_double_none_though_all_say_the_same(
    broker: Mosquitto,
) -> None:
    home, button = await _button(broker)
    topic = f"homes/{home.key}/{button.config['state_topic']}"
    async with _gateway(broker, Storing()):
        pass  # from here on the broker keeps what is said
    async with hub(broker, home.key, SECRET) as line:
        storming = asyncio.create_task(_press_alike(line, topic))
        for batches in DEATHS:
            dying = Storing()
            dying.hangs_after = batches
            async with _gateway(broker, dying):
                async with asyncio.timeout(60):
                    await dying.is_hanging.wait()
        await storming
    last = Storing()
    async with _gateway(broker, last):
        async with hub(broker, home.key, SECRET) as line:
            await line.publish(topic, json.dumps({"event_type": "e1"}), 1)
        await last.until(lambda: b'{"event_type": "e1"}' in last.payloads())
    assert await _stored() == {"e0": ALIKE, "e1": 1}


async def _press_alike(line: aiomqtt.Client, topic: str) -> None:
    for _ in range(ALIKE):
        await line.publish(topic, json.dumps({"event_type": "e0"}), 1)


def _config(name: str, **more: Any) -> str:
    return json.dumps(
        {
            "unique_id": name,
            "device_class": "smoke",
            "state_topic": f"zigbee2mqtt/{name}",
            "value_template": "{{ value_json.smoke }}",
            "payload_on": True,
            "payload_off": False,
            "device": {"identifiers": [f"id_{name}"], "name": name},
        }
        | more
    )


@pytest_asyncio.fixture(loop_scope="session")
async def quarter(database: Database, clock: ManualClock, broker: Mosquitto) -> list[Home]:
    """Return homes that are let in at the broker."""
    place: Community = await identity.community()
    found = [await homes.home(await identity.resident(place, name=f"R{number}")) for number in range(QUARTER)]
    for home in found[:-1]:
        broker._secrets[home.key] = SECRET  # told of with the last: it reads its files once
    await asyncio.to_thread(broker.let_in, found[-1].key, SECRET)
    return found


async def _announce(broker: Mosquitto, home: Home, smoke: str, *, retain: bool = True) -> None:
    """Be a hub that comes back: it says what it has and how it stands."""
    async with hub(broker, home.key, SECRET) as line:
        for number in range(EACH):
            topic = f"homes/{home.key}/homeassistant/binary_sensor/s{number}/config"
            await line.publish(topic, _config(f"s{number}"), 1, retain)
            await line.publish(f"homes/{home.key}/zigbee2mqtt/s{number}", smoke, 1, retain)
        await line.publish(f"homes/{home.key}/homeassistant/status", "online", 1)


async def test_a_power_cut_over_the_wire_calls_nobody(
    broker: Mosquitto, quarter: list[Home], clock: ManualClock
) -> None:
    keeper = Storing()
    each = 2 * EACH + 1
    async with _gateway(broker, keeper):
        await asyncio.gather(*(_announce(broker, home, '{"smoke": false}') for home in quarter))
        await keeper.until(lambda: len(keeper.kept) >= QUARTER * each)
    rows = await _count(READINGS)
    assert rows == QUARTER * EACH
    await asyncio.to_thread(broker.restart)
    clock.advance(PAUSE)
    again = Storing()
    async with _gateway(broker, again):
        await asyncio.gather(*(_announce(broker, home, '{"smoke": false}') for home in quarter))
        await again.until(lambda: sum(not one.is_retained for one in again.kept) >= QUARTER * each)
    assert await _count(INCIDENTS) == 0
    async with reading() as connection:
        told = set(await connection.scalars(sa.select(table_of(EventRecord).c.name)))
        assert await connection.scalar(sa.select(sa.func.count()).where(HOMES.c.last_seen_at == clock.now())) == QUARTER
    assert "community.home_noticed.v1" not in told
    assert (await _count(DEVICES), await _count(ENTITIES), await _count(READINGS)) == (
        QUARTER * EACH,
        QUARTER * EACH,
        rows,
    )


_GARBAGE: Final = (
    b"",
    b"\x00\xff\xfe",
    b"[" * 100_000,
    b'{"smoke": ' * 10_000,
    b"9" * 1_000_000,
    b'{"smoke": 1e999, "last_seen": "1970-01-01T00:00:00Z"}',
    b'{"smoke": "' + b"x" * 1_000_000 + b'"}',
)
_BOMBS: Final = (
    "{{ 'x' * 10**9 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ ('a' * 60000) | regex_replace('(a+)+$', 'b') }}",
    "{% for i in range(10**9) %}{{ i }}{% endfor %}",
    "{{ value_json.__class__.__mro__ }}",
)


async def _misbehave(broker: Mosquitto, home: Home) -> int:
    """Say what nobody should, and return how many messages that were."""
    said: list[tuple[str, str | bytes]] = []
    for number, bomb in enumerate(_BOMBS):
        config = _config(f"bomb{number}", state_topic="zigbee2mqtt/bombs", value_template=bomb)
        said.append((f"homeassistant/binary_sensor/bomb{number}/config", config))
    said.append(("homeassistant/binary_sensor/s0/config", _config("s0")))
    said += [(f"homeassistant/binary_sensor/odd{number}/config", one) for number, one in enumerate(_GARBAGE)]
    said += [
        (topic, one) for one in _GARBAGE for topic in ("zigbee2mqtt/s0", "zigbee2mqtt/bombs", "homeassistant/status")
    ]
    said += [
        (f"homeassistant/sensor/f{number}/config", _config(f"f{number}", device_class=None)) for number in range(FLOOD)
    ]
    async with hub(broker, home.key, SECRET) as line:
        for topic, payload in said:
            await line.publish(f"homes/{home.key}/{topic}", payload, 1)
    return len(said)


async def test_whatever_a_home_says_another_one_s_smoke_is_heard(
    broker: Mosquitto, quarter: list[Home], clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("rules.registry", "repository.loading"):
        monkeypatch.setattr(f"community.home_devices.{place}.MOST_TOPICS", FLOOD // 2)
    odd, other, keeper = quarter[0], quarter[1], Storing()
    async with _gateway(broker, keeper):
        await _announce(broker, other, '{"smoke": false}')
        said = 2 * EACH + 1 + await _misbehave(broker, odd)
        async with hub(broker, other.key, SECRET) as line:
            # Under the same names as the odd one's, from a device that thinks it is another century.
            smoke = {"smoke": True, "last_seen": datetime(1999, 1, 1, tzinfo=UTC).isoformat()}
            await line.publish(f"homes/{other.key}/zigbee2mqtt/s0", json.dumps(smoke), 1)
        await keeper.until(lambda: len(keeper.kept) >= said + 1)
    async with reading() as connection:
        noticed = (await connection.execute(sa.select(INCIDENTS.c.home_id, INCIDENTS.c.kind))).all()
        reported = set(await connection.scalars(sa.select(STATES.c.reported_at)))
        of_odd = await connection.scalar(sa.select(sa.func.count()).where(ENTITIES.c.home_id == odd.id))
    assert noticed == [(other.id, "smoke")]
    assert reported == {clock.now()}
    assert of_odd is not None
    assert 0 < of_odd <= FLOOD // 2

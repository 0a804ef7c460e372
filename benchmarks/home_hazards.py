"""Smoke in a home to a relative's phone, idle and while 5,000 states a second come from homes.

From the hub's message to the push: a Mosquitto, a gateway, a worker with the urgent one beside it, a PostgreSQL and an
FCM, each a process, and one more that talks for 500 homes. Each smoke is in another home and rings another phone. All
share one machine with who talks; what that takes is said, and so is how much of what was said was really taken.
"""

import asyncio
import gc
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiomqtt
import httpx

from app.core import embedded
from app.core.database import unit_of_work
from benchmarks import home_states, place, population, processes
from benchmarks.homes_talk import EACH, HOMES, key_of
from benchmarks.report import Comparison, Series, out, show
from community.home_care import jobs as care_jobs
from eldercare.care_circle.models import CircleMember
from tests.emulators.mosquitto import GATEWAY, GATEWAY_SECRET, Mosquitto, mosquitto
from tests.sinks.fcm import PROJECT, FcmSink, fcm_sink, target

ROUNDS = 3
RATE = 5_000
HAZARDS = 100
WARM_UPS = 40
PAUSE = 0.1
PATIENCE = 60.0
STARTING = 300.0
SETTLED_MS = 400.0
SETTLED_IN_A_ROW = 3
SETTLING = 5.0

_DETECTORS = f"""
INSERT INTO community_home_entity (id, created_at, updated_at, version, community_id, resident_id, home_id, device_id,
    component, object_id, key, device_class, config, discovery_topic, role, is_role_given, state)
SELECT CAST('0000000c-00ff-7000-8000-' || lpad(to_hex(h), 12, '0') AS uuid), :now, :now, 1, '{population.COMMUNITY}',
    CAST('00000002-0000-7000-8000-' || lpad(to_hex(h), 12, '0') AS uuid),
    CAST('0000000a-0000-7000-8000-' || lpad(to_hex(h), 12, '0') AS uuid),
    CAST('0000000b-0001-7000-8000-' || lpad(to_hex(h), 12, '0') AS uuid), 'binary_sensor', 'smoke', 'smoke', 'smoke',
    jsonb_build_object('state_topic', 'zigbee2mqtt/smoke'), 'homeassistant/x/smoke/config', 'smoke', false, 'active'
FROM generate_series(1, :homes) h"""

# Nobody answers: alarms of one phase would go on climbing in the other.
_QUIET = "UPDATE eldercare_alarm SET next_step_at = :now + interval '1 day' WHERE next_step_at IS NOT NULL"


def _relative(number: int) -> int:
    """Return the account that is the only one in the circle of a resident."""
    return HOMES + number


async def _prepare(url: str) -> None:
    async with place.hearthline(url):
        async with unit_of_work() as session:
            for number in range(1, HOMES + 1):
                member = CircleMember(
                    community_id=population.COMMUNITY,
                    resident_id=population.identifier(2, number),
                    account_id=population.identifier(1, _relative(number)),
                    called="relative",
                    relationship="daughter",
                    position=1,
                    state="accepted",
                    time_zone="UTC",
                    invited_by=population.identifier(1, number),
                    scopes=["alarms:read", "alarms:respond"],
                )
                session.add(member)
        while await care_jobs.adopt():
            pass


class _Phones:
    """When each phone rang first."""

    def __init__(self, sink: FcmSink) -> None:
        self.rang: dict[str, float] = {}
        sink.behave = self._ring

    def _ring(self, message: Mapping[str, Any]) -> None:
        self.rang.setdefault(target(message), time.perf_counter())


class _Homes:
    """Burns one home after the other, and tells how long each waited for its phone."""

    def __init__(self, line: aiomqtt.Client, phones: _Phones) -> None:
        self._line = line
        self._phones = phones
        self._next = 1

    async def are_known(self) -> None:
        """Let each home be heard once."""
        for home in range(1, HOMES + 1):
            await self._line.publish(f"homes/{key_of(home)}/zigbee2mqtt/smoke", "OFF", 1)

    async def burn(self) -> float:
        """Return the milliseconds from a home's word until the relative's phone rang."""
        number, self._next = self._next, self._next + 1
        phone = f"fid-{_relative(number)}"
        started = time.perf_counter()
        await self._line.publish(f"homes/{key_of(number)}/zigbee2mqtt/smoke", "ON", 1)
        while phone not in self._phones.rang:
            if time.perf_counter() - started > PATIENCE:
                raise TimeoutError(f"the smoke in home {number} reached nobody in {PATIENCE} s")
            await asyncio.sleep(0.001)
        return (self._phones.rang[phone] - started) * 1000

    async def settle(self) -> None:
        """Return when every process is loaded and connected: when phones ring promptly, a few in a row."""
        prompt = 0
        for _ in range(WARM_UPS):
            prompt = prompt + 1 if await self.burn() < SETTLED_MS else 0
            if prompt == SETTLED_IN_A_ROW:
                return

    async def waits(self) -> list[float]:
        """Return the waits of many, in order of size."""
        found = []
        for _ in range(HAZARDS):
            found.append(await self.burn())
            await asyncio.sleep(PAUSE)
        return sorted(found)


async def _taken(client: httpx.AsyncClient) -> float:
    """Return how many messages the gateway has stored so far."""
    text = (await client.get("/metrics")).text
    return sum(
        float(one)
        for one in re.findall(r'^hearthline_home_messages_total\{outcome="taken"\} (\S+)', text, re.MULTILINE)
    )


async def _round(url: str, broker: Mosquitto, rate: int) -> tuple[list[float], list[float], float]:
    """Return the waits idle and while homes talk, and how many messages a second were stored meanwhile."""
    port = processes.free_port()
    async with fcm_sink() as sink:
        phones = _Phones(sink)
        env = processes.environment(
            url,
            HEARTHLINE_PUSH_PROVIDERS='["fcm"]',
            HEARTHLINE_PUSH_FCM_PROJECT=PROJECT,
            HEARTHLINE_PUSH_FCM_CREDENTIALS=str(sink.write_credentials(place.DIRECTORY)),
            HEARTHLINE_PUSH_FCM_ENDPOINT=sink.url,
            HEARTHLINE_PUSH_FCM_TOKEN_ENDPOINT=f"{sink.url}/token",
            HEARTHLINE_MQTT_URL=broker.url(),
            HEARTHLINE_MQTT_USERNAME=GATEWAY,
            HEARTHLINE_MQTT_PASSWORD=GATEWAY_SECRET,
            HEARTHLINE_MQTT_METRICS_PORT=str(port),
        )
        line = aiomqtt.Client("127.0.0.1", broker.port, username=GATEWAY, password=GATEWAY_SECRET)
        with processes.worker(env), processes.gateway(env):
            async with line, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as metrics:
                await _until_up(line, metrics)
                homes = _Homes(line, phones)
                await homes.are_known()
                await homes.settle()
                await place.execute(url, _QUIET, now=datetime.now(UTC))
                idle = await homes.waits()
                await place.execute(url, _QUIET, now=datetime.now(UTC))
                with processes.module("benchmarks.homes_talk", str(broker.port), str(rate), env=env):
                    before = await _taken(metrics)
                    while await _taken(metrics) < before + SETTLING * rate / 2:  # noqa: ASYNC110 - another process
                        await asyncio.sleep(0.1)
                    before, started = await _taken(metrics), time.perf_counter()
                    loaded = await homes.waits()
                    stored = (await _taken(metrics) - before) / (time.perf_counter() - started)
                return idle, loaded, stored


async def _until_up(line: aiomqtt.Client, metrics: httpx.AsyncClient) -> None:
    """Return once something that was said is stored."""
    until = time.perf_counter() + STARTING
    while time.perf_counter() < until:
        await line.publish(f"homes/{key_of(1)}/zigbee2mqtt/smoke", "OFF", 1)
        try:
            if await _taken(metrics):
                return
        except httpx.TransportError:
            pass  # not yet
        await asyncio.sleep(0.1)
    raise TimeoutError("the gateway does not start")


def run(server: embedded.EmbeddedServer, rate: int = RATE, rounds: int = ROUNDS) -> None:
    """Measure and print."""
    template = "home_hazards_template"
    url = place.migrated(server, template)
    now = datetime.now(UTC)
    asyncio.run(place.execute(url, *population.PEOPLE, now=now, count=2 * HOMES))
    made = (home_states._HOMES, home_states._DEVICES, home_states._ENTITIES)
    asyncio.run(place.execute(url, *made, _DETECTORS, now=now, homes=HOMES, each=EACH))
    asyncio.run(_prepare(url))
    asyncio.run(place.execute(url, "VACUUM ANALYZE"))
    gc.disable()  # going through all that the sink has kept would stop the clock for tenths of a second
    series = {name: Series(name, "ms") for name in ("talking p99", "idle p99", "talking p50", "idle p50")}
    stored: list[float] = []
    for _ in range(rounds):
        with TemporaryDirectory(prefix="hearthline-") as directory, mosquitto(Path(directory)) as broker:
            idle, talking, taken = asyncio.run(_round(place.cloned(server, "home_hazards", template), broker, rate))
        stored.append(taken)
        for name, waits in (("idle", idle), ("talking", talking)):
            series[f"{name} p50"].add(waits[len(waits) // 2])
            series[f"{name} p99"].add(waits[len(waits) * 99 // 100])
    show(
        f"Smoke in a home to the phone, while homes say {rate:,} states a second",
        [
            Comparison("slowest 1 % while they talk", series["talking p99"], series["idle p99"], 3, at_most=True),
            Comparison("middle while they talk", series["talking p50"], series["idle p50"], 3, at_most=True),
        ],
    )
    out.print(f"stored meanwhile, messages/s: {', '.join(f'{rate:,.0f}' for rate in stored)}\n")
    gc.enable()
    for name in ("home_hazards", template):
        server.drop_database(name)

"""What homes say: from a real Mosquitto to committed rows, against a bare loop that stores the same messages.

500 homes with 20 entities each, every message another state: half of them bare values, half JSON that a template reads.
Ours knows whose they are, moves on how each stands, keeps a reading of each, and notes who was heard; with QoS 1 it
confirms what is stored. The broker has the messages ready when a contender comes, so that nobody waits for the sender.

And what a chart of a year, and of a day, costs beside a million rows of others: the same as beside none.
"""

import asyncio
import time
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from app.broker.api import Message, serve
from app.core import clock, embedded
from app.core.access import Actor
from app.core.database import reading
from app.core.mqtt_settings import MqttSettings
from app.core.settings import Settings, install_settings
from app.identity.api import ResidentSubject
from benchmarks import bare_homes, place, population
from benchmarks.homes_talk import EACH, HOMES, key_of
from benchmarks.report import Comparison, Series, show
from community.home_inbox.service.taking import Inbox
from community.home_states import views
from community.home_states.access import EntitySubject
from community.homes.access import HomeSubject
from tests.emulators.mosquitto import GATEWAY, GATEWAY_SECRET, Mosquitto, mosquitto

ROUNDS = 9
OURS = "ours"
_MOSQUITTO = "queue_qos0_messages true\n"

_KEY = "'a' || translate(lpad(to_hex(h), 15, '0'), '0189', 'ghij')"
_HOMES = f"""
INSERT INTO community_home (id, created_at, updated_at, version, community_id, resident_id, key, name, addressing,
    discovery_prefix, time_zone, lives_alone, state, provision_tries, refused, registry_version)
SELECT CAST('0000000a-0000-7000-8000-' || lpad(to_hex(h), 12, '0') AS uuid), :now, :now, 1, '{population.COMMUNITY}',
    CAST('00000002-0000-7000-8000-' || lpad(to_hex(h), 12, '0') AS uuid), {_KEY}, 'Home', 'bridged', 'homeassistant',
    'Europe/Berlin', false, 'active', 0, '{{}}', 1
FROM generate_series(1, :homes) h"""
_DEVICES = f"""
INSERT INTO community_home_device (id, created_at, updated_at, version, community_id, resident_id, home_id, identifiers,
    connections, is_room_given, state)
SELECT CAST('0000000b-' || lpad(to_hex(d), 4, '0') || '-7000-8000-' || lpad(to_hex(h), 12, '0') AS uuid), :now, :now,
    1, '{population.COMMUNITY}', CAST('00000002-0000-7000-8000-' || lpad(to_hex(h), 12, '0') AS uuid),
    CAST('0000000a-0000-7000-8000-' || lpad(to_hex(h), 12, '0') AS uuid), ARRAY['d' || d], '{{}}', false, 'active'
FROM generate_series(1, :homes) h, generate_series(1, :each / 4) d"""
# Of each four: a door, a temperature, a motion sensor, a humidity.
_ENTITIES = f"""
INSERT INTO community_home_entity (id, created_at, updated_at, version, community_id, resident_id, home_id, device_id,
    component, object_id, key, device_class, state_class, unit, config, discovery_topic, role, is_role_given, state)
SELECT CAST('0000000c-' || lpad(to_hex(e), 4, '0') || '-7000-8000-' || lpad(to_hex(h), 12, '0') AS uuid), :now, :now,
    1, '{population.COMMUNITY}', CAST('00000002-0000-7000-8000-' || lpad(to_hex(h), 12, '0') AS uuid),
    CAST('0000000a-0000-7000-8000-' || lpad(to_hex(h), 12, '0') AS uuid),
    CAST('0000000b-' || lpad(to_hex(1 + e / 4), 4, '0') || '-7000-8000-' || lpad(to_hex(h), 12, '0') AS uuid),
    CASE e % 2 WHEN 0 THEN 'binary_sensor' ELSE 'sensor' END, 'e' || e, 'e' || e,
    (ARRAY['door', 'temperature', 'motion', 'humidity'])[1 + e % 4],
    CASE e % 2 WHEN 1 THEN 'measurement' END, (ARRAY[NULL, '°C', NULL, '%'])[1 + e % 4],
    CASE e % 2 WHEN 0 THEN jsonb_build_object('state_topic', 'zigbee2mqtt/e' || e || '/contact')
        ELSE jsonb_build_object('state_topic', 'zigbee2mqtt/e' || e, 'value_template', '{{{{ value_json.value }}}}')
    END,
    'homeassistant/x/e' || e || '/config', (ARRAY['door', 'temperature', 'motion', 'humidity'])[1 + e % 4], false,
    'active'
FROM generate_series(1, :homes) h, generate_series(0, :each - 1) e"""


_KEPT = """
INSERT INTO community_home_statistic (entity_id, resident_id, period, starts_at, mean, minimum, maximum, sum, count)
SELECT CAST('0000000c-0001-7000-8000-' || lpad(to_hex(h), 12, '0') AS uuid),
    CAST('00000002-0000-7000-8000-' || lpad(to_hex(h), 12, '0') AS uuid), 'day',
    CAST(:now AS timestamptz) - d * interval '1 day', 20, 18, 22, NULL, 24
FROM generate_series(CAST(:first AS int), CAST(:last AS int)) h, generate_series(1, 365) d"""
_SAID = """
INSERT INTO community_home_reading (id, home_id, resident_id, entity_id, state, number, at)
SELECT CAST(lpad(to_hex(CAST(floor(extract(epoch FROM at) * 1000) AS bigint)), 12, '0') || '70008000'
        || lpad(to_hex(h), 12, '0') AS uuid),
    CAST('0000000a-0000-7000-8000-' || lpad(to_hex(h), 12, '0') AS uuid),
    CAST('00000002-0000-7000-8000-' || lpad(to_hex(h), 12, '0') AS uuid),
    CAST('0000000c-0001-7000-8000-' || lpad(to_hex(h), 12, '0') AS uuid), '20', 20 + m % 7, at
FROM generate_series(CAST(:first AS int), CAST(:last AS int)) h, generate_series(1, 1000) m,
    LATERAL (SELECT CAST(:now AS timestamptz) - m * interval '86 seconds' AS at) said"""
OTHERS = 1_000
CHARTS = 50


class _Ahead:
    """A clock that is ahead: rounds seem an hour apart, so that none is held back because it follows too soon."""

    def __init__(self, by: timedelta) -> None:
        self.by = by

    def now(self) -> datetime:
        """Return the time it is, there."""
        return datetime.now(UTC) + self.by


class _Counted(Inbox):
    """Tells when all is stored."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = self.left = count
        self.is_done = asyncio.Event()

    def expect(self, count: int) -> None:
        """Begin anew."""
        self.left = count
        self.is_done.clear()

    async def take(self, messages: Sequence[Message]) -> None:
        await super().take(messages)
        self.left -= len(messages)
        if self.left <= 0:
            self.is_done.set()


def _say(broker: Mosquitto, number: int, qos: int) -> None:
    """Publish a round of messages, each another state than before."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="sender", protocol=paho.MQTTv311)
    client.username_pw_set(GATEWAY, GATEWAY_SECRET)
    client.max_inflight_messages_set(1_000)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    sent = []
    for entity in range(EACH):
        if entity % 2:
            topic, payload = f"zigbee2mqtt/e{entity}", f'{{"value": {20 + number}, "linkquality": {90 + number}}}'
        else:
            topic, payload = f"zigbee2mqtt/e{entity}/contact", "ON" if number % 2 else "OFF"
        sent += [client.publish(f"homes/{key_of(home)}/{topic}", payload, qos) for home in range(1, HOMES + 1)]
    for one in sent:
        one.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()


async def _take(inbox: _Counted, count: int) -> float:
    """Store what the broker has ready; return the messages per second."""
    stop = asyncio.Event()
    inbox.expect(count)
    started = time.perf_counter()
    serving = asyncio.create_task(serve(inbox, stop))
    async with asyncio.timeout(120):
        await inbox.is_done.wait()
    took = time.perf_counter() - started
    stop.set()
    await serving
    return count / took


async def _leave(broker: Mosquitto, inbox: _Counted) -> None:
    """Subscribe once, and go: what is said from here on is kept for both."""
    stop = asyncio.Event()
    connected = asyncio.Event()
    serving = asyncio.create_task(serve(inbox, stop, connected.set))
    await connected.wait()
    await asyncio.sleep(1)
    stop.set()
    await serving
    async with bare_homes.client(broker) as listening:
        await listening.subscribe("homes/#", 1)


async def _hearing(url: str, broker: Mosquitto, qos: int, rounds: int) -> Comparison:
    ours, bare = Series("Hearthline", "messages/s"), Series("aiomqtt + COPY", "messages/s")
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn)
    await connection.execute(bare_homes.TABLE)
    ahead = _Ahead(timedelta(days=2 - qos))
    previous = clock.install(ahead)
    count = HOMES * EACH
    try:
        async with place.hearthline(url, plans="auto"):
            inbox = _Counted(count)
            await _leave(broker, inbox)
            before = 0
            for number in range(rounds + 1):
                await asyncio.to_thread(_say, broker, number + 10 * qos, qos)
                rates = (await _take(inbox, count), await bare_homes.store(broker, connection, count, qos))
                rows = await connection.fetchval("SELECT count(*) FROM community_home_reading")
                if number and rows - before != count:
                    raise AssertionError(f"{rows - before} of {count} stored")
                before = rows
                if number:
                    ours.add(rates[0])
                    bare.add(rates[1])
                else:
                    await connection.execute("VACUUM ANALYZE")
                ahead.by += timedelta(minutes=10)
    finally:
        clock.install(previous)
        await connection.close()
    return Comparison(f"{count:,} messages, QoS {qos}", ours, bare, 0.6)


async def _draw(span: timedelta) -> float:
    """Return how many milliseconds a chart takes."""
    subject = ResidentSubject(
        population.identifier(2, 1), population.COMMUNITY, population.identifier(1, 1), "UTC", "active", "self"
    )
    home = HomeSubject(
        uuid.UUID("0000000a-0000-7000-8000-000000000001"), population.COMMUNITY, "UTC", "active", subject
    )
    entity_id = uuid.UUID("0000000c-0001-7000-8000-000000000001")
    entity = EntitySubject(entity_id, subject.resident_id, "°C", "measurement", home)
    actor = Actor("account", population.identifier(1, 1), population.COMMUNITY, resident_id=population.identifier(2, 1))
    now = clock.now()
    started = time.perf_counter()
    for _ in range(CHARTS):
        async with reading() as connection:
            drawn = await views.chart(connection, actor, entity, now - span, now, 300)
        if len(drawn.points) < 180:
            raise AssertionError(f"{len(drawn.points)} points")
    return (time.perf_counter() - started) * 1_000 / CHARTS


async def _charts(url: str, rounds: int) -> list[Comparison]:
    now = datetime.now(UTC)
    spans = {"a year": timedelta(days=365), "a day": timedelta(days=1)}
    alone = {name: Series("beside nothing", "ms") for name in spans}
    beside = {name: Series("Hearthline", "ms") for name in spans}
    for first, last, into in ((1, 1, alone), (2, OTHERS, beside)):
        await place.execute(url, _KEPT, now=now, first=first, last=last)
        await place.execute(url, _SAID, now=now, first=first, last=last)
        await place.execute(url, "VACUUM ANALYZE")
        async with place.hearthline(url, plans="auto"):
            for name, span in spans.items():
                for number in range(rounds + 1):
                    took = await _draw(span)
                    if number:
                        into[name].add(took)
    return [
        Comparison(f"a chart of {name}, 1 M other rows", beside[name], alone[name], 1.5, at_most=True) for name in spans
    ]


def run(server: embedded.EmbeddedServer, rounds: int = ROUNDS) -> None:
    """Measure and print."""
    url = place.migrated(server, "home_states")
    now = datetime.now(UTC)
    asyncio.run(place.execute(url, *population.ACCOUNTS, now=now, count=HOMES))
    asyncio.run(place.execute(url, _HOMES, _DEVICES, _ENTITIES, now=now, homes=HOMES, each=EACH))
    charts_url = place.migrated(server, "home_charts")
    asyncio.run(place.execute(charts_url, *population.ACCOUNTS, now=now, count=OTHERS))
    charts = asyncio.run(_charts(charts_url, rounds))
    server.drop_database("home_charts")
    comparisons = []
    for qos in (1, 0):
        with ExitStack() as stack:
            directory = stack.enter_context(TemporaryDirectory(prefix="hearthline-"))
            broker = stack.enter_context(mosquitto(Path(directory), extra=_MOSQUITTO))
            mqtt = MqttSettings(
                url=SecretStr(broker.url()),
                username=GATEWAY,
                password=SecretStr(GATEWAY_SECRET),
                client_id=OURS,
                shared_group="",
                protocol="3.1.1",
            )
            install_settings(Settings(environment="test", directory=place.DIRECTORY, mqtt=mqtt))
            comparisons.append(asyncio.run(_hearing(url, broker, qos, rounds)))
    install_settings(Settings(environment="test", directory=place.DIRECTORY))
    server.drop_database("home_states")
    show("What homes say: from the broker to committed rows, and charts", [*comparisons, *charts])

"""A danger is stored beside the batch in hand, whatever holds that up; and nothing of it is lost or counted twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import cast

import pytest
import sqlalchemy as sa

from app.broker.frames import Published
from app.broker.intake import Intake
from app.broker.wire import Wire
from app.core.database import reading, unit_of_work
from app.core.mqtt_settings import MqttSettings
from community.home_devices.models import DEVICES, HomeEntity
from community.home_inbox.service import followers
from community.home_inbox.service.taking import Inbox
from community.home_states.models import READINGS, STATES
from tests.broker.test_intake import NoWire
from tests.community.home_inbox.conftest import Scene, state_of

pytestmark = pytest.mark.usefixtures("database", "clock")
_WAITERS = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


def say(
    intake: Intake, wire: NoWire, said: Sequence[tuple[Scene, HomeEntity, str, int]], *, again: bool = False
) -> None:
    """Have a hub's messages heard: entity, payload, packet id."""
    heard = []
    for scene, entity, payload, packet_id in said:
        topic = scene.message(entity, payload).topic
        heard.append(Published(topic, payload.encode(), 1, False, again, packet_id, 0))
    intake.hear("gateway-0", cast("Wire", wire), heard)


@asynccontextmanager
async def held(rows: sa.Select[tuple[object]]) -> AsyncIterator[None]:
    """Lock rows for as long as the block runs."""
    async with unit_of_work() as session:
        await session.execute(rows.with_for_update())
        yield


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Return once a query says so."""
    async with asyncio.timeout(60):
        while not await is_so():  # noqa: ASYNC110 - another connection's doing
            await asyncio.sleep(0.01)


async def somebody_waits() -> bool:
    async with reading() as connection:
        return bool(await connection.scalar(_WAITERS))


@asynccontextmanager
async def storing(inbox: Inbox, wire: NoWire) -> AsyncIterator[tuple[Intake, "asyncio.Task[None]"]]:
    intake = Intake(inbox, MqttSettings(batch_milliseconds=1))
    intake.greet("gateway-0", cast("Wire", wire), is_kept=True)
    running = asyncio.create_task(intake.run())
    try:
        yield intake, running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _readings(entity: HomeEntity) -> list[str | None]:
    query = sa.select(READINGS.c.state).where(READINGS.c.entity_id == entity.id).order_by(READINGS.c.id)
    async with reading() as connection:
        return list(await connection.scalars(query))


async def test_a_danger_is_committed_while_the_batch_in_hand_waits_for_another_home(scene: Scene) -> None:
    wire = NoWire()
    of_motion = sa.select(STATES.c.entity_id).where(STATES.c.entity_id == scene.motion.id)
    async with storing(scene.inbox, wire) as (intake, running):
        async with held(of_motion):
            say(intake, wire, [(scene, scene.motion, "ON", 1), (scene, scene.warmth, "30", 2)])
            await until(somebody_waits)
            scene.told.clear()
            say(intake, wire, [(scene, scene.smoke, "ON", 3)])

            async def is_on() -> bool:
                return bool((await state_of(scene.smoke)).state == "on")

            await until(is_on)
            assert [(change.new, change.is_fresh) for change in scene.told] == [("on", True)]
            assert (await state_of(scene.motion)).state == "off"
            assert wire.acknowledged == []
        intake.stop()
        await running
    assert (await state_of(scene.motion)).state == "on"
    assert wire.acknowledged == [1, 2, 3]


async def test_a_danger_does_not_wait_to_say_that_its_device_was_heard(scene: Scene) -> None:
    wire = NoWire()
    scene.inbox = type(scene.inbox)()
    await scene.say(scene.motion, "OFF")  # the routes are at hand, and its devices are to be noted again
    scene.inbox._cache.peek(scene.home.key).seen_at.clear()  # type: ignore[union-attr]
    async with (
        storing(scene.inbox, wire) as (intake, _),
        held(sa.select(DEVICES.c.id).where(DEVICES.c.id == scene.device.id)),
    ):
        say(intake, wire, [(scene, scene.smoke, "ON", 3)])

        async def is_on() -> bool:
            return bool((await state_of(scene.smoke)).state == "on")

        await until(is_on)


async def test_nothing_is_lost_or_doubled_when_the_gateway_dies_between_the_two_commits(scene: Scene) -> None:
    said = [(scene, scene.motion, "ON", 1), (scene, scene.smoke, "ON", 2), (scene, scene.smoke, "OFF", 3)]
    wire, after = NoWire(), NoWire()
    scene.told.clear()

    async def is_over() -> bool:
        return await _readings(scene.smoke) == ["off", "on", "off"]

    async with (
        held(sa.select(STATES.c.entity_id).where(STATES.c.entity_id == scene.motion.id)),
        storing(scene.inbox, wire) as (intake, _),
    ):
        say(intake, wire, said[:1])
        await until(somebody_waits)
        say(intake, wire, said[1:])
        await until(is_over)
    assert wire.acknowledged == []
    scene.inbox = type(scene.inbox)()
    async with storing(scene.inbox, after) as (intake, running):
        say(intake, after, said, again=True)
        intake.stop()
        await running
    assert after.acknowledged == [1, 2, 3]
    assert await _readings(scene.smoke) == ["off", "on", "off"]
    assert (await state_of(scene.motion)).state == "on"
    assert [change.new for change in scene.told if change.entity_id == scene.smoke.id] == ["on", "off"]


async def test_what_fails_beside_a_batch_is_tried_again_and_the_batch_is_not(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, tries, wire = followers.FOLLOWERS[0], 0, NoWire()
    scene.told.clear()

    async def falter(session: object, changes: Sequence[object]) -> None:
        nonlocal tries
        if any(change.role == "smoke" for change in changes):  # type: ignore[attr-defined]
            tries += 1
            if tries == 1:
                raise ConnectionError
        await heard(session, changes)  # type: ignore[arg-type]

    monkeypatch.setattr(followers, "FOLLOWERS", (falter,))
    async with storing(scene.inbox, wire) as (intake, running):
        say(intake, wire, [(scene, scene.motion, "ON", 1), (scene, scene.smoke, "ON", 2)])
        intake.stop()
        await running
    assert tries == 2
    assert sorted(change.role or "" for change in scene.told) == ["motion", "smoke"]
    assert wire.acknowledged == [1, 2]

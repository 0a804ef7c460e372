"""The wall of a home: pressed there it is an alarm, or an answer; and what goes on is seen there, at a real broker."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from app import assembly
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.events import install_subscribers
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.tables import table_of
from app.policies.journeys.home_panels.subscribers import SUBSCRIBERS
from community.home_inbox.service.taking import Inbox
from community.home_panels import jobs
from community.homes.models import Home
from eldercare.alarms.models import Alarm
from eldercare.check_ins import jobs as check_in_jobs
from tests.community.home_panels.conftest import Scene, scene
from tests.emulators.hub import SECRET, gateway, heard, hub
from tests.emulators.mosquitto import Mosquitto, mosquitto
from tests.factories import eldercare_check_ins as check_ins

__all__ = ["scene"]


@pytest.fixture(autouse=True)
def subscribed() -> Iterator[None]:
    """Let everybody hear of what happens."""
    assembly.load_tables()
    previous = install_subscribers(assembly.SUBSCRIBERS)
    yield
    install_subscribers(previous)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Run a Mosquitto."""
    with mosquitto(tmp_path) as running:
        yield running


async def alarms() -> Sequence[Any]:
    """Return the alarms there are."""
    table = table_of(Alarm)
    async with reading() as connection:
        return (await connection.execute(sa.select(table).order_by(table.c.id))).all()


async def told() -> None:
    """Let everybody who hears of what happened do what they do."""
    await settle(RELAY_JOBS)


def kept(messages: Sequence[Any], panel_key: str) -> dict[str, bytes]:
    """Return what is kept at the topics of a panel, by what they are of."""
    return {str(one.topic).partition(f"hearthline/{panel_key}/")[2] or "config": bytes(one.payload) for one in messages}


async def test_everybody_is_subscribed() -> None:
    assert set(SUBSCRIBERS) <= set(assembly.SUBSCRIBERS)


async def test_an_sos_on_the_wall_calls_for_help_at_once_and_once(scene: Scene, clock: ManualClock) -> None:
    await scene.ask("PUT", {})
    await scene.presses("sos", times=2)
    await told()
    (alarm,) = await alarms()
    assert (alarm.kind, alarm.state, alarm.resident_id) == ("sos", "raised", scene.grace.id)
    assert alarm.next_step_at <= clock.now(), "nobody holds an app to take it back with"
    clock.advance(timedelta(seconds=3))
    await scene.presses("sos")
    await told()
    assert len(await alarms()) == 1
    assert (await scene.panel()).wanted == {"alarm": "ON"}


async def test_who_says_on_the_wall_that_all_is_well_has_answered(scene: Scene, clock: ManualClock) -> None:
    await check_ins.plan(scene.grace)
    await settle([*RELAY_JOBS, *check_in_jobs.JOBS])
    await scene.ask("PUT", {})
    await scene.presses("fine")
    await told()
    first, second = (await check_ins.check_ins(scene.grace))[:2]
    assert (first.state, first.answer, first.how) == ("answered", "ok", "self")
    assert second.state == "scheduled", "tomorrow somebody asks again"


async def test_who_had_not_answered_in_time_says_on_the_wall_that_all_is_well(scene: Scene, clock: ManualClock) -> None:
    await check_ins.plan(scene.grace)
    await settle([*RELAY_JOBS, *check_in_jobs.JOBS])
    for _ in range(3):
        clock.advance(timedelta(minutes=31))
        await settle([*RELAY_JOBS, *check_in_jobs.JOBS])
    assert [alarm.state for alarm in await alarms()] == ["raised"]
    await scene.ask("PUT", {})
    await told()
    assert (await scene.panel()).wanted == {"alarm": "ON"}
    await scene.presses("fine")
    await told()
    assert [alarm.state for alarm in await alarms()] == ["resolved"]
    assert (await scene.panel()).wanted == {"alarm": "OFF"}


async def test_an_sos_at_a_real_hub_is_an_alarm_and_the_wall_shows_it(scene: Scene, broker: Mosquitto) -> None:
    key = scene.home.key
    broker.let_in(key, SECRET)
    await scene.ask("PUT", {})
    await told()
    panel_key = (await scene.panel()).key
    async with hub(broker, key) as home, gateway(broker, Inbox()):
        assert await jobs.publish() == 1
        await home.subscribe(f"homes/{key}/#", 1)
        messages = await heard(home, 3)
        assert all(one.retain for one in messages)
        shown = kept(messages, panel_key)
        assert (shown["availability"], shown["alarm/state"]) == (b"online", b"OFF")
        components = orjson.loads(shown["config"])["components"]
        assert {name for name, one in components.items() if len(one) > 1} == {"sos", "fine", "alarm"}
        button = components["sos"]
        await home.publish(f"homes/{key}/{button['command_topic']}", button["payload_press"], button["qos"])
        async with asyncio.timeout(60):
            while not await alarms():
                await told()
        (alarm,) = await alarms()
        assert alarm.kind == "sos"
        await told()
        assert await jobs.publish() == 1
        told_again = kept(await heard(home, 2), panel_key)  # its own press among them
        assert told_again["alarm/state"] == b"ON"


async def test_a_closed_home_keeps_nothing_of_a_panel(scene: Scene, broker: Mosquitto, clock: ManualClock) -> None:
    key = scene.home.key
    broker.let_in(key, SECRET)
    await scene.ask("PUT", {})
    await told()
    async with gateway(broker, Inbox()):
        await jobs.publish()
        async with unit_of_work() as session:
            home = await session.get_one(Home, scene.home.id)
            home.state, home.closed_at = "closed", clock.now()
        assert await jobs.clear() == 1
        await jobs.publish()
    assert (await scene.panel()).state == "gone"
    async with hub(broker, key) as later:
        await later.subscribe(f"homes/{key}/#", 1)
        await later.publish(f"homes/{key}/marker", "after all that was kept", 1)
        assert [str(one.topic) for one in await heard(later, 1)] == [f"homes/{key}/marker"]

"""What a broker sends again counts once, however much came since; and what only looks the same counts as well."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.broker.api import Unanswered
from app.core import database as databases
from app.core.clock import ManualClock
from app.core.connections import translated
from app.core.database import reading
from community.home_devices.models import HomeEntity
from community.home_inbox import jobs
from community.home_inbox.models import RECEIPTS
from community.home_inbox.service import followers
from tests.community.home_inbox.conftest import Scene, readings_of, state_of
from tests.factories import community_homes as homes

pytestmark = pytest.mark.usefixtures("database")
PRESS = '{"event_type": "single"}'
MINUTE = timedelta(minutes=1)


@pytest_asyncio.fixture(loop_scope="session")
async def button(scene: Scene) -> HomeEntity:
    """Return a button that is known."""
    made = await homes.entity(
        scene.device,
        "event",
        role="sos_button",
        config={"state_topic": "b/event", "event_types": ["single", "double"]},
    )
    scene.inbox = type(scene.inbox)()
    return made


async def names() -> list[int]:
    async with reading() as connection:
        return list(await connection.scalars(sa.select(RECEIPTS.c.packet_id).order_by(RECEIPTS.c.packet_id)))


async def test_presses_that_come_again_are_no_presses_however_many_they_are(
    scene: Scene, button: HomeEntity, clock: ManualClock
) -> None:
    many = [scene.message(button, PRESS, packet_id=number) for number in range(1, 301)]
    assert len(await scene.take(*many)) == 300
    clock.advance(45 * MINUTE)  # the broker was away
    scene.inbox = type(scene.inbox)()
    assert await scene.take(*(one._replace(is_repeated=True) for one in many)) == []


async def test_a_second_press_counts_though_it_comes_again_and_says_the_same(scene: Scene, button: HomeEntity) -> None:
    assert len(await scene.say(button, PRESS, packet_id=7)) == 1
    # Its first delivery was lost, so it is marked as sent before; but it is another one.
    assert len(await scene.say(button, PRESS, packet_id=8, repeated=True)) == 1
    assert await scene.say(button, PRESS, packet_id=7, repeated=True) == []
    assert await scene.say(button, PRESS, packet_id=8, repeated=True) == []
    assert len(await readings_of(button)) == 2


async def test_a_name_that_was_another_message_s_since_says_nothing_of_a_press(
    scene: Scene, button: HomeEntity
) -> None:
    assert len(await scene.say(button, PRESS, packet_id=1)) == 1
    await scene.say(scene.motion, "ON", packet_id=1)
    assert len(await scene.say(button, PRESS, packet_id=1, repeated=True)) == 1
    assert await names() == [1]


async def test_what_another_session_called_the_same_is_another_press(scene: Scene, button: HomeEntity) -> None:
    assert len(await scene.say(button, PRESS, packet_id=1)) == 1
    other = scene.message(button, PRESS, packet_id=1, repeated=True)._replace(session="gateway-1")
    assert len(await scene.take(other)) == 1


async def test_a_broker_that_forgot_the_session_sends_nothing_again(
    scene: Scene, button: HomeEntity, clock: ManualClock
) -> None:
    assert len(await scene.say(button, PRESS, packet_id=1)) == 1
    clock.advance(MINUTE)
    scene.inbox.begin_anew("gateway-0")
    assert len(await scene.say(button, PRESS, packet_id=1, repeated=True)) == 1
    assert await scene.say(button, PRESS, packet_id=1, repeated=True) == []


async def test_a_danger_that_comes_again_after_its_end_is_no_danger(scene: Scene, clock: ManualClock) -> None:
    await scene.take(scene.message(scene.smoke, "ON", packet_id=1), scene.message(scene.smoke, "OFF", packet_id=2))
    clock.advance(5 * MINUTE)
    assert await scene.say(scene.smoke, "ON", packet_id=1, repeated=True) == []
    assert (await state_of(scene.smoke)).state == "off"
    (change,) = await scene.say(scene.smoke, "ON", packet_id=3, repeated=True)
    assert change.is_fresh


async def test_what_is_not_committed_has_no_receipt(
    scene: Scene, button: HomeEntity, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("out of order")

    with monkeypatch.context() as broken:
        broken.setattr(followers, "FOLLOWERS", (fail,))
        with pytest.raises(RuntimeError):
            await scene.say(button, PRESS, packet_id=1)
    assert await names() == []
    assert len(await scene.say(button, PRESS, packet_id=1, repeated=True)) == 1


@asynccontextmanager
async def losing_the_answer(monkeypatch: pytest.MonkeyPatch, *, is_done: bool) -> AsyncIterator[None]:
    """Lose the connection at the next COMMIT, before or after it is done."""
    tell = databases._tell

    async def lose(connection: Any, order: Any) -> None:
        if order != "COMMIT" or connection.driver.is_closed():
            await tell(connection, order)
            return
        if is_done:
            await tell(connection, order)
        connection.driver.terminate()
        raise translated(ConnectionResetError(), order)

    with monkeypatch.context() as broken:
        broken.setattr(databases, "_tell", lose)
        yield


@pytest.mark.parametrize("is_done", [True, False])
async def test_a_commit_nobody_answered_for_is_asked_about(
    scene: Scene, button: HomeEntity, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    message = scene.message(button, PRESS)
    async with losing_the_answer(monkeypatch, is_done=is_done):
        with pytest.raises(Unanswered) as lost:
            await scene.inbox.take([message])
    assert await lost.value.was_stored() is is_done
    assert len(await readings_of(button)) == int(is_done)


async def test_who_died_as_the_commit_was_not_answered_doubles_no_press(
    scene: Scene, button: HomeEntity, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with losing_the_answer(monkeypatch, is_done=True):
        with pytest.raises(Unanswered):
            await scene.say(button, PRESS, packet_id=1)
    scene.inbox = type(scene.inbox)()
    assert await scene.say(button, PRESS, packet_id=1, repeated=True) == []
    assert len(await readings_of(button)) == 1


async def test_receipts_are_forgotten_once_a_connection_has_lasted(
    scene: Scene, button: HomeEntity, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[datetime] = []
    monkeypatch.setattr("app.broker.api.steady_session", lambda: ("gateway-0", connected[0]) if connected else None)
    await scene.say(button, PRESS, packet_id=1)
    clock.advance(30 * MINUTE)
    await jobs.forget_receipts()
    connected.append(clock.now())  # it was away: what it sends again comes now
    clock.advance(9 * MINUTE)
    await scene.say(button, PRESS, packet_id=2)
    await jobs.forget_receipts()
    assert await names() == [1, 2]
    clock.advance(2 * MINUTE)
    await jobs.forget_receipts()
    assert await names() == [2]


async def test_receipts_of_gateways_that_never_came_back_are_forgotten_too(
    scene: Scene, button: HomeEntity, clock: ManualClock
) -> None:
    await scene.say(button, PRESS, packet_id=1)
    clock.advance(timedelta(days=7))
    await jobs.forget_old_receipts()
    assert await names() == [1]
    clock.advance(timedelta(days=1, seconds=1))
    await jobs.forget_old_receipts()
    assert await names() == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(breaks=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.booleans()), min_size=1, max_size=8))
async def test_wherever_connections_break_each_press_counts_once(
    scene: Scene, button: HomeEntity, breaks: list[tuple[int, int, bool]]
) -> None:
    """Of what is on its way some is stored, some of that is acknowledged, and the rest comes again under its name."""
    async with databases.unit_of_work() as session:
        await session.execute(sa.delete(RECEIPTS))
    on_its_way: list[Any] = []
    counted = said = 0
    for stored, acknowledged, dies in breaks:
        # As Mosquitto gives its names: one after the other.
        on_its_way += [scene.message(button, PRESS, packet_id=said + number) for number in range(1, 5)]
        said += 4
        batch = on_its_way[:stored]
        counted += len(await scene.take(*batch)) if batch else 0
        on_its_way = on_its_way[min(acknowledged, len(batch)) :]
        on_its_way = [one._replace(is_repeated=True) for one in on_its_way]
        if dies:
            scene.inbox = type(scene.inbox)()
    counted += len(await scene.take(*on_its_way)) if on_its_way else 0
    assert counted == said

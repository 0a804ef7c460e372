"""Push when things go wrong: answers that come late, connections that end, tokens that cannot be had, clocks that jump.

Whatever happens, a notice that is sent twice is one notice on the phone: both carry the same collapse key.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.database import Database, reading
from app.core.jobs import settle
from app.core.settings import install_settings, settings
from benchmarks import place, population
from benchmarks.fanout import queue
from notifications.channels import fcm, fcm_token
from notifications.sending import service
from notifications.sending.jobs import JOBS, run_lane
from tests.factories.notifications import deliveries, phone
from tests.notifications.notices import ALARM, PROMPT
from tests.notifications.sending.conftest import Scene
from tests.sinks import fcm as sinks
from tests.sinks.fcm import FcmSink, target

HOUR = timedelta(hours=1)
STALE = 10_000
_STATES = "SELECT state, error, count(*) AS number FROM notifications_delivery GROUP BY state, error"


async def pushes() -> list[tuple[str, str | None, int]]:
    """Return state, error and attempts of every delivery over push, the oldest first."""
    return [(row.state, row.error, row.attempts) for row in await deliveries() if row.channel == "push"]


def patient() -> None:
    """Let the push channel wait longer for an answer than the test lasts."""
    current = settings()
    install_settings(current.model_copy(update={"push": current.push.model_copy(update={"fcm_timeout": 10.0})}))


async def test_an_answer_that_comes_too_late_is_sent_again_and_shown_once(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative)
    sink.behave = lambda _: sinks.LATE
    await scene.tell(channels=["push"])
    await settle(JOBS)
    assert await pushes() == [("queued", "timeout", 1)]
    sink.release()
    sink.behave = lambda _: None
    clock.advance(timedelta(minutes=1))
    await settle(JOBS)
    assert await pushes() == [("sent", None, 2)]
    assert list(sink.screens.values()) == [2]


@pytest.mark.parametrize("was_taken", [False, True])
async def test_a_kept_connection_that_ends_under_a_push_costs_no_attempt(
    scene: Scene, sink: FcmSink, was_taken: bool
) -> None:
    await phone(scene.relative)
    await scene.tell(key="first", channels=["push"])
    await settle(JOBS)
    ends = iter([sinks.TAKEN_THEN_RESET if was_taken else sinks.RESET])
    sink.behave = lambda _: next(ends, None)
    await scene.tell(key="second", channels=["push"])
    await settle(JOBS)
    assert await pushes() == [("sent", None, 1)] * 2
    assert [count for (_, key), count in sink.screens.items() if key == "second"] == [2 if was_taken else 1]


async def test_bulk_that_hangs_on_every_connection_holds_up_no_alarm(
    scene: Scene, sink: FcmSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcm, "CONNECTIONS", 3)
    patient()
    await phone(scene.relative)
    sink.behave = lambda message: sinks.HANG if message["data"]["notice"] == PROMPT.key else None
    for number in range(5):
        await scene.tell(PROMPT, f"prompt:{number}")
    hanging = asyncio.create_task(run_lane("high"))
    await sink.until(lambda: sink.attempts == 3)
    await scene.tell(ALARM, "alarm", channels=["push"])
    await run_lane("critical")
    assert [message["data"]["notice"] for message in sink.messages] == [ALARM.key]
    assert sink.attempts == 4, "the alarm waited until others had given up"
    sink.release()
    await hanging


async def test_a_token_that_runs_out_is_used_while_no_new_one_can_be_had(
    scene: Scene, sink: FcmSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcm_token, "LOOK_SECONDS", 0.0)
    await phone(scene.relative)
    sink.token_lasts = 60  # less than the library wants to have left
    await scene.tell(key="first", channels=["push"])
    await settle(JOBS)
    sink.token_endpoint_is_down = True
    await scene.tell(key="second", channels=["push"])
    await settle(JOBS)
    assert await pushes() == [("sent", None, 1)] * 2
    await sink.until(lambda: sink.token_requests == 2)


async def test_all_who_need_a_token_wait_for_the_same_one(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcm_token, "TIMEOUT", 0.3)
    await phone(scene.relative)
    sink.token_endpoint_hangs = True
    for number in range(20):
        await scene.tell(key=f"alarm:{number}", channels=["push"])
    await run_lane("critical")
    assert await pushes() == [("queued", "token_unavailable", 1)] * 20
    assert sink.token_requests == 1
    sink.token_endpoint_hangs = False
    clock.advance(timedelta(minutes=1))
    await settle(JOBS)
    assert await pushes() == [("sent", None, 2)] * 20
    assert sink.token_requests == 2


async def test_a_clock_that_jumps_an_hour_ahead_sends_what_waits_once(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative)
    sink.behave = lambda _: sinks.UNAVAILABLE
    await scene.tell(key="waits", channels=["push"])
    await settle(JOBS)
    sink.behave = lambda _: None
    clock.advance(HOUR)
    await scene.tell(key="new", channels=["push"])
    await settle(JOBS)
    assert await pushes() == [("sent", None, 2), ("sent", None, 1)]
    assert set(sink.screens.values()) == {1}


async def test_a_lease_that_a_jump_ended_lets_nobody_but_its_heir_tell_the_outcome(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    patient()
    await phone(scene.relative)
    sink.behave = lambda _: sinks.LATE
    await scene.tell(channels=["push"])
    late = asyncio.create_task(service.fly("critical", await service.claim("critical", 50)))
    await sink.wait_for(1)
    clock.advance(HOUR)
    sink.behave = lambda _: None
    await settle(JOBS)
    (before,) = await deliveries()
    clock.advance(timedelta(minutes=1))
    sink.release()
    await late
    assert await deliveries() == [before]
    assert await pushes() == [("sent", None, 2)]
    assert list(sink.screens.values()) == [2]


async def test_a_clock_that_jumps_an_hour_back_loses_and_doubles_nothing(
    scene: Scene, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    await phone(scene.relative)
    sink.behave = lambda _: sinks.UNAVAILABLE
    await scene.tell(key="waits", channels=["push"])
    await settle(JOBS)
    sink.behave = lambda _: None
    clock.advance(-HOUR)
    await scene.tell(key="new", channels=["push"])
    await settle(JOBS)
    assert {key for _, key in sink.screens} == {"new"}
    clock.advance(HOUR + timedelta(minutes=1))
    await settle(JOBS)
    assert sorted((key, count) for (_, key), count in sink.screens.items()) == [("new", 1), ("waits", 1)]


@contextmanager
def removals(database: Database) -> Iterator[list[Any]]:
    """Collect the statements that delete phones."""
    seen: list[Any] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("DELETE FROM identity_installation"):
            seen.append(statement)

    engine = database.writing.engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(engine, "before_cursor_execute", note)


async def test_ten_thousand_phones_that_are_gone_are_removed_and_nobody_elses(
    database: Database, sink: FcmSink, clock: clocks.ManualClock
) -> None:
    url = database.url.render_as_string(hide_password=False)
    await place.execute(url, *population.PEOPLE, now=clock.now(), count=STALE)
    await queue(STALE)
    living = {f"fid-{number}" for number in range(1, STALE + 1, 100)}
    sink.behave = lambda message: None if target(message) in living else sinks.UNREGISTERED
    with removals(database) as statements:
        while await run_lane("bulk"):
            clock.advance(timedelta(minutes=1))  # the project's quota is a second's worth at a time
    async with reading() as connection:
        left = set(await connection.scalars(sa.text("SELECT fid FROM identity_installation")))
        rows = await connection.execute(sa.text(_STATES))
        states = {(row.state, row.error): row.number for row in rows}
    assert left == living
    assert states == {("sent", None): len(living), ("failed", "UNREGISTERED"): STALE - len(living)}
    assert sink.attempts >= STALE
    assert 0 < len(statements) < STALE / 10

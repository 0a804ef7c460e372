"""What fails for ever is not kept from people: the desk hears of it, and an alarm that stands aside still is one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.failures import LONGEST_VITAL_DELAY, STUCK_AFTER
from app.core.jobs import settle
from app.core.parked_rows import RETRY_JOB
from eldercare.alarms.models import Alarm, AlarmKind, AlarmState, Severity
from eldercare.check_ins import jobs as check_in_jobs
from eldercare.ladders.jobs import JOBS
from eldercare.ladders.service import learn
from eldercare.last_resort.notices import ALARM_STUCK, CHECK_IN_PLAN_STUCK, CHECK_IN_STUCK
from eldercare.response.service import acknowledge
from notifications.api import Notice
from notifications.events import DeliverySettled
from notifications.last_resort.rules import FIRST_FEW, LATER, SOON
from notifications.sending import jobs as sending
from notifications.templates.completeness import complaints
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_check_ins as care
from tests.factories import identity
from tests.factories import notifications as sent
from tests.factories.eldercare_alarms import Scene
from tests.factories.sign_in import sign_in

pytestmark = pytest.mark.usefixtures("database")
COUNTED = "hearthline_stuck_rows_unheard_total"


@pytest.mark.parametrize("notice", [ALARM_STUCK, CHECK_IN_STUCK, CHECK_IN_PLAN_STUCK], ids=lambda notice: notice.key)
def test_every_notice_has_its_texts(notice: Notice) -> None:
    assert complaints(notice) == []


async def execute(statement: str) -> None:
    async with unit_of_work() as session:
        await session.execute(sa.text(statement))


async def fail(clock: ManualClock, times: int) -> None:
    """Let what is due fail so often."""
    for _ in range(times):
        await settle([RETRY_JOB, *JOBS])
        clock.advance(LONGEST_VITAL_DELAY)


async def fail_check_ins(clock: ManualClock, times: int) -> None:
    """Let the prompts that are due fail so often."""
    for _ in range(times):
        await settle([RETRY_JOB])
        await check_in_jobs.prompt()
        clock.advance(LONGEST_VITAL_DELAY)


@asynccontextmanager
async def refused(table: str, allowed: str) -> AsyncIterator[None]:
    """Let the database refuse all rows but those ``allowed``: every row of a handler fails."""
    await execute(f"ALTER TABLE {table} ADD CONSTRAINT refused CHECK ({allowed})")
    try:
        yield
    finally:
        await execute(f"ALTER TABLE {table} DROP CONSTRAINT refused")


async def told_of(scene: Scene) -> list[dict[str, Any]]:
    """Return what the desk was told, in order: each notice's key, data and variables."""
    statement = sa.text("""
        SELECT notice_key, data, variables FROM notifications_delivery WHERE account_id = :account
        GROUP BY notice_id, notice_key, data, variables ORDER BY min(CAST(id AS text))""")
    async with reading() as connection:
        return [dict(row._mapping) for row in await connection.execute(statement, {"account": scene.desk.id})]


async def stuck(clock: ManualClock, *, times: int, with_desk: bool = True) -> tuple[Scene, Alarm]:
    """Return a scene and an alarm whose step has failed so often: a row of the circle cannot be read."""
    scene = await alarms.scene(circle=1, with_desk=with_desk)
    await execute("""UPDATE eldercare_circle_member SET on_call = '[{"weekday": "x"}]'""")
    alarm = await alarms.raised(scene.resident)
    await fail(clock, times)
    assert await alarms.told(alarm) == []
    return scene, alarm


async def test_the_desk_hears_of_an_alarm_that_cannot_be_passed_on_until_somebody_takes_it(clock: ManualClock) -> None:
    scene, alarm = await stuck(clock, times=STUCK_AFTER - 1)
    assert await alarms.notices_of(scene.desk) == []
    await fail(clock, 1)
    [(key, first)] = await alarms.notices_of(scene.desk)
    assert (key, str(alarm.id) in first) == ("eldercare.alarm_stuck", True)
    await settle(sending.JOBS)
    messages = await sent.outbox()
    assert messages
    assert all("cannot call anybody" in message.body for message in messages)

    await fail(clock, SOON // LONGEST_VITAL_DELAY - 1)
    assert len(await alarms.notices_of(scene.desk)) == 1
    await fail(clock, 1)
    assert len(await alarms.notices_of(scene.desk)) == 2
    async with unit_of_work() as session:
        await acknowledge(session, alarms.actor_of(scene.desk), alarm.id)
    await fail(clock, SOON // LONGEST_VITAL_DELAY + 1)
    assert len(await alarms.notices_of(scene.desk)) == 2


async def test_the_operators_hear_of_it_where_there_is_no_desk(clock: ManualClock) -> None:
    scene, _ = await stuck(clock, times=STUCK_AFTER - 1, with_desk=False)
    office = await identity.staff(scene.operator, "operator", name="Office")
    await fail(clock, 1)
    assert [key for key, _ in await alarms.notices_of(office)] == ["eldercare.alarm_stuck"]
    assert await alarms.notices_of(scene.desk) == []


async def test_who_is_stuck_twice_is_told_of_twice(clock: ManualClock) -> None:
    scene, alarm = await stuck(clock, times=STUCK_AFTER)
    await execute("UPDATE eldercare_circle_member SET on_call = '[]'")
    await settle([RETRY_JOB, *JOBS])
    assert await alarms.told(alarm) == [(1, 1, scene.circle[0].id)]
    await execute("""UPDATE eldercare_circle_member SET on_call = '[{"weekday": "x"}]'""")
    clock.advance(timedelta(minutes=1))
    await fail(clock, STUCK_AFTER)
    assert [key for key, _ in await alarms.notices_of(scene.desk)] == ["eldercare.alarm_stuck"] * 2


async def test_a_call_for_help_joins_an_alarm_that_stands_aside(clock: ManualClock, client: httpx.AsyncClient) -> None:
    scene, alarm = await stuck(clock, times=1)
    joined = await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.CRITICAL)
    assert (joined.id, joined.severity, joined.state) == (alarm.id, Severity.CRITICAL, AlarmState.RAISED)
    shown = await client.get(f"/v1/alarms/{alarm.id}", headers=await sign_in(scene.desk))
    assert (shown.status_code, shown.json()["next_step_at"]) == (200, None)

    await execute("UPDATE eldercare_circle_member SET on_call = '[]'")
    await settle([RETRY_JOB, *JOBS])
    assert await alarms.told(alarm) == [(1, 1, scene.circle[0].id)]


async def test_a_delivery_that_failed_is_learnt_of_while_the_next_step_stands_aside(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=2)
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    await execute("""UPDATE eldercare_circle_member SET on_call = '[{"weekday": "x"}]'""")
    clock.advance(timedelta(minutes=1))
    await fail(clock, 1)
    facts = [
        DeliverySettled(
            aggregate_id=alarm.id,
            community_id=scene.community.id,
            delivery_id=delivery.id,
            notice_id=delivery.notice_id,
            account_id=delivery.account_id,
            origin_kind="eldercare.alarm",
            notice_key="eldercare.alarm_step",
            channel=delivery.channel,
            outcome="failed",
            is_final=True,
        )
        for delivery in await sent.deliveries()
    ]
    async with unit_of_work() as session:
        await learn(session, facts)
    assert "unreached" in await alarms.kinds(alarm)
    await execute("UPDATE eldercare_circle_member SET on_call = '[]'")
    await settle([RETRY_JOB, *JOBS])
    assert (await alarms.told(alarm))[-1] == (1, 2, scene.circle[1].id)


async def test_many_stuck_check_ins_are_one_notice_with_their_number(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    neighbour = await identity.resident(scene.community, phone="+8613800000003")
    for resident in (scene.resident, neighbour):
        await care.plan(resident)
    clock.advance((await care.check_ins(neighbour))[0].due_at - clock.now())
    async with refused("eldercare_check_in", "state = 'scheduled'"):
        heard = []
        for _ in range(FIRST_FEW + 1):
            await fail_check_ins(clock, SOON // LONGEST_VITAL_DELAY)
            heard.append(len(await told_of(scene)))
        await fail_check_ins(clock, (LATER - SOON) // LONGEST_VITAL_DELAY)
    first, *repeated = await told_of(scene)
    assert heard == [1, 2, 3, 3]
    assert len(repeated) == FIRST_FEW
    assert first["notice_key"] == "eldercare.check_in_stuck"
    assert first["data"]["due"] == "eldercare.prompt_check_ins"
    named = [str(scene.resident.id), str(neighbour.id)]
    assert all(sorted(told["data"]["resident_ids"].split(",")) == sorted(named) for told in repeated)
    assert all(told["variables"] == {"rows": 2} for told in repeated)


async def test_a_new_stuck_alarm_does_not_wait_for_the_next_notice(clock: ManualClock) -> None:
    scene, alarm = await stuck(clock, times=STUCK_AFTER)
    neighbour = await identity.resident(scene.community, phone="+8613800000003")
    await alarms.circle_member(neighbour, scene.circle[0], on_call=[{"weekday": "x"}])
    await alarms.raised(neighbour)
    await fail(clock, STUCK_AFTER - 1)
    assert len(await told_of(scene)) == 1
    await fail(clock, 1)
    [_, told] = await told_of(scene)
    assert told["data"]["resident_ids"] == f"{neighbour.id},{alarm.resident_id}"
    await fail(clock, STUCK_AFTER)
    assert len(await told_of(scene)) == 2


async def test_what_nobody_can_be_told_of_is_counted_and_logged(clock: ManualClock) -> None:
    def unheard() -> float:
        return REGISTRY.get_sample_value(COUNTED, {"due": "eldercare.alarm_steps"}) or 0

    before = unheard()
    with capture_logs() as logs:
        scene, alarm = await stuck(clock, times=STUCK_AFTER, with_desk=False)
    assert unheard() == before + 1
    [line] = [line for line in logs if line["event"] == "stuck_rows_unheard"]
    assert line["log_level"] == "error"
    assert (line["row_id"], line["community_id"]) == (str(alarm.id), str(scene.community.id))

    office = await identity.staff(scene.operator, "operator", name="Office")
    await fail(clock, 1)
    assert [key for key, _ in await alarms.notices_of(office)] == ["eldercare.alarm_stuck"]


async def test_the_desk_hears_of_a_plan_that_is_stuck(clock: ManualClock) -> None:
    scene = await alarms.scene()
    plan = await care.plan(scene.resident)
    await execute("UPDATE eldercare_check_in_schedule SET rrule = 'FREQ=HOURLY'")
    clock.advance(timedelta(hours=25))
    for _ in range(STUCK_AFTER):
        await settle([RETRY_JOB])
        await check_in_jobs.plan()
        clock.advance(LONGEST_VITAL_DELAY)
    [told] = await told_of(scene)
    assert told["notice_key"] == "eldercare.check_in_plan_stuck"
    assert told["data"] == {
        "due": "eldercare.plan_check_ins",
        "stuck_id": str(plan.id),
        "resident_ids": str(scene.resident.id),
    }
    await settle(sending.JOBS)
    assert all("Plans affected: 1." in message.body for message in await sent.outbox())

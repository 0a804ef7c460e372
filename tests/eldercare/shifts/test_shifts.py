"""Shifts over HTTP, whom the ladder's last step tells, and gaps that are told before they come."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.identity.models import Account
from eldercare.alarms.models import Alarm, AlarmKind, Severity
from eldercare.ladders.service import learn
from notifications.events import DeliverySettled
from tests.factories import eldercare_alarms as alarms
from tests.factories import eldercare_desk as desk
from tests.factories import identity
from tests.factories.sign_in import sign_in

pytestmark = pytest.mark.usefixtures("clock", "database")

SHIFTS = "/v1/duty-desk/shifts"


def planning(account: Account, starts: float, hours: float, **values: Any) -> dict[str, Any]:
    """Return the body that plans a shift from ``starts`` hours from now."""
    begins = clocks.now() + timedelta(hours=starts)
    ends = begins + timedelta(hours=hours)
    return {"account_id": str(account.id), "starts_at": begins.isoformat(), "ends_at": ends.isoformat(), **values}


async def channels(alarm_id: object, account: Account) -> set[str]:
    statement = (
        "SELECT array_agg(DISTINCT channel) FROM notifications_delivery WHERE account_id = :account "
        "AND origin_id = :alarm"
    )
    return set(await alarms.scalar(statement, account=account.id, alarm=alarm_id) or ())


def failed(alarm: Alarm, account: Account, row: Any) -> DeliverySettled:
    return DeliverySettled(
        aggregate_id=alarm.id,
        community_id=alarm.community_id,
        delivery_id=row.id,
        notice_id=row.notice_id,
        account_id=account.id,
        origin_kind="eldercare.alarm",
        notice_key="eldercare.alarm_step",
        channel=row.channel,
        outcome="failed",
        is_final=True,
    )


async def test_the_last_step_tells_who_is_on_shift_and_widens_until_somebody_answers(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    on_shift = await desk.colleague(scene, name="On shift")
    on_call = await desk.colleague(scene, "operator", name="On call")
    await desk.shift(on_shift)
    await desk.shift(on_call, kind="on_call")
    alarm = await alarms.raised(scene.resident)

    await alarms.climb()
    assert await alarms.told(alarm) == [(1, 4, on_shift.id)]
    clock.advance(timedelta(seconds=60))
    await alarms.climb()
    assert {told[2] for told in await alarms.told(alarm) if told[0] == 2} == {on_shift.id, on_call.id}
    clock.advance(timedelta(seconds=120))
    await alarms.climb()
    assert {told[2] for told in await alarms.told(alarm) if told[0] == 3} == {on_shift.id, on_call.id, scene.desk.id}


async def test_a_plan_with_a_long_wait_at_the_desk_does_not_leave_an_alarm_with_the_shift_alone(
    clock: ManualClock,
) -> None:
    scene = await alarms.scene(circle=0)
    await alarms.plan(scene.resident, [{"target_kind": "duty_desk", "wait_seconds": 3600}])
    on_shift = await desk.colleague(scene, name="On shift")
    on_call = await desk.colleague(scene, "operator", name="On call")
    await desk.shift(on_shift)
    await desk.shift(on_call, kind="on_call")
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    assert await alarms.told(alarm) == [(1, 1, on_shift.id)]

    clock.advance(timedelta(seconds=180))
    await alarms.climb()

    assert {told[2] for told in await alarms.told(alarm) if told[0] == 2} == {on_shift.id, on_call.id, scene.desk.id}
    # Everybody knows: from now on the plan's own wait counts.
    assert (await alarms.current(alarm)).next_step_at == clocks.now() + timedelta(hours=1)


async def test_an_unstaffed_desk_phones_its_on_call(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    on_call = await identity.staff(scene.operator, "operator", name="On call", phone="+8613800000222")
    await desk.shift(on_call, kind="on_call")
    alarm = await alarms.raised(scene.resident)

    await alarms.climb()

    assert await alarms.told(alarm) == [(1, 4, on_call.id)]
    assert "voice" in await channels(alarm.id, on_call)


async def test_who_no_longer_works_at_the_desk_is_not_told_whatever_was_planned(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    gone = await identity.account(scene.community, name="Gone")
    await desk.shift(gone)
    alarm = await alarms.raised(scene.resident)

    await alarms.climb()

    assert await alarms.told(alarm) == [(1, 4, scene.desk.id)]


@pytest.mark.parametrize("kind", ["desk", "on_call"])
async def test_a_resident_who_has_the_shift_is_not_left_alone_with_their_own_alarm(
    clock: ManualClock, kind: str
) -> None:
    scene = await alarms.scene(circle=0)
    me = await desk.colleague(scene, name="Lives here")
    own = await alarms.raised(await identity.resident(scene.community, person=me))
    other = await alarms.raised(scene.resident)
    await desk.shift(me, kind=kind)

    await alarms.climb()

    assert await alarms.told(own) == [(1, 4, scene.desk.id)]
    assert await alarms.told(other) == [(1, 4, me.id)]  # as to anybody on the shift


async def test_where_the_resident_is_the_only_dispatcher_the_operators_are_told(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0, with_desk=False)
    me = await desk.colleague(scene, name="Lives here")
    operator = await desk.colleague(scene, "operator", name="Operator")
    resident = await identity.resident(scene.community, person=me)
    alarm = await alarms.raised(resident)
    await alarms.climb()
    assert await alarms.told(alarm) == [(1, 4, operator.id)]
    clock.advance(timedelta(minutes=2))
    await alarms.raised(resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL)  # calls everybody again
    await alarms.climb()
    assert {key for key, _ in await alarms.notices_of(me)} == {"eldercare.alarm_access_opened"}


async def test_when_nobody_of_the_shift_is_reached_the_whole_desk_is_told(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    silent = await desk.colleague(scene, name="On shift")
    await desk.shift(silent)
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    assert await alarms.told(alarm) == [(1, 4, silent.id)]

    statement = "SELECT id, channel, notice_id FROM notifications_delivery WHERE origin_id = :id"
    async with unit_of_work() as session:
        deliveries = (await session.execute(sa.text(statement), {"id": alarm.id})).all()
        await learn(session, [failed(alarm, silent, row) for row in deliveries if row.channel != "inbox"])

    assert await alarms.told(alarm) == [(1, 4, silent.id), (1, 4, scene.desk.id)]


async def test_a_gap_is_told_to_the_operators_before_it_comes_and_when_it_begins(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene()
    boss = await desk.colleague(scene, "operator", name="Boss")
    headers = await sign_in(boss)
    for starts, hours in ((0, 8), (10, 20)):
        made = await client.post(SHIFTS, headers=headers, json=planning(scene.desk, starts, hours))
        assert made.status_code == 201, made.text

    await desk.look()

    gap = clocks.now() + timedelta(hours=8)
    assert [key for key, _ in await alarms.notices_of(boss)] == ["eldercare.desk_gap"]
    assert await alarms.notices_of(scene.desk) == []
    starts_at = "SELECT variables ->> 'starts_at' FROM notifications_delivery WHERE account_id = :id LIMIT 1"
    assert await alarms.scalar(starts_at, id=boss.id) == gap.isoformat()
    coverage = (await client.get("/v1/duty-desk/coverage", headers=headers)).json()
    assert [person["account_id"] for person in coverage["told_now"]] == [str(scene.desk.id)]
    assert [item["starts_at"] for item in coverage["gaps"]] == [gap.isoformat().replace("+00:00", "Z")]

    for _ in range(3):
        clock.advance(timedelta(hours=1))
        await desk.look()
    assert len(await alarms.notices_of(boss)) == 1
    clock.advance(timedelta(hours=5))
    await desk.look()
    stages = "SELECT array_agg(DISTINCT variables ->> 'stage') FROM notifications_delivery WHERE account_id = :id"
    assert sorted(await alarms.scalar(stages, id=boss.id)) == ["ahead", "now"]


async def test_a_plan_that_never_began_is_not_told_again_every_hour(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    scene = await alarms.scene()
    boss = await desk.colleague(scene, "operator", name="Boss")
    headers = await sign_in(boss)
    await client.post(SHIFTS, headers=headers, json=planning(scene.desk, 30, 8))
    for _ in range(5):
        await desk.look()
        clock.advance(timedelta(hours=1))
    assert len(await alarms.notices_of(boss)) == 1


async def test_planning_and_cancelling(client: httpx.AsyncClient, clock: ManualClock) -> None:
    scene = await alarms.scene()
    boss = await sign_in(await desk.colleague(scene, "operator"))
    own = await sign_in(scene.desk)
    stranger = await identity.account(scene.community, name="Stranger")
    foreign = await sign_in(await identity.operator(await identity.community(name="Elsewhere")))

    assert (await client.post(SHIFTS, headers=own, json=planning(scene.desk, 1, 8))).status_code == 403
    wrong = await client.post(SHIFTS, headers=boss, json=planning(stranger, 1, 8))
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (422, "not_at_the_desk")
    assert (await client.post(SHIFTS, headers=boss, json=planning(scene.desk, 1, -8))).status_code == 422
    assert (await client.post(SHIFTS, headers=boss, json=planning(scene.desk, -9, 8))).status_code == 422
    made = await client.post(SHIFTS, headers=boss, json=planning(scene.desk, 1, 8))
    assert (made.status_code, made.json()["name"]) == (201, scene.desk.name)
    again = await client.post(SHIFTS, headers=boss, json=planning(scene.desk, 5, 8))
    assert (again.status_code, again.json()["shift_id"]) == (409, made.json()["id"])
    assert (await client.post(SHIFTS, headers=boss, json=planning(scene.desk, 9, 2))).status_code == 201
    assert (await client.post(SHIFTS, headers=boss, json=planning(scene.desk, 5, 8, kind="on_call"))).status_code == 201

    path = f"{SHIFTS}/{made.json()['id']}"
    assert (await client.delete(path, headers=foreign)).status_code == 404
    first = (await client.get(SHIFTS, headers=own, params={"limit": 2})).json()
    rest = (await client.get(SHIFTS, headers=own, params={"limit": 2, "cursor": first["next"]})).json()
    assert [len(first["items"]), len(rest["items"]), rest["next"]] == [2, 1, None]
    clock.advance(timedelta(hours=2))
    assert (
        await client.delete(path, headers=await sign_in(await desk.colleague(scene, "operator")))
    ).status_code == 204
    listed = (await client.get(SHIFTS, headers=await sign_in(scene.desk))).json()["items"]
    assert made.json()["id"] not in [item["id"] for item in listed]
    clock.advance(timedelta(hours=10))
    boss = await sign_in(await desk.colleague(scene, "operator"))
    over = await client.delete(path, headers=boss)
    assert (over.status_code, over.json()["code"]) == (409, "shift_over")


async def test_of_shifts_planned_at_once_for_one_person_one_is(client: httpx.AsyncClient) -> None:
    scene = await alarms.scene()
    boss = await sign_in(await desk.colleague(scene, "operator"))

    answers = await asyncio.gather(
        *(client.post(SHIFTS, headers=boss, json=planning(scene.desk, starts, 8)) for starts in range(1, 7))
    )

    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 5]

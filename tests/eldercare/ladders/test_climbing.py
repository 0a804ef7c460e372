"""The ladder: everybody in their turn, nobody skipped who can be told, nobody waited for who cannot."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.core.due import drain
from app.identity.models import Account
from eldercare.alarms.models import AlarmKind, AlarmState, Severity
from eldercare.care_circle.models import CircleMember
from eldercare.events import CircleMemberLeft
from eldercare.ladders import jobs
from eldercare.ladders.service import UNANSWERED, climb, let_go
from eldercare.response.service import acknowledge, arrive, depart
from tests.factories import eldercare_alarms as alarms
from tests.factories import identity
from tests.waiting import waits_or_ends

pytestmark = pytest.mark.usefixtures("database")


async def test_people_are_told_one_after_the_other_until_the_desk_which_repeats(clock: ManualClock) -> None:
    scene = await alarms.scene()
    first, second = scene.circle
    alarm = await alarms.raised(scene.resident)

    for seconds in (0, 60, 60, 90, 60, 60):
        clock.advance(timedelta(seconds=seconds))
        assert await alarms.climb() == 1
        assert await alarms.climb() == 0

    assert await alarms.told(alarm) == [
        (1, 1, first.id),
        (1, 2, second.id),
        (1, 3, first.id),
        (1, 3, second.id),
        (1, 4, scene.desk.id),
        (2, 4, scene.desk.id),
        (3, 4, scene.desk.id),
    ]
    keys = [key for _, key in await alarms.notices_of(scene.desk)]
    assert keys == [f"alarm:{alarm.id}:{number}:4" for number in (1, 2, 3)]
    stored = await alarms.current(alarm)
    assert stored.next_step_at == alarms.later(60)
    assert stored.desk_queued_at == clock.now() - timedelta(seconds=120)


async def test_nobody_is_told_before_the_countdown_ends(clock: ManualClock) -> None:
    scene = await alarms.scene()
    await alarms.raised(scene.resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL, countdown=timedelta(seconds=10))

    clock.advance(timedelta(seconds=9))
    assert await alarms.climb() == 0
    clock.advance(timedelta(seconds=1))
    assert await alarms.climb() == 1


async def test_a_step_without_anybody_is_skipped_at_once() -> None:
    scene = await alarms.scene(circle=0)
    alarm = await alarms.raised(scene.resident)

    await alarms.climb()

    assert await alarms.told(alarm) == [(1, 4, scene.desk.id)]
    assert await alarms.kinds(alarm) == ["raised", "skipped", "skipped", "skipped", "told"]


async def test_who_is_not_on_call_or_has_not_accepted_is_passed_over(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0)
    asleep, invited, awake = [await identity.account(scene.community, name=name) for name in ("A", "B", "C")]
    # The clock says Monday 16:00 in Shanghai.
    night = [{"weekday": 0, "start": "22:00:00", "end": "06:00:00"}]
    day = [{"weekday": 0, "start": "08:00:00", "end": "18:00:00"}]
    await alarms.circle_member(scene.resident, asleep, position=1, on_call=night)
    await alarms.circle_member(scene.resident, invited, position=2, state="invited")
    await alarms.circle_member(scene.resident, awake, position=3, on_call=day)
    alarm = await alarms.raised(scene.resident)

    await alarms.climb()

    assert await alarms.told(alarm) == [(1, 1, awake.id)]


async def test_a_plan_of_the_resident_is_climbed(clock: ManualClock) -> None:
    scene = await alarms.scene()
    agency = await identity.organization(scene.community, "care_agency")
    await identity.agreement(agency, None, scene.resident)
    carer = await identity.staff(agency, "coordinator", name="Carer")
    await alarms.plan(
        scene.resident,
        [{"target_kind": "organization", "target_id": agency.id, "wait_seconds": 30}, {"target_kind": "duty_desk"}],
    )
    alarm = await alarms.raised(scene.resident)

    await alarms.climb()
    clock.advance(timedelta(seconds=30))
    await alarms.climb()

    assert await alarms.told(alarm) == [(1, 1, carer.id), (1, 2, scene.desk.id)]


async def test_an_organization_that_does_not_serve_the_resident_is_neither_called_nor_let_in() -> None:
    scene = await alarms.scene()
    ended = await identity.organization(scene.community, "care_agency")
    await identity.agreement(ended, None, scene.resident, ends_at=alarms.later(-60))
    elsewhere = await identity.organization(await identity.community(name="Elsewhere"), "care_agency")
    await identity.agreement(elsewhere)
    for organization in (ended, elsewhere):
        await identity.staff(organization, "coordinator", name="Stranger")
    steps = [{"target_kind": "organization", "target_id": one.id} for one in (ended, elsewhere)]
    await alarms.plan(scene.resident, [*steps, {"target_kind": "duty_desk"}])
    alarm = await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.HIGH)

    await alarms.climb()

    assert await alarms.told(alarm) == [(1, 3, scene.desk.id)]
    let_in = "SELECT array_agg(grantee_account_id) FROM identity_grant WHERE kind = 'break_glass'"
    assert await alarms.scalar(let_in) == [scene.desk.id]


async def test_without_anybody_at_the_desk_it_keeps_trying_and_says_so(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0, with_desk=False)
    before = UNANSWERED._value.get()
    alarm = await alarms.raised(scene.resident)

    for _ in range(3):
        await alarms.climb()
        clock.advance(timedelta(seconds=60))

    assert (await alarms.kinds(alarm)).count("unanswered") == 3
    assert UNANSWERED._value.get() == before + 3
    assert (await alarms.current(alarm)).state == AlarmState.RAISED
    newcomer = await identity.staff(scene.operator, "dispatcher", name="Newcomer")
    await alarms.climb()
    assert (await alarms.told(alarm))[-1][2] == newcomer.id


async def test_an_acknowledgement_stops_the_ladder_and_lapses_without_progress(clock: ManualClock) -> None:
    scene = await alarms.scene()
    first, second = scene.circle
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    async with unit_of_work() as session:
        await acknowledge(session, alarms.actor_of(first), alarm.id)

    clock.advance(timedelta(minutes=9, seconds=59))
    assert await alarms.climb() == 0
    clock.advance(timedelta(seconds=1))
    assert await alarms.climb() == 1

    stored = await alarms.current(alarm)
    assert (stored.state, stored.acknowledged_by, stored.step) == (AlarmState.RAISED, None, 2)
    assert await alarms.told(alarm) == [(1, 1, first.id), (1, 2, second.id)]
    assert "lapsed" in await alarms.kinds(alarm)
    assert "eldercare.alarm_lapsed" in [key for key, _ in await alarms.notices_of(first)]


async def test_progress_postpones_the_lapse(clock: ManualClock) -> None:
    scene = await alarms.scene()
    first = alarms.actor_of(scene.circle[0])
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()
    async with unit_of_work() as session:
        await depart(session, first, alarm.id)
    clock.advance(timedelta(minutes=44))
    assert await alarms.climb() == 0
    async with unit_of_work() as session:
        await arrive(session, first, alarm.id)
    clock.advance(timedelta(minutes=119))
    assert await alarms.climb() == 0
    clock.advance(timedelta(minutes=1))
    assert await alarms.climb() == 1
    assert await alarms.kinds(alarm) == ["raised", "told", "acknowledged", "en_route", "on_scene", "lapsed", "told"]


async def test_a_late_step_still_fires_and_says_how_late(clock: ManualClock) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    clock.advance(timedelta(minutes=5))

    await alarms.climb()

    assert (await alarms.timeline(alarm))[-1].data["late_seconds"] == 300


async def test_a_severe_alarm_opens_access_for_those_who_are_told() -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.HIGH)

    await alarms.climb()

    grantee = "SELECT grantee_account_id FROM identity_grant WHERE kind = 'break_glass' AND reason_id = :alarm"
    assert await alarms.scalar(grantee, alarm=alarm.id) == scene.circle[0].id


async def test_the_resident_is_told_once_that_access_was_opened(clock: ManualClock) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.HIGH)
    await alarms.climb()
    clock.advance(timedelta(minutes=1))
    await alarms.climb()  # it is opened for the next one, too
    assert await alarms.scalar("SELECT count(*) FROM identity_grant WHERE kind = 'break_glass'") == 2
    mine = "SELECT count(*) FROM notifications_inbox_item WHERE account_id = :id AND notice_key = :key"
    binds = {"id": scene.resident.account_id, "key": "eldercare.alarm_access_opened"}
    assert await alarms.scalar(mine, **binds) == 1
    about = "SELECT data ->> 'alarm_id' FROM notifications_inbox_item WHERE account_id = :id AND notice_key = :key"
    assert await alarms.scalar(about, **binds) == str(alarm.id)


async def test_a_mild_alarm_opens_no_access() -> None:
    scene = await alarms.scene()
    await alarms.raised(scene.resident)

    await alarms.climb()

    assert await alarms.scalar("SELECT count(*) FROM identity_grant WHERE kind = 'break_glass'") == 0


async def test_a_batch_that_is_killed_leaves_the_ladder_intact(database: Database) -> None:
    scene = await alarms.scene()
    alarm = await alarms.raised(scene.resident)
    reached = asyncio.Event()

    async def killed(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
        await climb(session, ids)
        reached.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(drain(jobs.NEXT_STEPS, killed))
    async with asyncio.timeout(10):
        await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await alarms.told(alarm) == []
    await alarms.climb()
    assert await alarms.told(alarm) == [(1, 1, scene.circle[0].id)]
    assert len(await alarms.notices_of(scene.circle[0])) == 1


async def test_two_workers_tell_everybody_once() -> None:
    scene = await alarms.scene()
    people = [await identity.resident(scene.community, name=f"R{number}") for number in range(20)]
    raised = [await alarms.raised(person) for person in people]

    await asyncio.gather(*(drain(jobs.NEXT_STEPS, climb, batch=3) for _ in range(3)))

    for alarm in raised:
        assert await alarms.told(alarm) == [(1, 4, scene.desk.id)]
    assert len(await alarms.notices_of(scene.desk)) == 20


async def test_an_exercise_is_called_one_and_is_apart_from_the_real_thing() -> None:
    scene = await alarms.scene()
    exercise = await alarms.raised(scene.resident, is_test=True)
    alarm = await alarms.raised(scene.resident)
    await alarms.climb()

    assert exercise.id != alarm.id
    mode = "SELECT variables ->> 'mode' FROM notifications_delivery WHERE origin_id = :alarm LIMIT 1"
    assert await alarms.scalar(mode, alarm=exercise.id) == "test"
    assert await alarms.scalar(mode, alarm=alarm.id) == "real"


async def test_without_a_desk_the_whole_circle_is_told_at_any_hour_round_after_round(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=0, with_desk=False)
    asleep = await identity.account(scene.community, name="Asleep", phone="+8613800000100")
    # The clock says Monday 16:00 in Shanghai.
    night = [{"weekday": 0, "start": "22:00:00", "end": "06:00:00"}]
    await alarms.circle_member(scene.resident, asleep, on_call=night)
    alarm = await alarms.raised(scene.resident)

    await alarms.climb()
    clock.advance(timedelta(seconds=60))
    await alarms.climb()

    assert await alarms.told(alarm) == [(1, 4, asleep.id), (2, 4, asleep.id)]


async def test_who_is_on_the_way_for_less_and_the_desk_hear_of_an_sos_at_once(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=3)
    smaller = await alarms.raised(scene.resident)
    for _ in range(2):
        await alarms.climb()
        clock.advance(timedelta(minutes=1))
    first, second, _ = scene.circle
    async with unit_of_work() as session:
        await acknowledge(session, alarms.actor_of(second), smaller.id)
    sos = await alarms.raised(scene.resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL)
    await alarms.climb()
    assert {account_id for _, _, account_id in await alarms.told(sos)} == {first.id, second.id, scene.desk.id}
    assert (await alarms.current(sos)).step == 1, "the ladder goes on from its first step"


async def test_who_has_left_since_hears_of_no_sos_and_gets_no_emergency_access(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=4)
    first, second, third, fourth = scene.circle
    smaller = await alarms.raised(scene.resident)
    for _ in range(3):
        await alarms.climb()
        clock.advance(timedelta(minutes=1))
    assert {account_id for _, _, account_id in await alarms.told(smaller)} == {one.id for one in scene.circle}
    async with unit_of_work() as session:
        await acknowledge(session, alarms.actor_of(fourth), smaller.id)
        left = sa.update(CircleMember).where(col(CircleMember.account_id).in_([second.id, fourth.id]))
        await session.execute(left.values(state="removed"))
        await session.execute(sa.update(Account).where(col(Account.id) == third.id).values(state="deactivated"))

    sos = await alarms.raised(scene.resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL)
    await alarms.climb()

    # The fourth has left the circle, but is on the way.
    called = {first.id, fourth.id, scene.desk.id}
    assert {account_id for _, _, account_id in await alarms.told(sos)} == called
    assert await _with_access(sos.id) == called


async def test_who_is_on_the_way_but_has_no_account_any_more_hears_of_no_sos(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=2)
    first, second = scene.circle
    smaller = await alarms.raised(scene.resident)
    async with unit_of_work() as session:
        await acknowledge(session, alarms.actor_of(second), smaller.id)
        await session.execute(sa.update(Account).where(col(Account.id) == second.id).values(state="deactivated"))
    sos = await alarms.raised(scene.resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL)
    await alarms.climb()
    assert {account_id for _, _, account_id in await alarms.told(sos)} == {first.id, scene.desk.id}
    assert await _with_access(sos.id) == {first.id, scene.desk.id}


async def test_who_leaves_while_they_are_told_keeps_no_emergency_access(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=1)
    (member,) = scene.circle
    alarm = await alarms.raised(scene.resident, kind=AlarmKind.FALL, severity=Severity.HIGH)
    left = CircleMemberLeft(
        aggregate_id=clocks.new_id(),
        community_id=scene.community.id,
        resident_id=scene.resident.id,
        account_id=member.id,
    )

    async def let_go_of() -> None:
        async with unit_of_work() as session:
            await let_go(session, [left])

    async with unit_of_work() as session:
        await climb(session, [alarm.id])
        letting_go = asyncio.create_task(let_go_of())
        await waits_or_ends(letting_go)
    await letting_go
    statement = "SELECT count(*) FROM identity_grant WHERE reason_id = :id AND revoked_at IS NULL"
    assert await alarms.scalar(statement, id=alarm.id) == 0


async def _with_access(alarm_id: uuid.UUID) -> set[uuid.UUID]:
    async with reading() as connection:
        statement = sa.text("SELECT grantee_account_id FROM identity_grant WHERE reason_id = :alarm_id")
        return set(await connection.scalars(statement, {"alarm_id": alarm_id}))


async def test_an_sos_alone_climbs_step_by_step(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=2)
    sos = await alarms.raised(scene.resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL)
    await alarms.climb()
    assert await alarms.told(sos) == [(1, 1, scene.circle[0].id)]


async def test_who_is_called_for_an_sos_may_see_where_the_one_who_wandered_off_was(clock: ManualClock) -> None:
    scene = await alarms.scene(circle=1)
    await alarms.raised(scene.resident, kind=AlarmKind.WANDERING, severity=Severity.HIGH)
    sos = await alarms.raised(scene.resident, kind=AlarmKind.SOS, severity=Severity.CRITICAL)
    await alarms.climb()
    statement = "SELECT bool_and('location:read' = ANY (scopes)) FROM identity_grant WHERE reason_id = :id"
    assert await alarms.scalar(statement, id=sos.id)

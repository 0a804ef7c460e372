"""What happens when a moment passes: nobody has arrived, nobody came, somebody has not left."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading
from app.core.due import drain
from app.core.tables import table_of
from eldercare.alarms.models import Alarm
from eldercare.visits import jobs, notices
from eldercare.visits.service import deadlines
from notifications.templates.completeness import complaints
from notifications.templates.notices import Notice
from notifications.templates.notices import notices as declared
from tests.eldercare.visits.conftest import PhoneOf, Scene
from tests.factories import eldercare_visits as made
from tests.factories import identity
from tests.factories import notifications as sent

BY_HAND = {"how": "manual", "reason": "The tag is broken"}


async def told(key: str) -> list[Any]:
    return [item.account_id for item in await sent.deliveries() if item.notice_key == f"eldercare.{key}"]


async def alarms() -> list[sa.Row[Any]]:
    async with reading() as connection:
        rows = await connection.execute(sa.select(table_of(Alarm)))
        return list(rows)


async def first_visit(scene: Scene, **changes: object) -> sa.Row[Any]:
    await made.template(scene.plan, **changes)
    visit = (await made.visits(scene.resident))[0]
    await made.assign(visit.id, scene.carer)
    return await made.visit(visit.id)


async def test_nobody_arrives_the_agency_hears_and_then_an_alarm_is_raised(scene: Scene, clock: ManualClock) -> None:
    visit = await first_visit(scene)
    clock.set(visit.starts_at + timedelta(minutes=14))
    assert await jobs.look_after() == 0
    clock.advance(timedelta(minutes=1))
    assert await jobs.look_after() == 1
    assert await told("visit_late") == [scene.coordinator.id]
    assert await alarms() == []
    clock.set(visit.starts_at + timedelta(minutes=60))
    assert await jobs.look_after() == 1
    assert (await made.visit(visit.id)).state == "missed"
    (alarm,) = await alarms()
    assert (alarm.kind, alarm.severity, alarm.resident_id) == ("visit_missed", 2, scene.resident.id)
    assert await told("visit_missed") == [scene.coordinator.id]
    assert await jobs.look_after() == 0
    assert len(await alarms()) == 1


async def test_a_visit_nobody_was_assigned_to_is_missed_just_the_same(scene: Scene, clock: ManualClock) -> None:
    await made.template(scene.plan)
    visit = (await made.visits(scene.resident))[0]
    clock.set(visit.starts_at + timedelta(minutes=60))
    await jobs.look_after()
    assert (await made.visit(visit.id)).state == "missed"
    assert [alarm.kind for alarm in await alarms()] == ["visit_missed"]


async def test_the_agency_hears_in_time_of_a_visit_that_has_nobody(scene: Scene, clock: ManualClock) -> None:
    (alone, staffed, pair) = [
        await made.single(
            scene.plan,
            clock.now() + timedelta(hours=5),
            account_id=scene.resident.account_id,
            staff_by=clock.now() + timedelta(hours=3),
            carers=carers,
        )
        for carers in (1, 1, 2)
    ]
    await made.assign(staffed.id, scene.carer)
    await made.assign(pair.id, scene.other_carer)
    clock.advance(timedelta(hours=3))
    assert await jobs.look_after() == 2
    assert await told("visit_uncovered") == [scene.coordinator.id] * 2
    assert await jobs.look_after() == 0
    assert (await made.visit(alone.id)).state == "planned"


async def test_who_is_taken_off_shortly_before_leaves_a_visit_that_is_told_of(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await first_visit(scene)
    assert await jobs.look_after() == 0
    nora = await phone_of(scene.coordinator)
    await nora("POST", f"/residents/{scene.resident.id}/care-visits/{visit.id}/carers/{scene.carer.id}/removal", {})
    assert await jobs.look_after() == 1
    assert await told("visit_uncovered") == [scene.coordinator.id]


async def test_where_time_matters_the_alarm_comes_sooner_and_is_worse(scene: Scene, clock: ManualClock) -> None:
    visit = await first_visit(scene, is_critical=True)
    clock.set(visit.starts_at + timedelta(minutes=30))
    await jobs.look_after()
    assert [(alarm.kind, alarm.severity) for alarm in await alarms()] == [("visit_missed", 3)]


async def test_a_worker_that_was_away_is_late_and_still_raises_it(scene: Scene, clock: ManualClock) -> None:
    visit = await first_visit(scene)
    clock.set(visit.starts_at + timedelta(hours=9))
    await jobs.look_after()
    assert len(await alarms()) == 1


async def test_two_workers_raise_it_once(scene: Scene, clock: ManualClock) -> None:
    visit = await first_visit(scene)
    clock.set(visit.starts_at + timedelta(minutes=60))
    worked = await asyncio.gather(*(drain(jobs.MISS, deadlines.miss) for _ in range(3)))
    assert sum(worked) == 1
    assert len(await alarms()) == 1
    assert await told("visit_missed") == [scene.coordinator.id]


async def test_whoever_comes_after_all_is_let_in(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    visit = await first_visit(scene)
    clock.set(visit.starts_at + timedelta(minutes=90))
    await jobs.look_after()
    cai = await phone_of(scene.carer)
    came = await cai("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    assert came["state"] == "in_progress"
    row = await made.visit(visit.id)
    assert row.overdue_at == clock.now() + timedelta(minutes=15)
    assert len(await alarms()) == 1  # a person closes it, who has seen her


async def test_a_visit_under_way_is_never_missed(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    visit = await first_visit(scene)
    clock.set(visit.starts_at)
    cai = await phone_of(scene.carer)
    await cai("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    clock.advance(timedelta(minutes=44))
    assert await jobs.look_after() == 0
    assert await alarms() == []


async def test_a_carer_who_does_not_check_out_is_asked_and_then_called(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await first_visit(scene)
    clock.set(visit.starts_at)
    cai = await phone_of(scene.carer)
    await cai("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    clock.set(visit.ends_at + timedelta(minutes=15))
    assert await jobs.look_after() == 1
    assert await told("check_out_due") == [scene.carer.id]
    assert await told("check_out_overdue") == []
    for times in (1, 2, 3):
        clock.advance(timedelta(minutes=15 if times == 1 else 30))
        assert await jobs.look_after() == 1
        assert sorted(await told("check_out_overdue")) == sorted([scene.coordinator.id, scene.desk.id] * times)
    assert await told("check_out_due") == [scene.carer.id]
    left = await cai("POST", f"/visits/{visit.id}/departure", {"proof": BY_HAND, "unfinished_reason": "x"})
    assert left["state"] == "completed"
    clock.advance(timedelta(hours=5))
    assert await jobs.look_after() == 0


async def test_an_agency_without_coordinators_leaves_it_to_the_desk(scene: Scene, clock: ManualClock) -> None:
    alone = await identity.organization(scene.community, "care_agency", name="Alone")
    await identity.agreement(alone)
    await identity.staff(alone, "carer", name="Sam", phone="+8613800000019")
    plan = await made.care_plan(scene.resident, alone)
    visit = await made.single(plan, clock.now() + timedelta(hours=1), account_id=scene.resident.account_id)
    clock.set(visit.starts_at + timedelta(minutes=15))
    await jobs.look_after()
    assert await told("visit_late") == [scene.desk.id]


async def test_one_of_two_who_never_came_is_told(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    visit = await first_visit(scene, carers=2)
    await made.assign(visit.id, scene.other_carer)
    clock.set(visit.starts_at)
    cai = await phone_of(scene.carer)
    await cai("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    done = await cai("POST", f"/visits/{visit.id}/departure", {"proof": BY_HAND, "unfinished_reason": "Alone"})
    assert (done["state"], [one["state"] for one in done["carers"]]) == ("completed", ["left", "absent"])
    assert await told("visit_short") == [scene.coordinator.id]


OURS = [notice for notice in declared().values() if notice.package == notices.VISIT_LATE.package]


@pytest.mark.parametrize("notice", OURS, ids=lambda notice: notice.key)
def test_what_people_are_told_is_complete_in_every_language(notice: Notice) -> None:
    assert complaints(notice) == []

"""What happens when a moment passes: nobody has arrived, nobody came, somebody has not left."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import connection_of, reading, unit_of_work
from app.core.due import MOST_AT_FAULT, drain
from eldercare.alarms.models import Alarm, Severity
from eldercare.visits import jobs, notices
from eldercare.visits.service import deadlines
from notifications.templates.completeness import complaints
from notifications.templates.notices import Notice
from notifications.templates.notices import notices as declared
from tests.asking import statements
from tests.eldercare.visits.conftest import PhoneOf, Scene
from tests.factories import eldercare_alarms, identity
from tests.factories import eldercare_visits as made
from tests.factories import notifications as sent

BY_HAND = {"how": "manual", "reason": "The tag is broken"}
HOUR = timedelta(hours=1)


async def told(key: str) -> list[Any]:
    return [item.account_id for item in await sent.deliveries() if item.notice_key == f"eldercare.{key}"]


async def alarms() -> list[sa.Row[Any]]:
    async with reading() as connection:
        rows = await connection.execute(sa.select(Alarm.__table__))  # type: ignore[attr-defined]  # SQLModel
        return list(rows)


async def first_visit(scene: Scene, **changes: object) -> sa.Row[Any]:
    await made.template(scene.plan, **changes)
    visit = (await made.visits(scene.resident))[0]
    await made.assign(visit.id, scene.carer)
    return await made.visit(visit.id)


async def test_nobody_arrives_the_agency_hears_and_then_an_alarm_is_raised(scene: Scene, clock: ManualClock) -> None:
    visit = await first_visit(scene)
    clock.set(visit.starts_at + timedelta(minutes=14))
    assert await made.look_after() == 0
    clock.advance(timedelta(minutes=1))
    assert await made.look_after() == 1
    assert await told("visit_late") == [scene.coordinator.id]
    assert [(alarm.kind, alarm.severity) for alarm in await alarms()] == [("visit_late", 1)]
    clock.set(visit.starts_at + timedelta(minutes=60))
    assert await made.look_after() == 1
    assert (await made.visit(visit.id)).state == "missed"
    (alarm,) = await alarms()
    assert (alarm.kind, alarm.severity, alarm.resident_id) == ("visit_missed", 2, scene.resident.id)
    assert await told("visit_missed") == [scene.coordinator.id]
    assert await made.look_after() == 0
    assert len(await alarms()) == 1


async def test_a_visit_nobody_was_assigned_to_is_missed_just_the_same(scene: Scene, clock: ManualClock) -> None:
    await made.template(scene.plan)
    visit = (await made.visits(scene.resident))[0]
    clock.set(visit.starts_at + timedelta(minutes=60))
    await made.look_after()
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
    assert await made.look_after() == 2
    assert await told("visit_uncovered") == [scene.coordinator.id] * 2
    assert await made.look_after() == 0
    assert (await made.visit(alone.id)).state == "planned"


async def test_who_is_taken_off_shortly_before_leaves_a_visit_that_is_told_of(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await first_visit(scene)
    assert await made.look_after() == 0
    nora = await phone_of(scene.coordinator)
    await nora("POST", f"/residents/{scene.resident.id}/care-visits/{visit.id}/carers/{scene.carer.id}/removal", {})
    assert await made.look_after() == 1
    assert await told("visit_uncovered") == [scene.coordinator.id]


async def test_where_time_matters_the_alarm_comes_sooner_and_is_worse(scene: Scene, clock: ManualClock) -> None:
    visit = await first_visit(scene, is_critical=True)
    clock.set(visit.starts_at + timedelta(minutes=15))
    await made.look_after()
    assert [(alarm.kind, alarm.severity) for alarm in await alarms()] == [("visit_late", 2)]
    clock.set(visit.starts_at + timedelta(minutes=30))
    await made.look_after()
    assert [(alarm.kind, alarm.severity) for alarm in await alarms()] == [("visit_missed", 3)]


async def test_a_worker_that_was_away_is_late_and_still_raises_it(scene: Scene, clock: ManualClock) -> None:
    visit = await first_visit(scene)
    clock.set(visit.starts_at + timedelta(hours=9))
    await made.look_after()
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
    await made.look_after()
    cai = await phone_of(scene.carer)
    came = await cai("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    assert came["state"] == "in_progress"
    row = await made.visit(visit.id)
    assert row.overdue_at == clock.now() + timedelta(minutes=15)
    (alarm,) = await alarms()
    assert (alarm.state, alarm.outcome) == ("resolved", "carer_arrived")


async def test_whoever_is_called_learns_that_the_carer_has_arrived(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    family = await identity.account(scene.community, name="Ann", phone="+8613800000031")
    await eldercare_alarms.circle_member(scene.resident, family)
    visit = await first_visit(scene)
    clock.set(visit.starts_at + timedelta(minutes=15))
    await made.look_after()
    await eldercare_alarms.climb()
    assert set(await told("alarm_step")) == {family.id}
    await eldercare_alarms.raised(scene.resident, kind="check_in_missed", severity=Severity.LOW)
    cai = await phone_of(scene.carer)
    await cai("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    (alarm,) = await alarms()
    assert alarm.state == "raised"  # there is more to it than that nobody came
    assert set(await told("alarm_carer_there")) == {family.id}
    kinds = "SELECT array_agg(kind ORDER BY id) FROM eldercare_alarm_entry"
    assert (await eldercare_alarms.scalar(kinds))[-1] == "carer_arrived"


async def test_that_a_carer_came_says_nothing_of_another_visit(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await first_visit(scene)
    other = await made.single(scene.plan, visit.starts_at, account_id=scene.resident.account_id)
    clock.set(visit.starts_at + timedelta(minutes=15))
    await made.look_after()
    cai = await phone_of(scene.carer)
    await cai("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    assert [alarm.state for alarm in await alarms()] == ["raised"]
    await made.assign(other.id, scene.other_carer)
    dana = await phone_of(scene.other_carer)
    await dana("POST", f"/visits/{other.id}/arrival", {"proof": BY_HAND})
    assert [alarm.state for alarm in await alarms()] == ["raised"]  # a person looks at what was about two visits


async def test_a_visit_under_way_is_never_missed(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    visit = await first_visit(scene)
    clock.set(visit.starts_at)
    cai = await phone_of(scene.carer)
    await cai("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    clock.advance(timedelta(minutes=44))
    assert await made.look_after() == 0
    assert await alarms() == []


async def test_a_carer_who_does_not_check_out_is_asked_and_then_called(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await first_visit(scene)
    clock.set(visit.starts_at)
    cai = await phone_of(scene.carer)
    await cai("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    clock.set(visit.ends_at + timedelta(minutes=15))
    assert await made.look_after() == 1
    assert await told("check_out_due") == [scene.carer.id]
    assert await told("check_out_overdue") == []
    assert await alarms() == []
    for times in (1, 2, 3):
        clock.advance(timedelta(minutes=15 if times == 1 else 30))
        assert await made.look_after() == 1
        assert sorted(await told("check_out_overdue")) == sorted([scene.coordinator.id, scene.desk.id] * times)
    assert await told("check_out_due") == [scene.carer.id]
    (alarm,) = await alarms()
    assert (alarm.kind, alarm.severity, alarm.state) == ("check_out_overdue", 2, "raised")
    left = await cai("POST", f"/visits/{visit.id}/departure", {"proof": BY_HAND, "unfinished_reason": "x"})
    assert left["state"] == "completed"
    assert [(one.state, one.outcome) for one in await alarms()] == [("resolved", "carer_left")]
    clock.advance(timedelta(hours=5))
    assert await made.look_after() == 0


async def test_an_agency_without_coordinators_leaves_it_to_the_desk(scene: Scene, clock: ManualClock) -> None:
    alone = await identity.organization(scene.community, "care_agency", name="Alone")
    await identity.agreement(alone)
    await identity.staff(alone, "carer", name="Sam", phone="+8613800000019")
    plan = await made.care_plan(scene.resident, alone)
    visit = await made.single(plan, clock.now() + timedelta(hours=1), account_id=scene.resident.account_id)
    clock.set(visit.starts_at + timedelta(minutes=15))
    await made.look_after()
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


@pytest.mark.parametrize("is_critical", [False, True])
async def test_of_one_of_two_who_does_not_come_the_agency_hears_within_minutes(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock, is_critical: bool
) -> None:
    visit = await first_visit(scene, carers=2, is_critical=is_critical)
    await made.assign(visit.id, scene.other_carer)
    await jobs.tell_unstaffed()
    clock.set(visit.starts_at)
    cai = await phone_of(scene.carer)
    await cai("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    clock.advance(timedelta(minutes=14))
    assert await made.look_after() == 0
    clock.advance(timedelta(minutes=1))
    assert await made.look_after() == 1
    expected = {scene.coordinator.id, scene.desk.id} if is_critical else {scene.coordinator.id}
    assert set(await told("visit_uncovered")) == expected
    assert await alarms() == []  # somebody is with them
    assert (await made.visit(visit.id)).state == "in_progress"


async def test_where_the_first_of_two_comes_late_the_other_is_given_a_few_minutes(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await first_visit(scene, carers=2)
    await made.assign(visit.id, scene.other_carer)
    clock.set(visit.starts_at + timedelta(minutes=20))
    assert await made.look_after() == 1
    cai, dana = await phone_of(scene.carer), await phone_of(scene.other_carer)
    await cai("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    assert [alarm.state for alarm in await alarms()] == ["resolved"]
    assert (await made.visit(visit.id)).late_at == clock.now() + timedelta(minutes=5)
    clock.advance(timedelta(minutes=4))
    await dana("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    assert (await made.visit(visit.id)).late_at is None
    clock.advance(timedelta(minutes=5))
    assert await made.look_after() == 0
    assert await told("visit_uncovered") == []


# What fails for each of so many is taken for a fault of the code.
MANY = MOST_AT_FAULT + 5
BROKEN = (
    "CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'at fault'; END $$",
    (
        "CREATE TRIGGER fails BEFORE UPDATE ON eldercare_visit FOR EACH ROW"
        " WHEN (OLD.{column} IS NOT NULL AND NEW.{column} IS NULL AND NEW.state = 'planned') EXECUTE FUNCTION fails()"
    ),
)
MENDED = ("DROP TRIGGER IF EXISTS fails ON eldercare_visit", "DROP FUNCTION IF EXISTS fails()")


async def _order(order: str) -> None:
    async with unit_of_work() as session:
        await (await session.connection()).exec_driver_sql(order)


@pytest.mark.parametrize("column", ["staff_by", "late_at"])
async def test_what_stops_one_job_keeps_no_missed_visit_from_its_alarm(
    scene: Scene, clock: ManualClock, column: str
) -> None:
    for number in range(MANY):
        starts_at = clock.now() + timedelta(hours=2, minutes=number)
        await made.single(
            scene.plan, starts_at, account_id=scene.resident.account_id, staff_by=starts_at - timedelta(hours=2)
        )
    clock.advance(timedelta(hours=4))
    for order in BROKEN:
        await _order(order.format(column=column))
    failed = []
    try:
        for job in jobs.JOBS:
            try:
                await job.run()
            except sa.exc.DBAPIError:
                failed.append(job.name)
    finally:
        for order in MENDED:
            await _order(order)
    assert failed == [due.name for due in (jobs.UNSTAFFED, jobs.LATE) if due.column == column]
    assert {visit.state for visit in await made.visits(scene.resident)} == {"missed"}
    assert [alarm.kind for alarm in await alarms()] == ["visit_missed"]


async def test_one_that_is_at_fault_keeps_nobody_else_waiting(scene: Scene, clock: ManualClock) -> None:
    """They are looked after together; the one that cannot be stands aside alone."""
    found = []
    for number in range(6):
        home = await identity.resident(scene.community, name=f"Resident {number}")
        plan = await made.care_plan(home, scene.agency)
        found.append(await made.single(plan, clock.now() + HOUR, account_id=home.account_id))
    clock.advance(3 * HOUR)
    at_fault = found[3]
    await _order(BROKEN[0])
    await _order(
        "CREATE TRIGGER fails BEFORE UPDATE ON eldercare_visit FOR EACH ROW"
        f" WHEN (OLD.id = '{at_fault.id}' AND NEW.state = 'missed') EXECUTE FUNCTION fails()"
    )
    try:
        await jobs.miss()
    finally:
        for order in MENDED:
            await _order(order)
    assert {visit.id for visit in await made.visits() if visit.state == "missed"} == {
        visit.id for visit in found if visit is not at_fault
    }
    assert len(await told("visit_missed")) == 5


@pytest.mark.parametrize(
    ("look", "column", "passed"),
    [
        (deadlines.unstaffed, "staff_by", -2 * HOUR),
        (deadlines.late, "late_at", HOUR / 4),
        (deadlines.miss, "miss_at", HOUR),
    ],
)
async def test_many_visits_cost_as_many_statements_as_one(
    scene: Scene, clock: ManualClock, look: Any, column: str, passed: timedelta
) -> None:
    async def counted(many: int) -> int:
        homes = [await identity.resident(scene.community, name=f"Resident {number}") for number in range(many)]
        plans = [await made.care_plan(home, scene.agency) for home in homes]
        starts_at = clock.now() + 3 * HOUR
        found = [
            await made.single(plan, starts_at, account_id=home.account_id, staff_by=starts_at - 2 * HOUR)
            for plan, home in zip(plans, homes, strict=True)
        ]
        clock.set(starts_at + passed)
        async with unit_of_work() as session, statements(connection_of(session)) as seen:
            await look(session, [visit.id for visit in found])
            await session.flush()
        return len(seen)

    one, many = await counted(1), await counted(12)
    assert many == one
    assert len({item.variables["resident"] for item in await sent.deliveries() if "visit_" in item.notice_key}) == 13


def test_whatever_raises_alarms_is_tried_for_ever_and_told_when_stuck() -> None:
    for due in (jobs.LATE, jobs.MISS, jobs.OVERDUE):
        assert due.vital
        assert due.on_stuck is not None


OURS = [notice for notice in declared().values() if notice.package == notices.VISIT_LATE.package]


@pytest.mark.parametrize("notice", OURS, ids=lambda notice: notice.key)
def test_what_people_are_told_is_complete_in_every_language(notice: Notice) -> None:
    assert complaints(notice) == []

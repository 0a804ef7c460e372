"""Planning into rows: horizons, changes, moves, holidays, leaving; each moment once, history untouched."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.jobs import Job, settle
from app.core.problems import NotFound, StaleVersion
from app.identity.events import HolidaysChanged, ResidentClosed, ResidentMovedZone, ResidentReopened
from app.identity.models import Account, Community, Resident
from eldercare.check_ins import jobs, subscribers
from eldercare.check_ins.models import CheckInPlan
from eldercare.check_ins.problems import PlanEnded
from eldercare.check_ins.schemas import AnswerWrite
from eldercare.check_ins.service import planning, plans
from eldercare.check_ins.service.answers import answer
from tests.factories import eldercare_check_ins as made
from tests.factories import identity

pytestmark = pytest.mark.usefixtures("database", "subscribed")


async def planned(resident: Resident) -> list[str]:
    return [f"{row.due_at:%d %H:%M} {row.state}" for row in await made.check_ins(resident)]


async def change(resident: Resident, plan: CheckInPlan, if_match: int | None = None, **changes: object) -> CheckInPlan:
    subject = await made.subject_of(resident)
    async with unit_of_work() as session:
        data = made.agreed(**changes)
        return await plans.change_plan(session, made.self_actor(resident), subject, plan.id, data, if_match)


async def end(resident: Resident, plan: CheckInPlan) -> None:
    subject = await made.subject_of(resident)
    async with unit_of_work() as session:
        await plans.end_plan(session, made.self_actor(resident), subject, plan.id, None)


async def test_planning_goes_on_day_by_day(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident)
    for _ in range(5):
        await jobs.plan()
        clock.advance(timedelta(hours=12))
    found = await planned(resident)
    assert found == [f"{day:02} 08:30 scheduled" for day in range(2, 6)]


async def test_the_job_does_not_plan_before_it_has_to(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident)
    assert await jobs.plan() == 0
    clock.advance(timedelta(hours=24))
    assert await jobs.plan() == 1
    assert await jobs.plan() == 0


async def test_planning_twice_at_once_makes_each_moment_once(resident: Resident, clock: ManualClock) -> None:
    plan = await made.plan(resident, times=["08:30", "20:00"])

    async def again() -> None:
        async with unit_of_work() as session:
            await planning.begin_anew(session, {plan.id: resident.id})
            await planning.plan_ahead(session, [plan.id])

    await asyncio.gather(again(), again(), jobs.plan())
    assert await planned(resident) == [
        f"{moment} scheduled" for moment in ("02 08:30", "02 20:00", "03 08:30", "03 20:00")
    ]


async def test_spring_and_autumn_nights(place: Community, clock: ManualClock) -> None:
    resident = await identity.resident(place)
    clock.set(datetime(2026, 3, 28, 12, tzinfo=UTC))
    await made.plan(resident, times=["02:30"], time_zone="Europe/Berlin")
    assert await planned(resident) == ["29 01:30 scheduled", "30 00:30 scheduled"]
    clock.set(datetime(2026, 10, 24, 12, tzinfo=UTC))
    other = await identity.resident(place)
    await made.plan(other, times=["02:30"], time_zone="Europe/Berlin")
    assert await planned(other) == ["25 00:30 scheduled", "26 01:30 scheduled"]


async def test_a_change_works_from_now_on_and_keeps_history(resident: Resident, clock: ManualClock) -> None:
    plan = await made.plan(resident)
    clock.set(datetime(2026, 3, 2, 8, 30, tzinfo=UTC))
    await settle([jobs_prompt()])
    before = (await made.check_ins(resident))[0]
    clock.advance(timedelta(minutes=10))
    changed = await change(
        resident, plan, plan.version, times=["09:15"], answer_window=timedelta(minutes=5), reminders=[]
    )
    assert await planned(resident) == ["02 08:30 prompted", "02 09:15 scheduled", "03 09:15 scheduled"]
    after = (await made.check_ins(resident))[0]
    assert (after.schedule_id, after.version) == (before.schedule_id, before.version)
    assert changed.version > plan.version
    with pytest.raises(StaleVersion):
        await change(resident, plan, plan.version, times=["10:00"])


async def test_a_change_that_fails_changes_nothing(resident: Resident, clock: ManualClock) -> None:
    plan = await made.plan(resident)
    with pytest.raises(NotFound):
        await change(await identity.resident(await _home(resident)), plan, times=["10:00"])
    assert await planned(resident) == ["02 08:30 scheduled", "03 08:30 scheduled"]


async def test_an_ended_plan_asks_no_more(resident: Resident, clock: ManualClock) -> None:
    plan = await made.plan(resident)
    await end(resident, plan)
    await end(resident, plan)
    clock.advance(timedelta(days=3))
    await jobs.plan()
    assert await planned(resident) == []
    with pytest.raises(PlanEnded):
        await change(resident, plan, times=["10:00"])


async def test_moving_to_another_zone_works_from_the_next_check_in(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident, time_zone=None)
    fixed = await made.plan(resident, times=["20:00"])
    clock.set(datetime(2026, 3, 2, 8, 30, tzinfo=UTC))
    await settle([jobs_prompt()])
    async with unit_of_work() as session:
        await session.execute(
            sa.update(Account).where(Account.id == resident.account_id).values(time_zone="Asia/Tokyo")  # type: ignore[arg-type]
        )
        event = ResidentMovedZone(
            aggregate_id=resident.account_id, community_id=resident.community_id, resident_id=resident.id
        )
        await subscribers.follow_moves(session, [event])
    await jobs.plan()
    found = await made.check_ins(resident)
    following = [f"{row.due_at:%d %H:%M} {row.state}" for row in found if row.plan_id != fixed.id]
    assert following == ["02 08:30 prompted", "02 23:30 scheduled", "03 23:30 scheduled"]
    assert len([row for row in found if row.plan_id == fixed.id]) == 2


async def test_a_new_holiday_is_heeded_at_once(place: Community, resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident, holidays="skip")
    await made.plan(resident, times=["20:00"])
    await identity.holiday(place, date(2026, 3, 3))
    async with unit_of_work() as session:
        event = HolidaysChanged(aggregate_id=place.id, community_id=place.id)
        await subscribers.follow_holidays(session, [event])
    await jobs.plan()
    assert await planned(resident) == ["02 08:30 scheduled", "02 20:00 scheduled", "03 20:00 scheduled"]


async def test_leaving_ends_everything_and_coming_back_begins_anew(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident)
    over = await made.plan(resident, times=["20:00"])
    await end(resident, over)
    clock.set(datetime(2026, 3, 2, 8, 30, tzinfo=UTC))
    await settle([jobs_prompt()])
    closed = ResidentClosed(aggregate_id=resident.id, community_id=resident.community_id, reason="moved_out")
    async with unit_of_work() as session:
        await subscribers.follow_closures(session, [closed])
    [open_one] = await made.check_ins(resident)
    assert (open_one.state, open_one.excuse) == ("excused", "closed")
    clock.advance(timedelta(hours=1))
    reopened = ResidentReopened(aggregate_id=resident.id, community_id=resident.community_id)
    async with unit_of_work() as session:
        await subscribers.follow_closures(session, [reopened])
    await jobs.plan()
    assert await planned(resident) == ["02 08:30 excused", "03 08:30 scheduled", "04 08:30 scheduled"]


async def test_who_is_reopened_and_closed_again_before_anybody_hears_of_it_is_asked_nothing(
    resident: Resident, clock: ManualClock
) -> None:
    await made.plan(resident)
    of: dict[str, Any] = {"aggregate_id": resident.id, "community_id": resident.community_id}
    closed = ResidentClosed(**of, reason="died")
    async with unit_of_work() as session:
        await subscribers.follow_closures(session, [closed])
    async with unit_of_work() as session:
        await subscribers.follow_closures(session, [ResidentReopened(**of), closed])
    await jobs.plan()
    assert not [line for line in await planned(resident) if line.endswith("scheduled")]


async def test_a_plan_that_cannot_be_planned_stands_aside_alone(resident: Resident, clock: ManualClock) -> None:
    broken = await made.plan(resident)
    await made.plan(resident, times=["20:00"])
    async with unit_of_work() as session:
        await session.execute(
            sa.text("UPDATE eldercare_check_in_schedule SET time_zone = 'Nowhere/Land' WHERE plan_id = :id"),
            {"id": broken.id},
        )
    clock.advance(timedelta(hours=24))
    await jobs.plan()
    days = [row for row in await made.check_ins(resident) if row.plan_id != broken.id]
    assert len(days) == 3


async def test_an_rrule_is_planned(resident: Resident, clock: ManualClock) -> None:
    await made.plan(resident, rrule="FREQ=DAILY;INTERVAL=2", starts_on=date(2026, 3, 1))
    clock.advance(timedelta(hours=24))
    await jobs.plan()
    assert await planned(resident) == ["03 08:30 scheduled"]


def jobs_prompt() -> Job:
    return next(job for job in jobs.JOBS if job.name == "eldercare.prompt_check_ins")


async def _home(resident: Resident) -> Community:
    async with unit_of_work() as session:
        return await session.get_one(Community, resident.community_id)


async def test_a_change_keeps_what_was_answered_before_its_time(resident: Resident, clock: ManualClock) -> None:
    plan = await made.plan(resident)
    subject, first = await made.subject_of(resident), (await made.check_ins(resident))[0]
    async with unit_of_work() as session:
        await answer(session, made.self_actor(resident), subject, first.id, AnswerWrite(status="ok"))
    await change(resident, plan, severity="high")
    assert await planned(resident) == ["02 08:30 answered", "03 08:30 scheduled"]

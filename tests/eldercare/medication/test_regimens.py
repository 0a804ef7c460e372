"""What is agreed and what becomes of it: versions, drafts, pauses, ends, moves, meals and closed residences."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.events import ResidentClosed, ResidentMovedZone, ResidentReopened
from app.identity.models import Account, Community, Resident
from eldercare.api import end_care
from eldercare.medication import jobs, subscribers
from eldercare.medication.models import Regimen
from eldercare.medication.problems import RegimenOverlaps, RegimenStateConflict, RegimenStopped
from eldercare.medication.schemas.regimens import MealTimesWrite, RegimenStateChange
from eldercare.medication.service import meals, regimens
from notifications.sending import jobs as sending
from tests.factories import eldercare_medication as made
from tests.factories import identity
from tests.factories import notifications as sent

pytestmark = pytest.mark.usefixtures("database", "subscribed")
DUE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


async def become(resident: Resident, regimen: Regimen, state: str) -> Regimen:
    subject = await made.subject_of(resident)
    data = RegimenStateChange.model_validate({"state": state})
    async with unit_of_work() as session:
        return await regimens.set_state(session, made.self_actor(resident), subject, regimen.id, data, None)


async def current(regimen: Regimen) -> Regimen:
    async with unit_of_work() as session:
        return await session.get_one(Regimen, regimen.id)


async def test_two_days_are_planned_and_the_next_ones_in_time(resident: Resident, clock: ManualClock) -> None:
    await made.regimen(resident, times=["08:30", "20:00"])
    assert await made.states(resident) == [
        "02 08:30 scheduled",
        "02 20:00 scheduled",
        "03 08:30 scheduled",
        "03 20:00 scheduled",
    ]
    clock.advance(timedelta(hours=24))
    assert await jobs.plan() == 1
    assert (await made.states(resident))[-2:] == ["04 08:30 scheduled", "04 20:00 scheduled"]
    assert await jobs.plan() == 0


async def test_a_change_plans_what_lies_ahead_anew_and_rewrites_no_history(
    resident: Resident, clock: ManualClock
) -> None:
    regimen = await made.regimen(resident)
    clock.set(DUE)
    await settle([*RELAY_JOBS, *jobs.JOBS, *sending.JOBS])
    before = (await made.doses(resident))[0]
    await made.change(resident, regimen.id, times=["09:00", "21:00"], quantity=2)
    assert await made.states(resident) == [
        "02 08:30 reminded",  # in the place of today's nine o'clock
        "02 21:00 scheduled",
        "03 09:00 scheduled",
        "03 21:00 scheduled",
    ]
    after = await made.doses(resident)
    assert (after[0].version_id, after[0].quantity) == (before.version_id, 1)
    assert {(row.version_id, row.quantity) for row in after[1:]} == {((await current(regimen)).version_id, 2)}
    async with reading() as connection:
        said = await connection.execute(
            sa.text("SELECT number, quantity, times FROM eldercare_regimen_version ORDER BY number")
        )
        assert [(row.number, row.quantity, len(row.times)) for row in said] == [(1, 1, 1), (2, 2, 2)]


async def test_what_the_drug_is_called_is_sealed(resident: Resident) -> None:
    await made.regimen(resident)
    async with reading() as connection:
        stored = await connection.scalar(sa.text("SELECT drug FROM eldercare_regimen_version"))
    assert "metformin" not in stored.lower()


async def test_a_draft_waits_until_somebody_makes_it_active(resident: Resident, clock: ManualClock) -> None:
    regimen = await made.regimen(resident, state="draft")
    await settle(jobs.JOBS)
    assert await made.doses(resident) == []
    await become(resident, regimen, "active")
    assert await made.states(resident) == ["02 08:30 scheduled", "03 08:30 scheduled"]
    with pytest.raises(RegimenStateConflict):
        await become(resident, await made.regimen(resident, drug={"name": "Other"}, state="draft"), "paused")


async def test_a_pause_excuses_what_is_open_and_plans_nothing(resident: Resident, clock: ManualClock) -> None:
    regimen = await made.regimen(resident)
    clock.set(DUE)
    await settle(jobs.JOBS)
    await become(resident, regimen, "paused")
    assert await made.states(resident) == ["02 08:30 excused"]
    assert (await made.doses(resident))[0].excuse == "paused"
    assert [row.state for row in await sent.deliveries()] == ["suppressed"]
    clock.advance(timedelta(days=3))
    await settle(jobs.JOBS)
    assert len(await made.doses(resident)) == 1
    await become(resident, regimen, "active")
    assert await made.states(resident) == ["02 08:30 excused", "05 08:30 scheduled", "06 08:30 scheduled"]


async def test_a_stopped_regimen_stays_history(resident: Resident, clock: ManualClock) -> None:
    regimen = await made.regimen(resident)
    clock.set(DUE)
    await settle(jobs.JOBS)
    await made.record(resident, (await made.doses(resident))[0].id)
    await become(resident, regimen, "stopped")
    assert await made.states(resident) == ["02 08:30 taken"]
    with pytest.raises(RegimenStateConflict):
        await become(resident, regimen, "active")
    with pytest.raises(RegimenStopped):
        await made.change(resident, regimen.id)


async def test_its_last_day_ends_it(resident: Resident, clock: ManualClock) -> None:
    regimen = await made.regimen(resident, ends_on="2026-03-03")
    for _ in range(6):
        clock.advance(timedelta(hours=24))
        await jobs.plan()
    assert len(await made.doses(resident)) == 2
    assert (await current(regimen)).plan_at is None


@pytest.mark.parametrize(
    "other",
    [
        {"drug": {"name": " metFORMIN "}},
        {"drug": {"name": "Glucophage", "system": "http://www.whocc.no/atc", "code": "A10BA02"}},
        {"drug": {"name": "Metformin"}, "starts_on": "2026-06-01"},
    ],
)
async def test_the_same_drug_twice_is_refused_and_says_which_it_is(resident: Resident, other: dict[str, Any]) -> None:
    drug = {"name": "Metformin", "system": "http://www.whocc.no/atc", "code": "A10BA02"}
    first = await made.regimen(resident, drug=drug)
    with pytest.raises(RegimenOverlaps) as refused:
        await made.regimen(resident, **other)
    assert refused.value.extensions == {"regimen_id": str(first.id)}
    meant = await made.regimen(resident, **other, allow_overlap=True)
    assert meant.id != first.id


async def test_a_drug_can_be_taken_again_after_its_last_day_or_its_stop(resident: Resident) -> None:
    await made.regimen(resident, ends_on="2026-03-10")
    with pytest.raises(RegimenOverlaps):
        await made.regimen(resident, starts_on="2026-03-10")
    later = await made.regimen(resident, starts_on="2026-03-11")
    await become(resident, later, "stopped")
    await made.regimen(resident, starts_on="2026-03-11")


async def test_another_resident_may_take_the_same(place: Community, resident: Resident) -> None:
    neighbour = await identity.resident(place, name="Walter")
    await made.regimen(resident)
    await made.regimen(neighbour)
    assert len(await made.doses()) == 4


async def test_with_meals_follows_the_residents_meals(resident: Resident, clock: ManualClock) -> None:
    await made.regimen(resident, timing="meals", times=[], meals=["lunch", "dinner"], meal_offset="-PT30M")
    assert await made.states(resident) == [
        "02 11:30 scheduled",
        "02 17:30 scheduled",
        "03 11:30 scheduled",
        "03 17:30 scheduled",
    ]
    subject = await made.subject_of(resident)
    data = MealTimesWrite(breakfast="08:00", lunch="13:00", dinner="19:00")
    async with unit_of_work() as session:
        await meals.set_meal_times(session, made.self_actor(resident), subject, data, None)
    await jobs.plan()
    assert [row[:8] for row in await made.states(resident)] == ["02 12:30", "02 18:30", "03 12:30", "03 18:30"]


async def test_a_meal_that_was_had_is_not_had_again_when_it_is_later_from_now_on(
    resident: Resident, clock: ManualClock
) -> None:
    await made.regimen(resident, timing="meals", times=[], meals=["lunch", "dinner"])
    await made.regimen(
        resident, timing="meals", times=[], meals=["dinner"], drug={"name": "Ramipril"}, starts_on="2026-03-03"
    )
    clock.set(datetime(2026, 3, 2, 12, 5, tzinfo=UTC))
    await settle(jobs.JOBS)
    lunch, dinner = (await made.doses(resident))[:2]
    await made.record(resident, lunch.id)
    clock.set(datetime(2026, 3, 2, 17, 30, tzinfo=UTC))
    await made.record(resident, dinner.id)  # early
    subject = await made.subject_of(resident)
    data = MealTimesWrite(breakfast="08:00", lunch="17:45", dinner="19:00")
    async with unit_of_work() as session:
        await meals.set_meal_times(session, made.self_actor(resident), subject, data, None)
    await jobs.plan()
    assert await made.states(resident) == [
        "02 12:00 taken",
        "02 18:00 taken",
        "03 17:45 scheduled",
        "03 19:00 scheduled",
        "03 19:00 scheduled",
    ]


async def test_a_meal_nobody_planned_for_is_still_planned_when_it_is_later(
    resident: Resident, clock: ManualClock
) -> None:
    clock.set(datetime(2026, 3, 2, 18, 10, tzinfo=UTC))
    await made.regimen(resident, timing="meals", times=[], meals=["dinner"])  # agreed after today's dinner
    subject = await made.subject_of(resident)
    data = MealTimesWrite(breakfast="08:00", lunch="12:00", dinner="19:00")
    async with unit_of_work() as session:
        await meals.set_meal_times(session, made.self_actor(resident), subject, data, None)
    await jobs.plan()
    assert await made.states(resident) == ["02 19:00 scheduled", "03 19:00 scheduled"]


async def move(resident: Resident, time_zone: str) -> None:
    async with unit_of_work() as session:
        account = await session.get_one(Account, resident.account_id)
        account.time_zone = time_zone
    moved = ResidentMovedZone(
        aggregate_id=resident.account_id, community_id=resident.community_id, resident_id=resident.id
    )
    for _ in range(2):  # heard again after a crash, it changes nothing
        async with unit_of_work() as session:
            await subscribers.follow_moves(session, [moved])
        await jobs.plan()


async def test_a_regimen_follows_its_resident_to_the_east_and_loses_no_dose(
    resident: Resident, clock: ManualClock
) -> None:
    await made.regimen(resident, time_zone=None)
    await move(resident, "Europe/Berlin")  # where half past eight is over, just before it is here
    assert await made.states(resident) == ["02 08:30 scheduled", "03 07:30 scheduled", "04 07:30 scheduled"]
    clock.advance(timedelta(hours=24))
    await jobs.plan()
    assert (await made.states(resident))[-1] == "05 07:30 scheduled"


async def test_a_regimen_follows_its_resident_to_the_west_and_is_not_taken_twice(
    resident: Resident, clock: ManualClock
) -> None:
    await made.regimen(resident, time_zone=None)
    await made.record(resident, (await made.doses(resident))[0].id)
    await move(resident, "America/New_York")  # where half past eight is yet to come
    assert await made.states(resident) == ["02 08:30 taken", "03 13:30 scheduled"]


async def test_an_earlier_time_from_now_on_leaves_todays_dose_where_it_was(
    resident: Resident, clock: ManualClock
) -> None:
    regimen = await made.regimen(resident, times=["20:00"])
    clock.set(DUE + timedelta(hours=6))
    await made.change(resident, regimen.id, times=["08:00"], quantity=2)
    assert await made.states(resident) == ["02 20:00 scheduled", "03 08:00 scheduled", "04 08:00 scheduled"]
    assert {row.quantity for row in await made.doses(resident)} == {2}


async def test_what_was_missed_is_planned_at_the_later_time_and_what_was_taken_is_not(
    resident: Resident, clock: ManualClock
) -> None:
    missed = await made.regimen(resident)
    taken = await made.regimen(resident, drug={"name": "Ramipril"})
    clock.set(DUE)
    await settle(jobs.JOBS)
    (dose,) = [row for row in await made.doses(resident) if row.regimen_id == taken.id and row.due_at == DUE]
    await made.record(resident, dose.id)
    clock.set(DUE + timedelta(hours=2))
    await settle(jobs.JOBS)
    await made.change(resident, missed.id, times=["18:00"])
    await made.change(resident, taken.id, times=["18:00"], drug={"name": "Ramipril"})

    async def of(regimen: Regimen) -> list[str]:
        rows = [row for row in await made.doses(resident) if row.regimen_id == regimen.id]
        return [f"{row.due_at:%d %H:%M} {row.state}" for row in rows]

    assert await of(missed) == ["02 08:30 missed", "02 18:00 scheduled", "03 18:00 scheduled"]
    assert await of(taken) == ["02 08:30 taken", "03 18:00 scheduled"]


async def test_what_was_changed_in_a_pause_is_not_taken_twice_when_it_ends(
    resident: Resident, clock: ManualClock
) -> None:
    regimen = await made.regimen(resident)
    await made.record(resident, (await made.doses(resident))[0].id)
    await become(resident, regimen, "paused")
    await made.change(resident, regimen.id, times=["18:00"])
    clock.set(DUE + timedelta(hours=2))
    await become(resident, regimen, "active")
    assert await made.states(resident) == ["02 08:30 taken", "03 18:00 scheduled"]


async def test_once_a_week_is_not_planned_again_for_the_next_days_either(
    resident: Resident, clock: ManualClock
) -> None:
    regimen = await made.regimen(resident, weekdays=[1])  # it is Monday
    await made.record(resident, (await made.doses(resident))[0].id)
    await made.change(resident, regimen.id, weekdays=[2])
    for _ in range(8):
        clock.advance(timedelta(days=1))
        await jobs.plan()
    assert await made.states(resident) == ["02 08:30 taken", "10 08:30 scheduled"]


async def test_a_closed_residence_stops_everything_and_a_mistake_is_undone(
    resident: Resident, clock: ManualClock
) -> None:
    await made.regimen(resident)
    paused = await made.regimen(resident, drug={"name": "Ramipril"})
    await become(resident, paused, "paused")
    clock.set(DUE)
    await settle(jobs.JOBS)
    async with unit_of_work() as session:
        await end_care(session, resident.id)
    assert await made.states(resident) == ["02 08:30 excused"]
    assert [row.state for row in await sent.deliveries()] == ["suppressed"]
    closed = ResidentClosed(aggregate_id=resident.id, community_id=resident.community_id, reason="moved_out")
    async with unit_of_work() as session:
        await subscribers.follow_closures(session, [closed])
    clock.advance(timedelta(hours=30))
    await settle(jobs.JOBS)
    assert len(await made.doses(resident)) == 1
    reopened = ResidentReopened(aggregate_id=resident.id, community_id=resident.community_id)
    async with unit_of_work() as session:
        await subscribers.follow_closures(session, [reopened])
    await settle(jobs.JOBS)
    assert await made.states(resident) == ["02 08:30 excused", "04 08:30 scheduled", "05 08:30 scheduled"]
    assert (await current(paused)).state == "paused"


async def test_who_is_reopened_and_closed_again_before_anybody_hears_of_it_is_reminded_of_nothing(
    resident: Resident, clock: ManualClock
) -> None:
    await made.regimen(resident)
    of: dict[str, Any] = {"aggregate_id": resident.id, "community_id": resident.community_id}
    closed = ResidentClosed(**of, reason="died")
    async with unit_of_work() as session:
        await subscribers.follow_closures(session, [closed])
    async with unit_of_work() as session:
        await subscribers.follow_closures(session, [ResidentReopened(**of), closed])
    await settle(jobs.JOBS)
    assert not [state for state in await made.states(resident) if state.endswith("scheduled")]


async def test_a_regimen_that_cannot_be_planned_stands_aside_alone(resident: Resident, clock: ManualClock) -> None:
    broken = await made.regimen(resident)
    await made.regimen(resident, drug={"name": "Ramipril"})
    async with unit_of_work() as session:
        await session.execute(
            sa.text("UPDATE eldercare_regimen_version SET time_zone = 'Nowhere/Land' WHERE regimen_id = :id"),
            {"id": broken.id},
        )
    clock.advance(timedelta(hours=24))
    await jobs.plan()
    assert len([row for row in await made.doses(resident) if row.regimen_id != broken.id]) == 3


async def test_changes_are_on_record(resident: Resident) -> None:
    regimen = await made.regimen(resident)
    await made.change(resident, regimen.id, quantity=2)
    await become(resident, regimen, "paused")
    async with reading() as connection:
        actions = await connection.scalars(sa.text("SELECT action FROM core_audit_entry ORDER BY id"))
        assert list(actions) == ["regimen:create", "regimen:change", "regimen:paused"]

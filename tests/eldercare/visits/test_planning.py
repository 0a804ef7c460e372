"""From what recurs to visits: each once, and what a change does to those that lie ahead."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.due import drain
from app.identity.events import ResidentClosed, ResidentReopened
from app.identity.models import Account
from eldercare import api as eldercare
from eldercare.visits import jobs
from eldercare.visits.service import planning
from eldercare.visits.subscribers import follow_closures
from tests.eldercare.visits.conftest import PhoneOf, Scene
from tests.factories import eldercare_visits as made
from tests.factories import identity
from tests.factories import notifications as sent


async def count(sql: str) -> int:
    async with reading() as connection:
        return int(await connection.scalar(sa.text(sql)) or 0)


async def test_two_weeks_are_planned_at_once_and_the_worker_goes_on(scene: Scene, clock: ManualClock) -> None:
    await made.template(scene.plan)
    found = await made.visits(scene.resident)
    assert len(found) == 14
    assert found[0].starts_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert {visit.state for visit in found} == {"planned"}
    assert await jobs.plan() == 0
    clock.advance(timedelta(days=1))
    assert await jobs.plan() == 1
    assert len(await made.visits(scene.resident)) == 15


@pytest.mark.parametrize(
    ("recurring", "days"),
    [
        ({"weekdays": [1, 4]}, [2, 5, 9, 12]),
        ({"rrule": "FREQ=DAILY;INTERVAL=5"}, [2, 7, 12]),
        ({"rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,FR", "starts_on": "2026-03-02"}, [3, 6]),
        ({"weekdays": [3], "ends_on": "2026-03-10"}, [4]),
    ],
)
async def test_visits_come_on_the_days_that_were_agreed(
    scene: Scene, clock: ManualClock, recurring: dict[str, Any], days: list[int]
) -> None:
    await made.template(scene.plan, **recurring)
    assert [visit.local_date.day for visit in await made.visits(scene.resident)] == days


async def test_two_workers_make_each_visit_once(scene: Scene, clock: ManualClock) -> None:
    for number in range(12):
        await made.template(scene.plan, begins=f"{8 + number}:00" if number > 1 else f"0{8 + number}:00")
    clock.advance(timedelta(days=3))
    worked = await asyncio.gather(*(drain(jobs.PLAN, planning.plan_ahead, batch=3) for _ in range(3)))
    assert sum(worked) == 12
    assert await count("SELECT count(*) FROM eldercare_visit") == await count(
        "SELECT count(DISTINCT (template_id, occurrence_at)) FROM eldercare_visit"
    )
    async with unit_of_work() as session:  # even if a template is planned twice over the same stretch
        await session.execute(sa.text("UPDATE eldercare_visit_template SET planned_until = NULL"))
        before = await session.scalar(sa.text("SELECT count(*) FROM eldercare_visit"))
        ids = list(await session.scalars(sa.text("SELECT id FROM eldercare_visit_template")))
        await planning.plan_ahead(session, ids)
        assert await session.scalar(sa.text("SELECT count(*) FROM eldercare_visit")) == before


async def test_new_tasks_reach_the_visits_ahead_and_carers_stay(scene: Scene, phone_of: PhoneOf) -> None:
    nora = await phone_of(scene.coordinator)
    await made.template(scene.plan)
    first = (await made.visits(scene.resident))[0]
    await made.assign(first.id, scene.carer)
    url = f"/residents/{scene.resident.id}/care-plans/{scene.plan.id}"
    seen = await nora("GET", url)
    body = {"title": "At home", "tasks": [*seen["tasks"], {"text": "Water the plants"}]}
    changed = await nora("PUT", url, body, headers={"If-Match": f'"{seen["version"]}"'})
    assert [task["id"] for task in changed["tasks"]][:2] == [task["id"] for task in seen["tasks"]]
    await nora("PUT", url, body, headers={"If-Match": f'"{seen["version"]}"'}, expect=412)
    detail = await nora("GET", f"/visits/{first.id}")
    assert [task["text"] for task in detail["tasks"]] == ["Help with washing", "Breakfast", "Water the plants"]
    assert (detail["state"], [one["name"] for one in detail["carers"]]) == ("assigned", ["Cai"])
    assert len(await made.visits(scene.resident)) == 14


async def test_another_time_calls_off_what_was_promised_and_tells(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora = await phone_of(scene.coordinator)
    template = await made.template(scene.plan)
    first, second = (await made.visits(scene.resident))[:2]
    await made.assign(first.id, scene.carer)
    url = f"/residents/{scene.resident.id}/visit-templates/{template.id}"
    body = {"begins": "10:00", "duration": "PT45M", "starts_on": "2026-01-01", "time_zone": "UTC"}
    await nora("PUT", url, body)
    after = await made.visits(scene.resident)
    assert [visit.id for visit in after if visit.state == "cancelled"] == [first.id]
    assert second.id not in {visit.id for visit in after}
    planned = [visit for visit in after if visit.state == "planned"]
    assert len(planned) == 14
    assert {(visit.starts_at.hour, visit.ends_at - visit.starts_at) for visit in planned} == {
        (10, timedelta(minutes=45))
    }
    told = {(item.notice_key, item.account_id) for item in await sent.deliveries()}
    assert ("eldercare.visit_cancelled", scene.carer.id) in told
    assert ("eldercare.visit_cancelled", scene.resident.account_id) in told
    # The carer's time is free again.
    other = await made.single(scene.plan, first.starts_at, account_id=scene.resident.account_id)
    await made.assign(other.id, scene.carer)


async def test_what_was_cancelled_does_not_come_back_with_a_change(scene: Scene, phone_of: PhoneOf) -> None:
    nora, grace = await phone_of(scene.coordinator), await phone_of(scene.resident)
    template = await made.template(scene.plan)
    first = (await made.visits(scene.resident))[0]
    cancelled = await grace("POST", f"/me/care-visits/{first.id}/cancellation", {"note": "My son is here"})
    assert (cancelled["state"], cancelled["cancel_reason"]) == ("cancelled", "resident")
    assert cancelled["cancel_note"] == "My son is here"
    body = {"begins": "09:00", "duration": "PT30M", "starts_on": "2026-01-01", "time_zone": "UTC", "carers": 2}
    await nora("PUT", f"/residents/{scene.resident.id}/visit-templates/{template.id}", body)
    after = await made.visits(scene.resident)
    assert [visit.state for visit in after if visit.starts_at == first.starts_at] == ["cancelled"]
    assert len(after) == 14
    assert {visit.carers for visit in after} == {2}
    longer = body | {"duration": "PT45M"}
    await nora("PUT", f"/residents/{scene.resident.id}/visit-templates/{template.id}", longer)
    after = await made.visits(scene.resident)
    assert [visit.state for visit in after if visit.starts_at == first.starts_at] == ["cancelled"]
    assert len(after) == 14


async def test_what_a_change_called_off_comes_back_when_the_change_is_taken_back(
    scene: Scene, phone_of: PhoneOf
) -> None:
    nora = await phone_of(scene.coordinator)
    template = await made.template(scene.plan)
    first = (await made.visits(scene.resident))[0]
    await made.assign(first.id, scene.carer)
    url = f"/residents/{scene.resident.id}/visit-templates/{template.id}"
    body = {"begins": "10:00", "duration": "PT30M", "starts_on": "2026-01-01", "time_zone": "UTC"}
    await nora("PUT", url, body)
    assert (await made.visit(first.id)).cancel_reason == "plan_changed"

    await nora("PUT", url, body | {"begins": "09:00"})

    planned = [visit for visit in await made.visits(scene.resident) if visit.state == "planned"]
    assert planned[0].starts_at == first.starts_at
    assert len(planned) == 14


async def test_a_visit_that_was_moved_to_later_is_not_called_off_by_a_change_of_tasks(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora = await phone_of(scene.coordinator)
    await made.template(scene.plan, holidays="skip")
    first = (await made.visits(scene.resident))[0]
    await made.assign(first.id, scene.carer)
    to = first.starts_at + timedelta(hours=6)
    await nora("POST", f"/residents/{scene.resident.id}/care-visits/{first.id}/move", {"starts_at": to.isoformat()})
    clock.set(first.starts_at + timedelta(hours=1))

    await nora("PUT", f"/residents/{scene.resident.id}/care-plans/{scene.plan.id}", {"title": "At home", "tasks": []})

    moved = await made.visit(first.id)
    assert (moved.state, moved.starts_at) == ("assigned", to)


async def test_a_visit_that_was_made_early_is_not_made_again_after_a_change(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora, cai = await phone_of(scene.coordinator), await phone_of(scene.carer)
    await made.template(scene.plan)
    first = (await made.visits(scene.resident))[0]
    await made.assign(first.id, scene.carer)
    clock.set(first.starts_at - timedelta(hours=1))
    await cai("POST", f"/visits/{first.id}/arrival", {"proof": {"how": "manual", "reason": "The tag is gone"}})

    await nora("PUT", f"/residents/{scene.resident.id}/care-plans/{scene.plan.id}", {"title": "At home", "tasks": []})

    today = [visit for visit in await made.visits(scene.resident) if visit.local_date == first.local_date]
    assert [(visit.id, visit.state) for visit in today] == [(first.id, "in_progress")]


async def test_after_a_residence_is_reopened_what_the_resident_cancelled_stays_so_and_plans_can_be_changed(
    scene: Scene, phone_of: PhoneOf
) -> None:
    nora, grace = await phone_of(scene.coordinator), await phone_of(scene.resident)
    await made.template(scene.plan)
    first, second = (await made.visits(scene.resident))[:2]
    await made.assign(second.id, scene.carer)
    await grace("POST", f"/me/care-visits/{first.id}/cancellation", {"note": "My son is here"})
    async with unit_of_work() as session:
        await planning.close_residents(session, [scene.resident.id])
    async with unit_of_work() as session:
        await planning.reopen_residents(session, [scene.resident.id])
    await jobs.plan()
    url = f"/residents/{scene.resident.id}/care-plans/{scene.plan.id}"

    await nora("PUT", url, {"title": "At home", "tasks": []})

    found = await made.visits(scene.resident)
    assert [visit.state for visit in found if visit.starts_at == first.starts_at] == ["cancelled"]
    assert sorted(visit.state for visit in found if visit.starts_at == second.starts_at) == ["cancelled", "planned"]
    assert [visit.state for visit in found].count("planned") == 13


async def test_a_visit_needs_both_carers_once_it_is_for_two(scene: Scene, phone_of: PhoneOf) -> None:
    nora = await phone_of(scene.coordinator)
    template = await made.template(scene.plan)
    first = (await made.visits(scene.resident))[0]
    await made.assign(first.id, scene.carer)
    url = f"/residents/{scene.resident.id}/visit-templates/{template.id}"
    body = {"begins": "09:00", "duration": "PT30M", "starts_on": "2026-01-01", "time_zone": "UTC"}
    await nora("PUT", url, body | {"carers": 2})
    assert (await made.visit(first.id)).state == "planned"
    await made.assign(first.id, scene.other_carer)
    assert (await made.visit(first.id)).state == "assigned"


async def test_what_ends_is_forgotten_or_called_off(scene: Scene, phone_of: PhoneOf) -> None:
    nora = await phone_of(scene.coordinator)
    await made.template(scene.plan)
    first = (await made.visits(scene.resident))[0]
    extra = await made.single(scene.plan, datetime(2026, 3, 9, 15, tzinfo=UTC), account_id=scene.resident.account_id)
    await made.assign(first.id, scene.carer)
    await nora("DELETE", f"/residents/{scene.resident.id}/care-plans/{scene.plan.id}", expect=204)
    assert {(visit.id, visit.state, visit.cancel_reason) for visit in await made.visits(scene.resident)} == {
        (first.id, "cancelled", "plan_ended"),
        (extra.id, "cancelled", "plan_ended"),
    }
    again = {"title": "At home"}
    url = f"/residents/{scene.resident.id}/care-plans/{scene.plan.id}"
    assert (await nora("PUT", url, again, expect=409))["code"] == "care_plan_ended"


async def test_the_end_of_a_residence_calls_everything_off_without_telling_the_dead(
    scene: Scene, clock: ManualClock
) -> None:
    await made.template(scene.plan)
    first = (await made.visits(scene.resident))[0]
    await made.assign(first.id, scene.carer)
    async with unit_of_work() as session:
        await eldercare.end_care(session, scene.resident.id)
    assert [(visit.state, visit.cancel_reason) for visit in await made.visits(scene.resident)] == [
        ("cancelled", "closed")
    ]
    told = {item.account_id for item in await sent.deliveries() if item.notice_key == "eldercare.visit_cancelled"}
    assert told == {scene.carer.id}
    clock.advance(timedelta(days=2))
    assert await jobs.plan() == 0
    async with unit_of_work() as session:
        await planning.reopen_residents(session, [scene.resident.id])
    assert await jobs.plan() == 1
    assert [visit.state for visit in await made.visits(scene.resident)].count("planned") == 14


async def test_who_is_reopened_and_closed_again_before_anybody_hears_of_it_stays_closed(scene: Scene) -> None:
    await made.template(scene.plan)
    of: dict[str, Any] = {"aggregate_id": scene.resident.id, "community_id": scene.community.id}
    async with unit_of_work() as session:
        await planning.close_residents(session, [scene.resident.id])
    async with unit_of_work() as session:
        await follow_closures(session, [ResidentReopened(**of), ResidentClosed(**of, reason="died")])

    await jobs.plan()

    assert await made.visits(scene.resident) == []


async def test_visits_follow_the_resident_to_another_zone(scene: Scene, clock: ManualClock) -> None:
    await made.template(scene.plan, time_zone=None)
    async with unit_of_work() as session:
        account = await session.get_one(Account, scene.resident.account_id)
        account.time_zone = "America/New_York"
        await session.flush()
        await planning.follow_moves(session, [scene.resident.id])
    found = await made.visits(scene.resident)
    # Clocks change there on 8 March 2026: 14:00 UTC before, 13:00 after.
    assert {visit.starts_at.hour for visit in found} == {14, 13}
    assert {visit.time_zone for visit in found} == {"America/New_York"}


async def test_holidays_are_skipped(scene: Scene, clock: ManualClock) -> None:
    await made.template(scene.plan, holidays="skip")
    await identity.holiday(scene.community, date(2026, 3, 4))
    async with unit_of_work() as session:
        await planning.follow_holidays(session, [scene.community.id])
    days = {visit.local_date for visit in await made.visits(scene.resident)}
    assert date(2026, 3, 4) not in days
    assert len(days) == 13


async def test_a_template_says_what_is_wrong_with_it(scene: Scene, phone_of: PhoneOf) -> None:
    nora = await phone_of(scene.coordinator)
    url = f"/residents/{scene.resident.id}/visit-templates"
    good = {"care_plan_id": str(scene.plan.id), "begins": "09:00", "starts_on": "2026-01-01"}
    for wrong in (
        {},
        {"duration": "PT30M", "until": "10:00"},
        {"until": "09:00"},
        {"duration": "PT17H"},
        {"duration": "PT30M", "rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"},
        {"duration": "PT30M", "task_ids": ["00000000-0000-0000-0000-000000000001"]},
        {"duration": "PT30M", "skills": ["Catheter care"]},
    ):
        await nora("POST", url, good | wrong, expect=422)
    made_one = await nora("POST", url, good | {"until": "07:00", "is_critical": True}, expect=201)
    assert (made_one["until"], made_one["duration"], made_one["is_critical"]) == ("07:00", None, True)

"""How long is waited for visits: the default, what the operator, agencies and plans say, and what nobody can loosen."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.identity.models import Account
from eldercare.alarms.models import Severity
from eldercare.tolerances.rules import BOUNDS, DEFAULTS, SEVERITIES, resolve
from eldercare.visits import jobs
from eldercare.visits.schemas.visits import VisitCreate
from eldercare.visits.service import arranging
from tests.eldercare.visits.conftest import PhoneOf, Scene
from tests.factories import eldercare_visits as made
from tests.factories import identity
from tests.waiting import waits_or_ends

MINUTE = timedelta(minutes=1)


def of_plan(scene: Scene) -> str:
    return f"/residents/{scene.resident.id}/care-plans/{scene.plan.id}/visit-tolerances"


def of_agency(scene: Scene) -> str:
    return f"/organizations/{scene.agency.id}/visit-tolerances"


async def operator(scene: Scene) -> Account:
    return await identity.staff(scene.operator, "operator", name="Olga", phone="+8613800000020")


async def severities() -> list[int]:
    async with reading() as connection:
        return list(await connection.scalars(sa.text("SELECT severity FROM eldercare_alarm")))


async def carried(scene: Scene) -> list[tuple[timedelta, timedelta]]:
    return [(one.late_at - one.starts_at, one.miss_at - one.starts_at) for one in await made.visits(scene.resident)]


async def test_what_is_said_for_a_plan_reaches_the_visits_ahead_at_once_and_no_other(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora = await phone_of(scene.coordinator)
    begun = await made.single(scene.plan, clock.now() - 5 * MINUTE, account_id=scene.resident.account_id)
    await made.template(scene.plan)
    extra = await made.single(scene.plan, clock.now() + timedelta(hours=5), account_id=scene.resident.account_id)
    neighbour = await identity.resident(scene.community, name="Walter", phone="+8613800000009")
    other = await made.care_plan(neighbour, scene.agency)
    await made.template(other)
    body = {"late_after": "PT5M", "missed_after": "PT20M", "staffed_before": "PT4H", "missed_severity": "high"}
    said = await nora("PUT", of_plan(scene), body)
    assert (said["revision"], said["changed_by"]) == (1, str(scene.coordinator.id))
    assert said["applies"] == {
        "staffed_before": "PT4H",
        "late_after": "PT5M",
        "missed_after": "PT20M",
        "check_out_after": "PT15M",
        "late_severity": "low",
        "missed_severity": "high",
        "check_out_severity": "medium",
    }
    ahead = [one for one in await made.visits(scene.resident) if one.id != begun.id]
    assert len(ahead) > 10
    assert {(one.late_at - one.starts_at, one.miss_at - one.starts_at) for one in ahead} == {(5 * MINUTE, 20 * MINUTE)}
    planned = [one for one in ahead if one.id != extra.id]
    assert {one.starts_at - one.staff_by for one in planned} == {timedelta(hours=4)}
    assert (await made.visit(begun.id)).late_at == begun.starts_at + 15 * MINUTE  # its time has come
    assert {(one.late_after, one.missed_after) for one in await made.visits(neighbour)} == {(15 * MINUTE, 60 * MINUTE)}
    clock.set(extra.starts_at + 20 * MINUTE)
    await made.look_after()
    assert (await made.visit(extra.id)).state == "missed"
    assert Severity.HIGH in await severities()
    clock.advance(timedelta(days=10))
    await jobs.plan()
    newest = (await made.visits(scene.resident))[-1]
    assert newest.miss_at - newest.starts_at == 20 * MINUTE


async def test_an_agency_says_it_for_its_plans_and_the_operator_for_all_and_the_nearest_word_counts(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora, olga = await phone_of(scene.coordinator), await phone_of(await operator(scene))
    await made.template(scene.plan)
    of_all = f"/organizations/{scene.operator.id}/visit-tolerances"
    await olga("PUT", of_all, {"late_after": "PT10M", "missed_after": "PT45M"})
    await jobs.plan()
    assert set(await carried(scene)) == {(10 * MINUTE, 45 * MINUTE)}
    await nora("PUT", of_agency(scene), {"missed_after": "PT30M"})
    await jobs.plan()
    assert set(await carried(scene)) == {(10 * MINUTE, 30 * MINUTE)}
    await nora("PUT", of_plan(scene), {"late_after": "PT20M"})
    assert set(await carried(scene)) == {(20 * MINUTE, 30 * MINUTE)}
    assert (await nora("GET", of_agency(scene)))["applies"]["late_after"] == "PT10M"
    await nora("GET", of_all, expect=404)
    # What is taken back is as it is further up again.
    await nora("PUT", of_plan(scene), {})
    assert set(await carried(scene)) == {(10 * MINUTE, 30 * MINUTE)}


async def test_a_visit_that_is_planned_at_that_moment_is_reached(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora = await phone_of(scene.coordinator)
    actor = made.coordinator_of(scene.agency.id, scene.community.id)
    subject = await made.subject_of(scene.resident.id, actor)
    starts_at = clock.now() + timedelta(hours=5)
    data = VisitCreate(care_plan_id=scene.plan.id, starts_at=starts_at, duration=30 * MINUTE)
    async with unit_of_work() as session:
        await arranging.create_visit(session, actor, subject, data)
        saying = asyncio.create_task(nora("PUT", of_agency(scene), {"late_after": "PT5M"}))
        await waits_or_ends(saying)
    await saying
    assert await carried(scene) == [(5 * MINUTE, 60 * MINUTE)]


async def test_where_time_matters_nothing_is_looser_than_the_default(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora, olga = await phone_of(scene.coordinator), await phone_of(await operator(scene))
    loose = {"late_after": "PT1H", "missed_after": "PT2H", "staffed_before": "PT1H", "check_out_after": "PT1H"}
    said = await nora("PUT", of_plan(scene), loose)
    assert said["applies"]["late_after"] == "PT1H"
    critical = said["applies_where_time_matters"]
    assert (critical["late_after"], critical["missed_after"]) == ("PT15M", "PT30M")
    assert (critical["staffed_before"], critical["check_out_after"]) == ("PT2H", "PT15M")
    assert (critical["late_severity"], critical["missed_severity"]) == ("medium", "high")
    await olga("PUT", f"/organizations/{scene.operator.id}/visit-tolerances", {"critical_missed_after": "PT20M"})
    await nora("PUT", of_plan(scene), {"critical_missed_after": "PT30M"})
    shown = await nora("GET", of_plan(scene))
    assert shown["applies_where_time_matters"]["missed_after"] == "PT20M"  # the community's default is stricter
    url = f"/residents/{scene.resident.id}/care-visits"
    starts_at = (clock.now() + timedelta(hours=5)).isoformat()
    body = {"care_plan_id": str(scene.plan.id), "starts_at": starts_at, "duration": "PT30M", "is_critical": True}
    extra = await nora("POST", url, body, expect=201)
    found = await made.visit(extra["id"])
    assert found.miss_at == found.starts_at + 20 * MINUTE
    assert found.missed_severity == Severity.HIGH


@pytest.mark.parametrize(
    "body",
    [
        {"late_after": "PT1M"},
        {"late_after": "PT2H"},
        {"missed_after": "P1D"},
        {"critical_missed_after": "PT31M"},
        {"staffed_before": "PT10M"},
        {"check_out_after": "-PT15M"},
        {"late_after": "PT45M", "missed_after": "PT30M"},
        {"missed_after": "PT15M"},
        {"missed_severity": "low"},
        {"late_severity": "critical"},
        {"late": "PT15M"},
    ],
    ids=str,
)
async def test_what_would_leave_somebody_waiting_or_alarm_for_nothing_is_refused(
    body: dict[str, str], scene: Scene, phone_of: PhoneOf
) -> None:
    nora = await phone_of(scene.coordinator)
    await nora("PUT", of_plan(scene), body, expect=422)
    await nora("PUT", of_agency(scene), body, expect=422)
    assert (await nora("GET", of_plan(scene)))["revision"] == 0


async def test_each_change_is_kept_with_who_made_it_and_of_two_at_once_one_is_stale(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora = await phone_of(scene.coordinator)
    await nora("PUT", of_plan(scene), {"late_after": "PT20M"})
    clock.advance(timedelta(days=1))
    headers = await nora.headers() | {"If-Match": '"1"'}

    async def change(minutes: int) -> int:
        body = {"late_after": f"PT{minutes}M"}
        return (await nora.client.put(f"/v1{of_plan(scene)}", json=body, headers=headers)).status_code

    assert sorted(await asyncio.gather(*(change(minutes) for minutes in range(10, 15)))) == [200, *([412] * 4)]
    versions = (await nora("GET", f"{of_plan(scene)}/versions"))["items"]
    assert [(one["revision"], one["superseded_at"] is None) for one in versions] == [(2, True), (1, False)]
    assert versions[1]["late_after"] == "PT20M"
    assert {one["changed_by"] for one in versions} == {str(scene.coordinator.id)}
    assert (await nora("GET", f"{of_agency(scene)}/versions"))["items"] == []


async def test_who_is_looked_for_anew_is_looked_for_in_the_time_that_is_agreed(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora, cai = await phone_of(scene.coordinator), await phone_of(scene.carer)
    await nora("PUT", of_plan(scene), {"staffed_before": "PT6H", "check_out_after": "PT5M", "late_after": "PT10M"})
    await made.template(scene.plan)
    visit = (await made.visits(scene.resident))[1]
    await made.assign(visit.id, scene.carer)
    url = f"/residents/{scene.resident.id}/care-visits/{visit.id}"
    await nora("POST", f"{url}/carers/{scene.carer.id}/removal", {})
    assert (await made.visit(visit.id)).staff_by == visit.starts_at - timedelta(hours=6)
    later = visit.starts_at + timedelta(hours=1)
    await nora("POST", f"{url}/move", {"starts_at": later.isoformat()})
    moved = await made.visit(visit.id)
    assert (moved.late_at, moved.staff_by) == (later + 10 * MINUTE, later - timedelta(hours=6))
    await made.assign(visit.id, scene.carer)
    clock.set(later)
    await cai("POST", f"/visits/{visit.id}/arrival", {"proof": {"how": "manual", "reason": "No tag"}})
    assert (await made.visit(visit.id)).overdue_at == moved.ends_at + 5 * MINUTE


def _said() -> st.SearchStrategy[dict[str, Any]]:
    durations = {name: st.none() | st.timedeltas(*bounds) for name, bounds in BOUNDS.items()}
    levels = {name: st.none() | st.integers(*map(int, bounds)) for name, bounds in SEVERITIES.items()}
    return st.fixed_dictionaries(durations | levels)


@given(st.lists(_said(), max_size=3))
def test_whatever_is_said_a_critical_visit_is_never_looser_and_nobody_is_missed_before_they_are_late(
    levels: list[dict[str, Any]],
) -> None:
    default = resolve([], is_critical=True)
    community = resolve(levels[:1], is_critical=True)
    found = resolve(levels, is_critical=True)
    for floor in (default, community):
        assert found.staffed_before >= floor.staffed_before
        assert found.late_after <= floor.late_after
        assert found.missed_after <= floor.missed_after
        assert found.check_out_after <= floor.check_out_after
        assert found.late_severity >= floor.late_severity
        assert found.missed_severity >= floor.missed_severity
        assert found.check_out_severity >= floor.check_out_severity
    for one in (found, resolve(levels, is_critical=False)):
        assert one.late_after <= one.missed_after
    assert resolve([], is_critical=False).missed_after == DEFAULTS["missed_after"]

"""A carer of two agencies who cannot come: the other one hears that much, and is asked until it decides."""

from datetime import timedelta
from typing import Any

import pytest_asyncio

from app.core.clock import ManualClock
from app.identity.models import Account, Organization, Resident
from eldercare.visits.models import CarePlan
from tests.eldercare.visits.conftest import PhoneOf, Scene
from tests.factories import eldercare_visits as made
from tests.factories import identity
from tests.factories import notifications as sent

HOUR = timedelta(hours=1)


class Elsewhere:
    """Another agency for which the carer goes, too, and whom it visits."""

    agency: Organization
    boss: Account
    resident: Resident
    plan: CarePlan


@pytest_asyncio.fixture(loop_scope="session")
async def elsewhere(scene: Scene) -> Elsewhere:
    found = Elsewhere()
    found.agency = await identity.organization(scene.community, "care_agency", name="Elsewhere")
    await identity.agreement(found.agency)
    await identity.membership(found.agency, scene.carer, "carer")
    found.boss = await identity.staff(found.agency, "coordinator", name="Boss", phone="+8613800000018")
    found.resident = await identity.resident(scene.community, name="Walter", phone="+8613800000009")
    found.plan = await made.care_plan(found.resident, found.agency)
    return found


async def told(key: str) -> list[Any]:
    return [item for item in await sent.deliveries() if item.notice_key == f"eldercare.{key}"]


async def visit(elsewhere: Elsewhere, clock: ManualClock, hours: float, carer: Account, **values: Any) -> Any:
    starts_at = clock.now() + HOUR * hours
    found = await made.single(elsewhere.plan, starts_at, account_id=elsewhere.resident.account_id, **values)
    await made.assign(found.id, carer)
    return await made.visit(found.id)


async def ill(scene: Scene, phone_of: PhoneOf, clock: ManualClock, days: int = 7, carer: Account | None = None) -> Any:
    nora = await phone_of(scene.coordinator)
    body = {
        "account_id": str((carer or scene.carer).id),
        "starts_at": clock.now().isoformat(),
        "ends_at": (clock.now() + timedelta(days=days)).isoformat(),
    }
    return await nora("POST", f"/organizations/{scene.agency.id}/carer-absences", body, expect=201)


async def test_the_other_agency_hears_that_they_cannot_come_and_no_more(
    scene: Scene, elsewhere: Elsewhere, phone_of: PhoneOf, clock: ManualClock
) -> None:
    first, second = [await visit(elsewhere, clock, hours, scene.carer) for hours in (48, 50)]
    beyond = await visit(elsewhere, clock, 24 * 9, scene.carer)
    await ill(scene, phone_of, clock)
    (item,) = await told("visits_carer_unavailable")
    assert item.account_id == elsewhere.boss.id
    assert item.variables.keys() == {"resident", "starts_at", "carer", "visits"}
    assert (item.variables["resident"], item.variables["visits"]) == (str(elsewhere.resident.id), 2)
    assert str(scene.agency.id) not in str(item._mapping)
    assert str(scene.resident.id) not in str(item._mapping)
    boss = await phone_of(elsewhere.boss)
    board = await boss("GET", f"/organizations/{elsewhere.agency.id}/visits?date=2026-03-04")
    assert [(one["state"], one["needs_replacement"]) for one in board["items"]] == [("assigned", True)] * 2
    for was in (first, second):
        found = await made.visit(was.id)
        assert (found.late_at, found.miss_at) == (was.late_at, was.miss_at)  # as they were
        assert found.staff_by == was.starts_at - timedelta(hours=24)
    assert (await made.visit(beyond.id)).staff_by is None
    await ill(scene, phone_of, clock)  # said again it is not told again
    assert len(await told("visits_carer_unavailable")) == 1


async def test_whoever_does_not_decide_is_asked_again_and_in_the_end_the_visit_is_late(
    scene: Scene, elsewhere: Elsewhere, phone_of: PhoneOf, clock: ManualClock
) -> None:
    found = await visit(elsewhere, clock, 4, scene.carer, is_critical=True)
    await ill(scene, phone_of, clock)
    assert {one.account_id for one in await told("visits_carer_unavailable")} == {elsewhere.boss.id, scene.desk.id}
    now = await made.visit(found.id)
    assert now.staff_by == clock.now() + HOUR  # sooner than two hours before
    clock.set(now.staff_by)
    await made.look_after()
    assert {one.account_id for one in await told("visit_uncovered")} == {elsewhere.boss.id, scene.desk.id}
    now = await made.visit(found.id)
    assert now.staff_by == found.starts_at - 2 * HOUR  # and again in its usual time
    clock.set(now.staff_by)
    await made.look_after()
    assert len(await told("visit_uncovered")) == 4
    clock.set(found.late_at)
    await made.look_after()
    assert [one.account_id for one in await told("visit_late")] == [elsewhere.boss.id]


async def test_a_decision_ends_it_either_way(
    scene: Scene, elsewhere: Elsewhere, phone_of: PhoneOf, clock: ManualClock
) -> None:
    found = await visit(elsewhere, clock, 48, scene.carer)
    substitute = await identity.staff(elsewhere.agency, "carer", name="Finn", phone="+8613800000019")
    await ill(scene, phone_of, clock)
    boss = await phone_of(elsewhere.boss)
    url = f"/residents/{elsewhere.resident.id}/care-visits/{found.id}"
    await boss("POST", f"{url}/carers/{scene.carer.id}/removal", {})
    await made.assign(found.id, substitute)
    shown = await boss("GET", url)
    assert (shown["state"], shown["needs_replacement"]) == ("assigned", False)
    assert (await made.visit(found.id)).staff_by is None
    clock.set(found.starts_at - timedelta(hours=1))
    await made.look_after()
    assert await told("visit_uncovered") == []


async def test_who_can_come_after_all_is_theirs_again(
    scene: Scene, elsewhere: Elsewhere, phone_of: PhoneOf, clock: ManualClock
) -> None:
    found = await visit(elsewhere, clock, 48, scene.carer)
    absence = await ill(scene, phone_of, clock)
    longer = await ill(scene, phone_of, clock, days=9)
    nora, boss = await phone_of(scene.coordinator), await phone_of(elsewhere.boss)
    url = f"/residents/{elsewhere.resident.id}/care-visits/{found.id}"
    of_agency = f"/organizations/{scene.agency.id}/carer-absences"
    await nora("DELETE", f"{of_agency}/{absence['id']}", expect=204)
    assert (await boss("GET", url))["needs_replacement"]  # the other one still says so
    await nora("DELETE", f"{of_agency}/{longer['id']}", expect=204)
    assert not (await boss("GET", url))["needs_replacement"]
    assert (await made.visit(found.id)).staff_by is None


async def test_who_comes_all_the_same_is_there(
    scene: Scene, elsewhere: Elsewhere, phone_of: PhoneOf, clock: ManualClock
) -> None:
    found = await visit(elsewhere, clock, 48, scene.carer)
    await ill(scene, phone_of, clock)
    cai, boss = await phone_of(scene.carer), await phone_of(elsewhere.boss)
    clock.set(found.starts_at)
    await cai("POST", f"/visits/{found.id}/arrival", {"proof": {"how": "manual", "reason": "No tag"}})
    shown = await boss("GET", f"/residents/{elsewhere.resident.id}/care-visits/{found.id}")
    assert (shown["state"], shown["needs_replacement"]) == ("in_progress", False)


async def test_of_two_who_cannot_come_the_second_is_still_asked_for_when_the_first_is_replaced(
    scene: Scene, elsewhere: Elsewhere, phone_of: PhoneOf, clock: ManualClock
) -> None:
    found = await visit(elsewhere, clock, 48, scene.carer, carers=2)
    await identity.membership(elsewhere.agency, scene.other_carer, "carer")
    await made.assign(found.id, scene.other_carer)
    substitute = await identity.staff(elsewhere.agency, "carer", name="Finn", phone="+8613800000019")
    for carer in (scene.carer, scene.other_carer):
        await ill(scene, phone_of, clock, carer=carer)
    boss = await phone_of(elsewhere.boss)
    url = f"/residents/{elsewhere.resident.id}/care-visits/{found.id}"
    await boss("POST", f"{url}/carers/{scene.carer.id}/removal", {})
    assert (await made.visit(found.id)).staff_by == found.starts_at - 24 * HOUR  # what was brought forward stays so
    await made.assign(found.id, substitute)
    shown = await boss("GET", url)
    assert (shown["state"], shown["needs_replacement"]) == ("assigned", True)
    clock.set(found.starts_at - 24 * HOUR)
    await made.look_after()
    assert [one.account_id for one in await told("visit_uncovered")] == [elsewhere.boss.id]


async def test_a_visit_moved_to_when_they_can_come_is_theirs_and_asked_for_anew_if_they_cannot(
    scene: Scene, elsewhere: Elsewhere, phone_of: PhoneOf, clock: ManualClock
) -> None:
    found = await visit(elsewhere, clock, 48, scene.carer)
    await ill(scene, phone_of, clock, days=3)
    boss = await phone_of(elsewhere.boss)
    url = f"/residents/{elsewhere.resident.id}/care-visits/{found.id}"
    starts_at = found.starts_at + 48 * HOUR
    await boss("POST", f"{url}/move", {"starts_at": starts_at.isoformat()})
    assert not (await boss("GET", url))["needs_replacement"]
    await ill(scene, phone_of, clock)
    assert (await boss("GET", url))["needs_replacement"]
    assert len(await told("visits_carer_unavailable")) == 2
    assert (await made.visit(found.id)).staff_by == starts_at - 24 * HOUR

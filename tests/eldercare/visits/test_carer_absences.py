"""A carer who cannot come goes nowhere meanwhile, and nobody waits for them."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from eldercare.carer_absences.problems import CarerAbsent
from eldercare.carer_absences.repository import lock_carers
from eldercare.carer_absences.schemas import CarerAbsenceCreate
from eldercare.visits.service import absences, dispatching
from tests.eldercare.visits.conftest import PhoneOf, Scene
from tests.eldercare.visits.test_dispatching import accept, propose, visits
from tests.factories import eldercare_visits as made
from tests.factories import notifications as sent
from tests.waiting import waits_or_ends


async def told(notice: str) -> set[Any]:
    return {item.account_id for item in await sent.deliveries() if item.notice_key == f"eldercare.{notice}"}


async def test_whom_nobody_can_go_to_instead_is_left_open_and_the_agency_hears(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    await made.shift(scene.agency, scene.carer)
    (visit,) = await visits(scene, 4, clock=clock)
    await made.assign(visit.id, scene.carer)
    plan = await propose(scene, phone_of, scene.carer)
    assert plan["stops"][0]["carers"] == []
    (absence,) = plan["absences"]
    assert (absence["account_id"], absence["ends_at"]) == (str(scene.carer.id), "2026-03-03T00:00:00Z")
    assert (await made.visit(visit.id)).state == "assigned"  # nothing is done by it
    await accept(scene, phone_of, plan)
    after = await made.visit(visit.id)
    assert (after.state, after.staff_by) == ("planned", visit.starts_at - timedelta(hours=2))
    assert [row.state for row in await made.carers(visit.id)] == ["removed"]
    assert await told("visit_unassigned") == {scene.carer.id}
    assert await told("visit_uncovered") == set()  # whoever accepted it knows
    clock.set(visit.starts_at - timedelta(hours=2))
    await made.look_after()
    assert await told("visit_uncovered") == {scene.coordinator.id}


async def test_where_time_matters_the_desk_hears_at_once(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    await made.shift(scene.agency, scene.carer)
    (visit,) = await visits(scene, 4, clock=clock, is_critical=True)
    await made.assign(visit.id, scene.carer)
    await accept(scene, phone_of, await propose(scene, phone_of, scene.carer))
    assert await told("visit_uncovered") == {scene.desk.id}
    clock.set(visit.starts_at - timedelta(hours=2))
    await made.look_after()
    assert await told("visit_uncovered") == {scene.coordinator.id, scene.desk.id}


async def test_until_they_are_back_nobody_sends_them_and_they_see_it(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora, cai = await phone_of(scene.coordinator), await phone_of(scene.carer)
    for days in (0, 1, 3):
        await made.shift(scene.agency, scene.carer, later=timedelta(days=days))
    today, tomorrow, later = [(await visits(scene, 4 + 24 * days, clock=clock))[0] for days in (0, 1, 3)]
    for visit in (today, tomorrow, later):
        await made.assign(visit.id, scene.carer)
    url = f"/organizations/{scene.agency.id}"
    body = {"date": "2026-03-02", "absent": [str(scene.carer.id)], "absent_until": "2026-03-04T00:00:00Z"}
    plan = await nora("POST", f"{url}/route-plans", body, expect=201)
    await accept(scene, phone_of, plan)
    states = [(await made.visit(visit.id)).state for visit in (today, tomorrow, later)]
    assert states == ["planned", "planned", "assigned"]
    again = await nora("POST", f"{url}/route-plans", {"date": "2026-03-03"}, expect=201)
    assert [stop["carers"] for stop in again["stops"]] == [[]]
    of_visit = f"/residents/{scene.resident.id}/care-visits/{tomorrow.id}"
    everything = {
        "account_id": str(scene.carer.id),
        "despite": ["skill", "hours", "rest", "too_much", "travel", "busy"],
    }
    refused = await nora("POST", f"{of_visit}/carers", everything, expect=409)
    assert (refused["code"], refused["absences"][0]["ends_at"]) == ("carer_absent", "2026-03-04T00:00:00+00:00")
    moved = {"starts_at": tomorrow.starts_at.isoformat()}
    of_later = f"/residents/{scene.resident.id}/care-visits/{later.id}"
    assert (await nora("POST", f"{of_later}/move", moved, expect=409))["code"] == "carer_absent"
    (listed,) = (await nora("GET", f"{url}/carer-absences?date=2026-03-03"))["items"]
    assert (await nora("GET", f"{url}/carer-absences?date=2026-03-04"))["items"] == []
    assert (await cai("GET", "/me/carer-absences"))["items"] == [listed]
    clock.advance(timedelta(hours=20))
    await nora("DELETE", f"{url}/carer-absences/{listed['id']}", expect=204)
    await nora("DELETE", f"{url}/carer-absences/{listed['id']}", expect=404)
    assert (await cai("GET", "/me/carer-absences"))["items"] == []
    await nora("POST", f"{of_visit}/carers", everything, expect=201)


async def test_an_absence_that_is_said_by_itself_takes_them_off_too(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora, cai = await phone_of(scene.coordinator), await phone_of(scene.carer)
    running, ahead = await visits(scene, 1, 3, clock=clock)
    await made.assign(running.id, scene.carer)
    await made.assign(ahead.id, scene.carer)
    clock.set(running.starts_at)
    await cai("POST", f"/visits/{running.id}/arrival", {"proof": {"how": "manual", "reason": "No tag"}})
    url = f"/organizations/{scene.agency.id}/carer-absences"
    body = {"account_id": str(scene.carer.id), "starts_at": "2026-03-02T08:00:00Z", "ends_at": "2026-03-05T00:00:00Z"}
    await nora("POST", url, body | {"account_id": str(scene.desk.id)}, expect=409)
    await nora("POST", url, body | {"ends_at": body["starts_at"]}, expect=422)
    await nora("POST", url, body, expect=201)
    states = [(await made.visit(visit.id)).state for visit in (running, ahead)]
    assert states == ["in_progress", "planned"]


async def test_an_absence_over_before_it_begins_is_no_absence(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora = await phone_of(scene.coordinator)
    body = {"date": "2026-03-02", "absent": [str(scene.carer.id)], "absent_until": clock.now().isoformat()}
    refused = await nora("POST", f"/organizations/{scene.agency.id}/route-plans", body, expect=409)
    assert refused["code"] == "wrong_time"


async def test_whoever_is_sent_somewhere_while_their_absence_is_written_down_is_not_left_there(
    scene: Scene, clock: ManualClock
) -> None:
    found = await visits(scene, *range(2, 10), clock=clock)
    actor = made.coordinator_of(scene.agency.id, scene.community.id)
    data = CarerAbsenceCreate(account_id=scene.carer.id, starts_at=clock.now(), ends_at=clock.now() + timedelta(days=1))

    async def say() -> None:
        async with unit_of_work() as session:
            await absences.add(session, actor, scene.agency.id, data)

    async def send(visit_id: Any) -> None:
        try:
            await made.assign(visit_id, scene.carer)
        except CarerAbsent:
            return

    await asyncio.gather(*(send(visit.id) for visit in found[:4]), say(), *(send(visit.id) for visit in found[4:]))
    assert {visit.state for visit in await made.visits(scene.resident)} == {"planned"}


async def test_a_proposal_is_carried_out_beside_whoever_writes_down_more_than_one_absence(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    """Carers are locked in one order, whether they cannot come or are sent instead: nobody waits crosswise."""
    first, last = sorted((scene.carer, scene.other_carer), key=lambda carer: carer.id)
    for carer in (first, last):
        await made.shift(scene.agency, carer)
    (visit,) = await visits(scene, 4, clock=clock)
    await made.assign(visit.id, last)
    plan = await propose(scene, phone_of, last)
    actor = made.coordinator_of(scene.agency.id, scene.community.id)

    async def carry_out() -> None:  # once: a request that meets a deadlock is tried again
        async with unit_of_work() as session:
            await dispatching.accept(session, actor, scene.agency.id, uuid.UUID(plan["id"]))

    async with unit_of_work() as session:
        await lock_carers(session, [first.id])
        accepted = asyncio.create_task(carry_out())
        await waits_or_ends(accepted)
        await lock_carers(session, [last.id])
    await accepted
    assert [row.account_id for row in await made.carers(visit.id) if row.state == "assigned"] == [first.id]

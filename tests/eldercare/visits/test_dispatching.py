"""An agency plans its day: a proposal, and what carrying it out does."""

from datetime import timedelta
from typing import Any

import pytest_asyncio
import sqlalchemy as sa
from sqlmodel import col

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.identity.models import ServiceAgreement
from app.reservations import api as reservations
from tests.eldercare.visits.conftest import HOME, PhoneOf, Scene
from tests.factories import eldercare_visits as made
from tests.factories import identity
from tests.factories import notifications as sent

BY_HAND = {"how": "manual", "reason": "The tag is broken"}


@pytest_asyncio.fixture(loop_scope="session")
async def working(scene: Scene, clock: ManualClock) -> Scene:
    """Let both carers work from eight to four."""
    for carer in (scene.carer, scene.other_carer):
        await made.shift(scene.agency, carer, break_length=timedelta(minutes=30))
    return scene


async def visits(scene: Scene, *hours: float, clock: ManualClock, **values: Any) -> list[Any]:
    return [
        await made.single(
            scene.plan, clock.now() + timedelta(hours=hour), account_id=scene.resident.account_id, **values
        )
        for hour in hours
    ]


async def propose(scene: Scene, phone_of: PhoneOf, *absent: Any, language: str = "en") -> Any:
    nora = await phone_of(scene.coordinator)
    body = {"date": "2026-03-02", "absent": [str(account.id) for account in absent]}
    url = f"/organizations/{scene.agency.id}/route-plans"
    return await nora("POST", url, body, expect=201, headers={"Accept-Language": language})


async def accept(scene: Scene, phone_of: PhoneOf, plan: Any, expect: int = 200) -> Any:
    nora = await phone_of(scene.coordinator)
    return await nora("POST", f"/organizations/{scene.agency.id}/route-plans/{plan['id']}/acceptance", expect=expect)


def carers_of(plan: Any) -> dict[str, list[str]]:
    return {stop["visit_id"]: stop["carers"] for stop in plan["stops"]}


async def test_a_day_is_proposed_and_carried_out(working: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    found = await visits(working, 1, 1, 2, clock=clock)
    (pair,) = await visits(working, 3, clock=clock, carers=2)
    plan = await propose(working, phone_of)
    assert plan["state"] == "proposed"
    assert {len(carers) for visit_id, carers in carers_of(plan).items() if visit_id != str(pair.id)} == {1}
    assert len(set(carers_of(plan)[str(pair.id)])) == 2
    assert {visit.state for visit in await made.visits(working.resident)} == {"planned"}  # nothing is done by it
    done = await accept(working, phone_of, plan)
    assert done["state"] == "accepted"
    assert {visit.state for visit in await made.visits(working.resident)} == {"assigned"}
    together = {carers_of(plan)[str(visit.id)][0] for visit in found[:2]}
    assert len(together) == 2
    assigned = [item for item in await sent.deliveries() if item.notice_key == "eldercare.visit_assigned"]
    assert len(assigned) == 5
    assert (await accept(working, phone_of, plan, expect=409))["code"] == "route_plan_accepted"
    async with reading() as connection:
        assert await reservations.recount(connection, working.community.id) == []


async def test_whom_nobody_can_go_to_has_a_sentence_in_the_readers_language(
    working: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    (visit,) = await visits(working, 1, clock=clock, skills=["catheter_care"])
    plan = await propose(working, phone_of)
    (stop,) = plan["stops"]
    assert stop["unassigned"] == "Too few people have the skills this visit needs (catheter_care)."
    chinese = await propose(working, phone_of, language="zh-CN")
    assert "catheter_care" in chinese["stops"][0]["unassigned"]
    assert "技能" in chinese["stops"][0]["unassigned"]
    nora = await phone_of(working.coordinator)
    profile = {"skills": ["catheter_care"], "latitude": HOME[0], "longitude": HOME[1], "most_work": "PT4H"}
    await nora("PUT", f"/organizations/{working.agency.id}/carers/{working.carer.id}", profile)
    assert carers_of(await propose(working, phone_of)) == {str(visit.id): [str(working.carer.id)]}


async def test_a_proposal_is_stale_once_a_visit_changed(working: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    first, second = await visits(working, 1, 2, clock=clock)
    plan = await propose(working, phone_of)
    await made.assign(first.id, working.carer)
    refused = await accept(working, phone_of, plan, expect=409)
    assert (refused["code"], refused["visit_ids"]) == ("route_plan_stale", [str(first.id)])
    assert (await made.visit(second.id)).state == "planned"
    assert len((await propose(working, phone_of))["stops"]) == 1  # who has somebody is not planned again


async def test_a_carer_who_was_booked_meanwhile_stops_all_of_it_and_is_named(
    working: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    found = await visits(working, 1, 1, clock=clock)
    plan = await propose(working, phone_of)
    other = await identity.resident(working.community, name="Walter", phone="+8613800000009")
    elsewhere = await made.single(
        await made.care_plan(other, working.agency), clock.now() + timedelta(hours=1), account_id=other.account_id
    )
    await made.assign(elsewhere.id, working.carer)
    refused = await accept(working, phone_of, plan, expect=409)
    assert refused["code"] == "calendar_taken"
    assert [one["subject_id"] for one in refused["conflicts"]] == [str(working.carer.id)]
    assert refused["conflicts"][0]["origin_id"] in {str(visit.id) for visit in found}
    assert {visit.state for visit in await made.visits(working.resident)} == {"planned"}


async def test_a_flexible_visit_is_moved_and_told(working: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    nora = await phone_of(working.coordinator)
    await nora(
        "DELETE",
        f"/organizations/{working.agency.id}/carer-shifts/{await shift_of(working.other_carer.id)}",
        expect=204,
    )
    fixed, flexible = [
        (await visits(working, hour, clock=clock, flexibility=timedelta(minutes=slack)))[0]
        for hour, slack in ((1, 0), (1.25, 60))
    ]
    plan = await propose(working, phone_of)
    await accept(working, phone_of, plan)
    after = {visit.id: visit for visit in await made.visits(working.resident)}
    assert after[fixed.id].starts_at == fixed.starts_at
    assert after[flexible.id].starts_at == fixed.ends_at  # the same home: no way between
    told = {item.account_id for item in await sent.deliveries() if item.notice_key == "eldercare.visit_moved"}
    assert told == {working.resident.account_id}


async def shift_of(account_id: Any) -> Any:
    async with reading() as connection:
        return await connection.scalar(
            sa.text("SELECT id FROM eldercare_shift WHERE account_id = :id"), {"id": account_id}
        )


async def test_for_a_carer_who_is_sick_others_go_and_what_is_under_way_stays(
    working: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    running, ahead, theirs = await visits(working, 1, 3, 4, clock=clock)
    await made.assign(running.id, working.carer)
    await made.assign(ahead.id, working.carer)
    await made.assign(theirs.id, working.other_carer)
    clock.set(running.starts_at)
    cai = await phone_of(working.carer)
    await cai("POST", f"/visits/{running.id}/arrival", {"proof": BY_HAND})
    plan = await propose(working, phone_of, working.carer)
    (stop,) = plan["stops"]
    assert (stop["visit_id"], stop["carers"], stop["replaces"]) == (
        str(ahead.id),
        [str(working.other_carer.id)],
        [str(working.carer.id)],
    )
    await accept(working, phone_of, plan)
    after = {visit.id: visit.state for visit in await made.visits(working.resident)}
    assert after == {running.id: "in_progress", ahead.id: "assigned", theirs.id: "assigned"}
    rows = {row.account_id: row.state for row in await made.carers(ahead.id)}
    assert rows == {working.carer.id: "removed", working.other_carer.id: "assigned"}
    assert [row.state for row in await made.carers(running.id)] == ["present"]
    keys = {(item.notice_key, item.account_id) for item in await sent.deliveries()}
    assert ("eldercare.visit_unassigned", working.carer.id) in keys


async def test_rest_between_two_shifts_is_kept(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    await made.shift(scene.agency, scene.carer, clock.now() - timedelta(hours=10), lasts=timedelta(hours=6))
    await made.shift(scene.agency, scene.carer, clock.now())
    early, late = await visits(scene, 2, 7.5, clock=clock)
    plan = await propose(scene, phone_of)
    stops = {stop["visit_id"]: stop for stop in plan["stops"]}
    assert "eleven hours" in stops[str(early.id)]["unassigned"]
    assert stops[str(late.id)]["carers"] == [str(scene.carer.id)]


async def test_whom_the_agency_serves_no_longer_is_not_planned(
    working: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    await visits(working, 1, clock=clock)
    plan = await propose(working, phone_of)
    async with reading() as connection:
        await connection.execute(
            sa.text("UPDATE identity_service_agreement SET ends_at = :now WHERE organization_id = :id"),
            {"now": clock.now(), "id": working.agency.id},
        )
    assert (await propose(working, phone_of))["stops"] == []
    assert (await accept(working, phone_of, plan, expect=409))["code"] == "agency_does_not_serve"
    nora = await phone_of(working.coordinator)
    board = await nora("GET", f"/organizations/{working.agency.id}/visits?date=2026-03-02")
    assert board["items"] == []


async def test_shifts_do_not_overlap_and_belong_to_carers(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    nora = await phone_of(scene.coordinator)
    url = f"/organizations/{scene.agency.id}/carer-shifts"
    body = {
        "account_id": str(scene.carer.id),
        "starts_at": "2026-03-02T08:00:00Z",
        "ends_at": "2026-03-02T16:00:00Z",
        "break_length": "PT30M",
    }
    made_one = await nora("POST", url, body, expect=201)
    later = body | {"starts_at": "2026-03-02T15:00:00Z", "ends_at": "2026-03-02T20:00:00Z"}
    assert (await nora("POST", url, later, expect=409))["code"] == "shift_exists"
    assert (await nora("POST", url, body | {"account_id": str(scene.desk.id)}, expect=409))["code"] == "not_a_carer"
    await nora("POST", url, body | {"ends_at": "2026-03-04T16:00:00Z"}, expect=422)
    listed = await nora("GET", f"{url}?date=2026-03-02")
    assert [item["id"] for item in listed["items"]] == [made_one["id"]]
    await nora("DELETE", f"{url}/{made_one['id']}", expect=204)
    await nora("DELETE", f"{url}/{made_one['id']}", expect=404)


async def test_a_profile_has_a_version_and_a_buffer_that_keeps_visits_apart(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora = await phone_of(scene.coordinator)
    url = f"/organizations/{scene.agency.id}/carers"
    first = await nora("PUT", f"{url}/{scene.carer.id}", {"buffer": "PT20M"})
    await nora("PUT", f"{url}/{scene.carer.id}", {"buffer": "PT10M"}, headers={"If-Match": '"7"'}, expect=412)
    await nora("PUT", f"{url}/{scene.carer.id}", {"latitude": 1.0}, expect=422)
    assert (await nora("GET", url))["items"] == [first]
    one, near = await visits(scene, 1, 1.75, clock=clock)
    await made.assign(one.id, scene.carer)
    body = {"account_id": str(scene.carer.id)}
    refused = await nora("POST", f"/residents/{scene.resident.id}/care-visits/{near.id}/carers", body, expect=409)
    assert refused["code"] == "calendar_taken"


async def test_a_night_is_planned_after_midnight_too(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    evening = clock.now().replace(hour=22)
    await made.shift(scene.agency, scene.carer, evening)
    (visit,) = await visits(scene, 18, clock=clock)  # two in the morning
    (early,) = await visits(scene, 21.75, clock=clock)  # ends after the shift
    nora = await phone_of(scene.coordinator)
    plan = await nora("POST", f"/organizations/{scene.agency.id}/route-plans", {"date": "2026-03-03"}, expect=201)
    assert carers_of(plan) == {str(visit.id): [str(scene.carer.id)], str(early.id): []}
    await accept(scene, phone_of, plan)
    assert (await made.visit(visit.id)).state == "assigned"


async def test_the_rest_between_a_night_and_the_evening_after_it_is_kept(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    evening = clock.now().replace(hour=22)
    await made.shift(scene.agency, scene.carer, evening)  # to six
    await made.shift(scene.agency, scene.carer, evening.replace(day=3, hour=14))
    found = await visits(scene, 18, 21, 30.5, 33.5, clock=clock)  # at two, five, half past two, half past five
    nora = await phone_of(scene.coordinator)
    plan = await nora("POST", f"/organizations/{scene.agency.id}/route-plans", {"date": "2026-03-03"}, expect=201)
    goes = carers_of(plan)
    assert [bool(goes[str(visit.id)]) for visit in found] == [True, False, False, True]


async def test_the_most_work_of_a_day_is_asked_of_that_day(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    nora = await phone_of(scene.coordinator)
    await nora("PUT", f"/organizations/{scene.agency.id}/carers/{scene.carer.id}", {"most_work": "PT1H"})
    for days in (-1, 0, 1):
        await made.shift(scene.agency, scene.carer, later=timedelta(days=days))
    for hours in (-23, 25):
        (other,) = await visits(scene, hours, clock=clock, lasts=timedelta(hours=1))
        await made.assign(other.id, scene.carer)
    first, second = await visits(scene, 2, 3, clock=clock, lasts=timedelta(minutes=40))
    plan = await propose(scene, phone_of)
    stops = {stop["visit_id"]: stop for stop in plan["stops"]}
    assert stops[str(first.id)]["carers"] == [str(scene.carer.id)]
    assert "as much work" in stops[str(second.id)]["unassigned"]


async def test_an_agencys_day_and_its_proposals_are_told_to_whom_they_show(
    working: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    await visits(working, 1, 2, clock=clock)
    nora = await phone_of(working.coordinator)
    await nora("GET", f"/organizations/{working.agency.id}/visits?date=2026-03-02")
    await propose(working, phone_of)
    grace = await phone_of(working.resident)
    seen = (await grace("GET", "/me/data-accesses?only_reading=true"))["items"]
    assert {(item["name"], item["action"]) for item in seen} == {
        ("Nora", "visits:route_plan"),
        ("Nora", "visits:list_day"),
    }
    assert len(seen) == 2


async def test_a_proposal_shows_no_visits_to_whom_the_agency_serves_no_longer(
    working: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    await visits(working, 1, clock=clock)
    plan = await propose(working, phone_of)
    assert len(plan["stops"]) == 1
    ended = sa.update(ServiceAgreement).where(col(ServiceAgreement.organization_id) == working.agency.id)
    async with unit_of_work() as session:
        await session.execute(ended.values(ends_at=clock.now()))
    nora = await phone_of(working.coordinator)
    shown = await nora("GET", f"/organizations/{working.agency.id}/route-plans/{plan['id']}")
    assert shown["stops"] == []

"""Who makes a visit: booked once, replaced, taken off while it goes on."""

import asyncio
from datetime import timedelta
from typing import Any, get_args

import pytest
import sqlalchemy as sa

from app.core import audit
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.reservations import api as reservations
from eldercare.visits.models import VISITS
from eldercare.visits.schemas.visits import Obstacle
from tests.eldercare.visits.conftest import PhoneOf, Scene
from tests.factories import eldercare_visits as made
from tests.factories import identity
from tests.factories import notifications as sent

BY_HAND = {"how": "manual", "reason": "The tag is broken"}


async def told(key: str) -> set[Any]:
    return {item.account_id for item in await sent.deliveries() if item.notice_key == f"eldercare.{key}"}


async def first_visit(scene: Scene, **changes: object) -> sa.Row[Any]:
    await made.template(scene.plan, **changes)
    return (await made.visits(scene.resident))[0]


async def test_a_carer_is_nobodys_twice(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> None:
    nora = await phone_of(scene.coordinator)
    visit = await first_visit(scene)
    neighbour = await identity.resident(scene.community, name="Walter", phone="+8613800000009")
    plan = await made.care_plan(neighbour, scene.agency)
    other = await made.single(plan, visit.starts_at + timedelta(minutes=15), account_id=neighbour.account_id)
    cai = {"account_id": str(scene.carer.id)}
    await made.shift(scene.agency, scene.carer, lasts=timedelta(hours=16))
    url = f"/residents/{scene.resident.id}/care-visits/{visit.id}/carers"
    assigned = await nora("POST", url, cai, expect=201)
    assert (assigned["state"], assigned["carers"][0]["name"]) == ("assigned", "Cai")
    assert await told("visit_assigned") == {scene.carer.id}
    assert (await nora("POST", url, cai, expect=409))["code"] == "already_assigned"
    refused = await nora("POST", f"/residents/{neighbour.id}/care-visits/{other.id}/carers", cai, expect=409)
    assert refused["code"] == "calendar_taken"
    (conflict,) = refused["conflicts"]
    assert conflict["subject_id"] == str(scene.carer.id)
    assert conflict["taken"][0]["starts_at"] == visit.starts_at.isoformat()
    assert str(scene.resident.id) not in str(refused)  # with whom they are is not said
    free = conflict["alternatives"][0]
    await nora("POST", f"/residents/{neighbour.id}/care-visits/{other.id}/move", {"starts_at": free["starts_at"]})
    both = f"/residents/{neighbour.id}/care-visits/{other.id}/carers"
    assert (await nora("POST", both, cai, expect=409))["obstacles"] == ["travel"]  # nobody knows where Walter lives
    await nora("POST", both, cai | {"despite": ["travel"]}, expect=201)
    dana = {"account_id": str(scene.other_carer.id)}
    assert (await nora("POST", url, dana, expect=409))["code"] == "visit_full"


async def test_of_twenty_who_assign_one_carer_at_once_one_gets_them(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visits = [
        await made.single(
            scene.plan,
            clock.now() + timedelta(hours=1, minutes=number),
            account_id=scene.resident.account_id,
        )
        for number in range(20)
    ]
    nora = await phone_of(scene.coordinator)
    headers = await nora.headers()
    body = {"account_id": str(scene.carer.id), "despite": list(get_args(Obstacle))}

    async def attempt(visit_id: Any) -> tuple[int, str | None]:
        url = f"/v1/residents/{scene.resident.id}/care-visits/{visit_id}/carers"
        answer = await nora.client.post(url, json=body, headers=headers)
        return answer.status_code, answer.json().get("code")

    answers = await asyncio.gather(*(attempt(visit.id) for visit in visits))
    assert sorted(answers, key=str) == [(201, None), *([(409, "calendar_taken")] * 19)]
    assert len([row for visit in visits for row in await made.carers(visit.id) if row.state == "assigned"]) == 1
    async with reading() as connection:
        assert await reservations.recount(connection, scene.community.id) == []


async def test_only_carers_of_the_agency_that_serves_are_sent(scene: Scene, phone_of: PhoneOf) -> None:
    nora = await phone_of(scene.coordinator)
    visit = await first_visit(scene)
    elsewhere = await identity.organization(scene.community, "care_agency", name="Elsewhere")
    stranger = await identity.staff(elsewhere, "carer", name="Sam", phone="+8613800000019")
    boss = await identity.staff(elsewhere, "coordinator", name="Boss", phone="+8613800000018")
    url = f"/residents/{scene.resident.id}/care-visits/{visit.id}/carers"
    for person in (stranger, scene.coordinator):
        refused = await nora("POST", url, {"account_id": str(person.id)}, expect=409)
        assert refused["code"] == "not_a_carer"
    phone = await phone_of(boss)
    await phone("POST", url, {"account_id": str(stranger.id)}, expect=404)
    await identity.agreement(elsewhere)
    await phone("POST", url, {"account_id": str(stranger.id)}, expect=403)  # they serve her, but it is not their visit
    plan = {"organization_id": str(scene.agency.id), "title": "Ours"}
    await phone("POST", f"/residents/{scene.resident.id}/care-plans", plan, expect=403)
    await phone(
        "POST", f"/residents/{scene.resident.id}/care-plans", plan | {"organization_id": str(elsewhere.id)}, expect=201
    )


async def test_an_agency_without_an_agreement_visits_nobody(scene: Scene, phone_of: PhoneOf) -> None:
    overseer = await identity.staff(scene.operator, "coordinator", name="Olga", phone="+8613800000017")
    idle = await identity.organization(scene.community, "care_agency", name="Idle")
    olga = await phone_of(overseer)
    plan = {"organization_id": str(idle.id), "title": "At home"}
    refused = await olga("POST", f"/residents/{scene.resident.id}/care-plans", plan, expect=409)
    assert refused["code"] == "agency_does_not_serve"


async def test_whoever_is_taken_off_ahead_leaves_the_visit_open(scene: Scene, phone_of: PhoneOf) -> None:
    nora = await phone_of(scene.coordinator)
    visit = await first_visit(scene)
    await made.assign(visit.id, scene.carer)
    url = f"/residents/{scene.resident.id}/care-visits/{visit.id}"
    after = await nora("POST", f"{url}/carers/{scene.carer.id}/removal", {"note": "On holiday"})
    assert (after["state"], after["carers"]) == ("planned", [])
    assert await told("visit_unassigned") == {scene.carer.id}
    await nora("POST", f"{url}/carers/{scene.carer.id}/removal", {}, expect=404)
    await made.assign(visit.id, scene.carer)  # and can be asked again: their time was free
    cai = await phone_of(scene.carer)
    assert len((await cai("GET", "/me/visits?date=2026-03-02"))["items"]) == 1


async def started(scene: Scene, phone_of: PhoneOf, clock: ManualClock) -> sa.Row[Any]:
    visit = await first_visit(scene)
    await made.assign(visit.id, scene.carer)
    clock.set(visit.starts_at)
    cai = await phone_of(scene.carer)
    await cai("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    return await made.visit(visit.id)


async def test_taken_off_while_there_the_visit_goes_on_with_somebody_else(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await started(scene, phone_of, clock)
    nora, cai, dana = [await phone_of(one) for one in (scene.coordinator, scene.carer, scene.other_carer)]
    url = f"/residents/{scene.resident.id}/care-visits/{visit.id}"
    after = await nora("POST", f"{url}/carers/{scene.carer.id}/removal", {"note": "Unwell"})
    assert after["state"] == "in_progress"  # it began, and nobody has finished it
    # Who was there can leave, for their hours, and do nothing else.
    await cai("POST", f"/visits/{visit.id}/notes", {"text": "x"}, expect=403)
    clock.advance(timedelta(minutes=4))
    await cai("POST", f"/visits/{visit.id}/departure", {"proof": BY_HAND})
    assert (await made.visit(visit.id)).state == "in_progress"
    await cai("POST", f"/visits/{visit.id}/departure", {"proof": BY_HAND}, expect=403)
    await nora("POST", f"{url}/carers", {"account_id": str(scene.other_carer.id)}, expect=201)
    await dana("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    clock.advance(timedelta(minutes=10))
    done = await dana("POST", f"/visits/{visit.id}/departure", {"proof": BY_HAND, "unfinished_reason": "Short"})
    assert done["state"] == "completed"
    rows = await made.carers(visit.id)
    assert [(row.account_id, row.state, row.departed_at is not None) for row in rows] == [
        (scene.carer.id, "removed", True),
        (scene.other_carer.id, "left", True),
    ]


async def test_taken_off_while_there_and_nobody_takes_over_the_desk_hears_until_it_is_closed(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await started(scene, phone_of, clock)
    nora = await phone_of(scene.coordinator)
    url = f"/residents/{scene.resident.id}/care-visits/{visit.id}"
    async with unit_of_work() as session:  # whatever was agreed of carers who forget to check out
        await session.execute(sa.update(VISITS).values(check_out_after=timedelta(hours=1)))
    await nora("POST", f"{url}/carers/{scene.carer.id}/removal", {})
    assert await told("visit_uncovered") == set()  # the coordinator knows: she did it
    clock.advance(timedelta(minutes=15))
    await made.look_after()
    assert scene.desk.id in await told("visit_uncovered")
    for _ in range(2):
        clock.advance(timedelta(minutes=30))
        await made.look_after()
    items = [item for item in await sent.deliveries() if item.notice_key == "eldercare.visit_uncovered"]
    assert {item.account_id for item in items} == {scene.desk.id, scene.coordinator.id}
    assert len(items) >= 4
    late = {"ended_at": clock.now().isoformat(), "reason": "Her daughter took over"}
    early = late | {"ended_at": (visit.starts_at - timedelta(minutes=1)).isoformat()}
    await nora("POST", f"{url}/completion", early, expect=409)
    assert (await nora("POST", f"{url}/completion", late))["state"] == "completed"
    assert (await nora("POST", f"{url}/completion", late, expect=409))["state"] == "completed"


async def test_who_works_there_no_longer_is_taken_off_everything(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await started(scene, phone_of, clock)
    later = (await made.visits(scene.resident))[1]
    await made.assign(later.id, scene.carer)
    chief = await phone_of(await identity.staff(scene.operator, "operator", name="Otto", phone="+8613800000016"))
    cai = await phone_of(scene.carer)
    await chief("DELETE", f"/organizations/{scene.agency.id}/members/{scene.carer.id}", expect=204)
    # At once, before any event is handled: nothing but leaving.
    await cai("POST", f"/visits/{visit.id}/notes", {"text": "x"}, expect=403)
    assert (await cai("GET", "/me/visits?date=2026-03-03"))["items"] == []
    await settle(RELAY_JOBS)
    assert [(row.state, row.removed_by) for row in await made.carers(visit.id)] == [("removed", None)]
    assert ((await made.visit(visit.id)).state, (await made.visit(later.id)).state) == ("in_progress", "planned")
    # Nobody decided that nobody is there: the agency and the desk hear at once.
    assert await told("visit_uncovered") == {scene.coordinator.id, scene.desk.id}
    await cai("POST", f"/visits/{visit.id}/departure", {"proof": BY_HAND})
    assert (await made.visit(visit.id)).state == "in_progress"
    # Somebody takes over, and checks out.
    await made.assign(visit.id, scene.other_carer)
    dana = await phone_of(scene.other_carer)
    await dana("POST", f"/visits/{visit.id}/arrival", {"proof": BY_HAND})
    done = await dana("POST", f"/visits/{visit.id}/departure", {"proof": BY_HAND, "unfinished_reason": "Short"})
    assert (done["state"], [one["account_id"] for one in done["carers"]]) == ("completed", [str(scene.other_carer.id)])


async def test_a_move_takes_the_carers_along_or_does_not_happen(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora = await phone_of(scene.coordinator)
    visit = await first_visit(scene)
    await made.assign(visit.id, scene.carer)
    busy = await made.single(scene.plan, visit.starts_at + timedelta(hours=2), account_id=scene.resident.account_id)
    await made.assign(busy.id, scene.carer)
    url = f"/residents/{scene.resident.id}/care-visits/{visit.id}/move"
    taken = {"starts_at": (visit.starts_at + timedelta(hours=2)).isoformat()}
    assert (await nora("POST", url, taken, expect=409))["code"] == "calendar_taken"
    past = {"starts_at": (clock.now() - timedelta(hours=1)).isoformat()}
    assert (await nora("POST", url, past, expect=409))["code"] == "wrong_time"
    free = {"starts_at": (visit.starts_at + timedelta(hours=1)).isoformat(), "duration": "PT40M"}
    moved = await nora("POST", url, free)
    assert (moved["starts_at"], moved["ends_at"]) == ("2026-03-02T10:00:00Z", "2026-03-02T10:40:00Z")
    assert await told("visit_moved") == {scene.carer.id, scene.resident.account_id}
    row = await made.visit(visit.id)
    assert row.miss_at == row.starts_at + timedelta(minutes=60)
    (carer,) = await made.carers(visit.id)
    assert carer.starts_at == row.starts_at
    old = await made.single(scene.plan, visit.starts_at, account_id=scene.resident.account_id)
    await made.assign(old.id, scene.carer)  # where it was there is room


@pytest.mark.parametrize("state", ["in_progress", "completed", "missed"])
async def test_what_has_begun_or_is_over_is_not_cancelled(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock, state: str
) -> None:
    visit = await first_visit(scene)
    async with unit_of_work() as session:
        await session.execute(
            sa.text(
                "UPDATE eldercare_visit SET state = :state, staff_by = NULL, late_at = NULL, miss_at = NULL,"
                " overdue_at = CASE WHEN :overdue THEN starts_at END WHERE id = :id"
            ),
            {"state": state, "id": visit.id, "overdue": state == "in_progress"},
        )
    grace = await phone_of(scene.resident)
    refused = await grace("POST", f"/me/care-visits/{visit.id}/cancellation", {}, expect=409)
    assert (refused["code"], refused["state"]) == ("visit_not_open", state)


async def test_family_who_may_see_may_not_arrange(scene: Scene, phone_of: PhoneOf) -> None:
    visit = await first_visit(scene)
    daughter = await identity.account(scene.community, name="Ada", phone="+8613800000015")
    await identity.grant(scene.resident, daughter, ["visits:read"])
    ada = await phone_of(daughter)
    url = f"/residents/{scene.resident.id}/care-visits"
    assert len((await ada("GET", f"{url}?limit=5"))["items"]) == 5
    await ada("POST", f"{url}/{visit.id}/cancellation", {}, expect=403)
    await ada("POST", f"{url}/{visit.id}/move", {"starts_at": visit.starts_at.isoformat()}, expect=403)
    son = await identity.account(scene.community, name="Bo", phone="+8613800000014")
    await identity.grant(scene.resident, son, ["visits:read", "visits:manage"])
    bo = await phone_of(son)
    await bo("POST", f"{url}/{visit.id}/move", {"starts_at": visit.starts_at.isoformat()}, expect=403)
    assert (await bo("POST", f"{url}/{visit.id}/cancellation", {}))["cancel_reason"] == "resident"
    assert scene.resident.account_id in await told("visit_cancelled")


async def test_pages_go_through_all_visits(scene: Scene, phone_of: PhoneOf) -> None:
    await first_visit(scene)
    grace = await phone_of(scene.resident)
    seen: list[str] = []
    cursor = ""
    while True:
        page = await grace("GET", f"/me/care-visits?limit=4{cursor}")
        seen += [item["starts_at"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(seen) == 14
    assert seen == sorted(seen, reverse=True)


async def test_by_hand_the_rules_of_the_planner_are_kept_or_set_aside_on_record(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora = await phone_of(scene.coordinator)
    await nora("PUT", f"/organizations/{scene.agency.id}/carers/{scene.carer.id}", {"most_work": "PT20M"})
    await made.shift(scene.agency, scene.carer, clock.now() - timedelta(hours=12), lasts=timedelta(hours=8))
    await made.shift(scene.agency, scene.carer, clock.now())
    at = clock.now() + timedelta(hours=2)
    visit = await made.single(scene.plan, at, account_id=scene.resident.account_id, skills=["catheter_care"])
    url = f"/residents/{scene.resident.id}/care-visits/{visit.id}/carers"
    body = {"account_id": str(scene.carer.id)}
    refused = await nora("POST", url, body, expect=409)
    assert (refused["code"], refused["obstacles"]) == ("carer_unsuitable", ["skill", "rest", "too_much"])
    dana = {"account_id": str(scene.other_carer.id)}
    assert (await nora("POST", url, dana, expect=409))["obstacles"] == ["skill", "hours"]
    assert (await made.visit(visit.id)).state == "planned"
    assert await made.carers(visit.id) == []
    some = body | {"despite": ["skill", "rest"]}
    assert (await nora("POST", url, some, expect=409))["obstacles"] == ["skill", "rest", "too_much"]
    assert (await nora("POST", url, some | {"despite": ["skill", "rest", "too_much"]}, expect=201))[
        "state"
    ] == "assigned"
    async with reading() as connection:
        found = (
            await connection.execute(sa.text("SELECT * FROM core_audit_entry WHERE action = 'visit:assign'"))
        ).one()
        details = await audit.details_of(connection, scene.resident.id, found.id, found.details)
    assert details == {"account_id": str(scene.carer.id), "despite": "skill rest too_much"}


async def test_where_somebody_is_needed_now_only_skills_are_asked(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora = await phone_of(scene.coordinator)
    at = clock.now() + timedelta(hours=2)
    visit = await made.single(scene.plan, at, account_id=scene.resident.account_id, skills=["lifting"])
    clock.set(at + timedelta(minutes=20))
    url = f"/residents/{scene.resident.id}/care-visits/{visit.id}/carers"
    body = {"account_id": str(scene.carer.id)}
    assert (await nora("POST", url, body, expect=409))["obstacles"] == ["skill"]
    await nora("PUT", f"/organizations/{scene.agency.id}/carers/{scene.carer.id}", {"skills": ["lifting"]})
    await nora("POST", url, body, expect=201)

"""Back early: whoever was to come goes again where they can, and of the rest the agency hears why not."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Account, Membership
from app.reservations import api as reservations
from eldercare.visits.service import resuming
from tests.eldercare.visits.conftest import PhoneOf, Scene
from tests.factories import eldercare_check_ins as care
from tests.factories import eldercare_visits as made
from tests.factories import identity
from tests.factories import notifications as sent

HOUR = timedelta(hours=1)


async def told(key: str) -> list[Any]:
    return [item for item in await sent.deliveries() if item.notice_key == f"eldercare.{key}"]


async def away(scene: Scene, phone_of: PhoneOf, until: datetime) -> Any:
    """Let the resident be away from now on; return what brings them back."""
    absence = await care.pause(scene.resident, until)
    await settle(RELAY_JOBS)
    grace = await phone_of(scene.resident)

    async def back() -> None:
        await grace("DELETE", f"/me/check-in-pauses/{absence.id}")
        await settle(RELAY_JOBS)

    return back


async def going(visit_id: Any) -> list[Any]:
    return [row.account_id for row in await made.carers(visit_id) if row.state == "assigned"]


async def ahead(scene: Scene, clock: ManualClock, *hours: float, **values: Any) -> list[Any]:
    account_id = scene.resident.account_id
    return [await made.single(scene.plan, clock.now() + HOUR * hour, account_id=account_id, **values) for hour in hours]


async def test_whoever_was_to_come_goes_again_and_everyone_hears_once(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    first, second = await ahead(scene, clock, 24, 26)
    for visit in (first, second):
        await made.assign(visit.id, scene.carer)
    back = await away(scene, phone_of, clock.now() + timedelta(days=3))
    assert {(await made.visit(one.id)).state for one in (first, second)} == {"suspended"}
    clock.advance(HOUR)
    before = len(await told("visit_assigned"))
    await back()
    for visit in (first, second):
        found = await made.visit(visit.id)
        assert (found.state, found.staff_by) == ("assigned", None)
        assert await going(visit.id) == [scene.carer.id]
        assert [row.state for row in await made.carers(visit.id)] == ["removed", "assigned"]
    assert sorted(item.account_id for item in await told("visits_again")) == sorted(
        [scene.carer.id, scene.coordinator.id]
    )
    assert (await told("visits_on"), await told("visits_not_again")) == ([], [])
    assert len(await told("visit_assigned")) == before  # once of all, not of each
    async with reading() as connection:
        assert await reservations.recount(connection, scene.community.id) == []
    again = await away(scene, phone_of, clock.now() + timedelta(days=3))  # and away once more
    await again()
    assert await going(first.id) == [scene.carer.id]


async def test_who_is_somewhere_else_by_now_does_not_go_and_the_agency_hears_why(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    (visit,) = await ahead(scene, clock, 24)
    await made.assign(visit.id, scene.carer)
    back = await away(scene, phone_of, clock.now() + timedelta(days=3))
    neighbour = await identity.resident(scene.community, name="Walter", phone="+8613800000009")
    plan = await made.care_plan(neighbour, scene.agency)
    elsewhere = await made.single(plan, visit.starts_at, account_id=neighbour.account_id)
    await made.assign(elsewhere.id, scene.carer)
    await back()
    found = await made.visit(visit.id)
    assert (found.state, found.staff_by) == ("planned", visit.starts_at - 2 * HOUR)
    assert await going(visit.id) == []
    assert await going(elsewhere.id) == [scene.carer.id]
    (why,) = await told("visits_not_again")
    assert why.account_id == scene.coordinator.id
    assert (why.variables["reason"], why.variables["carer"], why.variables["visits"]) == (
        "busy",
        str(scene.carer.id),
        1,
    )
    assert [item.account_id for item in await told("visits_on")] == [scene.coordinator.id]
    assert await told("visits_again") == []


async def test_the_rules_of_assigning_by_hand_are_kept_but_for_what_was_set_aside(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    """Who works then and is able goes; whose hours were set aside goes; who now lacks a skill does not."""
    nora = await phone_of(scene.coordinator)
    (visit,) = await ahead(scene, clock, 24, carers=2)
    await made.shift(scene.agency, scene.carer, visit.starts_at - HOUR)
    url = f"/residents/{scene.resident.id}/care-visits/{visit.id}/carers"
    await nora("POST", url, {"account_id": str(scene.carer.id)}, expect=201)
    hours = {"account_id": str(scene.other_carer.id), "despite": ["hours"]}
    await nora("POST", url, hours, expect=201)
    back = await away(scene, phone_of, clock.now() + timedelta(days=3))
    async with unit_of_work() as session:
        await session.execute(sa.text("DELETE FROM eldercare_shift"))
    await back()
    assert await going(visit.id) == [scene.other_carer.id]
    (why,) = await told("visits_not_again")
    assert (why.variables["reason"], why.variables["carer"]) == ("hours", str(scene.carer.id))
    assert (await made.visit(visit.id)).state == "planned"


async def test_who_cannot_come_or_works_there_no_longer_does_not_go(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    (visit,) = await ahead(scene, clock, 24, carers=2)
    for carer in (scene.carer, scene.other_carer):
        await made.assign(visit.id, carer)
    back = await away(scene, phone_of, clock.now() + timedelta(days=3))
    await made.absence(scene.agency, scene.carer)
    async with unit_of_work() as session:
        await session.execute(sa.delete(Membership).where(sa.column("account_id") == scene.other_carer.id))
    await back()
    reasons = {item.variables["carer"]: item.variables["reason"] for item in await told("visits_not_again")}
    assert reasons == {str(scene.carer.id): "absent", str(scene.other_carer.id): "left"}
    assert await going(visit.id) == []


async def test_whom_the_agency_took_off_before_does_not_come_again(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    nora = await phone_of(scene.coordinator)
    (visit,) = await ahead(scene, clock, 24)
    await made.assign(visit.id, scene.other_carer)
    url = f"/residents/{scene.resident.id}/care-visits/{visit.id}/carers"
    await nora("POST", f"{url}/{scene.other_carer.id}/removal", {"note": "Not again"})
    await made.assign(visit.id, scene.carer)
    back = await away(scene, phone_of, clock.now() + timedelta(days=3))
    await back()
    assert await going(visit.id) == [scene.carer.id]


async def test_of_two_residents_who_come_back_at_once_one_gets_the_carer(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    """Somebody was put to both while each was away in turn: the calendar decides, whoever asks at the same moment."""
    neighbour = await identity.resident(scene.community, name="Walter", phone="+8613800000009")
    plan = await made.care_plan(neighbour, scene.agency)
    (mine,) = await ahead(scene, clock, 24)
    theirs = await made.single(plan, mine.starts_at, account_id=neighbour.account_id)
    await made.assign(mine.id, scene.carer)
    await care.pause(scene.resident, clock.now() + timedelta(days=3))
    await settle(RELAY_JOBS)
    await made.assign(theirs.id, scene.carer)
    await care.pause(neighbour, clock.now() + timedelta(days=3))
    await settle(RELAY_JOBS)
    async with unit_of_work() as session:
        await session.execute(sa.text("UPDATE eldercare_absence SET ended_at = :now"), {"now": clock.now()})

    async def come_back(resident_id: Any) -> None:
        async with unit_of_work() as session:
            await resuming.follow_absences(session, [resident_id])

    await asyncio.gather(come_back(scene.resident.id), come_back(neighbour.id))
    assert len([*await going(mine.id), *await going(theirs.id)]) == 1
    assert sorted([(await made.visit(one.id)).state for one in (mine, theirs)]) == ["assigned", "planned"]
    async with reading() as connection:
        assert await reservations.recount(connection, scene.community.id) == []


async def test_who_assigns_at_the_moment_they_come_back_finds_one_carer_there(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    (visit,) = await ahead(scene, clock, 24)
    await made.assign(visit.id, scene.carer)
    back = await away(scene, phone_of, clock.now() + timedelta(days=3))

    async def assign(carer: Account) -> None:
        nora = await phone_of(scene.coordinator)
        url = f"/v1/residents/{scene.resident.id}/care-visits/{visit.id}/carers"
        body = {"account_id": str(carer.id), "despite": ["skill", "hours", "rest", "too_much", "travel", "busy"]}
        answer = await nora.client.post(url, json=body, headers=await nora.headers())
        assert answer.status_code in (201, 409), answer.text

    await asyncio.gather(back(), assign(scene.other_carer), assign(scene.other_carer))
    assert len(await going(visit.id)) == 1
    assert (await made.visit(visit.id)).state == "assigned"

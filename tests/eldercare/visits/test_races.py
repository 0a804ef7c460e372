"""What happens at the same time: a carer at the door and a cancellation, two who arrive, two who accept."""

import asyncio
import uuid
from contextlib import suppress
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.reservations import api as reservations
from eldercare.absences.problems import ResidentAway
from eldercare.carers.models import SHIFTS
from eldercare.visits.problems import VisitNotOpen
from eldercare.visits.service import suspending
from tests.eldercare.visits.conftest import PhoneOf, Scene
from tests.factories import eldercare_check_ins as care
from tests.factories import eldercare_visits as made
from tests.factories import identity
from tests.waiting import waits_or_ends

ARRIVAL = {"proof": {"how": "manual", "reason": "The tag is broken"}}


@pytest.mark.parametrize("order", [False, True])
async def test_a_visit_is_begun_or_cancelled_never_both(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock, client: httpx.AsyncClient, order: bool
) -> None:
    visits = []
    for number in range(3):
        at = clock.now() + timedelta(minutes=40 * number)
        visits.append(await made.single(scene.plan, at, account_id=scene.resident.account_id))
        await made.assign(visits[-1].id, scene.carer)
    cai = await (await phone_of(scene.carer)).headers()
    grace = await (await phone_of(scene.resident)).headers()
    for visit in visits:
        calls = [
            client.post(f"/v1/visits/{visit.id}/arrival", json=ARRIVAL, headers=cai),
            client.post(f"/v1/me/care-visits/{visit.id}/cancellation", json={}, headers=grace),
        ]
        answers = await asyncio.gather(*(reversed(calls) if order else calls))
        arrived, cancelled = reversed(answers) if order else answers
        after = (await made.visit(visit.id)).state
        if arrived.status_code == 200:
            assert (cancelled.status_code, after) == (409, "in_progress")
        else:
            assert (arrived.status_code in (403, 409), cancelled.status_code, after) == (True, 200, "cancelled")


async def test_two_who_arrive_at_once_are_both_there_and_it_begins_once(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    await made.template(scene.plan, carers=2)
    visit = (await made.visits(scene.resident))[0]
    for carer in (scene.carer, scene.other_carer):
        await made.assign(visit.id, carer)
    clock.set(visit.starts_at)
    cai, dana = await phone_of(scene.carer), await phone_of(scene.other_carer)
    url = f"/visits/{visit.id}/arrival"
    await asyncio.gather(cai("POST", url, ARRIVAL), dana("POST", url, ARRIVAL), cai("POST", url, ARRIVAL))
    assert {row.state for row in await made.carers(visit.id)} == {"present"}
    async with reading() as connection:
        started = (
            await connection.exec_driver_sql(
                "SELECT count(*) FROM core_event WHERE name = 'eldercare.visit_started.v1'"
            )
        ).scalar_one()
    assert started == 1


async def test_of_shifts_that_overlap_and_are_added_at_once_one_is_stored(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock, client: httpx.AsyncClient
) -> None:
    elsewhere = await identity.organization(scene.community, "care_agency", name="Elsewhere")
    await identity.membership(elsewhere, scene.carer, "carer")
    boss = await identity.staff(elsewhere, "coordinator", name="Boss", phone="+8613800000018")
    nora, other = await (await phone_of(scene.coordinator)).headers(), await (await phone_of(boss)).headers()
    since = clock.now()

    async def add(number: int, lasts: int, headers: dict[str, str], organization_id: object) -> int:
        body = {
            "account_id": str(scene.carer.id),
            "starts_at": (since + timedelta(minutes=30 * number)).isoformat(),
            "ends_at": (since + timedelta(minutes=30 * number, hours=lasts)).isoformat(),
        }
        url = f"/v1/organizations/{organization_id}/carer-shifts"
        return (await client.post(url, json=body, headers=headers)).status_code

    calls = [add(number, 8, nora, scene.agency.id) for number in range(4)]
    calls += [add(number, 8, other, elsewhere.id) for number in range(4)]
    assert sorted(await asyncio.gather(*calls)) == [201] + [409] * 7
    # What touches is no overlap, whatever the agency.
    async with reading() as connection:
        ends_at = (await connection.execute(sa.select(SHIFTS.c.ends_at))).scalar_one()
    minutes = int((ends_at - since) / timedelta(minutes=30))
    assert await add(minutes, 2, other, elsewhere.id) == 201


async def test_nobody_stays_assigned_to_who_goes_away_at_that_moment(scene: Scene, clock: ManualClock) -> None:
    visits = [
        await made.single(
            scene.plan, clock.now() + timedelta(hours=1, minutes=40 * number), account_id=scene.resident.account_id
        )
        for number in range(6)
    ]

    async def assign(visit_id: uuid.UUID) -> None:
        with suppress(ResidentAway, VisitNotOpen):
            await made.assign(visit_id, scene.carer)

    async def leave() -> None:
        await care.pause(scene.resident, clock.now() + timedelta(days=1))
        await settle(RELAY_JOBS)

    await asyncio.gather(*(assign(visit.id) for visit in visits[:3]), leave(), *(assign(one.id) for one in visits[3:]))
    await settle(RELAY_JOBS)
    assert {visit.state for visit in await made.visits(scene.resident)} == {"suspended"}
    assert {carer.state for visit in visits for carer in await made.carers(visit.id)} <= {"removed"}
    async with reading() as connection:
        booked = "SELECT count(*) FROM reservations_reservation WHERE state = 'booked'"
        assert await connection.scalar(sa.text(booked)) == 0


async def test_who_comes_back_while_their_visits_go_off_is_visited(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    visit = await made.single(scene.plan, clock.now() + timedelta(hours=3), account_id=scene.resident.account_id)
    absence = await care.pause(scene.resident, clock.now() + timedelta(days=1))
    grace = await phone_of(scene.resident)

    async def come_back() -> None:
        await grace("DELETE", f"/me/check-in-pauses/{absence.id}")
        await settle(RELAY_JOBS)

    async with unit_of_work() as session:
        await suspending.suspend(session, [visit.id])
        back = asyncio.create_task(come_back())
        await waits_or_ends(back)
    await back
    assert (await made.visit(visit.id)).state == "planned"


async def test_of_two_who_carry_out_overlapping_proposals_one_does(
    scene: Scene, phone_of: PhoneOf, clock: ManualClock
) -> None:
    for carer in (scene.carer, scene.other_carer):
        await made.shift(scene.agency, carer)
    for hour in (1, 2, 3):
        await made.single(scene.plan, clock.now() + timedelta(hours=hour), account_id=scene.resident.account_id)
    nora = await phone_of(scene.coordinator)
    url = f"/organizations/{scene.agency.id}/route-plans"
    proposals = [await nora("POST", url, {"date": "2026-03-02"}, expect=201) for _ in range(2)]

    async def accept(plan_id: str) -> int:
        answer = await nora.client.post(f"/v1{url}/{plan_id}/acceptance", headers=await nora.headers())
        return answer.status_code

    assert sorted(await asyncio.gather(*(accept(one["id"]) for one in proposals))) == [200, 409]
    board = await nora("GET", f"/organizations/{scene.agency.id}/visits?date=2026-03-02")
    assert [(item["state"], len(item["carers"])) for item in board["items"]] == [("assigned", 1)] * 3
    assert [item["starts_at"] for item in board["items"]] == sorted(item["starts_at"] for item in board["items"])
    first = await nora("GET", f"/organizations/{scene.agency.id}/visits?date=2026-03-02&limit=2")
    rest = await nora("GET", f"/organizations/{scene.agency.id}/visits?date=2026-03-02&limit=2&cursor={first['next']}")
    assert [*first["items"], *rest["items"]] == board["items"]
    async with reading() as connection:
        assert await reservations.recount(connection, scene.community.id) == []

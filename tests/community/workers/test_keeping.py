"""A provider keeps its workers: who they are, when they are there, and whether they are sent at all."""

import asyncio
from datetime import datetime

import pytest

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.core.relay import RELAY_JOBS
from app.reservations.api import Want, take, taken
from community.api import WorkerUnavailable, engage, require_worker, workers_for
from community.workers.rules import Span
from tests.community.workers.conftest import Scene, facts
from tests.factories import community_workers as made
from tests.factories import identity, notifications, sign_in
from tests.factories.community_workers import PROFILE
from tests.waiting import waits

at = datetime.fromisoformat
DAY: Span = (at("2026-03-02T00:00:00+08:00"), at("2026-03-03T00:00:00+08:00"))
MONDAYS = {"hours": [{"weekday": 1, "starts": "09:00", "ends": "17:00", "pause": "PT30M"}]}


async def test_a_coordinator_enters_a_worker_who_can_then_be_sent(scene: Scene) -> None:
    path = await scene.entered()
    shown = await scene.asked("PUT", f"{path}/hours", MONDAYS)
    (listed,) = (await scene.asked("GET", scene.workers))["items"]
    async with reading() as connection:
        (one,) = await workers_for(connection, scene.provider.id, DAY)

    assert (shown["name"], shown["display_name"], shown["time_zone"]) == ("Li Mei", "Mei L.", "Asia/Shanghai")
    assert shown["hours"] == [
        {"weekday": 1, "starts": "09:00", "ends": "17:00", "pause": "PT30M", "on_holidays": False}
    ]
    assert listed == shown
    assert one.is_there(at("2026-03-02T09:00:00+08:00"), at("2026-03-02T17:00:00+08:00"))
    assert not one.is_there(at("2026-03-02T16:00:00+08:00"), at("2026-03-02T17:30:00+08:00"))
    assert (one.languages, one.sex, one.vehicle) == (("zh-CN", "en"), "female", "bicycle")
    assert await facts("worker_hours_changed") == [
        {"organization_id": str(scene.provider.id), "account_id": str(scene.mei.id)}
    ]


async def test_who_is_suspended_is_given_nothing_from_that_moment_on(scene: Scene) -> None:
    path = await scene.entered()
    await scene.asked("PUT", f"{path}/hours", MONDAYS)

    shown = await scene.asked("POST", f"{path}/suspension", {"reason": "A complaint is looked into"})
    again = await scene.asked("POST", f"{path}/suspension", {"reason": "Another"}, expect=409)

    async with reading() as connection:
        assert await workers_for(connection, scene.provider.id, DAY) == []
        kept = await require_worker(connection, scene.provider.id, scene.mei.id)
    async with unit_of_work() as session:
        with pytest.raises(WorkerUnavailable):
            await engage(session, scene.provider.id, scene.mei.id)
    assert shown["suspension"]["reason"] == "A complaint is looked into"
    assert "complaint" not in kept.suspension_reason
    assert again["code"] == "worker_suspended"
    assert await facts("worker_suspended") == [
        {"organization_id": str(scene.provider.id), "account_id": str(scene.mei.id)}
    ]
    assert [(row.notice_key, row.account_id) for row in await notifications.deliveries()] == [
        ("community.worker_suspended", scene.mei.id)
    ]

    lifted = await scene.asked("DELETE", f"{path}/suspension")
    async with reading() as connection:
        assert len(await workers_for(connection, scene.provider.id, DAY)) == 1
    assert lifted["suspension"] is None
    assert (await scene.asked("DELETE", f"{path}/suspension", expect=409))["code"] == "worker_not_suspended"


async def test_who_suspends_waits_for_what_is_being_given_and_finds_it(scene: Scene) -> None:
    path = await scene.entered()
    async with unit_of_work() as session:
        calendar_id = await engage(session, scene.provider.id, scene.mei.id)
        suspending = asyncio.create_task(scene.asked("POST", f"{path}/suspension", {"reason": "A complaint"}))
        await waits(suspending)
        want = Want(calendar_id, *DAY, clocks.new_id())
        await take(session, [want], origin_kind="home_order", taken_by=scene.coordinator.id)

    assert (await suspending)["suspension"] is not None
    async with reading() as connection:
        assert len(await taken(connection, [calendar_id], *DAY)) == 1


async def test_whom_the_operator_suspended_no_provider_sends_again(scene: Scene) -> None:
    path = await scene.entered()
    await scene.asked("POST", f"{path}/suspension", {"reason": "A complaint"})
    shown = await scene.asked("POST", f"{path}/suspension", {"reason": "Reported"}, by=scene.operator)

    assert (shown["suspension"]["reason"], shown["suspension"]["only_operator_lifts"]) == ("Reported", True)
    await scene.asked("DELETE", f"{path}/suspension", expect=403)
    await scene.asked("PUT", path, PROFILE)
    async with unit_of_work() as session:
        with pytest.raises(WorkerUnavailable):
            await engage(session, scene.provider.id, scene.mei.id)
    await scene.asked("DELETE", f"{path}/suspension", by=scene.operator)


async def test_nobody_lifts_their_own_suspension(scene: Scene) -> None:
    own = await made.worker(scene.provider, scene.coordinator)

    await scene.asked("POST", f"{scene.workers}/{own.id}/suspension", {"reason": "Away"})
    await scene.asked("DELETE", f"{scene.workers}/{own.id}/suspension", expect=403)


async def test_who_is_put_aside_or_works_there_no_longer_is_told_of(scene: Scene) -> None:
    path = await scene.entered()
    await scene.asked("PUT", f"{path}/hours", MONDAYS)
    told = {"organization_id": str(scene.provider.id), "account_id": str(scene.mei.id)}

    await scene.asked("PUT", path, PROFILE | {"is_active": False})
    await scene.asked("PUT", path, PROFILE | {"is_active": False})
    assert await facts("worker_left") == [told]

    await scene.asked("PUT", path, PROFILE)
    member = f"/v1/organizations/{scene.provider.id}/members/{scene.mei.id}"
    await scene.asked("DELETE", member, by=scene.operator, expect=204)
    async with reading() as connection:
        assert await workers_for(connection, scene.provider.id, DAY) == []
    for job in RELAY_JOBS:
        await job.run()
    assert await facts("worker_left") == [told, told]
    assert not (await scene.asked("GET", path))["is_active"]
    assert (await scene.asked("PUT", path, PROFILE, expect=409))["code"] == "not_a_worker"


async def test_only_whoever_works_there_is_a_worker_and_once(scene: Scene) -> None:
    stranger = await identity.account(scene.place, name="Stranger", phone="+8613800000005")
    await scene.entered()

    body = PROFILE | {"account_id": str(stranger.id)}
    nobody = await scene.asked("POST", scene.workers, body, expect=409)
    again = await scene.asked("POST", scene.workers, PROFILE | {"account_id": str(scene.mei.id)}, expect=409)
    clinic = await identity.organization(scene.place, "clinic")
    path = f"/v1/organizations/{clinic.id}/workers"
    no_provider = await scene.asked("POST", path, body, by=scene.operator, expect=409)

    assert (nobody["code"], again["code"], no_provider["code"]) == ("not_a_worker", "worker_exists", "not_a_provider")


async def test_an_agencys_carers_can_be_its_workers(scene: Scene) -> None:
    agency = await identity.organization(scene.place, "care_agency")
    carer = await identity.staff(agency, "carer", name="Cai")
    body = PROFILE | {"account_id": str(carer.id)}

    made = await scene.asked("POST", f"/v1/organizations/{agency.id}/workers", body, by=scene.operator, expect=201)

    assert made["account_id"] == str(carer.id)


async def test_another_providers_workers_are_not_known(scene: Scene) -> None:
    path = await scene.entered()
    rival = await identity.organization(scene.place, "provider", name="Rival")
    headers = await sign_in.sign_in(await identity.staff(rival, "coordinator"), second_factor=True)
    theirs = f"/v1/organizations/{rival.id}/workers/{path.rsplit('/', 1)[1]}"

    await scene.asked("GET", path, by=headers, expect=404)
    await scene.asked("POST", f"{path}/suspension", {"reason": "Ours"}, by=headers, expect=404)
    await scene.asked("GET", theirs, by=headers, expect=404)
    await scene.asked("PUT", f"{theirs}/hours", MONDAYS, by=headers, expect=404)
    await scene.asked("PUT", f"{theirs}/skills/cleaning", {}, by=headers, expect=404)
    assert (await scene.asked("GET", f"/v1/organizations/{rival.id}/workers", by=headers))["items"] == []


async def test_a_worker_reads_their_hours_and_takes_days_off(scene: Scene) -> None:
    path = await scene.entered()
    await scene.asked("PUT", f"{path}/hours", MONDAYS)
    own = await sign_in.sign_in(scene.mei)
    (mine,) = (await scene.asked("GET", "/v1/me/worker-profiles", by=own))["items"]
    exceptions = f"/v1/me/worker-profiles/{mine['id']}/exceptions"
    monday = {"starts": "2026-03-02T00:00:00", "ends": "2026-03-03T00:00:00"}

    taken = await scene.asked("POST", exceptions, monday, by=own, expect=201)
    await scene.asked("POST", exceptions, monday | {"kind": "extra"}, by=own, expect=422)
    decided = await scene.asked("POST", f"{path}/exceptions", monday | {"kind": "off"}, expect=201)
    async with reading() as connection:
        off = await workers_for(connection, scene.provider.id, DAY)
    listed = await scene.asked("GET", f"{path}/exceptions")

    assert off == []
    assert [one["entered_by"] for one in listed["items"]] == [str(scene.mei.id), str(scene.coordinator.id)]
    await scene.asked("DELETE", f"{exceptions}/{decided['id']}", by=own, expect=404)
    await scene.asked("DELETE", f"{exceptions}/{taken['id']}", by=own, expect=204)
    await scene.asked("DELETE", f"{path}/exceptions/{decided['id']}", expect=204)
    async with reading() as connection:
        assert len(await workers_for(connection, scene.provider.id, DAY)) == 1
    await scene.asked("GET", exceptions, expect=404)  # for the coordinator there is no such profile of their own


async def test_hours_that_no_week_has_are_pointed_at(scene: Scene) -> None:
    path = await scene.entered()
    twice = {"hours": [MONDAYS["hours"][0], {"weekday": 1, "starts": "16:00", "ends": "18:00"}]}

    refused = await scene.asked("PUT", f"{path}/hours", twice, expect=422)
    stale = await scene.client.put(f"{path}/hours", json=MONDAYS, headers=scene.keeper | {"If-Match": '"9"'})

    assert [(one["pointer"], one["code"]) for one in refused["errors"]] == [("/body/hours/1", "hours_overlap")]
    assert stale.status_code == 412

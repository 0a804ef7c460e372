"""Stays away, absent carers and closed residences reach orders; providers' own systems hear of theirs alone."""

from datetime import timedelta

import pytest_asyncio

from app.core.clock import ManualClock
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Organization
from community.orders import jobs as order_jobs
from notifications.webhooks.jobs import JOBS as WEBHOOK_JOBS
from tests.community.orders.conftest import THURSDAY, By, Scene, no_drift, told
from tests.factories import community_workers as workers
from tests.factories import eldercare_check_ins as check_ins
from tests.factories import identity, sign_in
from tests.factories import webhooks as make
from tests.sinks.webhooks import Receiver


async def drain() -> None:
    await settle([*RELAY_JOBS, *order_jobs.JOBS])


async def test_what_was_ordered_for_a_stay_away_is_called_off_for_nothing_and_what_was_ordered_since_is_not(
    scene: Scene, clock: ManualClock
) -> None:
    before = await scene.assigned()
    later = await scene.placed(by=scene.daughter, starts_at=(THURSDAY + timedelta(days=5)).isoformat())
    clock.set(THURSDAY - timedelta(hours=2))  # too late to call off freely
    await check_ins.pause(scene.grace, THURSDAY + timedelta(days=2), kind="hospital")
    clock.advance(timedelta(minutes=1))
    since = await scene.placed(by=scene.daughter, starts_at=(THURSDAY + timedelta(hours=6)).isoformat())
    await drain()
    await drain()

    off = await scene.seen(before)
    assert (off["state"], off["fee"], off["history"][-1]["who"], off["history"][-1]["reason"]) == (
        "cancelled",
        0,
        "hearthline",
        "away",
    )
    assert [(await scene.seen(one))["state"] for one in (later, since)] == ["placed", "placed"]
    assert "Li Mei" in await told("order_not_yours")
    assert await told("order_cancelled") >= {"Grace", "Nora"}
    await no_drift()


@pytest_asyncio.fixture(loop_scope="session")
async def agencys(scene: Scene) -> tuple[By, Organization]:
    """Return the session of a coordinator, and the agency, that Mei makes care visits for, too."""
    agency = await identity.organization(scene.place, "care_agency", name="Bright Care")
    await identity.agreement(agency)
    await identity.membership(agency, scene.mei, "carer")
    keeper = await identity.staff(agency, "coordinator", name="Zoe", phone="+8613800000021")
    return await sign_in.session_of(keeper, second_factor=True), agency


async def test_who_cannot_come_to_care_visits_is_found_for_no_order_then(
    scene: Scene, agencys: tuple[By, Organization], clock: ManualClock
) -> None:
    theirs = await scene.assigned()
    path = f"/v1/organizations/{agencys[1].id}/carer-absences"
    body = {
        "account_id": str(scene.mei.id),
        "starts_at": (THURSDAY - timedelta(hours=4)).isoformat(),
        "ends_at": (THURSDAY + timedelta(hours=12)).isoformat(),
    }
    absence = await scene.ask("POST", path, body, by=agencys[0], expect=201)
    await drain()

    left = await scene.seen(theirs)
    assert "absent" in [one["reason"] for one in left["history"]]
    assert left["worker"] != "Li Mei"
    order = await scene.placed(starts_at=(THURSDAY + timedelta(hours=3)).isoformat())
    given = {"worker_id": str(scene.mei.id)}
    refused = await scene.do(order, "assignment", given, by=scene.keeper, expect=409)
    assert (refused["code"], refused["obstacles"]) == ("worker_unsuitable", ["hours"])

    await scene.ask("DELETE", f"{path}/{absence['id']}", by=agencys[0], expect=204)
    await drain()
    taken = await scene.do(order, "assignment", given, by=scene.keeper)
    assert taken["worker"] == "Li Mei"
    await no_drift()


async def test_who_becomes_a_worker_later_is_off_for_the_absence_all_the_same(
    scene: Scene, agencys: tuple[By, Organization], clock: ManualClock
) -> None:
    nina = await identity.account(scene.place, name="Nina", phone="+8613800000031")
    await identity.membership(agencys[1], nina, "carer")
    path = f"/v1/organizations/{agencys[1].id}/carer-absences"
    body = {
        "account_id": str(nina.id),
        "starts_at": (THURSDAY - timedelta(hours=4)).isoformat(),
        "ends_at": (THURSDAY + timedelta(hours=12)).isoformat(),
    }
    await scene.ask("POST", path, body, by=agencys[0], expect=201)
    await drain()
    await identity.membership(scene.provider, nina, "worker")
    row = await workers.worker(scene.provider, nina, display_name="Nina", hours=[])
    await workers.skill(row, "cleaning")
    whole = [{"weekday": day, "starts": "06:00", "ends": "22:00"} for day in range(1, 8)]
    of_worker = f"/v1/organizations/{scene.provider.id}/workers/{row.id}/hours"
    await scene.ask("PUT", of_worker, {"hours": whole}, by=scene.keeper)
    await drain()
    order = await scene.placed()
    refused = await scene.do(order, "assignment", {"worker_id": str(nina.id)}, by=scene.keeper, expect=409)
    assert refused["obstacles"] == ["hours"]


async def test_a_providers_system_hears_of_its_orders_as_ids(scene: Scene, sink: Receiver, clock: ManualClock) -> None:
    other = await identity.organization(scene.place, "provider", name="Other Homes")
    for name, organization in (("own", scene.provider), ("other", other)):
        await identity.agreement(organization, ["home_services:read"], scene.grace)
        await make.endpoint(organization, f"{sink.url}/{name}", event_types=["order.placed", "charge.opened"])
    order = await scene.started(clock)
    await scene.do(order, "completion", {"done": ["kitchen"]}, by=scene.worker)
    await settle([*RELAY_JOBS, *WEBHOOK_JOBS])
    heard = {(call.path, call.event["type"]) for call in sink.calls}
    assert heard == {("/own", "order.placed"), ("/own", "charge.opened")}
    (placed,) = [call.event["data"] for call in sink.calls if call.event["type"] == "order.placed"]
    assert placed == {"order_id": order["id"], "resident_id": str(scene.grace.id)}


async def test_who_lives_here_no_more_is_not_gone_to(scene: Scene, clock: ManualClock) -> None:
    order = await scene.assigned()
    clock.set(THURSDAY - timedelta(hours=2))
    path = f"/v1/residents/{scene.grace.id}/closure"
    await scene.ask("POST", path, {"reason": "died", "date": "2026-03-04"}, by=scene.operator, expect=201)
    await drain()
    off = await scene.seen(order, by=scene.keeper)
    assert (off["state"], off["fee"]) == ("cancelled", 0)
    assert "Li Mei" in await told("order_not_yours")
    await no_drift()

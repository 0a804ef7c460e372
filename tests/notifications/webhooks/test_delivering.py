"""Deliveries: to whom they go, how they are tried again, and what a slow, dead or vanished receiver does to others."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.core import lag, privacy, stopping
from app.core.clock import ManualClock, new_id
from app.core.database import reading, unit_of_work
from app.core.events import emit
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.settings import install_settings, settings
from app.identity.models import Community, Resident
from eldercare.events import CheckInMissed, DoseMissed, VisitMissed, VisitSuspended
from notifications.webhooks import repository
from notifications.webhooks.jobs import JOBS
from notifications.webhooks.rules import Result
from notifications.webhooks.service import sending
from tests.factories import eldercare_alarms, identity
from tests.factories import notifications as told
from tests.factories import webhooks as make
from tests.factories.sign_in import sign_in
from tests.notifications.webhooks.conftest import Scene
from tests.sinks.webhooks import Answering, Receiver


async def work() -> None:
    await settle((*RELAY_JOBS, *JOBS))


async def test_an_alarm_is_told_to_those_whose_agreement_lets_them_see_it(
    client: httpx.AsyncClient, scene: Scene, sink: Receiver, clock: ManualClock
) -> None:
    async def organization(name: str, *scopes: str, place: Community = scene.community, **values: Any) -> None:
        made = await identity.organization(place, "clinic")
        if scopes:
            await identity.agreement(made, scopes, **values)
        await make.endpoint(made, f"{sink.url}/{name}")

    await make.endpoint(scene.agency, f"{sink.url}/agency")
    await make.endpoint(scene.agency, f"{sink.url}/only-resolved", event_types=["alarm.resolved"])
    await organization("everyones", "alarms:read")
    await organization("no-agreement")
    await organization("other-scope", "check_ins:read", resident=scene.resident)
    await organization("of-a-neighbour", "alarms:read", resident=await identity.resident(scene.community))
    await organization("ended", "alarms:read", resident=scene.resident, ends_at=clock.now())
    await organization("ahead", "alarms:read", starts_at=clock.now() + timedelta(seconds=1))
    await organization("elsewhere", "alarms:read", place=await identity.community(name="Hillside"))
    alarm = await eldercare_alarms.raised(scene.resident)
    await work()
    desk = await sign_in(await identity.operator(scene.community))
    assert (await client.post(f"/v1/alarms/{alarm.id}/acknowledgement", headers=desk)).status_code == 200
    await client.post(f"/v1/alarms/{alarm.id}/resolution", headers=desk, json={"outcome": "helped"})
    await work()
    ids = {"alarm_id": str(alarm.id), "resident_id": str(scene.resident.id)}
    for path in ("/agency", "/everyones"):
        assert [call.event["type"] for call in sink.on(path)] == [
            "alarm.raised",
            "alarm.acknowledged",
            "alarm.resolved",
        ]
        assert [call.event["data"] for call in sink.on(path)] == [ids] * 3
    assert {call.path for call in sink.calls} == {"/agency", "/everyones", "/only-resolved"}
    assert {*sink.on("/agency")[0].event} == {"type", "timestamp", "data"}


async def test_doses_and_visits_are_told_to_those_who_may_see_them_and_no_longer(
    scene: Scene, sink: Receiver, clock: ManualClock
) -> None:
    types = ["dose.missed", "dose.taken", "visit.suspended", "visit.missed"]
    for name, scopes in (("nurses", ["medication:read"]), ("carers", ["visits:read"]), ("neither", ["alarms:read"])):
        made = await identity.organization(scene.community, "clinic", name=name)
        ends_at = clock.now() + timedelta(hours=1)
        await identity.agreement(made, scopes, resident=scene.resident, ends_at=ends_at)
        await make.endpoint(made, f"{sink.url}/{name}", event_types=types)
    about: dict[str, Any] = {"community_id": scene.community.id, "resident_id": scene.resident.id}
    dose, visit = new_id(), new_id()
    for _ in range(2):
        async with unit_of_work() as session:
            await emit(session, DoseMissed(aggregate_id=dose, regimen_id=new_id(), is_critical=True, **about))
            await emit(session, VisitSuspended(aggregate_id=visit, **about))
            await emit(session, VisitMissed(aggregate_id=visit, **about))
        await work()
        clock.advance(timedelta(hours=1))  # the agreements end
    ours = {"resident_id": str(scene.resident.id)}
    told = [(call.path, call.event["type"], call.event["data"]) for call in sink.calls]
    assert sorted(told, key=str) == [
        ("/carers", "visit.missed", {"visit_id": str(visit)} | ours),
        ("/carers", "visit.suspended", {"visit_id": str(visit)} | ours),
        ("/nurses", "dose.missed", {"dose_id": str(dose)} | ours),
    ]


async def test_a_missed_check_in_is_told(scene: Scene, sink: Receiver, clock: ManualClock) -> None:
    await make.endpoint(scene.agency, f"{sink.url}/hook", event_types=["check_in.missed"])
    fact = CheckInMissed(
        aggregate_id=new_id(), community_id=scene.community.id, resident_id=scene.resident.id, plan_id=new_id()
    )
    async with unit_of_work() as session:
        await emit(session, fact)
    await work()
    (call,) = sink.calls
    assert call.headers["webhook-id"] == str(fact.id)
    assert call.event["data"] == {"check_in_id": str(fact.aggregate_id), "resident_id": str(scene.resident.id)}


async def test_what_fails_is_tried_again_with_the_same_id_and_body(
    scene: Scene, sink: Receiver, clock: ManualClock
) -> None:
    endpoint = await make.endpoint(scene.agency, f"{sink.url}/hook")
    await make.queued(endpoint)
    for answering in (Answering(500), Answering(302, {"Location": "/elsewhere"}), Answering(hangs=True)):
        sink.answers["/hook"] = answering
        await settle(JOBS)
        clock.advance(timedelta(minutes=5))
    assert (await make.current(endpoint)).failures == 3
    sink.answers.clear()
    await settle(JOBS)
    assert sink.on("/elsewhere") == []
    assert len({(call.headers["webhook-id"], call.body) for call in sink.calls}) == 1
    assert [call.headers["webhook-timestamp"] for call in sink.calls] == sorted(
        {call.headers["webhook-timestamp"] for call in sink.calls}
    )
    (delivery,) = await make.deliveries()
    assert (delivery.state, delivery.attempts, delivery.send_at) == ("delivered", 4, None)
    assert [(row.status, row.error) for row in await make.attempts()] == [
        (500, "http_500"),
        (302, "http_302"),
        (None, "timeout"),
        (200, None),
    ]
    assert (await make.current(endpoint)).failures == 0


async def test_a_receiver_is_not_called_before_it_wants_to_be(scene: Scene, sink: Receiver, clock: ManualClock) -> None:
    await make.queued(await make.endpoint(scene.agency, f"{sink.url}/hook"))
    sink.answers["/hook"] = Answering(429, {"Retry-After": "3600"})
    await settle(JOBS)
    (delivery,) = await make.deliveries()
    assert delivery.send_at == clock.now() + timedelta(hours=1)


async def test_an_endpoint_that_takes_nothing_for_three_days_is_disabled_and_its_people_are_told(
    scene: Scene, sink: Receiver, clock: ManualClock
) -> None:
    await identity.staff(scene.agency, "carer", name="Carla")
    endpoint = await make.endpoint(scene.agency, f"{sink.url}/secret-path")
    other = await make.endpoint(scene.agency, f"{sink.url}/healthy")
    await make.queued(endpoint)
    sink.answers["/secret-path"] = Answering(500)
    began = clock.now()
    while (await make.current(endpoint)).state == "enabled":
        await settle(JOBS)
        upcoming = [row.send_at for row in await make.deliveries() if row.send_at]
        if upcoming:
            clock.set(min(upcoming))
        if len(upcoming) == 1 and clock.now() - began > timedelta(days=1):
            await make.queued(endpoint)  # something happens meanwhile
    assert timedelta(days=2) < clock.now() - began < timedelta(days=3)
    assert (await make.current(endpoint)).disabled_reason == "failing"
    assert (await make.current(other)).state == "enabled"
    assert {row.send_at for row in await make.deliveries()} == {None}
    notices = await told.deliveries()
    assert {(row.notice_key, row.account_id, row.channel) for row in notices} == {
        ("notifications.webhook_disabled", scene.coordinator.id, "mail"),
    }
    assert "127.0.0.1" not in str(notices[0].variables)  # sealed


async def test_an_endpoint_that_is_gone_is_disabled_at_once_and_misses_nothing(
    scene: Scene, sink: Receiver, clock: ManualClock
) -> None:
    endpoint = await make.endpoint(scene.agency, f"{sink.url}/hook")
    sink.answers["/hook"] = Answering(410)
    await eldercare_alarms.raised(scene.resident)
    await work()
    assert (await make.current(endpoint)).disabled_reason == "gone"
    assert len(sink.calls) == 1
    await eldercare_alarms.raised(await _another(scene))
    await work()
    assert len(sink.calls) == 1
    assert [(row.state, row.error) for row in await make.deliveries()] == [
        ("failed", "http_410"),
        ("failed", "endpoint_disabled"),
    ]
    assert "notifications.webhook_disabled" in {row.notice_key for row in await told.deliveries()}


async def _another(scene: Scene) -> Resident:
    resident = await identity.resident(scene.community, name="Rosa")
    await identity.agreement(scene.agency, ["alarms:read"], resident)
    return resident


@pytest.fixture
def patient(sink: Receiver) -> None:
    """Let calls take longer than any test."""
    chosen = settings()
    longer = chosen.webhooks.model_copy(update={"timeout": 30.0})
    install_settings(chosen.model_copy(update={"webhooks": longer}))  # the sink's fixture takes it back


@pytest.mark.usefixtures("patient")
async def test_slow_endpoints_hold_up_no_others_and_are_not_overrun(
    scene: Scene, sink: Receiver, clock: ManualClock
) -> None:
    slow = await make.endpoint(scene.agency, f"{sink.url}/slow")
    sink.answers["/slow"] = Answering(hangs=True)
    await make.queued(slow, 30)
    workers = [asyncio.create_task(sending.run()) for _ in range(2)]
    await sink.wait_for("/slow", 5)
    quick = await make.endpoint(scene.agency, f"{sink.url}/quick")
    await make.queued(quick, 40)
    await sink.wait_for("/quick", 40)
    # Those that wait their turn are not what the workers are behind with.
    async with reading() as connection:
        clock.advance(timedelta(seconds=30))
        assert (await lag.worst(connection)).total_seconds() == 0
    sink.release()
    await asyncio.gather(*workers)
    assert sink.most["/slow"] == 5
    assert sink.most["/quick"] <= 5
    states = [(row.endpoint_id, row.state) for row in await make.deliveries()]
    assert states.count((quick.id, "delivered")) == 40


async def test_an_endpoint_that_failed_last_is_called_one_at_a_time(scene: Scene, sink: Receiver) -> None:
    endpoint = await make.endpoint(scene.agency, f"{sink.url}/hook", failures=1)
    await make.queued(endpoint, 3)
    async with unit_of_work() as session:
        assert len(await repository.claim(session, 100)) == 1
    async with unit_of_work() as session:
        assert await repository.claim(session, 100) == []


async def test_what_is_due_and_not_called_counts_as_late(scene: Scene, sink: Receiver, clock: ManualClock) -> None:
    await make.queued(await make.endpoint(scene.agency, f"{sink.url}/hook"))
    clock.advance(timedelta(seconds=40))
    async with reading() as connection:
        assert (await lag.worst(connection)).total_seconds() == 40


@pytest.mark.usefixtures("patient")
async def test_a_worker_that_died_between_the_answer_and_the_commit_is_followed_under_the_same_id(
    scene: Scene, sink: Receiver, clock: ManualClock
) -> None:
    endpoint = await make.endpoint(scene.agency, f"{sink.url}/hook")
    await make.queued(endpoint)
    async with unit_of_work() as session:
        (dead,) = await repository.claim(session, 1)
    await settle(JOBS)
    assert sink.calls == []  # it is leased
    clock.advance(timedelta(minutes=1))
    sink.answers["/hook"] = Answering(hangs=True)
    running = asyncio.create_task(sending.run())
    await sink.wait_for("/hook", 1)
    # The dead one's answer comes in after all: it is no longer its to store.
    await sending._settle([sending.Landed(dead, Result(500), clock.now(), 1)])
    sink.release()
    await running
    (call,) = sink.calls
    assert call.headers["webhook-id"] == str(dead.event_id)
    (delivery,) = await make.deliveries()
    assert (delivery.state, delivery.attempts) == ("delivered", 2)
    assert (await make.current(endpoint)).failures == 0


@pytest.mark.usefixtures("patient")
async def test_a_worker_that_is_asked_to_stop_lands_its_calls_and_takes_up_no_more(
    scene: Scene, sink: Receiver
) -> None:
    endpoint = await make.endpoint(scene.agency, f"{sink.url}/hook")
    sink.answers["/hook"] = Answering(hangs=True)
    await make.queued(endpoint, 8)
    stop = asyncio.Event()
    with stopping.heeding(stop):
        running = asyncio.create_task(sending.run())
    await sink.wait_for("/hook", 5)
    stop.set()
    sink.release()
    assert await running == 5
    states = [row.state for row in await make.deliveries()]
    assert (states.count("delivered"), states.count("queued")) == (5, 3)


async def test_an_erased_resident_is_told_of_no_more(scene: Scene, sink: Receiver) -> None:
    await make.queued(await make.endpoint(scene.agency, f"{sink.url}/hook"), resident_id=scene.resident.id)
    async with unit_of_work() as session:
        await privacy.erase_subject(session, [scene.resident.id])
    await settle(JOBS)
    assert sink.calls == []

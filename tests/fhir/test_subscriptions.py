"""Subscriptions: what is told to whom, when it is not any more, in which order, and what is refused."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio
import sqlalchemy as sa
import structlog

from app.core.clock import ManualClock, new_id
from app.core.database import unit_of_work
from app.core.events import emit
from app.core.jobs import run_jobs, settle
from app.core.relay import RELAY_JOBS
from app.core.sealing import unseal
from app.core.settings import Settings, WebhookSettings, install_settings
from app.core.tables import table_of
from app.identity.clients.models import ApiClient
from app.identity.models import ServiceAgreement
from notifications.webhooks.jobs import JOBS
from notifications.webhooks.models import SECRET, WebhookEndpoint
from notifications.webhooks.repository import claim
from telemedicine.events import ConsultationStarted
from tests.factories import fhir, identity, sign_in, telemedicine, telemedicine_records, webhooks
from tests.factories.fhir import Scene
from tests.fhir.valid import refused, resources, valid
from tests.sinks.webhooks import Answering, Receiver, receiver, signatures

R4 = "/fhir/R4"
log = structlog.get_logger(__name__)
_AGREEMENTS = table_of(ServiceAgreement)
_CLIENTS = table_of(ApiClient)


@pytest_asyncio.fixture(loop_scope="session")
async def sink(test_settings: Settings) -> AsyncIterator[Receiver]:
    """Run a receiver and let endpoints be on this machine."""
    async with receiver() as running:
        chosen = WebhookSettings(allow_private=True, timeout=0.5)
        install_settings(test_settings.model_copy(update={"webhooks": chosen}))
        yield running
        install_settings(test_settings)


def wanted(url: str, criteria: str = "Appointment?status=booked", **changes: Any) -> dict[str, Any]:
    """Return the subscription a client sends."""
    channel = {"type": "rest-hook", "endpoint": url, **changes.pop("channel", {})}
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "the practice's own diary",
        "criteria": criteria,
        "channel": channel,
        **changes,
    }


async def subscribed(client: httpx.AsyncClient, of: Scene, document: dict[str, Any]) -> dict[str, Any]:
    """Return the subscription that was made."""
    return valid(await client.post(f"{R4}/Subscription", json=document, headers=of.system), 201)


async def work() -> None:
    await settle((*RELAY_JOBS, *JOBS))


async def _shown(client: httpx.AsyncClient, of: Scene, subscription: dict[str, Any]) -> dict[str, Any]:
    return valid(await client.get(f"{R4}/Subscription/{subscription['id']}", headers=of.system))


async def _cancel(client: httpx.AsyncClient, of: Scene, booked: dict[str, Any]) -> None:
    url = f"{R4}/Appointment/{booked['id']}"
    answer = await client.put(url, json=booked | {"status": "cancelled"}, headers=of.system)
    assert answer.status_code == 200, answer.text


async def test_a_clinic_hears_of_bookings_and_cancellations(
    client: httpx.AsyncClient, scene: Scene, sink: Receiver
) -> None:
    secret: dict[str, Any] = {"channel": {"header": ["Authorization: Bearer of-the-practice"]}}
    made = await subscribed(client, scene, wanted(f"{sink.url}/booked", **secret))
    assert (made["status"], made["channel"]["header"]) == ("active", ["Authorization: Bearer of-the-practice"])
    payload: dict[str, Any] = {"channel": {"payload": "application/fhir+json"}}
    await subscribed(client, scene, wanted(f"{sink.url}/all?practice=7", "Appointment", **payload))
    of_others = wanted(f"{sink.url}/others", f"Appointment?practitioner=Practitioner/{new_id()}")
    await subscribed(client, scene, of_others)
    booked = await fhir.book(client, scene)
    await work()
    await _cancel(client, scene, booked)
    await work()
    (call,) = sink.on("/booked")
    assert (call.method, call.body, call.headers["Authorization"]) == ("POST", b"", "Bearer of-the-practice")
    assert call.headers["Link"].endswith(f'{R4}/Appointment/{booked["id"]}>; rel="about"')
    endpoint = await webhooks.current(await _endpoint(made))
    assert signatures(call, unseal(endpoint.secret, SECRET))
    puts = sink.on(f"/all/Appointment/{booked['id']}")
    assert {(put.method, put.headers["Content-Type"]) for put in puts} == {("PUT", "application/fhir+json")}
    assert [orjson.loads(put.body)["status"] for put in puts] == ["booked", "cancelled"]
    assert orjson.loads(puts[-1].body) == valid(
        await client.get(f"{R4}/Appointment/{booked['id']}", headers=scene.system)
    )
    assert sink.on("/others") == []


async def _endpoint(made: dict[str, Any]) -> WebhookEndpoint:
    async with unit_of_work() as session:
        return await session.get_one(WebhookEndpoint, made["id"])


async def test_a_subscription_is_read_found_changed_and_ended_by_its_client_alone(
    client: httpx.AsyncClient, scene: Scene, sink: Receiver
) -> None:
    made = await subscribed(client, scene, wanted(f"{sink.url}/diary", "Appointment"))
    url = f"{R4}/Subscription/{made['id']}"
    assert await _shown(client, scene, made) == made
    other = await sign_in.client_headers(scene.organization, fhir.SCOPES)
    for answer in (
        await client.get(url, headers=other),
        await client.put(url, json=made, headers=other),
        await client.delete(url, headers=other),
    ):
        assert refused(answer, 404)
    second = await subscribed(client, scene, wanted(f"{sink.url}/second", status="off"))
    assert second["status"] == "off"
    found = valid(await client.get(f"{R4}/Subscription?status=active", headers=scene.system))
    assert [one["id"] for one in resources(found)] == [made["id"]]
    first = valid(await client.get(f"{R4}/Subscription?_count=1", headers=scene.system))
    (following,) = [one["url"] for one in first["link"] if one["relation"] == "next"]
    rest = valid(await client.get(httpx.URL(following).raw_path.decode(), headers=scene.system))
    assert [one["id"] for one in resources(first) + resources(rest)] == [made["id"], second["id"]]
    assert resources(valid(await client.get(f"{R4}/Subscription", headers=other))) == []
    version = {"If-Match": f'W/"{made["meta"]["versionId"]}"'}
    off = valid(await client.put(url, json=made | {"status": "off"}, headers=scene.system | version))
    assert off["status"] == "off"
    assert refused(await client.put(url, json=made, headers=scene.system | version), 412)
    await fhir.book(client, scene)
    await work()
    assert sink.calls == []
    moved = made | {"channel": made["channel"] | {"endpoint": f"{sink.url}/moved"}}
    assert valid(await client.put(url, json=moved, headers=scene.system))["status"] == "active"
    await fhir.book(client, scene, 1)
    await work()
    assert {call.path for call in sink.calls} == {"/moved"}
    assert (await client.delete(url, headers=scene.system)).status_code == 204
    told = len(sink.calls)
    await fhir.book(client, scene, 2)
    await work()
    assert (len(sink.calls), refused(await client.get(url, headers=scene.system), 404)[0]["code"]) == (
        told,
        "not-found",
    )


async def test_it_is_known_where_organizations_data_go(client: httpx.AsyncClient, scene: Scene, sink: Receiver) -> None:
    made = await subscribed(client, scene, wanted(f"{sink.url}/diary", "Appointment"))
    runs_it = await sign_in.sign_in(await identity.staff(scene.organization, "coordinator", name="Cora"))
    url = f"/v1/organizations/{scene.organization.id}/webhook-endpoints"
    (listed,) = (await client.get(url, headers=runs_it)).json()["items"]
    assert (listed["id"], listed["description"]) == (made["id"], "FHIR Subscription: Appointment")
    refusal = await client.patch(f"{url}/{made['id']}", json={"event_types": ["alarm.raised"]}, headers=runs_it)
    assert refusal.status_code == 422
    secret = (await client.post(f"{url}/{made['id']}/secrets", json={"overlap_hours": 0}, headers=runs_it)).json()
    await fhir.book(client, scene)
    await work()
    assert all(signatures(call, secret["secret"]) for call in sink.on("/diary"))
    assert (await client.delete(f"{url}/{made['id']}", headers=runs_it)).status_code == 204
    assert refused(await client.get(f"{R4}/Subscription/{made['id']}", headers=scene.system), 404)


async def test_what_may_not_be_seen_any_more_is_not_told_and_ends_it(
    client: httpx.AsyncClient, scene: Scene, sink: Receiver, clock: ManualClock
) -> None:
    other = await identity.organization(scene.place, "clinic", name="Hill Clinic")
    await identity.agreement(other, None, scene.resident, ends_at=clock.now() + timedelta(hours=1))
    system = await sign_in.client_headers(other, fhir.SCOPES)
    criteria = f"Appointment?patient=Patient/{scene.resident.id}"
    answer = await client.post(f"{R4}/Subscription", json=wanted(f"{sink.url}/hill", criteria), headers=system)
    made = valid(answer, 201)
    general = valid(
        await client.post(f"{R4}/Subscription", json=wanted(f"{sink.url}/general", "Appointment"), headers=system), 201
    )
    await fhir.book(client, scene)
    await work()
    assert len(sink.on("/hill")) > 0  # the clinic they are at lets those see it whose agreement says so
    told = len(sink.on("/hill"))
    clock.advance(timedelta(hours=2))
    await fhir.book(client, scene, 1)
    await work()
    assert (len(sink.on("/hill")), sink.on("/general")) == (told, [])
    over = valid(await client.get(f"{R4}/Subscription/{made['id']}", headers=system))
    assert (over["status"], over["error"]) == ("off", "what is subscribed to may not be seen any more")
    # Without a patient it is over the clinic's own, which it may go on to have.
    assert valid(await client.get(f"{R4}/Subscription/{general['id']}", headers=system))["status"] == "active"


async def test_what_was_to_be_told_is_withheld_when_it_may_not_be_seen_at_the_call(
    client: httpx.AsyncClient, scene: Scene, sink: Receiver, clock: ManualClock
) -> None:
    criteria = f"Appointment?patient=Patient/{scene.resident.id}"
    made = await subscribed(client, scene, wanted(f"{sink.url}/diary", criteria))
    await fhir.book(client, scene)
    await settle(RELAY_JOBS)
    async with unit_of_work() as session:
        await session.execute(sa.update(_AGREEMENTS).values(ends_at=clock.now()))
    await work()
    assert sink.calls == []
    rows = await webhooks.deliveries()
    assert {(row.state, row.error) for row in rows} == {("failed", "withheld")}
    assert (await webhooks.current(await _endpoint(made))).failures == 0


async def test_a_client_that_was_cut_off_is_told_nothing(
    client: httpx.AsyncClient, scene: Scene, sink: Receiver
) -> None:
    made = await subscribed(client, scene, wanted(f"{sink.url}/diary", "Appointment"))
    await fhir.book(client, scene)
    await settle(RELAY_JOBS)
    async with unit_of_work() as session:
        await session.execute(sa.update(_CLIENTS).values(revoked_at=_CLIENTS.c.created_at))
    await work()
    assert sink.calls == []
    assert (await _endpoint(made)).disabled_reason == "not_allowed"


async def test_it_ends_when_it_was_to_end(
    client: httpx.AsyncClient, scene: Scene, sink: Receiver, clock: ManualClock
) -> None:
    end = (clock.now() + timedelta(hours=1)).isoformat()
    made = await subscribed(client, scene, wanted(f"{sink.url}/diary", "Appointment", end=end))
    await fhir.book(client, scene)
    await settle(RELAY_JOBS)
    clock.advance(timedelta(hours=1))
    await work()
    await fhir.book(client, scene, 1)
    await work()
    assert sink.calls == []
    assert (await _shown(client, scene, made))["status"] == "off"


async def test_a_failing_endpoint_is_an_error_and_a_gone_one_is_off(
    client: httpx.AsyncClient, scene: Scene, sink: Receiver, clock: ManualClock
) -> None:
    made = await subscribed(client, scene, wanted(f"{sink.url}/diary"))
    sink.answers["/diary"] = Answering(503)
    await fhir.book(client, scene)
    await work()
    failing = await _shown(client, scene, made)
    assert failing["status"] == "error"
    assert "1" in failing["error"]
    sink.answers.clear()
    clock.advance(timedelta(minutes=1))
    await work()
    assert (await _shown(client, scene, made))["status"] == "active"
    sink.answers["/diary"] = Answering(410)
    await fhir.book(client, scene, 1)
    await work()
    gone = await _shown(client, scene, made)
    assert (gone["status"], gone["error"]) == ("off", "the endpoint wants no more (410)")


async def test_what_is_told_of_one_resource_goes_in_order(
    client: httpx.AsyncClient, scene: Scene, sink: Receiver, clock: ManualClock
) -> None:
    payload: dict[str, Any] = {"channel": {"payload": "application/fhir+json"}}
    await subscribed(client, scene, wanted(f"{sink.url}/diary", "Appointment", **payload))
    first = await fhir.book(client, scene)
    await settle(RELAY_JOBS)
    async with unit_of_work() as session:  # a worker is about to call
        (under_way,) = await claim(session, 10)
    await _cancel(client, scene, first)
    second = await fhir.book(client, scene, 1)
    await work()
    path = f"/diary/Appointment/{first['id']}"
    # Another's goes on, and so would this one's cancellation, were it not for what comes before it.
    assert len(sink.on(f"/diary/Appointment/{second['id']}")) == 1
    assert sink.on(path) == []
    clock.advance(timedelta(minutes=5))
    await work()
    before, after = sink.on(path)
    assert before.headers["webhook-id"] == str(under_way.event_id)
    assert orjson.loads(after.body)["status"] == "cancelled"
    assert {row.state for row in await webhooks.deliveries()} == {"delivered"}


async def test_what_waits_to_be_told_is_told_once_as_it_is_then(
    client: httpx.AsyncClient, scene: Scene, sink: Receiver, clock: ManualClock
) -> None:
    payload: dict[str, Any] = {"channel": {"payload": "application/fhir+json"}}
    await subscribed(client, scene, wanted(f"{sink.url}/diary", "Appointment", **payload))
    booked = await fhir.book(client, scene)
    path = f"/diary/Appointment/{booked['id']}"
    sink.answers[path] = Answering(503)
    await work()
    assert len(sink.on(path)) == 1
    await _cancel(client, scene, booked)
    await work()
    sink.answers.clear()
    clock.advance(timedelta(minutes=5))
    await work()
    assert [orjson.loads(call.body)["status"] for call in sink.on(path)] == ["booked", "cancelled"]


async def test_what_a_crash_interrupts_is_told_again(
    client: httpx.AsyncClient, scene: Scene, sink: Receiver, clock: ManualClock
) -> None:
    await subscribed(client, scene, wanted(f"{sink.url}/diary"))
    await fhir.book(client, scene)
    await settle(RELAY_JOBS)
    async with unit_of_work() as session:  # by a worker that dies before it calls
        claimed = await claim(session, 10)
    await work()
    assert (len(claimed), sink.calls) == (1, [])
    clock.advance(timedelta(minutes=10))
    await work()
    assert [call.headers["webhook-id"] for call in sink.calls] == [str(claimed[0].event_id)]


async def test_a_booking_is_told_at_once(client: httpx.AsyncClient, scene: Scene, sink: Receiver) -> None:
    await subscribed(client, scene, wanted(f"{sink.url}/diary", "Appointment"))
    stop, took = asyncio.Event(), []
    worker = asyncio.create_task(run_jobs((*RELAY_JOBS, *JOBS), stop))
    try:
        for count in range(1, 6):
            await fhir.book(client, scene)
            answered = time.perf_counter()  # committed just before
            await sink.wait_for("/diary", count)
            took.append(round((time.perf_counter() - answered) * 1000))
    finally:
        stop.set()
        await worker
    log.info("subscriber_told", median_milliseconds=statistics.median(took), calls=took)


async def test_what_is_written_in_records_is_told_by_its_kind(
    client: httpx.AsyncClient, scene: Scene, sink: Receiver
) -> None:
    await fhir.happened(scene)  # which has the clinic treat the resident
    system = await sign_in.client_headers(scene.organization, [*fhir.SCOPES, "records:read"])
    for path, criteria in {
        "conditions": "Condition",
        "allergies": f"AllergyIntolerance?patient={scene.resident.id}",
        "referrals": f"ServiceRequest?requester=Organization/{scene.organization.id}",
    }.items():
        valid(await client.post(f"{R4}/Subscription", json=wanted(f"{sink.url}/{path}", criteria), headers=system), 201)
    await work()
    condition = telemedicine_records.CONDITION | {"verification_status": "unconfirmed"}
    made = await telemedicine_records.health_record(scene.resident, condition)
    elsewhere = await identity.resident(scene.place, name="Walter", phone="+8613800000023")
    await telemedicine_records.health_record(elsewhere, condition)
    await work()
    calls = {path: sink.on(f"/{path}") for path in ("conditions", "allergies", "referrals")}
    assert {path: len(of) for path, of in calls.items()} == {"conditions": 2, "allergies": 1, "referrals": 1}
    assert calls["conditions"][-1].headers["Link"].endswith(f'{R4}/Condition/{made.id}>; rel="about"')


async def test_video_visits_are_told_by_patient(client: httpx.AsyncClient, scene: Scene, sink: Receiver) -> None:
    clinician = await identity.staff(scene.organization, "clinician", name="Edith")
    of = telemedicine.Scene(scene.place, scene.resident, scene.person, scene.organization, clinician)
    visit = await telemedicine.consultation(of)
    system = await sign_in.client_headers(scene.organization, [*fhir.SCOPES, "consultations:read"])
    document = wanted(f"{sink.url}/visits", "Encounter")
    made = valid(await client.post(f"{R4}/Subscription", json=document, headers=system), 201)
    fact = ConsultationStarted(
        aggregate_id=visit.id,
        community_id=scene.place.id,
        resident_id=scene.resident.id,
        organization_id=scene.organization.id,
        appointment_id=None,
    )
    async with unit_of_work() as session:
        await emit(session, fact)
    await work()
    seen = await client.get(f"{R4}/Encounter/{visit.id}", headers=system)
    assert len(sink.on("/visits")) == (seen.status_code == 200)  # told to whoever may see it, and to nobody else
    assert valid(await client.get(f"{R4}/Subscription/{made['id']}", headers=system))["status"] == "active"


@pytest.mark.parametrize(
    ("changes", "status", "where", "word"),
    [
        ({"criteria": "Observation?code=8867-4"}, 422, "Subscription.criteria", "Appointment"),
        ({"criteria": "Rabbit"}, 422, "Subscription.criteria", "Appointment"),
        ({"criteria": "Appointment?colour=red"}, 422, "Subscription.criteria", "colour"),
        ({"criteria": "Appointment?status:text=booked"}, 422, "Subscription.criteria", "modifier"),
        ({"criteria": "Appointment?_include=Appointment:patient"}, 422, "Subscription.criteria", "_include"),
        ({"criteria": "Appointment?date=ge2026-03-02"}, 422, "Subscription.criteria", "offset"),
        ({"criteria": f"Appointment?patient=Patient/{new_id()}"}, 422, "Subscription.criteria", "no such"),
        ({"criteria": "Encounter?length=1"}, 422, "Subscription.criteria", "length"),
        ({"status": "error"}, 422, "Subscription.status", "requested"),
        ({"status": "asleep"}, 422, "Subscription.status", "requested"),
        ({"end": "0001-01-01T00:00:00Z"}, 422, "Subscription.end", "instant"),
        ({"contact": [{"system": "phone", "value": "1"}]}, 422, "Subscription.contact", "not kept"),
        ({"channel": {"type": "email"}}, 422, "Subscription.channel.type", "rest-hook"),
        ({"channel": {"payload": "application/fhir+xml"}}, 422, "Subscription.channel.payload", "json"),
        ({"channel": {"header": ["Host: elsewhere"]}}, 422, "Subscription.channel.header[0]", "Name"),
        ({"channel": {"header": ["A: b", "webhook-id: 1"]}}, 422, "Subscription.channel.header[1]", "Name"),
        ({"channel": {"header": ["A: b\r\nC: d"]}}, 422, "Subscription.channel.header[0]", "Name"),
        ({"channel": {"header": ["A: b"] * 11}}, 422, "Subscription.channel.header", "10"),
        ({"channel": {"endpoint": "ftp://example.org/"}}, 422, "Subscription.channel.endpoint", "https"),
        ({"channel": {"endpoint": "https://a:b@example.org/"}}, 422, "Subscription.channel.endpoint", "https"),
        ({"channel": {"endpoint": "https://example.org/#a"}}, 422, "Subscription.channel.endpoint", "fragment"),
        ({"channel": {"endpoint": "https://127.0.0.1:8000/fhir/R4"}}, 422, "Subscription.channel.endpoint", "ours"),
        ({"channel": {"endpoint": None}}, 400, "Subscription.channel.endpoint", ""),
        ({"reason": None}, 400, "Subscription.reason", ""),
    ],
)
async def test_what_cannot_be_subscribed_to_is_refused_by_its_name(
    changes: dict[str, Any],
    status: int,
    where: str,
    word: str,
    client: httpx.AsyncClient,
    scene: Scene,
) -> None:
    document = wanted("https://example.org/diary", **changes)
    answer = await client.post(f"{R4}/Subscription", json=document, headers=scene.system)
    (issue,) = refused(answer, status)
    assert issue["expression"] == [where]
    assert word in issue["diagnostics"]
    assert resources(valid(await client.get(f"{R4}/Subscription", headers=scene.system))) == []


async def test_only_systems_subscribe_to_public_addresses_and_not_without_end(
    client: httpx.AsyncClient, scene: Scene
) -> None:
    person = await sign_in.sign_in(scene.person)
    document = wanted("https://example.org/hook", "Appointment")
    assert refused(await client.post(f"{R4}/Subscription", json=document, headers=person), 403)
    inside = wanted("https://192.168.0.7/hook", "Appointment")
    (issue,) = refused(await client.post(f"{R4}/Subscription", json=inside, headers=scene.system), 422)
    assert issue["expression"] == ["Subscription.channel.endpoint"]
    for _ in range(20):
        await subscribed(client, scene, document)
    assert refused(await client.post(f"{R4}/Subscription", json=document, headers=scene.system), 409)

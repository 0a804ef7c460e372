"""Looking after endpoints over HTTP, by who runs the agency: registered, changed, tested, replayed, removed."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.settings import Settings, WebhookSettings, install_settings
from notifications.webhooks import repository
from notifications.webhooks.jobs import JOBS
from notifications.webhooks.rules import Result
from notifications.webhooks.service import sending
from notifications.webhooks.service.endpoints import MAX_ENDPOINTS
from tests.factories import identity
from tests.factories import webhooks as make
from tests.factories.sign_in import sign_in
from tests.notifications.webhooks.conftest import Scene
from tests.sinks.webhooks import Answering, Receiver, signatures

Headers = dict[str, str]


@pytest_asyncio.fixture(loop_scope="session")
async def signed(client: httpx.AsyncClient, scene: Scene) -> Headers:
    """Return the coordinator's headers."""
    return await sign_in(scene.coordinator)


def path(scene: Scene, rest: str = "") -> str:
    return f"/v1/organizations/{scene.agency.id}/webhook-endpoints{rest}"


async def register(
    client: httpx.AsyncClient, scene: Scene, headers: Headers, url: str, *event_types: str
) -> dict[str, Any]:
    body = {"url": url, "event_types": event_types or ["alarm.raised"], "description": "ours"}
    answer = await client.post(path(scene), json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_secret_is_shown_once_and_kept_sealed(
    client: httpx.AsyncClient, scene: Scene, sink: Receiver, signed: Headers
) -> None:
    made = await register(client, scene, signed, f"{sink.url}/hook", "alarm.resolved", "alarm.raised")
    assert made["secret"].startswith("whsec_")
    listed = await client.get(path(scene), headers=signed)
    assert listed.json()["items"] == [{name: value for name, value in made.items() if name != "secret"}]
    assert (made["event_types"], made["enabled"]) == (["alarm.raised", "alarm.resolved"], True)
    async with reading() as connection:
        stored = str((await connection.execute(sa.text("SELECT * FROM notifications_webhook_endpoint"))).one())
    assert made["secret"] not in stored
    assert "/hook" not in stored


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8/hook", "https://127.0.0.1/hook", "https://10.0.0.1/", "https://[::1]/", "https://localhost/",
        "https://169.254.169.254/", "https://2130706433/", "https://no-such-name.invalid/",
        "https://user:secret@8.8.8.8/", "https://8.8.8.8/#part", "ftp://8.8.8.8/", "hook",
    ],
)  # fmt: skip
async def test_an_address_that_is_not_to_be_called_is_refused(
    client: httpx.AsyncClient, scene: Scene, signed: Headers, url: str
) -> None:
    answer = await client.post(path(scene), json={"url": url, "event_types": ["alarm.raised"]}, headers=signed)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/body/url")
    endpoint = await make.endpoint(scene.agency, "https://8.8.8.8/")
    changed = await client.patch(path(scene, f"/{endpoint.id}"), json={"url": url}, headers=signed)
    assert changed.status_code == 422


async def test_only_listed_events_can_be_asked_for(client: httpx.AsyncClient, scene: Scene, signed: Headers) -> None:
    listed = (await client.get("/v1/webhook-event-types", headers=signed)).json()["items"]
    assert {event["name"]: event["data"] for event in listed}["alarm.raised"] == ["alarm_id", "resident_id"]
    for names in (["alarm.exploded"], ["webhook.test"], []):
        body = {"url": "https://8.8.8.8/", "event_types": names}
        assert (await client.post(path(scene), json=body, headers=signed)).status_code == 422


async def test_an_organization_has_so_many_endpoints_and_no_more(
    client: httpx.AsyncClient, scene: Scene, signed: Headers
) -> None:
    for _ in range(MAX_ENDPOINTS):
        await make.endpoint(scene.agency, "https://8.8.8.8/")
    body = {"url": "https://8.8.8.8/", "event_types": ["alarm.raised"]}
    answer = await client.post(path(scene), json=body, headers=signed)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_webhook_endpoints")


async def test_anothers_endpoint_is_not_there(client: httpx.AsyncClient, scene: Scene, signed: Headers) -> None:
    other = await make.endpoint(await identity.organization(scene.community, "clinic"), "https://8.8.8.8/")
    (delivery,) = await make.queued(other)
    one = path(scene, f"/{other.id}")
    for method, address, body in (
        ("PATCH", one, {"enabled": False}),
        ("DELETE", one, None),
        ("POST", f"{one}/secrets", {}),
        ("POST", f"{one}/test-deliveries", None),
        ("POST", f"{one}/replays", {"since": "2026-03-01T00:00:00Z"}),
        ("GET", f"{one}/deliveries", None),
        ("GET", f"{one}/deliveries/{delivery}/attempts", None),
        ("POST", f"{one}/deliveries/{delivery}/replay", None),
    ):
        answer = await client.request(method, address, json=body, headers=signed)
        assert answer.status_code == 404, (method, address)
    assert (await make.current(other)).state == "enabled"


async def test_secrets_change_over_with_two_signatures(
    client: httpx.AsyncClient, scene: Scene, sink: Receiver, signed: Headers, clock: ManualClock
) -> None:
    made = await register(client, scene, signed, f"{sink.url}/hook")
    one = path(scene, f"/{made['id']}")
    rotated = await client.post(f"{one}/secrets", json={"overlap_hours": 2}, headers=signed)
    assert rotated.status_code == 201
    old, new = made["secret"], rotated.json()["secret"]
    again = await client.post(f"{one}/secrets", json={"overlap_hours": 2}, headers=signed)
    assert (again.status_code, again.json()["code"]) == (409, "webhook_secret_overlap_running")
    await client.post(f"{one}/test-deliveries", headers=signed)
    await settle(JOBS)
    clock.advance(timedelta(hours=2))
    await client.post(f"{one}/test-deliveries", headers=await sign_in(scene.coordinator))
    await settle(JOBS)
    during, after = sink.on("/hook")
    assert [signatures(during, secret) for secret in (old, new)] == [True, True]
    assert [signatures(after, secret) for secret in (old, new)] == [False, True]
    at_once = await client.post(f"{one}/secrets", json={"overlap_hours": 0}, headers=await sign_in(scene.coordinator))
    assert at_once.json()["previous_secret_until"] is None


async def test_a_test_is_tried_once_and_its_attempts_are_shown(
    client: httpx.AsyncClient, scene: Scene, sink: Receiver, signed: Headers, clock: ManualClock
) -> None:
    made = await register(client, scene, signed, f"{sink.url}/hook")
    sink.answers["/hook"] = Answering(503, {"Retry-After": "30"})
    one = path(scene, f"/{made['id']}")
    sent = await client.post(f"{one}/test-deliveries", headers=signed)
    assert (sent.status_code, sent.json()["event_type"], sent.json()["state"]) == (201, "webhook.test", "queued")
    await settle(JOBS)
    clock.advance(timedelta(minutes=10))
    await settle(JOBS)
    (call,) = sink.on("/hook")
    assert (call.event["type"], call.event["data"]) == ("webhook.test", {})
    assert signatures(call, made["secret"])
    (delivery,) = (await client.get(f"{one}/deliveries", headers=signed)).json()["items"]
    assert (delivery["state"], delivery["attempts"], delivery["error"]) == ("failed", 1, "http_503")
    (attempt,) = (await client.get(f"{one}/deliveries/{delivery['id']}/attempts", headers=signed)).json()["items"]
    assert (attempt["status"], attempt["error"]) == (503, "http_503")
    (endpoint,) = (await client.get(path(scene), headers=signed)).json()["items"]
    assert (endpoint["enabled"], endpoint["failures"]) == (True, 1)


async def test_deliveries_are_replayed_one_by_one_and_since_a_time_under_their_ids(
    client: httpx.AsyncClient, scene: Scene, sink: Receiver, signed: Headers, clock: ManualClock
) -> None:
    made = await register(client, scene, signed, f"{sink.url}/hook")
    endpoint = await make.current_by_id(made["id"])
    await make.queued(endpoint)
    await settle(JOBS)
    clock.advance(timedelta(minutes=1))
    since = clock.now()
    (second,) = await make.queued(endpoint)
    sink.answers["/hook"] = Answering(410)
    await settle(JOBS)
    one = path(scene, f"/{endpoint.id}")
    refused = await client.post(f"{one}/replays", json={"since": since.isoformat()}, headers=signed)
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_endpoint_disabled")
    sink.answers.clear()
    assert (await client.patch(one, json={"enabled": True}, headers=signed)).json()["disabled_reason"] is None
    done = await client.post(f"{one}/replays", json={"since": since.isoformat()}, headers=signed)
    assert done.json() == {"replayed": 1}
    under_way = await client.post(f"{one}/deliveries/{second}/replay", headers=signed)
    assert (under_way.status_code, under_way.json()["code"]) == (409, "webhook_delivery_under_way")
    await settle(JOBS)
    again = await client.post(f"{one}/deliveries/{second}/replay", headers=signed)
    assert (again.status_code, again.json()["state"]) == (200, "queued")
    await settle(JOBS)
    everything = {"since": (since - timedelta(hours=1)).isoformat(), "which": "all"}
    assert (await client.post(f"{one}/replays", json=everything, headers=signed)).json() == {"replayed": 2}
    await settle(JOBS)
    first, *others = [(call.headers["webhook-id"], call.body) for call in sink.on("/hook")]
    assert len(others) == 5
    assert others.count(first) == 1
    assert len({*others} - {first}) == 1


async def test_a_removed_or_disabled_endpoint_is_called_no_more(
    client: httpx.AsyncClient, scene: Scene, sink: Receiver, signed: Headers
) -> None:
    removed = await make.endpoint(scene.agency, f"{sink.url}/removed")
    disabled = await make.endpoint(scene.agency, f"{sink.url}/disabled")
    for endpoint in (removed, disabled):
        await make.queued(endpoint, 2)
    assert (await client.delete(path(scene, f"/{removed.id}"), headers=signed)).status_code == 204
    stale = await client.patch(
        path(scene, f"/{disabled.id}"), json={"enabled": False}, headers={**signed, "If-Match": '"7"'}
    )
    assert stale.status_code == 412
    answer = await client.patch(
        path(scene, f"/{disabled.id}"), json={"enabled": False}, headers={**signed, "If-Match": '"1"'}
    )
    assert (answer.json()["disabled_reason"], answer.headers["ETag"]) == ("by_hand", '"2"')
    await settle(JOBS)
    assert sink.calls == []
    assert {(row.state, row.error, row.send_at) for row in await make.deliveries()} == {
        ("failed", "endpoint_disabled", None)
    }


@pytest.mark.parametrize("end", ["removed", "disabled"])
async def test_what_a_dead_worker_held_is_given_up_with_its_endpoint_and_a_late_answer_still_counts(
    client: httpx.AsyncClient, scene: Scene, signed: Headers, end: str
) -> None:
    endpoint = await make.endpoint(scene.agency, "http://127.0.0.1:9/hook")
    await make.queued(endpoint, 2)
    async with unit_of_work() as session:
        dead, alive = await repository.claim(session, 2)
    one = path(scene, f"/{endpoint.id}")
    if end == "removed":
        assert (await client.delete(one, headers=signed)).status_code == 204
    else:
        answer = await client.patch(one, json={"enabled": False}, headers={**signed, "If-Match": '"1"'})
        assert answer.status_code == 200
    assert {(row.state, row.error, row.send_at) for row in await make.deliveries()} == {
        ("failed", "endpoint_disabled", None)
    }
    await sending._settle([sending.Landed(alive, Result(200), clocks.now(), 1)])
    assert {row.id: (row.state, row.error) for row in await make.deliveries()} == {
        dead.id: ("failed", "endpoint_disabled"),
        alive.id: ("delivered", None),
    }


async def test_a_changed_address_is_where_the_next_call_goes(
    client: httpx.AsyncClient, scene: Scene, sink: Receiver, signed: Headers, test_settings: Settings
) -> None:
    endpoint = await make.endpoint(scene.agency, f"{sink.url}/before")
    body = {"url": f"{sink.url}/after", "event_types": ["check_in.missed"], "description": "new"}
    assert (await client.patch(path(scene, f"/{endpoint.id}"), json=body, headers=signed)).status_code == 200
    await make.queued(endpoint)
    await settle(JOBS)
    assert [call.path for call in sink.calls] == ["/after"]
    # What was let pass is not let pass for ever: the address is looked at again when it is called.
    install_settings(test_settings.model_copy(update={"webhooks": WebhookSettings()}))
    await make.queued(endpoint)
    await settle(JOBS)
    assert len(sink.calls) == 1
    assert (await make.deliveries())[-1].error == "address_not_allowed"

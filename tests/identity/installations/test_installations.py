"""Phones: the same phone is never there twice, and it goes with whoever signs in on it."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlmodel import col

from app.core import clock as clocks
from app.core.access import Actor
from app.core.database import reading, unit_of_work
from app.identity import api
from app.identity.installations import service
from app.identity.installations.models import DeviceCredential, Installation
from app.identity.installations.schemas import InstallationRegister
from tests.factories import identity
from tests.factories.sign_in import access_headers, device_headers, session_of, sign_in, sign_in_resident
from tests.sinks.web_push import Browser
from tests.waiting import waits

PHONE: dict[str, Any] = {"platform": "android", "app_version": "2.4.1", "language": "zh-CN"}


async def register(client: httpx.AsyncClient, headers: dict[str, str], client_id: str, **more: Any) -> httpx.Response:
    return await client.put(f"/v1/me/installations/{client_id}", headers=headers, json={**PHONE, **more})


async def targets(*account_ids: uuid.UUID) -> list[api.PushTarget]:
    async with reading() as connection:
        return await api.installations(connection, account_ids)


async def test_registering_again_makes_no_duplicate(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    account = await identity.account(await identity.community())
    headers = await sign_in(account)
    first = await register(client, headers, "client-0001", token="token-0001")
    assert first.status_code == 200, first.text
    for client_id, more in (
        ("client-0001", {"token": "token-0001"}),
        ("client-0002", {"token": "token-0001", "fid": "fid-00000001"}),
        ("client-0003", {"fid": "fid-00000001"}),
        ("client-0003", {"token": "token-0002"}),
    ):
        again = await register(client, headers, client_id, **more)
        assert again.json()["id"] == first.json()["id"]
    (target,) = await targets(account.id)
    assert (target.fid, target.token, target.platform, target.language) == (None, "token-0002", "android", "zh-CN")


async def test_a_phone_that_registers_twice_at_once_is_one(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    account = await identity.account(await identity.community())
    actor = Actor(kind="account", id=account.id, community_id=account.community_id)
    data = InstallationRegister.model_validate({**PHONE, "fid": "fid-00000001"})

    async def registered() -> uuid.UUID:
        async with unit_of_work() as session:
            return (await service.register(session, actor, "client-0001", data)).id

    async with unit_of_work() as session:
        first = await service.register(session, actor, "client-0001", data)
        second = asyncio.create_task(registered())
        await waits(second)
    assert await second == first.id


async def test_rows_that_turn_out_to_be_one_phone_become_one(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    account = await identity.account(await identity.community())
    headers = await sign_in(account)
    await register(client, headers, "client-0001", fid="fid-00000001")
    await register(client, headers, "client-0002", token="token-0001")
    await register(client, headers, "other-phone")
    assert len(await targets(account.id)) == 3
    await register(client, headers, "client-0003", fid="fid-00000001", token="token-0001")
    assert len(await targets(account.id)) == 2


async def test_a_phone_moves_with_its_user(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    ada, grace = await identity.account(home), await identity.account(home)
    await register(client, await sign_in(ada), "client-0001", fid="fid-00000001")
    await register(client, await sign_in(grace), "client-0001", fid="fid-00000001")
    assert await targets(ada.id) == []
    (target,) = await targets(ada.id, grace.id)
    assert (target.account_id, target.fid) == (grace.id, "fid-00000001")


async def test_tokens_are_sealed(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    account = await identity.account(await identity.community())
    await register(client, await sign_in(account), "client-0001", token="token-0001")
    async with reading() as connection:
        row = (await connection.execute(sa.select(col(Installation.token), col(Installation.token_index)))).one()
    assert "token-0001" not in row.token
    assert b"token-0001" not in row.token_index


async def test_a_browser_registers_its_subscription_which_is_sealed(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    account = await identity.account(await identity.community())
    headers = await sign_in(account)
    subscription = Browser().subscription("https://push.example.org/send/abc")
    first = await register(client, headers, "browser-0001", platform="web", web_push=subscription)
    assert (first.status_code, first.json()["provider"]) == (200, "webpush")
    again = await register(client, headers, "browser-0002", platform="web", web_push=subscription)
    assert again.json()["id"] == first.json()["id"]
    (target,) = await targets(account.id)
    given = target.web_push
    assert given is not None
    assert (given.endpoint, {"p256dh": given.p256dh, "auth": given.auth}) == (
        subscription["endpoint"],
        subscription["keys"],
    )
    async with reading() as connection:
        stored = await connection.scalar(sa.select(col(Installation.web_push)))
    assert "push.example.org" not in str(stored)
    changed = await register(client, headers, "browser-0002", token="token-0001")
    assert changed.json()["provider"] == "fcm"
    (target,) = await targets(account.id)
    assert target.web_push is None


@pytest.mark.parametrize(
    ("given", "provider"),
    [({}, None), ({"fid": "fid-00000001"}, "fcm"), ({"token": "token-0001", "provider": "pager"}, "pager")],
)
async def test_a_phone_has_the_provider_of_its_address(
    client: httpx.AsyncClient, clock: clocks.ManualClock, given: dict[str, str], provider: str | None
) -> None:
    headers = await sign_in(await identity.account(await identity.community()))
    assert (await register(client, headers, "client-0001", **given)).json()["provider"] == provider


@pytest.mark.parametrize(
    "endpoint",
    [
        *(
            "http://push.example.org/x",
            "https://127.0.0.1/x",
            "https://[::ffff:10.0.0.1]/x",
            "https://u:p@example.org/",
        ),
        *("nothing", "https://push.example.org/" + "x" * 2048),
    ],
)
async def test_an_endpoint_in_our_own_network_is_refused(
    client: httpx.AsyncClient, clock: clocks.ManualClock, endpoint: str
) -> None:
    headers = await sign_in(await identity.account(await identity.community()))
    answer = await register(client, headers, "browser-0001", web_push=Browser().subscription(endpoint))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/web_push/endpoint"


async def test_keys_that_are_none_and_two_ways_at_once_are_refused(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    headers = await sign_in(await identity.account(await identity.community()))
    good = Browser().subscription("https://push.example.org/send/abc")
    for name, value in (("p256dh", "BBBB"), ("p256dh", "é"), ("auth", "AAAA"), ("p256dh", good["keys"]["auth"])):
        bad = good | {"keys": good["keys"] | {name: value}}
        assert (await register(client, headers, "browser-0001", web_push=bad)).status_code == 422
    both = await register(client, headers, "browser-0001", web_push=good, token="token-0001")
    assert both.status_code == 422


async def test_signing_out_forgets_this_phone_only(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    account = await identity.account(await identity.community())
    here, there = await sign_in(account), await sign_in(account)
    await register(client, here, "client-0001")
    await register(client, there, "client-0002")
    assert (await client.delete("/v1/me/sessions/current", headers=here)).status_code == 204
    assert len(await targets(account.id)) == 1
    assert (await client.delete("/v1/me/installations/client-0001", headers=there)).status_code == 404
    assert (await client.delete("/v1/me/installations/client-0002", headers=there)).status_code == 204
    assert await targets(account.id) == []


async def test_nobody_removes_anothers_phone(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    ada, grace = await identity.account(home), await identity.account(home)
    await register(client, await sign_in(ada), "client-0001")
    answer = await client.delete("/v1/me/installations/client-0001", headers=await sign_in(grace))
    assert answer.status_code == 404
    assert len(await targets(ada.id)) == 1


async def test_what_the_push_service_gave_up_is_removed(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    account = await identity.account(await identity.community())
    await register(client, await sign_in(account), "client-0001")
    (target,) = await targets(account.id)
    async with unit_of_work() as session:
        assert await api.remove_installations(session, [target.id], seen_until=clock.now()) == 1
        assert await api.remove_installations(session, [target.id], seen_until=clock.now()) == 0
    assert await targets(account.id) == []


async def test_a_phone_that_registered_in_the_meantime_stays(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    headers = await sign_in(account := await identity.account(await identity.community()))
    await register(client, headers, "client-0001")
    addressed_at = clock.now()
    clock.advance(timedelta(seconds=1))
    await register(client, headers, "client-0001", fid="a-new-fid")
    (target,) = await targets(account.id)
    async with unit_of_work() as session:
        assert await api.remove_installations(session, [target.id], seen_until=addressed_at) == 0
    assert await targets(account.id) == [target]


@pytest.mark.parametrize(
    ("client_id", "more"),
    [("short", {}), ("white space", {}), ("client-0001", {"platform": "pager"}), ("client-0001", {"app_version": ""})],
)
async def test_what_is_no_phone_is_refused(
    client: httpx.AsyncClient, clock: clocks.ManualClock, client_id: str, more: dict[str, str]
) -> None:
    headers = await sign_in(await identity.account(await identity.community()))
    assert (await register(client, headers, client_id, **more)).status_code == 422


async def test_paired_phones_are_listed_and_cut_off(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    resident, other = await identity.resident(home), await identity.resident(home)
    device, foreign = await device_headers(resident), await device_headers(other)
    headers = await sign_in_resident(resident)
    (listed,) = (await client.get("/v1/me/device-credentials", headers=headers)).json()["items"]
    assert listed.keys() == {"id", "label", "created_at", "last_used_at"}
    async with reading() as connection:
        statement = sa.select(col(DeviceCredential.id)).where(col(DeviceCredential.resident_id) == other.id)
        foreign_id = await connection.scalar(statement)
    path = "/v1/me/device-credentials"
    assert (await client.delete(f"{path}/{foreign_id}", headers=headers)).status_code == 404
    assert (await client.delete(f"{path}/{listed['id']}", headers=headers)).status_code == 204
    assert (await client.delete(f"{path}/{listed['id']}", headers=headers)).status_code == 404
    assert (await client.get("/v1/me/device-credentials", headers=device)).status_code == 401
    assert (await client.get("/v1/me/device-credentials", headers=foreign)).status_code in (403, 404)


async def test_nobody_takes_the_name_of_a_browser_in_another_sign_in(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    place = await identity.community()
    person, other = await identity.account(place), await identity.account(place)
    theirs = await session_of(person)
    browser = f"portal-{theirs.id}"
    assert (await register(client, access_headers(theirs), browser, token="token-0001")).status_code == 200

    for headers in (await sign_in(other), await sign_in(person)):
        refused = await register(client, headers, browser)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/path/client_id"
    (target,) = await targets(person.id, other.id)
    assert (target.account_id, target.token) == (person.id, "token-0001")

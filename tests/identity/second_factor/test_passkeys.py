"""Passkeys as second factor, with a software authenticator that has real keys."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.core import clock as clocks
from app.core.jobs import settle
from app.identity.models import Account
from app.identity.second_factor import jobs, passkeys
from tests.factories import identity
from tests.factories.sign_in import sign_in
from tests.identity.second_factor.software_authenticator import SoftwareAuthenticator, encode

ORIGIN = "http://127.0.0.1:8000"


async def someone() -> Account:
    return await identity.account(await identity.community())


async def options(client: httpx.AsyncClient, headers: dict[str, str], purpose: str) -> dict[str, Any]:
    answer = await client.post(f"/v1/me/passkeys/{purpose}", headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["public_key"])


async def register(
    client: httpx.AsyncClient, headers: dict[str, str], authenticator: SoftwareAuthenticator
) -> httpx.Response:
    credential = authenticator.create(await options(client, headers, "registration"))
    return await client.post("/v1/me/passkeys", headers=headers, json={"label": "Office key", "credential": credential})


async def show(client: httpx.AsyncClient, headers: dict[str, str], credential: dict[str, Any]) -> int:
    answer = await client.post("/v1/me/passkeys/verification", headers=headers, json={"credential": credential})
    return answer.status_code


async def is_shown(client: httpx.AsyncClient, headers: dict[str, str]) -> bool:
    return bool((await client.get("/v1/me/second-factor", headers=headers)).json()["is_shown"])


async def test_a_passkey_is_registered_and_shown_in_the_next_session(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    account, authenticator = await someone(), SoftwareAuthenticator(ORIGIN)
    first = await sign_in(account)
    assert not await is_shown(client, first)
    registered = await register(client, first, authenticator)
    assert registered.status_code == 201, registered.text
    assert await is_shown(client, first)
    second = await sign_in(account)
    assert not await is_shown(client, second)
    asked = await options(client, second, "authentication")
    assert asked["userVerification"] == "required"
    assert [entry["id"] for entry in asked["allowCredentials"]] == [encode(authenticator.credential_id)]
    credential = authenticator.get(asked)
    assert await show(client, second, credential) == 204
    assert await is_shown(client, second)
    assert await show(client, second, credential) == 403
    (listed,) = (await client.get("/v1/me/second-factor", headers=second)).json()["passkeys"]
    assert (listed["label"], listed["last_used_at"] is not None) == ("Office key", True)


async def test_who_has_a_passkey_shows_it_before_adding_another(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    account = await someone()
    first = await sign_in(account)
    await register(client, first, SoftwareAuthenticator(ORIGIN))
    thief = await sign_in(account)
    for path in ("/v1/me/passkeys/registration", "/v1/me/second-factor/authenticator-app"):
        answer = await client.post(path, headers=thief)
        assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_needed")
    assert (await register(client, first, SoftwareAuthenticator(ORIGIN))).status_code == 201


async def test_what_a_passkey_signed_elsewhere_is_refused(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    account, authenticator = await someone(), SoftwareAuthenticator(ORIGIN)
    await register(client, await sign_in(account), authenticator)
    headers = await sign_in(account)
    asked = await options(client, headers, "authentication")
    phished = SoftwareAuthenticator("https://phishing.example.org", authenticator.credential_id, authenticator.key)
    assert await show(client, headers, phished.get(asked)) == 403
    assert await show(client, headers, authenticator.get({**asked, "rpId": "phishing.example.org"})) == 403
    assert await show(client, headers, authenticator.get({**asked, "challenge": encode(bytes(64))})) == 403
    other_key = SoftwareAuthenticator(ORIGIN, authenticator.credential_id, sign_count=50)
    assert await show(client, headers, other_key.get(asked)) == 403
    unknown = SoftwareAuthenticator(ORIGIN)
    assert await show(client, headers, unknown.get(asked)) == 403
    authenticator.is_user_verified = False
    assert await show(client, headers, authenticator.get(asked)) == 403
    authenticator.is_user_verified = True
    assert await show(client, headers, authenticator.get(asked)) == 204


async def test_a_cloned_passkey_is_noticed(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    account, authenticator = await someone(), SoftwareAuthenticator(ORIGIN)
    headers = await sign_in(account)
    await register(client, headers, authenticator)
    clone = SoftwareAuthenticator(ORIGIN, authenticator.credential_id, authenticator.key)
    for _ in range(3):
        assert await show(client, headers, authenticator.get(await options(client, headers, "authentication"))) == 204
    assert await show(client, headers, clone.get(await options(client, headers, "authentication"))) == 403


async def test_a_challenge_is_for_one_session_and_five_minutes(
    client: httpx.AsyncClient, clock: clocks.ManualClock
) -> None:
    account, authenticator = await someone(), SoftwareAuthenticator(ORIGIN)
    headers, other = await sign_in(account), await sign_in(account)
    await register(client, headers, authenticator)
    asked = await options(client, headers, "authentication")
    assert await show(client, other, authenticator.get(asked)) == 403
    clock.advance(passkeys.CHALLENGE_LIFETIME)
    assert await show(client, headers, authenticator.get(asked)) == 403
    clock.advance(timedelta(seconds=1))
    assert await settle(jobs.JOBS) == 1


async def test_anothers_passkey_is_not_mine(client: httpx.AsyncClient, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    ada, grace = await sign_in(await identity.account(home)), await sign_in(await identity.account(home))
    hers, mine = SoftwareAuthenticator(ORIGIN), SoftwareAuthenticator(ORIGIN)
    passkey_id = (await register(client, ada, hers)).json()["id"]
    await register(client, grace, mine)
    assert await show(client, grace, hers.get(await options(client, grace, "authentication"))) == 403
    assert (await client.delete(f"/v1/me/passkeys/{passkey_id}", headers=grace)).status_code == 404
    assert (await client.delete(f"/v1/me/passkeys/{passkey_id}", headers=ada)).status_code == 204
    assert (await client.post("/v1/me/passkeys/authentication", headers=ada)).status_code == 404


@pytest.mark.parametrize(
    "credential",
    [{}, {"id": "x"}, {"id": 5, "response": []}, {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {}}],
)
async def test_rubbish_is_refused(
    client: httpx.AsyncClient, clock: clocks.ManualClock, credential: dict[str, Any]
) -> None:
    headers = await sign_in(await someone())
    await options(client, headers, "registration")
    body = {"label": "Key", "credential": credential}
    assert (await client.post("/v1/me/passkeys", headers=headers, json=body)).status_code == 403
    await register(client, headers, SoftwareAuthenticator(ORIGIN))
    await options(client, headers, "authentication")
    assert await show(client, headers, credential) == 403

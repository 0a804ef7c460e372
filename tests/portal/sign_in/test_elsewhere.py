"""Signing in through an issuer in the browser: a real one on loopback, and what goes wrong on the way."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from app.core.clock import ManualClock
from app.core.database import Database
from app.core.settings import Settings, SignInSettings, install_settings, settings
from app.identity.models import Account
from app.identity.sign_in.code_flow import login_providers
from app.portal.sign_in.texts import WORDS
from tests.factories import identity as make
from tests.identity.sign_in.issuer import AUDIENCE, Issuer, running_issuer
from tests.portal.sign_in.browser import browser, send

SECRET = "s3cret:/ of ours"


@pytest.fixture
def issuer(test_settings: Settings, clock: ManualClock) -> Iterator[Issuer]:
    """Run an issuer that is accepted here, knows our secret and has a name."""
    with running_issuer() as running:
        running.add_rsa_key("key-1")
        running.client_secret = SECRET
        group = SignInSettings(
            methods=("local", "oidc"),
            oidc_issuers={running.url: AUDIENCE},
            oidc_secrets={running.url: SecretStr(SECRET)},
            oidc_names={running.url: "Lakeside login"},
            oidc_allow_loopback=True,
        )
        install_settings(test_settings.model_copy(update={"signin": group}))
        yield running
        install_settings(test_settings)


@pytest.fixture
async def ada(database: Database, clock: ManualClock) -> Account:
    return await make.account(await make.community(), name="Ada", email="ada@example.org")


async def sent_to(client: httpx.AsyncClient, address: str = "/portal/sign-in") -> str:
    """Go to the issuer from the first page; return where the browser was sent."""
    page = await client.get(address)
    (provider,) = login_providers()
    assert provider.name in page.text
    answer = await client.get(f"/portal/sign-in/login?provider={provider.key}")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def path(address: str) -> str:
    """Return what a browser asks us for at an address of ours."""
    assert address.startswith("http://127.0.0.1:8000/portal/sign-in/callback?")
    return address.removeprefix("http://127.0.0.1:8000")


async def is_signed_in(client: httpx.AsyncClient) -> bool:
    return (await client.get("/portal/me")).status_code == 200


async def test_an_issuer_signs_somebody_in(app: FastAPI, ada: Account, issuer: Issuer) -> None:
    async with browser(app) as client:
        address = await sent_to(client, "/portal/sign-in?next=/portal/me/devices&lang=zh-CN")
        assert "Lakeside login" in (await client.get("/portal/sign-in")).text
        asked = dict(parse_qsl(urlsplit(address).query))
        assert (asked["response_type"], asked["client_id"], asked["scope"]) == ("code", AUDIENCE, "openid email")
        assert (asked["code_challenge_method"], asked["ui_locales"]) == ("S256", "zh-CN")
        back = await client.get(path(issuer.sign_in(address)))
        assert (back.status_code, back.headers["location"]) == (303, "/portal/me/devices")
        page = await client.get("/portal/me")
        assert "Ada" in page.text
    assert issuer.requests.count("/token") == 1


async def test_an_answer_is_good_once_and_in_one_browser(app: FastAPI, ada: Account, issuer: Issuer) -> None:
    async with browser(app) as client, browser(app) as victim:
        address = issuer.sign_in(await sent_to(client))
        assert (await victim.get(path(address))).status_code == 403  # an attacker's answer, sent to somebody else
        await sent_to(victim)
        assert (await victim.get(path(address))).status_code == 403
        assert issuer.requests.count("/token") == 0
        assert (await client.get(path(address))).status_code == 303
        assert (await client.get(path(address))).status_code == 403
        assert not await is_signed_in(victim)


@pytest.mark.parametrize(
    "changed",
    [{"nonce": "another"}, {"nonce": None}, {"aud": "another"}, {"email_verified": False}, {"exp": 1}, {"sub": None}],
)
async def test_a_token_that_is_not_for_us_now_lets_nobody_in(
    app: FastAPI, ada: Account, issuer: Issuer, changed: dict[str, object]
) -> None:
    async with browser(app) as client:
        back = await client.get(path(issuer.sign_in(await sent_to(client), **changed)))
        assert back.status_code == 401
        assert WORDS["en"]["not_accepted"] in back.text
        assert not await is_signed_in(client)


async def test_an_issuer_vouches_for_nobody_of_another(
    app: FastAPI, ada: Account, issuer: Issuer, test_settings: Settings
) -> None:
    with running_issuer() as other:
        other.keys = issuer.keys
        group = settings().signin
        both = {"oidc_issuers": {**group.oidc_issuers, other.url: AUDIENCE}}
        async with browser(app) as client:
            address = await sent_to(client)
            install_settings(test_settings.model_copy(update={"signin": group.model_copy(update=both)}))
            back = await client.get(path(issuer.sign_in(address, iss=other.url)))
            assert back.status_code == 401
            assert not await is_signed_in(client)
        assert other.requests == []


@pytest.mark.parametrize(
    "query", ["state={state}&error=access_denied", "state={state}", "state={state}&code=x&iss=https://evil.example"]
)
async def test_who_does_not_agree_at_the_issuer_is_not_signed_in(
    app: FastAPI, ada: Account, issuer: Issuer, query: str
) -> None:
    async with browser(app) as client:
        state = dict(parse_qsl(urlsplit(await sent_to(client)).query))["state"]
        back = await client.get("/portal/sign-in/callback?" + query.format(state=state))
        assert back.status_code == 401
        assert issuer.requests.count("/token") == 0


async def test_a_code_of_another_sign_in_is_refused_by_its_verifier(app: FastAPI, ada: Account, issuer: Issuer) -> None:
    async with browser(app) as attacker, browser(app) as victim:
        stolen = dict(parse_qsl(urlsplit(issuer.sign_in(await sent_to(victim))).query))["code"]
        own = dict(parse_qsl(urlsplit(await sent_to(attacker)).query))["state"]
        back = await attacker.get(f"/portal/sign-in/callback?state={own}&code={stolen}")
        assert back.status_code == 401
        assert not await is_signed_in(attacker)


async def test_an_issuer_that_is_down_is_said(app: FastAPI, ada: Account, issuer: Issuer) -> None:
    async with browser(app) as client:
        address = issuer.sign_in(await sent_to(client))
        issuer.is_down = True
        back = await client.get(path(address))
        assert back.status_code == 503
        assert WORDS["en"]["unavailable"] in back.text


async def test_a_secret_that_is_wrong_is_no_way_in(app: FastAPI, ada: Account, issuer: Issuer) -> None:
    issuer.client_secret = "another"
    async with browser(app) as client:
        back = await client.get(path(issuer.sign_in(await sent_to(client))))
        assert back.status_code == 401


async def test_people_who_share_an_address_say_who_they_are(app: FastAPI, ada: Account, issuer: Issuer) -> None:
    await make.account(await make.community_of(ada), name="Grace", email="ada@example.org")
    async with browser(app) as client:
        page = await client.get(path(issuer.sign_in(await sent_to(client))))
        assert page.status_code == 200
        entered = await send(page, client, "/portal/sign-in/login", account=str(ada.id))
        assert entered.status_code == 303, entered.text
        assert "Ada" in (await client.get("/portal/me")).text


async def test_there_is_no_way_to_issuers_that_are_not_offered(app: FastAPI, ada: Account) -> None:
    async with browser(app) as client:
        assert login_providers() == []
        assert WORDS["en"]["or_through"] not in (await client.get("/portal/sign-in")).text
        answer = await client.get("/portal/sign-in/login?provider=0123456789ab")
        assert answer.status_code == 404
        assert (await client.get("/portal/sign-in/callback?state=&code=x")).status_code == 403


async def test_nobody_has_us_ask_an_issuer_without_end(app: FastAPI, ada: Account, issuer: Issuer) -> None:
    async with browser(app) as client:
        for _ in range(118):
            assert (await client.get("/portal/sign-in/login?provider=unknown")).status_code < 429
        address = await sent_to(client)
        state = dict(parse_qsl(urlsplit(address).query))["state"]
        answer = await client.get("/portal/sign-in/callback", params={"state": state, "code": "guessed"})
        assert answer.status_code == 401
        asked = len(issuer.requests)
        for where in ("login", "callback"):
            refused = await client.get(f"/portal/sign-in/{where}", params={"state": state, "code": "guessed"})
            assert refused.status_code == 429
        assert len(issuer.requests) == asked

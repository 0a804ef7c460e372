"""Signing in through an OpenID Connect issuer that runs in the test, with real keys."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from sqlmodel import col

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.core.events import emit
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.settings import Settings, SignInSettings, install_settings
from app.identity.events import ContactPointsChanged
from app.identity.models import Community, ContactPoint
from app.identity.sign_in import oidc
from app.identity.sign_in.models import ExternalLogin
from tests.factories import identity
from tests.identity.sign_in.issuer import AUDIENCE, Issuer, running_issuer

DISCOVERY = ["/.well-known/openid-configuration", "/keys"]


@pytest.fixture
def issuer(test_settings: Settings, clock: clocks.ManualClock) -> Iterator[Issuer]:
    """Run an issuer that is accepted here, with one RSA key."""
    with running_issuer() as running:
        running.add_rsa_key("key-1")
        group = SignInSettings(
            methods=("local", "oidc"), oidc_issuers={running.url: AUDIENCE}, oidc_allow_loopback=True
        )
        install_settings(test_settings.model_copy(update={"signin": group}))
        yield running
        install_settings(test_settings)


async def sign_in(client: httpx.AsyncClient, home: Community, token: str, **more: str) -> httpx.Response:
    body = {"community_id": str(home.id), "id_token": token, **more}
    return await client.post("/v1/sign-in/oidc", json=body)


async def status(client: httpx.AsyncClient, home: Community, token: str, **more: str) -> int:
    return (await sign_in(client, home, token, **more)).status_code


async def test_a_verified_address_finds_the_account(client: httpx.AsyncClient, issuer: Issuer) -> None:
    home = await identity.community()
    account = await identity.account(home, email="ada@example.org")
    answer = await sign_in(client, home, issuer.token("key-1"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["account_id"] == str(account.id)
    assert issuer.requests == DISCOVERY
    async with reading() as connection:
        login = (await connection.execute(sa.select(col(ExternalLogin.issuer), col(ExternalLogin.subject)))).one()
    assert login == (issuer.url, "subject-1")
    assert await status(client, home, issuer.token("key-1", email=None)) == 200
    assert await status(client, home, issuer.token("key-1", email=None, sub="subject-2")) == 401
    assert await status(client, await identity.community(), issuer.token("key-1")) == 401
    assert issuer.requests == DISCOVERY


async def test_an_address_nobody_verified_finds_nobody(client: httpx.AsyncClient, issuer: Issuer) -> None:
    home = await identity.community()
    await identity.account(home, email="ada@example.org")
    for unverified in (False, None, "true", 1):
        assert await status(client, home, issuer.token("key-1", email_verified=unverified)) == 401
    assert await status(client, home, issuer.token("key-1", email="not an address")) == 401


async def test_people_who_share_an_address_choose(client: httpx.AsyncClient, issuer: Issuer) -> None:
    home = await identity.community()
    ada, grace = [await identity.account(home, name=name, email="ada@example.org") for name in ("Ada", "Grace")]
    answer = await sign_in(client, home, issuer.token("key-1"))
    assert [candidate["name"] for candidate in answer.json()["choose"]] == ["Ada", "Grace"]
    answer = await sign_in(client, home, issuer.token("key-1"), account_id=str(grace.id))
    assert answer.json()["account_id"] == str(grace.id)
    assert await status(client, home, issuer.token("key-1"), account_id=str(clocks.new_id())) == 401
    assert ada.id != grace.id


async def test_rotated_keys_are_found(client: httpx.AsyncClient, issuer: Issuer, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    await identity.account(home, email="ada@example.org")
    assert await status(client, home, issuer.token("key-1")) == 200
    issuer.add_rsa_key("key-2")
    clock.advance(oidc.REFRESH_PAUSE)
    assert await status(client, home, issuer.token("key-2")) == 200
    retired = issuer.token("key-1")
    del issuer.keys["key-1"]
    clock.advance(oidc.KEYS_KEPT)
    assert await status(client, home, issuer.token("key-2")) == 200
    assert await status(client, home, retired) == 401


async def test_unknown_keys_do_not_make_us_ask_again_and_again(
    client: httpx.AsyncClient, issuer: Issuer, clock: clocks.ManualClock
) -> None:
    home = await identity.community()
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for number in range(5):
        forged = jwt.encode(issuer.claims(), stranger, "RS256", headers={"kid": f"unknown-{number}"})
        assert await status(client, home, forged) == 401
    assert issuer.requests == DISCOVERY
    clock.advance(oidc.REFRESH_PAUSE)
    forged = jwt.encode(issuer.claims(), stranger, "RS256", headers={"kid": "unknown"})
    for _ in range(3):
        assert await status(client, home, forged) == 401
    assert issuer.requests == DISCOVERY * 2


async def test_other_kinds_of_keys_are_good(client: httpx.AsyncClient, issuer: Issuer) -> None:
    home = await identity.community()
    await identity.account(home, email="ada@example.org")
    issuer.keys["ec"] = ec.generate_private_key(ec.SECP256R1())
    issuer.keys["ed"] = ed25519.Ed25519PrivateKey.generate()
    assert await status(client, home, issuer.token("ec", "ES256")) == 200
    assert await status(client, home, issuer.token("ed", "EdDSA")) == 200


def _unsigned(issuer: Issuer) -> str:
    return jwt.encode(issuer.claims(), "", "none", headers={"kid": "key-1"})


def _hmac_with_public_key(issuer: Issuer) -> str:
    """Return the classic confusion: an HMAC whose key is the public key, which everybody knows."""
    key = issuer.keys["key-1"]
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    header, payload = (
        jwt.utils.base64url_encode(part).decode()
        for part in (b'{"alg":"HS256","kid":"key-1","typ":"JWT"}', json.dumps(issuer.claims()).encode())
    )
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        f"{header}.{payload}".encode(), pem
    )
    return f"{header}.{payload}.{jwt.utils.base64url_encode(signature).decode()}"


def _signed_by_a_stranger(issuer: Issuer) -> str:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(issuer.claims(), stranger, "RS256", headers={"kid": "key-1"})


def _changed(issuer: Issuer) -> str:
    header, _, signature = issuer.token("key-1").split(".")
    payload = jwt.utils.base64url_encode(json.dumps(issuer.claims(sub="subject-2")).encode()).decode()
    return f"{header}.{payload}.{signature}"


@pytest.mark.parametrize(
    "forge", [_unsigned, _hmac_with_public_key, _signed_by_a_stranger, _changed], ids=lambda forge: forge.__name__
)
async def test_forged_tokens_are_refused(client: httpx.AsyncClient, issuer: Issuer, forge: Any) -> None:
    home = await identity.community()
    await identity.account(home, email="ada@example.org")
    assert await status(client, home, forge(issuer)) == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "another-app"},
        {"aud": None},
        {"aud": [AUDIENCE, "another-app"]},
        {"iss": "https://accounts.example.org"},
        {"iss": None},
        {"sub": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"nbf": 4_000_000_000},
        {"iat": 4_000_000_000},
        {"nonce": "of another sign-in"},
    ],
    ids=str,
)
async def test_tokens_meant_otherwise_are_refused(
    client: httpx.AsyncClient, issuer: Issuer, changed: dict[str, Any]
) -> None:
    home = await identity.community()
    await identity.account(home, email="ada@example.org")
    answer = await sign_in(client, home, issuer.token("key-1", **changed))
    assert (answer.status_code, answer.json()["code"]) == (401, "login_not_accepted")


async def test_a_token_expires(client: httpx.AsyncClient, issuer: Issuer, clock: clocks.ManualClock) -> None:
    home = await identity.community()
    await identity.account(home, email="ada@example.org")
    token = issuer.token("key-1")
    clock.advance(timedelta(hours=1) + oidc.LEEWAY - timedelta(seconds=1))
    assert await status(client, home, token) == 200
    clock.advance(timedelta(seconds=1))
    assert await status(client, home, token) == 401


async def test_a_nonce_has_to_be_the_same_on_both_sides(client: httpx.AsyncClient, issuer: Issuer) -> None:
    home = await identity.community()
    await identity.account(home, email="ada@example.org")
    assert await status(client, home, issuer.token("key-1", nonce="n-1"), nonce="n-1") == 200
    assert await status(client, home, issuer.token("key-1", nonce="n-1"), nonce="n-2") == 401
    assert await status(client, home, issuer.token("key-1"), nonce="n-1") == 401


async def test_an_issuer_that_cannot_be_asked_is_our_trouble_not_the_callers(
    client: httpx.AsyncClient, issuer: Issuer
) -> None:
    home = await identity.community()
    issuer.is_down = True
    assert await status(client, home, issuer.token("key-1")) == 503
    issuer.is_down = False
    issuer.named = "https://accounts.example.org"
    assert await status(client, home, issuer.token("key-1")) == 503
    issuer.named = None
    for elsewhere in ("http://10.0.0.1/keys", "file:///etc/passwd", "http://127.0.0.1.example.org/keys"):
        issuer.jwks_uri = elsewhere
        assert await status(client, home, issuer.token("key-1")) == 503
    issuer.jwks_uri = None
    assert await status(client, home, issuer.token("key-1")) == 401


async def test_what_is_no_token_is_refused(client: httpx.AsyncClient, issuer: Issuer) -> None:
    home = await identity.community()
    for rubbish in ("x", "a.b.c", "." * 5):
        assert await status(client, home, rubbish) == 401


async def test_the_method_has_to_be_offered(client: httpx.AsyncClient, issuer: Issuer, test_settings: Settings) -> None:
    install_settings(test_settings)
    answer = await sign_in(client, await identity.community(), issuer.token("key-1"))
    assert (answer.status_code, answer.json()["code"]) == (404, "sign_in_method_not_offered")


async def test_a_login_does_not_outlive_the_address_it_came_by(
    client: httpx.AsyncClient, issuer: Issuer, clock: clocks.ManualClock
) -> None:
    home = await identity.community()
    account = await identity.account(home, email="ada@example.org")
    point = await identity.contact_point(account, "email", "other@example.org", ["email"])
    assert await status(client, home, issuer.token("key-1", sub="stranger", email="other@example.org")) == 200
    async with unit_of_work() as session:
        await session.delete(await session.get_one(ContactPoint, point.id))
        await emit(session, ContactPointsChanged(aggregate_id=account.id, community_id=home.id))
    await settle(RELAY_JOBS)
    assert await status(client, home, issuer.token("key-1", sub="stranger", email=None)) == 401
    assert await status(client, home, issuer.token("key-1")) == 200

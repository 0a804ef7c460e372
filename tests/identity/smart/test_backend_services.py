"""SMART Backend Services: a system shows itself by what it signs, once, and acts for minutes within its scopes."""

import asyncio
import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization

from app.core.clock import ManualClock
from app.core.database import reading
from app.identity.smart.models import AppToken, ClientAssertion
from app.identity.smart.service import tokens
from tests.factories import identity, smart
from tests.factories.sign_in import bearer, client_headers, sign_in
from tests.factories.smart import TOKEN, Machine, ec_key, public_jwk, rsa_key

PATIENTS = "/fhir/R4/Patient"


async def clinic_with_system(*scopes: str, **more: Any) -> tuple[Any, Machine]:
    """Insert a clinic that looks after a resident, and its system."""
    clinic = await identity.organization(await identity.community(), "clinic")
    await identity.agreement(clinic)
    return clinic, await smart.machine(clinic, scopes or ("profile:read", "vitals:read"), **more)


def refused(answer: httpx.Response, error: str, about: str = "") -> None:
    """Check a refusal of OAuth's."""
    assert answer.status_code == (401 if error == "invalid_client" else 400), answer.text
    assert answer.json()["error"] == error, answer.text
    assert about in answer.json()["error_description"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("key", [rsa_key, ec_key])
async def test_who_signs_is_given_a_token_for_minutes(
    client: httpx.AsyncClient, clock: ManualClock, key: Callable[[], Any]
) -> None:
    _, system = await clinic_with_system(key=key())
    answer = await client.post(TOKEN, data=system.form("system/Patient.rs system/Observation.read what/ever"))
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert (said["token_type"], said["expires_in"]) == ("Bearer", 300)
    assert said["scope"] == "system/Patient.rs system/Observation.read"
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    headers = bearer(said["access_token"])
    assert (await client.get(PATIENTS, headers=headers)).status_code == 200
    clock.advance(timedelta(minutes=5))
    assert (await client.get(PATIENTS, headers=headers)).status_code == 401


async def test_a_token_is_good_for_fhir_alone(client: httpx.AsyncClient, clock: ManualClock) -> None:
    clinic, system = await clinic_with_system()
    headers = await smart.headers(client, system, "system/*.rs")
    assert (await client.get(f"/v1/organizations/{clinic.id}/api-clients", headers=headers)).status_code == 401
    assert (await client.get(PATIENTS, headers=headers)).status_code == 200
    key = await client_headers(clinic, ["profile:read"])
    assert (await client.get(PATIENTS, headers=key)).status_code == 200


def _unsigned(system: Machine) -> str:
    parts = [{"alg": "none", "kid": "one"}, system.claims()]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


def _by_public_key(system: Machine) -> str:
    """Return what an HMAC with the public key as its secret signs: PyJWT itself would not."""
    parts = [{"alg": "HS256", "kid": "one", "typ": "JWT"}, system.claims()]
    text = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    pem = system.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"{text}.{base64.urlsafe_b64encode(hmac.digest(pem, text.encode(), hashlib.sha256)).rstrip(b'=').decode()}"


def _by_another(system: Machine, **headers: Any) -> str:
    return Machine(system.id, ec_key(7)).assertion(headers)


BAD: dict[str, tuple[Callable[[Machine], str], str]] = {
    "no algorithm": (_unsigned, "alg"),
    "the public key as a secret": (_by_public_key, "alg"),
    "another algorithm": (lambda of: jwt.encode(of.claims(), rsa_key(), "RS256", headers={"kid": "one"}), "alg"),
    "another key": (_by_another, "signature"),
    "a key of its own in the header": (lambda of: _by_another(of, jwk=public_jwk(ec_key(7), "one")), "signature"),
    "an address of keys": (lambda of: _by_another(of, jku="https://evil.example/keys"), "signature"),
    "an unknown kid": (lambda of: of.assertion({"kid": "two"}), "kid"),
    "a kid that is a path": (lambda of: of.assertion({"kid": "../../dev/null"}), "kid"),
    "a kid that is SQL": (lambda of: of.assertion({"kid": "one' OR '1'='1"}), "kid"),
    "no kid": (lambda of: jwt.encode(of.claims(), of.key, "ES384"), "kid"),
    "something critical": (lambda of: of.assertion({"crit": ["b64"]}), "critical"),
    "the wrong algorithm for the key": (
        lambda of: jwt.encode(of.claims(), rsa_key(), "RS384", headers={"kid": "one"}),
        "kid",
    ),
    "another audience": (lambda of: of.assertion(aud="https://elsewhere.example/token"), "aud"),
    "the issuer as audience": (lambda of: of.assertion(aud="http://127.0.0.1:8000"), "aud"),
    "no audience": (lambda of: of.assertion(aud=None), "aud"),
    "expired": (lambda of: of.assertion(exp=of.claims()["exp"] - 240), "expired"),
    "good for too long": (lambda of: of.assertion(exp=of.claims()["exp"] + 600), "five minutes"),
    "no end": (lambda of: of.assertion(exp=None), "exp"),
    "an end that is no time": (lambda of: of.assertion(exp=True), "exp"),
    "an end beyond time": (lambda of: of.assertion(exp=1e300), "exp"),
    "from the future": (lambda of: of.assertion(iat=of.claims()["exp"]), "not good yet"),
    "not good yet": (lambda of: of.assertion(nbf=of.claims()["exp"]), "not good yet"),
    "no jti": (lambda of: of.assertion(jti=None), "jti"),
    "a jti that is no text": (lambda of: of.assertion(jti="\ud800"), "jti"),
    "another subject": (lambda of: of.assertion(sub=str(uuid.UUID(int=6))), "sub"),
    "another client": (lambda of: of.assertion(iss=str(uuid.UUID(int=7)), sub=str(uuid.UUID(int=7))), "no such client"),
    "no client": (lambda of: of.assertion(iss="me", sub="me"), "client_id"),
    "half of it": (lambda of: of.assertion().rpartition(".")[0], "JWT"),
    "too much": (lambda of: of.assertion(more="x" * 9_000), "too long"),
}


async def test_what_is_not_signed_as_it_should_be_lets_nobody_in(client: httpx.AsyncClient, clock: ManualClock) -> None:
    _, system = await clinic_with_system()
    for what, (make, about) in BAD.items():
        answer = await client.post(TOKEN, data=system.form(client_assertion=make(system)))
        assert (answer.status_code, answer.json().get("error")) == (401, "invalid_client"), what
        assert about in answer.json()["error_description"], (what, answer.text)
    async with reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(AppToken)) == 0
        assert await connection.scalar(sa.select(sa.func.count()).select_from(ClientAssertion)) == 0


async def test_an_assertion_is_used_once_whoever_is_first(client: httpx.AsyncClient, clock: ManualClock) -> None:
    _, system = await clinic_with_system()
    form = system.form()
    answers = await asyncio.gather(*(client.post(TOKEN, data=form) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401, 401]
    refused(await client.post(TOKEN, data=form), "invalid_client", "jti")
    clock.advance(timedelta(hours=2))
    await tokens.purge()
    async with reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(ClientAssertion)) == 0
        assert await connection.scalar(sa.select(sa.func.count()).select_from(AppToken)) == 0
    refused(await client.post(TOKEN, data=form), "invalid_client", "expired")


async def test_requests_that_are_none_are_told_why(client: httpx.AsyncClient, clock: ManualClock) -> None:
    _, system = await clinic_with_system("vitals:read")
    refused(await client.post(TOKEN, json=system.form()), "invalid_request", "form")
    twice = "grant_type=client_credentials&grant_type=refresh_token"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    refused(await client.post(TOKEN, content=twice, headers=form), "invalid_request", "twice")
    refused(await client.post(TOKEN, content=b"a=%00", headers=form), "invalid_request", "NUL")
    refused(await client.post(TOKEN, data=system.form(grant_type="password")), "unsupported_grant_type")
    refused(await client.post(TOKEN, data=system.form(client_assertion_type="jwt")), "invalid_client", "jwt-bearer")
    refused(await client.post(TOKEN, data=system.form(client_id=str(uuid.UUID(int=5)))), "invalid_client", "client_id")
    refused(await client.post(TOKEN, data={"grant_type": "client_credentials"}), "invalid_client")
    named = {"grant_type": "client_credentials", "client_id": str(system.id), "scope": "system/*.rs"}
    refused(await client.post(TOKEN, data=named), "invalid_client", "by its keys")
    for scope, about in (
        ("", "none of these"),
        ("openid launch", "none of these"),
        ("system/Patient.rs", "none of these"),  # it was registered for vital signs alone
        ("system/Medication.rs", "none of these"),
        ("patient/Observation.rs", "in this way"),
        ("system/Observation.sr", "in order"),
        ("system/Observation.", "in order"),
        ("system/Observation.rs?category=vital-signs", "whole types"),
    ):
        refused(await client.post(TOKEN, data=system.form(scope)), "invalid_scope", about)
    answer = await client.post(TOKEN, data=system.form("system/Observation.cruds system/Patient.r"))
    assert answer.json()["scope"] == "system/Observation.rs"


async def test_keys_change_over_and_end_what_they_were_shown_for(client: httpx.AsyncClient, clock: ManualClock) -> None:
    clinic, system = await clinic_with_system()
    manager = await sign_in(await identity.staff(clinic, "coordinator"))
    path = f"/v1/organizations/{clinic.id}/smart-clients/{system.id}"
    one, two = public_jwk(ec_key(), "one"), public_jwk(rsa_key(), "two")
    answer = await client.put(path, json={"jwks": {"keys": [one, two]}}, headers=manager)
    assert (answer.status_code, answer.json()["key_ids"]) == (200, ["one", "two"])
    first = await smart.headers(client, system, "system/*.rs")
    second = await smart.headers(client, Machine(system.id, rsa_key(), "two"), "system/*.rs")
    assert (await client.put(path, json={"jwks": {"keys": [two]}}, headers=manager)).status_code == 200
    assert (await client.get(PATIENTS, headers=first)).status_code == 401
    assert (await client.get(PATIENTS, headers=second)).status_code == 200
    refused(await client.post(TOKEN, data=system.form()), "invalid_client", "kid")
    same_id = public_jwk(rsa_key(1), "two")
    assert (await client.put(path, json={"jwks": {"keys": [same_id]}}, headers=manager)).status_code == 200
    assert (await client.get(PATIENTS, headers=second)).status_code == 401
    third = await smart.headers(client, Machine(system.id, rsa_key(1), "two"), "system/*.rs")
    assert (
        await client.delete(f"/v1/organizations/{clinic.id}/api-clients/{system.id}", headers=manager)
    ).status_code == 204
    assert (await client.get(PATIENTS, headers=third)).status_code == 401
    refused(await client.post(TOKEN, data=system.form()), "invalid_client", "no such client")


async def test_registered_is_what_is_public_and_strong_enough(client: httpx.AsyncClient, clock: ManualClock) -> None:
    clinic, _ = await clinic_with_system()
    manager = await sign_in(await identity.staff(clinic, "coordinator"))
    path = f"/v1/organizations/{clinic.id}/smart-clients"
    good = public_jwk(ec_key(), "one")
    wanted = {"name": "Practice", "scopes": ["records:read", "consultations:read"]}
    cases: list[tuple[dict[str, Any], str]] = [
        ({"jwks": {"keys": [good | {"d": "AA"}]}}, "secret"),
        ({"jwks": {"keys": [{**good, "kid": ""}]}}, "kid"),
        ({"jwks": {"keys": [good, good]}}, "kid of its own"),
        ({"jwks": {"keys": []}}, "at least 1"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "AA", "kid": "one"}]}}, "secret"),
        ({"jwks": {"keys": [good | {"crv": "P-256"}]}}, "P-384"),
        ({"jwks": {"keys": [good | {"alg": "RS384"}]}}, "ES384"),
        ({"jwks": {"keys": [good | {"use": "enc"}]}}, "signatures"),
        ({"jwks": {"keys": [good | {"x": "AA"}]}}, "not a key"),
        ({"jwks": {"keys": [public_jwk(rsa_key(), "one") | {"n": "AQAB"}]}}, ""),
        ({"jwks": {"keys": [good]}, "jwks_uri": "https://clinic.example/keys"}, "either"),
        ({}, "shows itself"),
        ({"jwks_uri": "https://127.0.0.1/keys"}, "public https"),
        ({"jwks_uri": "http://clinic.example/keys"}, "public https"),
        ({"jwks_uri": "https://user@clinic.example/keys"}, "public https"),
        *(
            ({"redirect_uris": [address]}, "")
            for address in (
                "http://app.example/back",
                "https://app.example/back#here",
                "javascript:alert(1)",
                "https://me@app.example/",
                "https://app.example/a b",
                "https://app.example/;form-action *",
                "data:text/html,hi",
                "/back",
                "",
            )
        ),
    ]
    for changes, about in cases:
        answer = await client.post(path, json=wanted | changes, headers=manager)
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed"), (changes, answer.text)
        assert about in json.dumps(answer.json()["errors"]), (changes, answer.text)
    made = await client.post(path, json=wanted | {"jwks": {"keys": [good | {"x5c": ["…"]}]}}, headers=manager)
    assert made.status_code == 201, made.text
    listed = (await client.get(f"/v1/organizations/{clinic.id}/api-clients", headers=manager)).json()["items"]
    (entry,) = [one for one in listed if one["id"] == made.json()["client_id"]]
    assert (entry["keys"], entry["key_ids"], entry["jwks_uri"], entry["redirect_uris"]) == ([], ["one"], None, [])


async def test_nobody_registers_more_than_they_have_nor_turns_a_system_into_an_app(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    place = await identity.community()
    agency, clinic = await identity.organization(place, "care_agency"), await identity.organization(place, "clinic")
    keys = {"jwks": {"keys": [public_jwk(ec_key(), "one")]}}
    manager = await sign_in(await identity.staff(agency, "coordinator"))
    path = f"/v1/organizations/{agency.id}/smart-clients"
    records = {"name": "App", "scopes": ["records:read"]}
    answer = await client.post(path, json=records | keys, headers=manager)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_beyond_yours")
    app = await client.post(path, json=records | {"redirect_uris": ["https://app.example/back"]}, headers=manager)
    assert app.status_code == 201, app.text
    client_id = app.json()["client_id"]
    turned = await client.put(f"{path}/{client_id}", json=keys, headers=manager)
    assert (turned.status_code, turned.json()["code"]) == (409, "kind_of_client")
    key = f"/v1/organizations/{agency.id}/api-clients/{client_id}/keys"
    assert (await client.post(key, json={}, headers=manager)).json()["code"] == "no_system"
    confidential = {"redirect_uris": ["https://app.example/back"], **keys}
    assert (await client.put(f"{path}/{client_id}", json=confidential, headers=manager)).status_code == 200
    form = Machine(uuid.UUID(client_id), ec_key()).form()
    refused(await client.post(TOKEN, data=form), "unauthorized_client")
    elsewhere = f"/v1/organizations/{clinic.id}/smart-clients"
    assert (await client.post(elsewhere, json=records | keys, headers=manager)).status_code == 404


async def test_clients_end_and_ask_about_their_own_tokens_alone(client: httpx.AsyncClient, clock: ManualClock) -> None:
    clinic, system = await clinic_with_system()
    other = await smart.machine(clinic, ["profile:read"], key=ec_key(3))
    token = await smart.token(client, system, "system/Patient.rs")

    async def ask(where: str, by: Machine) -> httpx.Response:
        form = by.form(token=token)
        return await client.post(f"/v1/oauth/{where}", data=form)

    assert (await ask("introspect", other)).json() == {"active": False}
    said = (await ask("introspect", system)).json()
    assert said["active"] is True
    assert (said["scope"], said["client_id"], said["sub"]) == ("system/Patient.rs", str(system.id), str(system.id))
    assert (await ask("revoke", other)).status_code == 200
    assert (await client.get(PATIENTS, headers=bearer(token))).status_code == 200
    assert (await ask("revoke", system)).status_code == 200
    assert (await client.get(PATIENTS, headers=bearer(token))).status_code == 401
    assert (await ask("introspect", system)).json() == {"active": False}
    nobody = await client.post("/v1/oauth/introspect", data={"token": token})
    refused(nobody, "invalid_client")

"""Clients that sign assertions, and what they are given: keys are made once, as making them is slow."""

import base64
import hashlib
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl

import httpx
import jwt
import orjson
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from sqlmodel import col

from app.core import clock
from app.core.database import reading, unit_of_work
from app.core.sealing import unseal
from app.identity.clients.models import ApiClient
from app.identity.models import Organization, Resident
from app.identity.sign_in.models import SignInChallenge
from app.identity.sign_in.service import CODE
from app.identity.smart.models import AppGrant
from app.identity.smart.rules.assertions import TYPE
from tests.factories.sign_in import bearer

TOKEN: Final = "/v1/oauth/token"
FHIR: Final = "http://127.0.0.1:8000/fhir/R4"
AUTHORIZE: Final = "/portal/authorize"
AUDIENCE: Final = "http://127.0.0.1:8000/v1/oauth/token"
BACK: Final = "https://app.example/back"


@cache
def rsa_key(number: int = 0) -> rsa.RSAPrivateKey:
    """Return one of a few keys for RS384; ``number`` tells them apart."""
    assert number >= 0
    return rsa.generate_private_key(65_537, 2048)


@cache
def ec_key(number: int = 0) -> ec.EllipticCurvePrivateKey:
    """Return one of a few keys for ES384; ``number`` tells them apart."""
    assert number >= 0
    return ec.generate_private_key(ec.SECP384R1())


def public_jwk(key: Any, key_id: str) -> dict[str, Any]:
    """Return the public half of a key as a client registers it."""
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    document: dict[str, Any] = orjson.loads(algorithm.to_jwk(key.public_key()))
    document.pop("key_ops", None)
    return document | {"kid": key_id}


@dataclass(frozen=True, slots=True)
class Machine:
    """A registered client and the key it signs with."""

    id: uuid.UUID
    key: Any = None
    key_id: str = "one"

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return what a good assertion says, changed; ``None`` leaves a claim out."""
        now = int(clock.now().timestamp())
        said = {"iss": str(self.id), "sub": str(self.id), "aud": AUDIENCE, "exp": now + 240, "jti": clock.new_id().hex}
        return {name: value for name, value in (said | changes).items() if value is not None}

    def assertion(self, headers: dict[str, Any] | None = None, **changes: Any) -> str:
        """Return a signed assertion."""
        algorithm = "RS384" if isinstance(self.key, rsa.RSAPrivateKey) else "ES384"
        return jwt.encode(self.claims(**changes), self.key, algorithm, headers={"kid": self.key_id, **(headers or {})})

    def form(self, scope: str = "system/*.rs", **changes: Any) -> dict[str, str]:
        """Return what is sent to the token endpoint."""
        return {
            "grant_type": "client_credentials",
            "scope": scope,
            "client_assertion_type": TYPE,
            "client_assertion": self.assertion(),
            **changes,
        }


async def machine(
    organization: Organization,
    scopes: Iterable[str],
    *,
    key: Any = None,
    jwks_uri: str | None = None,
    redirect_uris: Iterable[str] = (),
    name: str = "Practice",
) -> Machine:
    """Insert a client with a key of its own (ES384 unless given), or one that publishes its keys; an app if it has
    addresses to send people back to, without keys unless one is given.
    """
    redirects = list(redirect_uris)
    key = key or (None if redirects and jwks_uri is None else ec_key())
    row = ApiClient(
        community_id=organization.community_id,
        organization_id=organization.id,
        name=name,
        scopes=sorted(scopes),
        created_by=uuid.UUID(int=0),
        redirect_uris=redirects,
        jwks={"keys": [public_jwk(key, "one")]} if key is not None and jwks_uri is None else None,
        jwks_uri=jwks_uri,
        keys_set_at=clock.now(),
    )
    async with unit_of_work() as session:
        session.add(row)
    return Machine(row.id, key)


async def grant(resident: Resident, client_id: uuid.UUID) -> AppGrant:
    """Insert what a resident agreed to: an app that sees them for an hour."""
    row = AppGrant(
        account_id=resident.account_id,
        client_id=client_id,
        patient_id=resident.id,
        scopes=["patient/Patient.r"],
        ended_at=clock.now() + timedelta(hours=1),
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def token(client: httpx.AsyncClient, of: Machine, scope: str) -> str:
    """Return an access token of a system for scopes."""
    answer = await client.post(TOKEN, data=of.form(scope))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def headers(client: httpx.AsyncClient, of: Machine, scope: str) -> dict[str, str]:
    """Return the headers of a system's requests within scopes; good for five minutes."""
    return bearer(await token(client, of, scope))


VERIFIER: Final = "a-verifier-of-at-least-forty-three-characters-0"
CHALLENGE: Final = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def asked(app: Machine, scope: str, **changes: Any) -> dict[str, str]:
    """Return what an app sends a person's browser with; ``None`` leaves a parameter out."""
    said: dict[str, Any] = {
        "response_type": "code",
        "client_id": str(app.id),
        "redirect_uri": BACK,
        "scope": scope,
        "state": "st&te",
        "aud": FHIR,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (said | changes).items() if value is not None}


def fields(page: str) -> dict[str, str]:
    """Return the hidden fields of a page."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))


def choices(page: str, name: str) -> dict[str, str]:
    """Return the values that can be chosen on a page, by what they are called."""
    found = re.findall(rf'name="{name}" required id="\w+" value="([^"]+)"[^>]*> <label[^>]*>([^<]*)</label>', page)
    return {called: value for value, called in found}


async def sent_code() -> str:
    """Return the code that was sent last to sign in."""
    async with reading() as connection:
        sealed = await connection.scalar(sa.select(col(SignInChallenge.code)).order_by(col(SignInChallenge.id).desc()))
    return unseal(str(sealed), CODE)


@dataclass(slots=True)
class Browser:
    """Somebody's browser on our pages: it keeps the cookie, and posts forms as they stand on the page."""

    client: httpx.AsyncClient
    cookie: str = ""
    page: str = ""

    async def open(self, form: dict[str, str], **more: Any) -> httpx.Response:
        """Go where an app sends it."""
        headers = {"Cookie": self.cookie} if self.cookie else {}
        answer = await self.client.get(AUTHORIZE, params=form, headers=headers | more.pop("headers", {}), **more)
        self.client.cookies.clear()  # other browsers of a test have their own
        self.cookie = answer.headers.get("set-cookie", self.cookie).partition(";")[0]
        self.page = answer.text
        return answer

    async def post(self, step: str, **more: str) -> httpx.Response:
        """Post the page's form; ``site`` is where the browser says that it comes from."""
        headers = {"Cookie": self.cookie, "Sec-Fetch-Site": more.pop("site", "same-origin")}
        answer = await self.client.post(
            f"{AUTHORIZE}/{step}", data=fields(self.page) | more, headers=headers, follow_redirects=False
        )
        self.page = answer.text or self.page
        return answer

    async def sign_in(self, phone: str) -> httpx.Response:
        """Sign in with the code that is sent."""
        sent = await self.post("code", contact=phone)
        assert sent.status_code == 200, sent.text
        return await self.post("sign-in", code=await sent_code())

    async def agree(self, **more: str) -> dict[str, str]:
        """Agree, and return what the app is told."""
        answer = await self.post("decision", decision="agree", **more)
        assert answer.status_code == 303, answer.text
        return told(answer)


def told(answer: httpx.Response) -> dict[str, str]:
    """Return what an app is told where a person is sent back to it."""
    address, _, query = answer.headers["location"].partition("?")
    assert address == BACK
    return dict(parse_qsl(query))


async def exchanged(client: httpx.AsyncClient, app: Machine, code: str, **changes: Any) -> httpx.Response:
    """Return the answer to a code being exchanged."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    return await client.post(TOKEN, data=form | shown_by(app) | changes)


def shown_by(app: Machine) -> dict[str, str]:
    """Return how an app shows who it is."""
    if app.key is None:
        return {"client_id": str(app.id)}
    return {"client_assertion_type": TYPE, "client_assertion": app.assertion()}


async def connected(
    client: httpx.AsyncClient, app: Machine, phone: str, scope: str, patient: str | None = None
) -> dict[str, Any]:
    """Return the tokens an app is given for which a person agreed, about the patient of a name."""
    browser = Browser(client)
    assert (await browser.open(asked(app, scope))).status_code == 200
    assert (await browser.sign_in(phone)).status_code == 200, browser.page
    chosen = {"patient": choices(browser.page, "patient")[patient]} if patient else {}
    code = (await browser.agree(**chosen))["code"]
    answer = await exchanged(client, app, code)
    assert answer.status_code == 200, answer.text
    given: dict[str, Any] = answer.json()
    return given

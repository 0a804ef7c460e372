"""Clients that sign assertions, and what they are given: keys are made once, as making them is slow."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import httpx
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from app.core import clock
from app.core.database import unit_of_work
from app.identity.clients.models import ApiClient
from app.identity.models import Organization
from app.identity.smart.rules.assertions import TYPE
from tests.factories.sign_in import bearer

TOKEN: Final = "/v1/oauth/token"  # noqa: S105 - an address
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
        said = {"iss": str(self.id), "sub": str(self.id), "aud": AUDIENCE, "exp": now + 240, "jti": uuid.uuid4().hex}
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


async def token(client: httpx.AsyncClient, of: Machine, scope: str) -> str:
    """Return an access token of a system for scopes."""
    answer = await client.post(TOKEN, data=of.form(scope))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def headers(client: httpx.AsyncClient, of: Machine, scope: str) -> dict[str, str]:
    """Return the headers of a system's requests within scopes; good for five minutes."""
    return bearer(await token(client, of, scope))

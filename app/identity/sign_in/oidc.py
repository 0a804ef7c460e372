"""OpenID Connect sign-in: ID tokens of the issuers that are accepted here, by discovery and their published keys."""

import asyncio
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import jwt

from app.core import clock
from app.core.problems import Unavailable
from app.core.settings import settings
from app.identity.sign_in.external import VerifiedLogin
from app.identity.sign_in.problems import LoginNotAccepted, MethodNotOffered

if TYPE_CHECKING:
    import httpx

# Asymmetric only: with "none" nobody signs, with HMAC whoever knows the public key does.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
KEYS_KEPT: Final = timedelta(hours=1)
REFRESH_PAUSE: Final = timedelta(minutes=1)
"""How often at most an issuer is asked again because a token names a key we do not know."""
LEEWAY: Final = timedelta(seconds=60)
_TIMEOUT: Final = 10.0
_MAX_DOCUMENT: Final = 262_144
_REQUIRED: Final = ["iss", "sub", "aud", "exp", "iat"]


@dataclass(slots=True)
class _Published:
    """What an issuer published when it was last asked."""

    keys: Mapping[str, jwt.PyJWK]
    fetched_at: datetime
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None


@dataclass(slots=True)
class _Issuer:
    """An accepted issuer and what is known of its keys."""

    url: str
    audience: str
    published: _Published | None = None
    asked_at: datetime | None = None
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def key(self, key_id: str) -> jwt.PyJWK:
        """Return the key of that id, asking the issuer if need be; raises ``LoginNotAccepted`` or ``Unavailable``."""
        async with self.asking:
            if self._is_worth_asking(key_id):
                self.asked_at = clock.now()
                self.published = await self._ask()
        key = self.published.keys.get(key_id) if self.published else None
        if key is None:
            raise LoginNotAccepted
        return key

    async def discovered(self) -> _Published:
        """Return what the issuer publishes, asking it if that is not known or an hour old; raises ``Unavailable``."""
        async with self.asking:
            if self.published is None or clock.now() - self.published.fetched_at >= KEYS_KEPT:
                self.asked_at = clock.now()
                self.published = await self._ask()
            return self.published

    def _is_worth_asking(self, key_id: str) -> bool:
        if self.published is None or self.asked_at is None:
            return True
        now = clock.now()
        if now - self.published.fetched_at >= KEYS_KEPT:
            return True
        return key_id not in self.published.keys and now - self.asked_at >= REFRESH_PAUSE

    async def _ask(self) -> _Published:
        import httpx  # noqa: PLC0415 - slow to import, and only where issuers are configured

        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False, trust_env=False) as client:
                discovery = await _document(client, f"{self.url.rstrip('/')}/.well-known/openid-configuration")
                if discovery.get("issuer") != self.url:
                    raise Unavailable("the issuer's configuration names another issuer")
                key_set = await _document(client, str(discovery.get("jwks_uri")))
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable("the issuer cannot be asked at the moment") from error
        return _Published(
            dict(_usable(key_set)),
            clock.now(),
            _address(discovery.get("authorization_endpoint")),
            _address(discovery.get("token_endpoint")),
        )


async def _document(client: "httpx.AsyncClient", url: str) -> dict[str, Any]:
    if not is_safe(url):
        raise Unavailable("the issuer publishes at an address that is not accepted")
    answer = await client.get(url)
    answer.raise_for_status()
    if len(answer.content) > _MAX_DOCUMENT:
        raise ValueError("too large")
    document = answer.json()
    if not isinstance(document, dict):
        raise ValueError("not an object")  # noqa: TRY004 - the caller treats every unusable document alike
    return document


def _address(published: object) -> str | None:
    return published if isinstance(published, str) else None


def is_safe(url: str) -> bool:
    """Say whether an address that an issuer publishes is one we ask, or send people to: https."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return True
    return parts.scheme == "http" and parts.hostname == "127.0.0.1" and settings().signin.oidc_allow_loopback


def _usable(key_set: dict[str, Any]) -> list[tuple[str, jwt.PyJWK]]:
    keys = key_set.get("keys")
    usable: list[tuple[str, jwt.PyJWK]] = []
    for entry in keys if isinstance(keys, list) else []:
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig" or not isinstance(entry.get("kid"), str):
            continue
        try:
            usable.append((entry["kid"], jwt.PyJWK(entry)))
        except jwt.PyJWTError:
            continue  # a kind of key we do not know: tokens signed with it are refused
    return usable


_issuers: dict[tuple[str, str], _Issuer] = {}


def issuer_said(id_token: str) -> object:
    """Return whom an ID token says to come from, of which nothing is verified; raises ``LoginNotAccepted``."""
    try:
        return jwt.decode(id_token, options={"verify_signature": False}).get("iss")
    except jwt.PyJWTError:
        raise LoginNotAccepted from None


def _issuer_of(id_token: str) -> _Issuer:
    named = issuer_said(id_token)
    audience = settings().signin.oidc_issuers.get(named) if isinstance(named, str) else None
    if audience is None:
        raise LoginNotAccepted
    return issuer_named(str(named))


def issuer_named(url: str) -> _Issuer:
    """Return what is known of an accepted issuer; raises ``KeyError`` for another."""
    audience = settings().signin.oidc_issuers[url]
    return _issuers.setdefault((url, audience), _Issuer(url, audience))


async def verify(id_token: str, nonce: str | None) -> VerifiedLogin:
    """Return what an ID token vouches for.

    Raises ``LoginNotAccepted`` for a token that is not good or of an issuer that is not accepted, ``Unavailable`` if
    the issuer cannot be asked for its keys.
    """
    if "oidc" not in settings().signin.methods:
        raise MethodNotOffered
    issuer = _issuer_of(id_token)
    header = jwt.get_unverified_header(id_token)
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS or not isinstance(key_id, str):
        raise LoginNotAccepted
    key = await issuer.key(key_id)
    claims = _claims(id_token, key, str(algorithm), issuer)
    _check_times(claims)
    _check_nonce(claims.get("nonce"), nonce)
    return _login(issuer.url, claims)


def _claims(id_token: str, key: jwt.PyJWK, algorithm: str, issuer: _Issuer) -> dict[str, Any]:
    try:
        # A PyJWK verifies only with the algorithm its own kind of key is for, whatever the token's header says.
        claims: dict[str, Any] = jwt.decode(
            id_token,
            key,
            algorithms=[algorithm],
            audience=issuer.audience,
            issuer=issuer.url,
            options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
    except jwt.PyJWTError:
        raise LoginNotAccepted from None
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != issuer.audience:
        raise LoginNotAccepted
    return claims


def _check_times(claims: dict[str, Any]) -> None:
    now = clock.now().timestamp()
    leeway = LEEWAY.total_seconds()
    times = [claims["exp"], claims["iat"], claims.get("nbf", claims["iat"])]
    if not all(isinstance(value, (int, float)) for value in times):
        raise LoginNotAccepted
    if claims["exp"] + leeway <= now or max(times[1:]) - leeway > now:
        raise LoginNotAccepted


def _check_nonce(in_token: object, expected: str | None) -> None:
    if in_token is None and expected is None:
        return
    # A token made for one sign-in must not serve another: the nonce has to be there on both sides.
    if not isinstance(in_token, str) or expected is None:
        raise LoginNotAccepted
    if not hmac.compare_digest(in_token.encode(), expected.encode()):
        raise LoginNotAccepted


def _login(issuer: str, claims: dict[str, Any]) -> VerifiedLogin:
    return VerifiedLogin(
        method="oidc",
        issuer=issuer,
        subject=str(claims["sub"]),
        phone=None,
        email=claims.get("email") if claims.get("email_verified") is True else None,
    )

"""Signing in through an OpenID Connect issuer in a browser: the authorization code flow with PKCE.

OpenID Connect Core 1.0, 3.1; RFC 7636 (PKCE); RFC 9207 (who answers). Its ID token is verified like any other.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode, urlsplit

from pydantic import SecretStr

from app.core.problems import Unavailable
from app.core.settings import settings
from app.identity.credentials import new_secret
from app.identity.sign_in import oidc
from app.identity.sign_in.problems import LoginNotAccepted, MethodNotOffered

if TYPE_CHECKING:
    import httpx

_SCOPE: Final = "openid email"
_TIMEOUT: Final = 10.0
_MAX_ANSWER: Final = 65_536


@dataclass(frozen=True, slots=True)
class LoginProvider:
    """An issuer through which people sign in here: how it is named in an address of ours, and to people."""

    key: str
    issuer: str
    name: str


@dataclass(frozen=True, slots=True)
class LoginBegun:
    """Where a browser is sent, and what has to come back from there with it; all of it is new each time."""

    address: str
    state: str
    nonce: str
    verifier: str


def login_providers() -> list[LoginProvider]:
    """Return the issuers through which people sign in here, as the settings have them."""
    group = settings().signin
    if "oidc" not in group.methods:
        return []
    return [
        LoginProvider(_key(issuer), issuer, group.oidc_names.get(issuer) or urlsplit(issuer).hostname or issuer)
        for issuer in group.oidc_issuers
    ]


def _key(issuer: str) -> str:
    return hashlib.sha256(issuer.encode()).hexdigest()[:12]


def login_provider(key: str) -> LoginProvider:
    """Return the provider of that key; raises ``MethodNotOffered``."""
    for provider in login_providers():
        if provider.key == key:
            return provider
    raise MethodNotOffered


async def begin_login(provider: LoginProvider, redirect_uri: str, language: str) -> LoginBegun:
    """Return where a browser is sent to sign in; raises ``Unavailable`` if the issuer cannot be asked."""
    published = await oidc.issuer_named(provider.issuer).discovered()
    endpoint = _endpoint(published.authorization_endpoint)
    state, nonce, verifier = new_secret(), new_secret(), new_secret()
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": settings().signin.oidc_issuers[provider.issuer],
        "redirect_uri": redirect_uri,
        "scope": _SCOPE,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "ui_locales": language,
    }
    joined = "&" if urlsplit(endpoint).query else "?"
    return LoginBegun(f"{endpoint}{joined}{urlencode(asked)}", state, nonce, verifier)


def _endpoint(address: str | None) -> str:
    if address is None or not oidc.is_safe(address):
        raise Unavailable("the issuer publishes no address that is accepted")
    return address


async def redeem_login(provider: LoginProvider, redirect_uri: str, code: str, verifier: str) -> str:
    """Return the ID token a code is exchanged for; nothing of it is verified yet.

    Raises ``LoginNotAccepted`` if the issuer refuses the code, ``Unavailable`` if it cannot be asked.
    """
    import httpx  # noqa: PLC0415 - slow to import, and only where issuers are configured

    published = await oidc.issuer_named(provider.issuer).discovered()
    endpoint = _endpoint(published.token_endpoint)
    group = settings().signin
    client_id, secret = group.oidc_issuers[provider.issuer], group.oidc_secrets.get(provider.issuer)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": client_id,
        "code_verifier": verifier,
    }
    headers = {"Accept": "application/json"} | _authorization(client_id, secret)
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False, trust_env=False) as client:
            answer = await client.post(endpoint, data=form, headers=headers)
        document = _told(answer)
    except (httpx.HTTPError, ValueError) as error:
        raise Unavailable("the issuer cannot be asked at the moment") from error
    id_token = document.get("id_token")
    # An issuer vouches for its own people alone, not with a token it had of another that we accept, too.
    if not isinstance(id_token, str) or oidc.issuer_said(id_token) != provider.issuer:
        raise LoginNotAccepted
    return id_token


def _authorization(client_id: str, secret: SecretStr | None) -> dict[str, str]:
    """Return the header that carries our secret, if we have one: each half escaped (RFC 6749, 2.3.1)."""
    if secret is None:
        return {}
    pair = f"{quote(client_id, safe='')}:{quote(secret.get_secret_value(), safe='')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _told(answer: "httpx.Response") -> Mapping[str, Any]:
    if 400 <= answer.status_code < 500:
        raise LoginNotAccepted
    answer.raise_for_status()
    if len(answer.content) > _MAX_ANSWER:
        raise ValueError("too large")
    document = answer.json()
    if not isinstance(document, dict) or answer.status_code != 200:
        raise ValueError("not an object")
    return document

"""An app asks a person: the request is checked, the person signs in, sees what it is about, and agrees or does not."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.database import reading, unit_of_work
from app.core.problems import FieldError, Forbidden, Malformed, NotFound
from app.identity import addresses
from app.identity import smart_scopes as rules
from app.identity.authenticator import actor_by_phone
from app.identity.credentials import digest, matches, new_secret
from app.identity.models import Account
from app.identity.scopes import PROFILE_READ
from app.identity.sign_in import service as sign_in
from app.identity.sign_in.schemas import AccountChoice, CodeRequest
from app.identity.smart import repository, views
from app.identity.smart.models import AppAuthorization, AppGrant
from app.identity.smart.problems import OAuthRefused
from app.identity.smart.rules import pkce, redirects
from app.identity.visibility import require_resident

LIFETIME: Final = timedelta(minutes=15)
"""How long a person has to sign in and to decide."""
CODE_LIFETIME: Final = timedelta(minutes=1)
"""How long a code is good: the app is waiting for it."""
_LONGEST: Final = 1_000
_SHOWN: Final = re.compile(r"[\x20-\x7e]*")
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_UNDERSTOOD_NOT: Final = ("request", "request_uri", "launch")


@dataclass(frozen=True, slots=True)
class Asking:
    """An app that asks, as whoever decides sees it; ``account_id`` once they have signed in."""

    id: uuid.UUID
    community_id: uuid.UUID
    app: str
    organization: str
    redirect_uri: str
    scopes: tuple[str, ...]
    sign_in_id: uuid.UUID | None
    account_id: uuid.UUID | None

    @property
    def wants_patient(self) -> bool:
        """Whether somebody has to say whom the app is about."""
        return rules.wants_patient(self.scopes)


def browser_secret(known: str | None) -> str:
    """Return the secret a browser is known by: the one it has, or a new one."""
    return known if known is not None and _SECRET.fullmatch(known) else new_secret()


class SentBack(Exception):  # noqa: N818 - says what happened
    """A request is refused in a way the app is told of: the person is sent back to it, to ``address``."""

    def __init__(self, address: str) -> None:
        super().__init__("sent back")
        self.address = address


async def begin(form: Mapping[str, str], browser: str) -> Asking:
    """Return an app that asks, bound to a ``browser``'s secret.

    Raises ``OAuthRefused`` where the person must not be sent anywhere, as nobody knows whether the address is the
    app's; ``SentBack`` for anything else that is wrong (RFC 6749, 4.1.2.1).
    """
    client = await _app(form.get("client_id", ""))
    address = form.get("redirect_uri", "")
    if address not in client.redirect_uris:
        raise OAuthRefused("invalid_request", "redirect_uri: none that is registered")
    scopes = _checked(form, client.scopes, address)
    row = AppAuthorization(
        client_id=client.id,
        redirect_uri=address,
        scopes=list(scopes),
        state=form["state"],
        nonce=form.get("nonce"),
        challenge=form["code_challenge"],
        browser=digest(browser),
        expires_at=clock.now() + LIFETIME,
    )
    async with unit_of_work() as session:
        session.add(row)
    return _asking(row, client)


async def _app(text: str) -> views.Client:
    try:
        client_id = uuid.UUID(text)
    except ValueError:
        raise OAuthRefused("invalid_client", "client_id: no app of ours") from None
    async with reading() as connection:
        client = await views.client(connection, client_id)
    if client is None or not client.is_app:
        raise OAuthRefused("invalid_client", "client_id: no app of ours")
    return client


def _checked(form: Mapping[str, str], held: Sequence[str], address: str) -> tuple[str, ...]:
    """Return the scopes a person is asked for; raises ``SentBack``."""
    try:
        _check_request(form)
        return _scopes(form.get("scope", ""), held)
    except OAuthRefused as refusal:
        state = form.get("state")
        told = state if state and _is_plain(state) else None
        back = _back(address, error=refusal.error, error_description=refusal.description, state=told)
        raise SentBack(back) from None


def _scopes(requested: str, held: Sequence[str]) -> tuple[str, ...]:
    """Return what of it a person is asked for; raises ``OAuthRefused`` if that is nothing."""
    try:
        granted = rules.granted(requested, held, {"patient", "user"})
    except rules.ScopeNotKnown as error:
        raise OAuthRefused("invalid_scope", str(error)) from None
    if not rules.resources(granted) and rules.OPENID not in granted:
        raise OAuthRefused("invalid_scope", "scope: none of these is this app's to ask for")
    return granted


def _check_request(form: Mapping[str, str]) -> None:
    """Raise ``OAuthRefused`` unless an app asks as it should, apart from what it asks for."""
    if form.get("response_type") != "code":
        raise OAuthRefused("unsupported_response_type", "response_type: code")
    wrong = {
        "state: a text in ASCII of at most 1000 characters": not form.get("state") or not _is_plain(form["state"]),
        "nonce: a text in ASCII of at most 1000 characters": not _is_plain(form.get("nonce", "")),
        "response_mode: query": form.get("response_mode", "query") != "query",
        "request, request_uri, launch: not understood here": any(name in form for name in _UNDERSTOOD_NOT),
        "code_challenge: PKCE with S256": form.get("code_challenge_method") != pkce.METHOD
        or not pkce.is_challenge(form.get("code_challenge", "")),
        f"aud: {addresses.fhir_url()}": form.get("aud", "").rstrip("/") != addresses.fhir_url(),
    }
    for description, is_wrong in wrong.items():
        if is_wrong:
            raise OAuthRefused("invalid_request", description)


def _is_plain(text: str) -> bool:
    return len(text) <= _LONGEST and _SHOWN.fullmatch(text) is not None


def _back(address: str, **parameters: str | None) -> str:
    """Return where a person is sent back to; the issuer goes along, against mix-ups (RFC 9207)."""
    return redirects.answer(address, **parameters, iss=addresses.issuer())


def _asking(row: AppAuthorization, client: views.Client) -> Asking:
    return Asking(
        row.id,
        client.community_id,
        client.name,
        client.organization,
        row.redirect_uri,
        tuple(row.scopes),
        row.sign_in_id,
        row.account_id,
    )


async def _held(session: AsyncSession, authorization_id: uuid.UUID, browser: str) -> tuple[AppAuthorization, Asking]:
    """Return what is being asked, locked; raises ``NotFound`` unless it goes on and began in this browser."""
    row = await repository.lock_authorization(session, authorization_id)
    is_known = matches(browser, row.browser if row is not None else bytes(32))
    if row is None or not is_known or row.expires_at <= clock.now() or row.code is not None:
        raise NotFound
    client = await views.client(await session.connection(), row.client_id)
    if client is None or row.redirect_uri not in client.redirect_uris:
        raise NotFound
    return row, _asking(row, client)


async def going_on(session: AsyncSession, authorization_id: uuid.UUID, browser: str) -> Asking:
    """Return what is being asked in this browser; raises ``NotFound`` if nothing is any more."""
    return (await _held(session, authorization_id, browser))[1]


async def send_code(session: AsyncSession, authorization_id: uuid.UUID, browser: str, contact: str) -> Asking:
    """Ask for a code to sign in to be sent to a number or an address; the answer is the same for all of them.

    Raises ``NotFound``, ``MethodNotOffered``, ``TooManyRequests``, and ``Malformed`` for no number and no address.
    """
    row, asking = await _held(session, authorization_id, browser)
    sign_in.require_offered()
    data = _code_request(asking.community_id, contact)
    destination = sign_in.normalized(data, await sign_in.country_of(session, asking.community_id))
    await sign_in.limit_codes(asking.community_id, destination)
    row.sign_in_id = (await sign_in.request_code(session, data, destination)).challenge_id
    row.account_id = None
    await session.flush()
    return asking


def _code_request(community_id: uuid.UUID, contact: str) -> CodeRequest:
    try:
        if "@" in contact:
            return CodeRequest(community_id=community_id, email=contact)
        return CodeRequest(community_id=community_id, phone=contact)
    except ValueError:
        raise Malformed(errors=[FieldError("/body/contact", "neither a number nor an address", "contact")]) from None


async def enter(
    authorization_id: uuid.UUID, browser: str, code: str, account_id: uuid.UUID | None
) -> tuple[Asking, Account | AccountChoice | None]:
    """Return who has signed in, or whom to choose from if several share the number; ``None`` if the code is wrong.

    Opens its own unit of work, so that a wrong code is counted. Raises ``NotFound``.
    """
    async with unit_of_work() as session:
        row, asking = await _held(session, authorization_id, browser)
        if row.sign_in_id is None:
            raise NotFound
        who = await sign_in.identify(session, row.sign_in_id, code, account_id)
        if isinstance(who, Account):
            row.account_id, row.sign_in_id = who.id, None
            await session.flush()
    return asking, who


async def asked(session: AsyncSession, authorization_id: uuid.UUID, browser: str) -> tuple[Asking, Actor]:
    """Return what is asked and the person who has signed in to decide; raises ``NotFound``."""
    _, asking = await _held(session, authorization_id, browser)
    return asking, await _decider(await session.connection(), asking)


async def _decider(connection: AsyncConnection, asking: Asking) -> Actor:
    actor = None if asking.account_id is None else await actor_by_phone(connection, asking.account_id)
    if actor is None:
        raise NotFound
    return actor


async def agree(
    session: AsyncSession,
    authorization_id: uuid.UUID,
    browser: str,
    patient_id: uuid.UUID | None,
    fhir_user: str | None,
) -> str:
    """Return where the person is sent back to, with a code: they agree. ``fhir_user`` is who they are in FHIR.

    Raises ``NotFound`` if nothing is asked any more, or for a patient they may not see.
    """
    row, asking = await _held(session, authorization_id, browser)
    actor = await _decider(await session.connection(), asking)
    if asking.wants_patient != (patient_id is not None):
        raise NotFound
    if patient_id is not None:
        try:
            await require_resident(await session.connection(), actor, patient_id, PROFILE_READ)
        except Forbidden:
            raise NotFound from None
    now = clock.now()
    code = new_secret()
    grant = AppGrant(
        account_id=actor.id,
        client_id=row.client_id,
        patient_id=patient_id,
        scopes=[scope for scope in row.scopes if scope != rules.FHIR_USER or fhir_user is not None],
        fhir_user=fhir_user,
        ended_at=now + CODE_LIFETIME,
    )
    session.add(grant)
    await session.flush()
    row.grant_id, row.code, row.code_expires_at = grant.id, digest(code), now + CODE_LIFETIME
    await session.flush()
    await audit.record(
        session,
        actor,
        "connected_app:agree",
        resident_id=patient_id,
        object_id=grant.id,
        details={"client_id": str(row.client_id), "scopes": grant.scopes},
    )
    return _back(row.redirect_uri, code=code, state=row.state)


async def refuse(session: AsyncSession, authorization_id: uuid.UUID, browser: str) -> str:
    """Return where the person is sent back to: they do not agree. Raises ``NotFound`` if nothing is asked any more."""
    row, _ = await _held(session, authorization_id, browser)
    row.expires_at = clock.now()
    await session.flush()
    return _back(row.redirect_uri, error="access_denied", error_description="not agreed to", state=row.state)

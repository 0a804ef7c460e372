"""Who sends a request: a person's access token, an organization's API key, a phone's credential, or an app's token.

The signature of an access token is verified once per token and process. Everything that may change at any moment (the
session, the account, its memberships) is read in one statement per request, so that revocation works at once.
"""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import ANONYMOUS, Actor, App, Membership
from app.core.database import reading
from app.core.problems import Unauthenticated
from app.core.statements import fetch_row
from app.identity.addresses import is_fhir
from app.identity.credentials import ACCESS_PREFIX, CLIENT_PREFIX, DEVICE_PREFIX, Credential, matches
from app.identity.scopes import ALARMS_RAISE, LOCATION_WRITE, VITALS_WRITE
from app.identity.sessions import tokens
from app.identity.smart_scopes import house_scopes
from app.identity.viewing import views as viewing
from app.identity.viewing.access import refuse_all_but_reading
from app.identity.viewing.schemas import Viewing

DEVICE_HEADER: Final = "X-Device-Credential"
SOS_TOKEN_AGE: Final = timedelta(days=90)
_CREDENTIAL_PREFIXES: Final = ("hl_", "hd_", "ha_")
_COARSE: Final = timedelta(hours=1)

# A membership in an organization that asks for a second factor counts only in a session that has one.
_ACCOUNT: Final = """
    SELECT a.community_id, r.id AS resident_id, s.second_factor_at IS NOT NULL AS second_factor,
           m.organizations, m.kinds, m.roles, r.state, a.time_zone
    FROM identity_session s
    JOIN identity_account a ON a.id = s.account_id AND a.state = 'active'
    LEFT JOIN identity_resident r ON r.account_id = a.id
    CROSS JOIN LATERAL (
        SELECT array_agg(o.id) AS organizations, array_agg(o.kind) AS kinds, array_agg(mm.role) AS roles
        FROM identity_membership mm JOIN identity_organization o ON o.id = mm.organization_id
        WHERE mm.account_id = a.id AND mm.ended_at IS NULL
          AND (NOT o.requires_second_factor OR s.second_factor_at IS NOT NULL)
    ) m
    WHERE s.id = $1 AND s.account_id = $2 AND s.revoked_at IS NULL
"""
_WITHOUT_SESSION = sa.text(
    """
    SELECT a.community_id, r.id AS resident_id, m.organizations, m.kinds, m.roles
    FROM identity_account a
    LEFT JOIN identity_resident r ON r.account_id = a.id
    CROSS JOIN LATERAL (
        SELECT array_agg(o.id) AS organizations, array_agg(o.kind) AS kinds, array_agg(mm.role) AS roles
        FROM identity_membership mm JOIN identity_organization o ON o.id = mm.organization_id
        WHERE mm.account_id = a.id AND mm.ended_at IS NULL AND (:all_roles OR NOT o.requires_second_factor)
    ) m
    WHERE a.id = :account_id AND a.state = 'active'
    """
).bindparams(sa.bindparam("all_roles", type_=sa.Boolean))
_CLIENT = sa.text(
    """
    SELECT k.digest, k.last_used_at, c.id AS client_id, c.community_id, c.scopes, o.id AS organization_id, o.kind
    FROM identity_api_key k
    JOIN identity_api_client c ON c.id = k.client_id AND c.revoked_at IS NULL
    JOIN identity_organization o ON o.id = c.organization_id
    WHERE k.id = :id AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > :now)
    """
)
_APP_TOKEN = sa.text(
    """
    SELECT t.digest, t.grant_id, t.scopes AS app_scopes, g.account_id, g.patient_id,
           c.id AS client_id, c.community_id, c.scopes, o.id AS organization_id, o.kind
    FROM identity_app_token t
    JOIN identity_api_client c ON c.id = t.client_id AND c.revoked_at IS NULL
    JOIN identity_organization o ON o.id = c.organization_id
    LEFT JOIN identity_app_grant g ON g.id = t.grant_id
    WHERE t.id = :id AND t.kind = 'access' AND t.revoked_at IS NULL AND t.expires_at > :now
      AND (t.grant_id IS NULL OR g.ended_at > :now)
    """
)
_CLIENT_NOW = sa.text(
    """
    SELECT c.community_id, c.scopes, o.id AS organization_id, o.kind
    FROM identity_api_client c JOIN identity_organization o ON o.id = c.organization_id
    WHERE c.id = :id AND c.revoked_at IS NULL
    """
)
_DEVICE = sa.text(
    """
    SELECT d.digest, d.last_used_at, a.community_id, r.id AS resident_id
    FROM identity_device_credential d
    JOIN identity_account a ON a.id = d.account_id AND a.state = 'active'
    JOIN identity_resident r ON r.id = d.resident_id
    WHERE d.id = :id AND d.revoked_at IS NULL
    """
)
_RESIDENT = sa.text(
    """
    SELECT a.community_id, r.id AS resident_id
    FROM identity_account a JOIN identity_resident r ON r.account_id = a.id
    WHERE a.id = :account_id AND a.state = 'active'
    """
)
_KEY_USED = sa.text("UPDATE identity_api_key SET last_used_at = :now WHERE id = :id")
_DEVICE_USED = sa.text("UPDATE identity_device_credential SET last_used_at = :now WHERE id = :id")


class IdentityAuthenticator:
    """The house's authenticator."""

    async def authenticate(self, request: Request) -> Actor:
        """Return who sends ``request``, ``ANONYMOUS`` without a credential.

        Raises ``Unauthenticated`` for a credential that is malformed, expired, revoked, or of a deactivated account.
        """
        bearer = _bearer(request)
        if bearer is None:
            return ANONYMOUS
        if bearer.startswith(_CREDENTIAL_PREFIXES):
            return await _by_credential(request, bearer)
        return await _by_token(request, bearer)


async def authenticate_sos(request: Request) -> Actor:
    """Return who raises an alarm for themselves: whoever the caller can still be shown to be.

    In this order: the resident whom ``authenticate`` finds; the resident of a device credential, sent as the bearer or
    in ``X-Device-Credential``; whoever else ``authenticate`` finds; the resident of an access token that we signed,
    that ended less than 90 days ago, and whose account is active, even if its session was revoked. Device credentials
    and past tokens do nothing here but raise an alarm for that resident (scope ``alarms:raise``): a false alarm from a
    stolen phone is the lesser harm. Otherwise raises ``Unauthenticated``.
    """
    actor, refusal = ANONYMOUS, Unauthenticated()
    try:
        actor = await IdentityAuthenticator().authenticate(request)
    except Unauthenticated as error:
        refusal = error
    if actor.resident_id is not None:
        return actor
    device = request.headers.get(DEVICE_HEADER, "").strip()
    if device.startswith(f"{DEVICE_PREFIX}_"):
        try:
            return await _by_credential(request, device)
        except Unauthenticated as error:
            refusal = error
    if actor.kind != "anonymous":
        return actor
    return await _by_past_token(request, refusal)


async def actor_by_token(connection: AsyncConnection, token: str) -> Actor:
    """Return who holds an access token that came otherwise than in a header; raises ``Unauthenticated``."""
    return await _holder(connection, _good(token))


async def actor_by_phone(connection: AsyncConnection, account_id: uuid.UUID) -> Actor | None:
    """Return the person who answers from their phone, by a text message or a key in a call; ``None`` if inactive.

    They have what rights need no sign-in beyond the number: none in organizations that ask for a second factor.
    """
    return await _without_session(connection, account_id, all_roles=False)


async def actor_of(connection: AsyncConnection, account_id: uuid.UUID) -> Actor | None:
    """Return a person with the rights they have now, for asking whether what they began may go on; never to let
    somebody in. ``None`` if their account is not active.
    """
    return await _without_session(connection, account_id, all_roles=True)


async def actor_of_client(
    connection: AsyncConnection, client_id: uuid.UUID, scopes: frozenset[str], app_scopes: Sequence[str] | None
) -> Actor | None:
    """Return an organization's system with what is left now of the ``scopes`` it had, for asking whether what it began
    may go on; never to let somebody in. ``None`` once it is cut off. ``app_scopes`` are SMART's, of a token's.
    """
    row = (await connection.execute(_CLIENT_NOW, {"id": client_id})).one_or_none()
    if row is None:
        return None
    return Actor(
        kind="client",
        id=client_id,
        community_id=row.community_id,
        memberships=(Membership(row.organization_id, row.kind, "client"),),
        scopes=scopes & frozenset(row.scopes),
        app=None if app_scopes is None else App(client_id, tuple(app_scopes)),
    )


async def _without_session(connection: AsyncConnection, account_id: uuid.UUID, *, all_roles: bool) -> Actor | None:
    # There is no session, so what asks for a second factor cannot have one.
    binds = {"account_id": account_id, "all_roles": all_roles}
    row = (await connection.execute(_WITHOUT_SESSION, binds)).one_or_none()
    if row is None:
        return None
    memberships = map(Membership, row.organizations or (), row.kinds or (), row.roles or ())
    return Actor(
        kind="account",
        id=account_id,
        community_id=row.community_id,
        resident_id=row.resident_id,
        memberships=tuple(memberships),
    )


def _bearer(request: Request) -> str | None:
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, credential = header.partition(" ")
    if scheme.lower() != "bearer" or not credential:
        raise Unauthenticated("the Authorization header has to carry a bearer credential")
    return credential.strip()


@asynccontextmanager
async def _connection(request: Request) -> AsyncIterator[AsyncConnection]:
    """Hand out the request's own reading connection, or one for the moment: never the unit of work's.

    What is read here must be what is committed now, and what is noted here must outlive the request's refusal.
    """
    own: AsyncConnection | None = getattr(request.state, "reading", None)
    if own is not None:
        yield own
    else:
        async with reading() as connection:
            yield connection


async def _row(request: Request, statement: sa.TextClause, binds: dict[str, Any]) -> Any:
    async with _connection(request) as connection:
        return (await connection.execute(statement, binds)).one_or_none()


async def _by_token(request: Request, token: str) -> Actor:
    claims = _good(token)
    async with _connection(request) as connection:
        if claims.viewing_id is not None:
            return await _by_view(request, connection, claims)
        return await _holder(connection, claims)


async def _by_view(request: Request, connection: AsyncConnection, claims: tokens.Claims) -> Actor:
    """Return the person whom somebody of support looks on as, once what they ask stands in that person's trail."""
    seen = await viewing.current(connection, claims.session_id, claims.account_id, clock.now(), claims.viewing_id)
    actor = await actor_in_view(connection, seen) if seen is not None else None
    if seen is None or actor is None:
        raise Unauthenticated("looking on has ended")
    refuse_all_but_reading(request)
    asked = {"account": str(actor.id), "path": request.url.path}
    await audit.record(
        connection, actor, "viewing:read", resident_id=actor.resident_id, object_id=seen.id, details=asked
    )
    return actor


async def actor_in_view(connection: AsyncConnection, seen: Viewing) -> Actor | None:
    """Return the person viewed, with all that their roles let them see; ``None`` if their account is not active.

    Whoever looks on has shown a second factor, so what asks the person for one is not left out.
    """
    actor = await _without_session(connection, seen.account_id, all_roles=True)
    return replace(actor, viewed_by=seen.viewer_id) if actor is not None else None


def _good(token: str) -> tokens.Claims:
    try:
        claims = tokens.verify(token)
    except tokens.BadTokenError:
        raise Unauthenticated("the access token is not one of ours") from None
    if claims.expires_at <= clock.now():
        raise Unauthenticated("the access token has expired")
    return claims


async def _holder(connection: AsyncConnection, claims: tokens.Claims) -> Actor:
    if claims.viewing_id is not None:
        raise Unauthenticated("who looks on can only read")
    actor = await actor_in_session(connection, claims.session_id, claims.account_id)
    if actor is None:
        raise Unauthenticated("the session has ended")
    return actor


async def actor_in_session(connection: AsyncConnection, session_id: uuid.UUID, account_id: uuid.UUID) -> Actor | None:
    """Return whoever is signed in by a session, as of this moment; ``None`` once it has ended.

    For what goes on longer than an access token is good.
    """
    row = await fetch_row(connection, _ACCOUNT, session_id, account_id)
    if row is None:
        return None
    community_id, resident_id, second_factor, organizations, kinds, roles, resident_state, time_zone = row
    return Actor(
        kind="account",
        id=account_id,
        community_id=community_id,
        session_id=session_id,
        resident_id=resident_id,
        memberships=tuple(map(Membership, organizations, kinds, roles)) if organizations else (),
        second_factor=second_factor,
        resident_state=resident_state,
        time_zone=time_zone,
    )


async def _by_credential(request: Request, text: str) -> Actor:
    credential = Credential.parse(text)
    if credential is None:
        raise Unauthenticated("the credential is malformed")
    if credential.prefix == CLIENT_PREFIX:
        return await _by_key(request, credential)
    if credential.prefix == ACCESS_PREFIX:
        return await _by_app_token(request, credential)
    if credential.prefix == DEVICE_PREFIX:
        return await _by_device(request, credential)
    raise Unauthenticated("this is no credential to come in with")


async def _by_key(request: Request, credential: Credential) -> Actor:
    now = clock.now()
    async with _connection(request) as connection:
        found = (await connection.execute(_CLIENT, {"id": credential.id, "now": now})).one_or_none()
        row = _checked(credential, found)
        if row.last_used_at is None or now - row.last_used_at >= _COARSE:
            await connection.execute(_KEY_USED, {"id": credential.id, "now": now})
    return Actor(
        kind="client",
        id=row.client_id,
        community_id=row.community_id,
        memberships=(Membership(row.organization_id, row.kind, "client"),),
        scopes=frozenset(row.scopes),
    )


async def _by_app_token(request: Request, credential: Credential) -> Actor:
    """Return the system, or the person who agreed to the app, with what rights they have now and none but the app's."""
    if not is_fhir(request.url.path):
        raise Unauthenticated("the token is good for the FHIR service alone")
    async with _connection(request) as connection:
        found = (await connection.execute(_APP_TOKEN, {"id": credential.id, "now": clock.now()})).one_or_none()
        row = _checked(credential, found)
        app = App(row.client_id, tuple(row.app_scopes), row.patient_id)
        scopes = house_scopes(app.scopes, row.scopes)
        if row.grant_id is None:
            held = (Membership(row.organization_id, row.kind, "client"),)
            return Actor("client", row.client_id, row.community_id, memberships=held, scopes=scopes, app=app)
        actor = await actor_by_phone(connection, row.account_id)
    if actor is None:
        raise Unauthenticated("whoever agreed is here no more")
    return replace(actor, scopes=scopes, app=app)


async def _by_device(request: Request, credential: Credential) -> Actor:
    now = clock.now()
    async with _connection(request) as connection:
        found = (await connection.execute(_DEVICE, {"id": credential.id})).one_or_none()
        row = _checked(credential, found)
        if row.last_used_at is None or now - row.last_used_at >= _COARSE:
            await connection.execute(_DEVICE_USED, {"id": credential.id, "now": now})
    return _narrowed(credential.id, row, ALARMS_RAISE, LOCATION_WRITE, VITALS_WRITE)


def _checked(credential: Credential, row: Any) -> Any:
    # The comparison is made for unknown ids too, so that an id cannot be found out by timing.
    if not matches(credential.secret, row.digest if row else bytes(32)) or row is None:
        raise Unauthenticated("the credential is not valid")
    return row


async def _by_past_token(request: Request, refusal: Unauthenticated) -> Actor:
    try:
        claims = tokens.verify(_bearer(request) or "")
    except tokens.BadTokenError:
        raise refusal from None
    if claims.viewing_id is not None or claims.expires_at + SOS_TOKEN_AGE <= clock.now():
        raise refusal
    row = await _row(request, _RESIDENT, {"account_id": claims.account_id})
    if row is None:
        raise refusal
    return _narrowed(claims.account_id, row, ALARMS_RAISE)


def _narrowed(identifier: uuid.UUID, row: Any, *scopes: str) -> Actor:
    return Actor(
        kind="device",
        id=identifier,
        community_id=row.community_id,
        resident_id=row.resident_id,
        scopes=frozenset(scopes),
    )

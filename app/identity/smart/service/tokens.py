"""Giving tokens: to systems for what they sign, to apps for what people agreed to; exchanged once, ended at once."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor, system_actor
from app.core.database import unit_of_work
from app.core.problems import NotFound
from app.core.settings import settings
from app.identity import addresses
from app.identity import smart_scopes as rules
from app.identity.credentials import ACCESS_PREFIX, REFRESH_PREFIX, Credential, digest, matches, new_secret
from app.identity.models import Account
from app.identity.sessions.tokens import issue_identity
from app.identity.smart import repository
from app.identity.smart.models import AppAuthorization, AppGrant, AppToken
from app.identity.smart.problems import OAuthRefused
from app.identity.smart.rules.pkce import is_answered
from app.identity.smart.service.authenticating import Shown, shown

SYSTEMS: Final = timedelta(minutes=5)
"""How long a system's token is good: SMART Backend Services, at most five minutes."""
PEOPLE: Final = timedelta(minutes=15)
WHILE_ONLINE: Final = timedelta(hours=8)
"""How long an app can go on without ``offline_access``, if it asked for ``online_access``."""
ENDED_KEPT: Final = timedelta(hours=1)
_TYPE: Final = "Bearer"
_Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal that is told once what it leads to was stored."""

    why: OAuthRefused


async def exchange(form: Mapping[str, str]) -> _Answer:
    """Return the answer of the token endpoint; raises ``OAuthRefused``. Opens its own units of work."""
    giving = {
        "client_credentials": _to_system,
        "authorization_code": _for_code,
        "refresh_token": _for_refresh_token,
    }.get(form.get("grant_type", ""))
    if giving is None:
        raise OAuthRefused(
            "unsupported_grant_type", "grant_type: client_credentials, authorization_code or refresh_token"
        )
    by = await shown(form)
    async with unit_of_work() as session:
        if not await repository.hold_client(session, by.client.id, by.client.keys_set_at):
            raise OAuthRefused("invalid_client", "the client was registered anew or revoked")
        answer = await giving(session, by, form)
    if isinstance(answer, Refused):
        raise answer.why
    return answer


async def _to_system(session: AsyncSession, by: Shown, form: Mapping[str, str]) -> _Answer:
    client = by.client
    if client.is_app:
        raise OAuthRefused("unauthorized_client", "an app acts for people: authorization_code")
    try:
        granted = rules.granted(form.get("scope", ""), client.scopes, {"system"})
    except rules.ScopeNotKnown as error:
        raise OAuthRefused("invalid_scope", str(error)) from None
    if not rules.resources(granted):
        raise OAuthRefused("invalid_scope", "scope: none of these is this client's to have")
    token = await _add(session, "access", by, None, granted, SYSTEMS)
    actor = Actor(kind="client", id=client.id, community_id=client.community_id)
    await audit.record(session, actor, "api_client:token", object_id=client.id, details={"scopes": list(granted)})
    return _told(token, granted, SYSTEMS)


async def _for_code(session: AsyncSession, by: Shown, form: Mapping[str, str]) -> _Answer | Refused:
    asked = await repository.lock_by_code(session, digest(form.get("code", "")))
    if asked is None or asked.client_id != by.client.id or asked.grant_id is None or asked.code_expires_at is None:
        raise OAuthRefused("invalid_grant", "code: not one of this client's")
    grant = await repository.lock_grant(session, asked.grant_id)
    now = clock.now()
    if grant is None or asked.code_used_at is not None:
        if grant is not None:
            await _end(session, grant, system_actor(by.client.community_id), now)
        return Refused(OAuthRefused("invalid_grant", "code: used before; what it was exchanged for has ended"))
    if asked.code_expires_at <= now or grant.ended_at <= now:
        raise OAuthRefused("invalid_grant", "code: expired")
    if asked.redirect_uri not in by.client.redirect_uris:
        raise OAuthRefused("invalid_grant", "redirect_uri: registered no more")
    if form.get("redirect_uri") != asked.redirect_uri:
        raise OAuthRefused("invalid_grant", "redirect_uri: not where the code was sent to")
    if not is_answered(asked.challenge, form.get("code_verifier", "")):
        raise OAuthRefused("invalid_grant", "code_verifier: not what the code_challenge was made of")
    asked.code_used_at = now
    return await _give(session, by, grant, grant.scopes, asked)


async def _for_refresh_token(session: AsyncSession, by: Shown, form: Mapping[str, str]) -> _Answer | Refused:
    token = await _locked(session, form.get("refresh_token", ""), REFRESH_PREFIX)
    if token is None or token.client_id != by.client.id or token.grant_id is None:
        raise OAuthRefused("invalid_grant", "refresh_token: not one of this client's")
    grant = await repository.lock_grant(session, token.grant_id)
    now = clock.now()
    if grant is None or grant.ended_at <= now or token.revoked_at is not None or token.expires_at <= now:
        raise OAuthRefused("invalid_grant", "refresh_token: ended")
    if token.used_at is not None:
        await _end(session, grant, system_actor(by.client.community_id), now)
        return Refused(OAuthRefused("invalid_grant", "refresh_token: used before; the app is connected no more"))
    wanted = form.get("scope", "").split() or token.scopes
    if not set(wanted) <= set(token.scopes):
        raise OAuthRefused("invalid_scope", "scope: no more than was agreed to")
    token.used_at = now
    return await _give(session, by, grant, wanted, None)


async def _give(
    session: AsyncSession, by: Shown, grant: AppGrant, scopes: Sequence[str], asked: AppAuthorization | None
) -> _Answer:
    account = await session.get(Account, grant.account_id)
    if account is None or account.state != "active":
        raise OAuthRefused("invalid_grant", "whoever agreed is here no more")
    now = clock.now()
    access = await _add(session, "access", by, grant.id, scopes, PEOPLE)
    answer = _told(access, scopes, PEOPLE)
    grant.last_used_at, grant.ended_at = now, now + PEOPLE
    lasting = _lasting(grant.scopes)
    if lasting is not None:
        answer["refresh_token"] = await _add(session, "refresh", by, grant.id, grant.scopes, lasting)
        grant.ended_at = now + lasting
    if grant.patient_id is not None:
        answer["patient"] = str(grant.patient_id)
    if asked is not None and rules.OPENID in scopes:
        claims = {"aud": str(by.client.id), "sub": str(account.id), "nonce": asked.nonce}
        if rules.FHIR_USER in scopes and grant.fhir_user is not None:
            claims["fhirUser"] = f"{addresses.fhir_url()}/{grant.fhir_user}"
        answer["id_token"] = issue_identity(addresses.issuer(), claims, SYSTEMS)
    await session.flush()
    return answer


def _lasting(scopes: Sequence[str]) -> timedelta | None:
    if rules.OFFLINE in scopes:
        return timedelta(days=settings().signin.refresh_token_days)
    return WHILE_ONLINE if rules.ONLINE in scopes else None


async def _add(
    session: AsyncSession,
    kind: str,
    by: Shown,
    grant_id: uuid.UUID | None,
    scopes: Sequence[str],
    lifetime: timedelta,
) -> str:
    prefix = ACCESS_PREFIX if kind == "access" else REFRESH_PREFIX
    credential = Credential(prefix, clock.new_id(), new_secret())
    session.add(
        AppToken(
            id=credential.id,
            kind=kind,
            client_id=by.client.id,
            grant_id=grant_id,
            key_id=by.key_id,
            scopes=list(scopes),
            digest=digest(credential.secret),
            expires_at=clock.now() + lifetime,
        )
    )
    await session.flush()
    return str(credential)


def _told(token: str, scopes: Sequence[str], lifetime: timedelta) -> _Answer:
    return {
        "access_token": token,
        "token_type": _TYPE,
        "expires_in": int(lifetime.total_seconds()),
        "scope": " ".join(scopes),
    }


async def _locked(session: AsyncSession, text: str, *prefixes: str) -> AppToken | None:
    """Return the token ``text`` spells, locked; ``None`` if it is none of ours."""
    credential = Credential.parse(text)
    if credential is None or credential.prefix not in prefixes:
        return None
    token = await repository.lock_token(session, credential.id)
    found = token is not None and (token.kind == "access") == (credential.prefix == ACCESS_PREFIX)
    if not matches(credential.secret, token.digest if token is not None else bytes(32)) or not found:
        return None
    return token


async def revoke(form: Mapping[str, str]) -> None:
    """End a token of the client's (RFC 7009), with a refresh token all that was agreed to; raises ``OAuthRefused``."""
    by = await shown(form)
    async with unit_of_work() as session:
        token = await _locked(session, form.get("token", ""), ACCESS_PREFIX, REFRESH_PREFIX)
        if token is None or token.client_id != by.client.id:
            return
        now = clock.now()
        token.revoked_at = token.revoked_at or now
        if token.kind == "refresh" and token.grant_id is not None:
            grant = await repository.lock_grant(session, token.grant_id)
            if grant is not None:
                await _end(session, grant, system_actor(by.client.community_id), now)


async def introspect(form: Mapping[str, str]) -> _Answer:
    """Return what a token of the client's is good for (RFC 7662); raises ``OAuthRefused``."""
    by = await shown(form)
    async with unit_of_work() as session:
        token = await _locked(session, form.get("token", ""), ACCESS_PREFIX, REFRESH_PREFIX)
        now = clock.now()
        if token is None or token.client_id != by.client.id:
            return {"active": False}
        grant = await repository.lock_grant(session, token.grant_id) if token.grant_id else None
        ended = token.revoked_at is not None or token.used_at is not None or token.expires_at <= now
        if ended or (grant is not None and grant.ended_at <= now):
            return {"active": False}
        answer: _Answer = {
            "active": True,
            "client_id": str(token.client_id),
            "scope": " ".join(token.scopes),
            "exp": int(token.expires_at.timestamp()),
            "iat": int(token.created_at.timestamp()),
            "sub": str(grant.account_id if grant is not None else token.client_id),
            "iss": addresses.issuer(),
        }
        if token.kind == "access":
            answer["token_type"] = _TYPE
        if grant is not None and grant.patient_id is not None:
            answer["patient"] = str(grant.patient_id)
        return answer


async def disconnect(session: AsyncSession, actor: Actor, grant_id: uuid.UUID) -> None:
    """End what the actor agreed to with an app, at once; raises ``NotFound``."""
    grant = await repository.lock_grant(session, grant_id)
    now = clock.now()
    if grant is None or grant.account_id != actor.id or grant.ended_at <= now:
        raise NotFound
    await _end(session, grant, actor, now)


async def disconnect_all(session: AsyncSession, actor: Actor, account_id: uuid.UUID) -> None:
    """End all that a person agreed to with apps."""
    now = clock.now()
    for grant in await repository.lock_grants_of(session, account_id, now):
        await _end(session, grant, actor, now)


async def _end(session: AsyncSession, grant: AppGrant, actor: Actor, now: datetime) -> None:
    if grant.ended_at > now:
        grant.ended_at = now
        await session.flush()
        await audit.record(session, actor, "connected_app:end", resident_id=grant.patient_id, object_id=grant.id)


async def purge() -> int:
    """Delete assertions, requests, tokens and grants whose time is over; return how many rows that was."""
    now = clock.now()
    async with unit_of_work() as session:
        return await repository.purge(session, now, now - ENDED_KEPT)

"""Sessions: begun at sign-in, kept alive by refresh tokens that are exchanged once, ended at once."""

import uuid
from datetime import timedelta
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor, system_actor
from app.core.database import reading, unit_of_work
from app.core.events import emit
from app.core.problems import NotFound
from app.core.settings import settings
from app.identity.credentials import digest, new_secret
from app.identity.events import SessionRevoked
from app.identity.installations.service import forget_sessions
from app.identity.models import Account
from app.identity.sessions import repository, rules, tokens
from app.identity.sessions.models import AccountSession, RefreshToken
from app.identity.sessions.problems import RefreshTokenInvalid, RefreshTokenReused
from app.identity.sessions.schemas import Tokens

Reason = Literal["signed_out", "revoked", "token_reuse", "deactivated"]
Method = Literal["local", "firebase", "oidc", "pairing"]

ENDED_KEPT = timedelta(days=90)


async def begin(session: AsyncSession, account: Account, method: Method, device_label: str | None) -> Tokens:
    """Begin a session of ``account`` and return its first pair of tokens. Who calls it has established who is there."""
    now = clock.now()
    row = AccountSession(
        account_id=account.id,
        community_id=account.community_id,
        method=method,
        device_label=device_label,
        last_seen_at=now,
        expires_at=now,
    )
    session.add(row)
    await session.flush()
    actor = Actor(kind="account", id=account.id, community_id=account.community_id, session_id=row.id)
    await audit.record(session, actor, action="session:begin", object_id=row.id, details={"method": method})
    return await _give_tokens(session, row, parent_id=None)


async def _give_tokens(session: AsyncSession, row: AccountSession, parent_id: uuid.UUID | None) -> Tokens:
    now = clock.now()
    secret = new_secret()
    expires_at = now + timedelta(days=settings().signin.refresh_token_days)
    session.add(RefreshToken(session_id=row.id, digest=digest(secret), parent_id=parent_id, expires_at=expires_at))
    row.last_seen_at = now
    row.expires_at = expires_at
    await session.flush()
    access_token, lifetime = tokens.issue(row.account_id, row.id, row.community_id)
    return Tokens(
        access_token=access_token,
        expires_in=int(lifetime.total_seconds()),
        refresh_token=secret,
        refresh_expires_at=expires_at,
        session_id=row.id,
        account_id=row.account_id,
    )


async def session_of(refresh_token: str) -> uuid.UUID | None:
    """Return the session a refresh token is or was of, live or not; ``None`` if the token is unknown."""
    async with reading() as connection:
        return await repository.session_of(connection, digest(refresh_token))


async def refresh(refresh_token: str) -> Tokens:
    """Return the next pair of tokens of a session.

    Opens its own unit of work, so that ending the session of a reused token outlives the refusal. Raises
    ``RefreshTokenReused`` after the session was ended, ``RefreshTokenInvalid`` for anything else that is not good.
    """
    async with unit_of_work() as session:
        exchanged = await _exchange(session, digest(refresh_token))
    if isinstance(exchanged, Tokens):
        return exchanged
    raise exchanged


async def _exchange(session: AsyncSession, token: bytes) -> Tokens | RefreshTokenInvalid | RefreshTokenReused:
    row = await repository.lock_live_session(session, token)
    if row is None:
        return RefreshTokenInvalid()
    token_id, presented = await repository.presented(session, token)
    match rules.judge(presented, clock.now()):
        case "exchange":
            await repository.mark_used(session, token_id, clock.now())
            return await _give_tokens(session, row, parent_id=token_id)
        case "reuse":
            await end(session, system_actor(row.community_id), row.account_id, row.id, "token_reuse")
            return RefreshTokenReused()
        case "expired":
            return RefreshTokenInvalid()


async def end(
    session: AsyncSession, actor: Actor, account_id: uuid.UUID, session_id: uuid.UUID | None, reason: Reason
) -> int:
    """End one session of an account (all, if none is named) and forget its phones; return how many were live."""
    ended = await repository.revoke(session, account_id, session_id, reason, clock.now())
    await forget_sessions(session, [row.id for row in ended])
    for row in ended:
        await audit.record(session, actor, action="session:end", object_id=row.id, details={"reason": reason})
        await emit(
            session,
            SessionRevoked(aggregate_id=row.id, community_id=row.community_id, account_id=account_id, reason=reason),
        )
    return len(ended)


async def end_own(session: AsyncSession, actor: Actor, session_id: uuid.UUID) -> None:
    """End a session of the actor's own account; raises ``NotFound`` if there is no such live session."""
    reason: Reason = "signed_out" if session_id == actor.session_id else "revoked"
    if not await end(session, actor, actor.id, session_id, reason):
        raise NotFound


async def note_second_factor(session: AsyncSession, actor: Actor) -> None:
    """Note that the actor has shown a second factor in the current session."""
    now = clock.now()
    row = await session.get_one(AccountSession, actor.session_id)
    row.second_factor_at = now
    await session.flush()
    await audit.record(session, actor, action="session:second_factor", object_id=row.id)


async def forget_second_factor(session: AsyncSession, account_id: uuid.UUID) -> None:
    """Let all sessions of an account count as having shown no second factor."""
    await repository.forget_second_factor(session, account_id, clock.now())


async def purge() -> int:
    """Delete refresh tokens and sessions whose time is over; return how many rows that was."""
    now = clock.now()
    async with unit_of_work() as session:
        return await repository.purge(session, now - rules.NOTICED, now - ENDED_KEPT, now)

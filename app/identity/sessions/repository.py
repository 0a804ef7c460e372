"""The SQL of sessions: look-ups under the session's lock, and revocation of many at once."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.core.batches import delete_past
from app.identity.models import Account
from app.identity.sessions.models import AccountSession, RefreshToken
from app.identity.sessions.rules import PresentedToken

_sessions = sa.inspect(AccountSession).local_table
_tokens = sa.inspect(RefreshToken).local_table
_accounts = sa.inspect(Account).local_table

_digest = sa.bindparam("digest", type_=sa.LargeBinary)
_SESSION_OF_TOKEN = sa.select(_tokens.c.session_id).where(_tokens.c.digest == _digest)
_LIVE_SESSION_OF_TOKEN = (
    sa.select(AccountSession)
    .join(_accounts, _accounts.c.id == _sessions.c.account_id)
    .where(
        _sessions.c.id == _SESSION_OF_TOKEN.scalar_subquery(),
        _sessions.c.revoked_at.is_(None),
        _accounts.c.state == "active",
    )
    .with_for_update(of=_sessions)
)
_successor = _tokens.alias("successor")
_sibling = _tokens.alias("sibling")
_TOKEN = sa.select(
    _tokens.c.id,
    _tokens.c.expires_at,
    _tokens.c.used_at,
    sa.exists()
    .where(_successor.c.parent_id == _tokens.c.id, _successor.c.used_at.is_not(None))
    .label("is_successor_used"),
    sa.exists()
    .where(
        _sibling.c.parent_id == _tokens.c.parent_id,
        _sibling.c.id != _tokens.c.id,
        _sibling.c.used_at.is_not(None),
    )
    .label("is_sibling_used"),
).where(_tokens.c.digest == _digest)
_LIVE = sa.select(_sessions.c.id).where(
    _sessions.c.id == sa.bindparam("session_id", type_=sa.Uuid),
    _sessions.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
    _sessions.c.revoked_at.is_(None),
    _sessions.c.expires_at > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
    sa.exists().where(_accounts.c.id == _sessions.c.account_id, _accounts.c.state == "active"),
)
_LIST = (
    sa.select(
        _sessions.c.id,
        _sessions.c.method,
        _sessions.c.device_label,
        _sessions.c.created_at,
        _sessions.c.last_seen_at,
        _sessions.c.second_factor_at.is_not(None).label("has_second_factor"),
        _sessions.c.id.is_not_distinct_from(sa.bindparam("current", type_=sa.Uuid)).label("is_current"),
    )
    .where(
        _sessions.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
        _sessions.c.revoked_at.is_(None),
        _sessions.c.expires_at > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
    )
    .order_by(_sessions.c.last_seen_at.desc(), _sessions.c.id.desc())
)


async def is_signed_in(
    executor: AsyncSession | AsyncConnection, account_id: uuid.UUID, session_id: uuid.UUID | None
) -> bool:
    """Say whether the session is one of the account's that has not ended, and the account is active.

    For what goes on after the access token with which it began: a long answer, a link that was given.
    """
    binds = {"account_id": account_id, "session_id": session_id, "now": clock.now()}
    return await executor.scalar(_LIVE, binds) is not None


async def session_of(connection: AsyncConnection, digest: bytes) -> uuid.UUID | None:
    """Return the session a token is of; ``None`` if it is unknown."""
    found: uuid.UUID | None = await connection.scalar(_SESSION_OF_TOKEN, {"digest": digest})
    return found


async def lock_live_session(session: AsyncSession, digest: bytes) -> AccountSession | None:
    """Return and lock a refresh token's session; ``None`` if it is unknown or revoked, or the account not active."""
    found: AccountSession | None = await session.scalar(_LIVE_SESSION_OF_TOKEN, {"digest": digest})
    return found


async def presented(session: AsyncSession, digest: bytes) -> tuple[uuid.UUID, PresentedToken]:
    """Return the id and the state of a known token. Its session has to be locked, or the state may change meanwhile."""
    row = (await session.execute(_TOKEN, {"digest": digest})).one()
    return row.id, PresentedToken(row.expires_at, row.used_at, row.is_successor_used, row.is_sibling_used)


async def mark_used(session: AsyncSession, token_id: uuid.UUID, now: datetime) -> None:
    """Note the first exchange of a token."""
    await session.execute(
        sa.update(RefreshToken).where(_tokens.c.id == token_id, _tokens.c.used_at.is_(None)).values(used_at=now)
    )


async def revoke(
    session: AsyncSession, account_id: uuid.UUID, session_id: uuid.UUID | None, reason: str, now: datetime
) -> Sequence[AccountSession]:
    """End one live session of an account (all, if none is named) and return those that were ended."""
    statement = (
        sa.update(AccountSession)
        .where(_sessions.c.account_id == account_id, _sessions.c.revoked_at.is_(None))
        .values(revoked_at=now, revoked_reason=reason, updated_at=now, version=_sessions.c.version + 1)
        .returning(AccountSession)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if session_id is not None:
        statement = statement.where(_sessions.c.id == session_id)
    return (await session.scalars(statement)).all()


async def forget_second_factor(session: AsyncSession, account_id: uuid.UUID, now: datetime) -> None:
    """Let no session of an account have a second factor."""
    await session.execute(
        sa.update(AccountSession)
        .where(_sessions.c.account_id == account_id, _sessions.c.second_factor_at.is_not(None))
        .values(second_factor_at=None, updated_at=now, version=_sessions.c.version + 1)
    )


async def list_of(
    connection: AsyncConnection, account_id: uuid.UUID, current: uuid.UUID | None, now: datetime
) -> Sequence[sa.RowMapping]:
    """Return the account's live sessions, the one used last first."""
    binds: dict[str, Any] = {"account_id": account_id, "current": current, "now": now}
    return (await connection.execute(_LIST, binds)).mappings().all()


async def purge(session: AsyncSession, used_before: datetime, ended_before: datetime, now: datetime) -> int:
    """Delete a batch of refresh tokens that ended or were used before an instant, and of ended sessions.

    Return how many rows that was.
    """
    past = (
        (_tokens, "expires_at", now),
        (_tokens, "used_at", used_before),
        (_sessions, "expires_at", ended_before),
        (_sessions, "revoked_at", ended_before),
    )
    return sum([await delete_past(session, table, instant, horizon) for table, instant, horizon in past], start=0)

"""The SQL of browsers that are signed in: who is behind a cookie, and noting that it was used."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.batches import delete_past
from app.core.statements import fetch_row
from app.core.tables import table_of
from app.identity.browser_sessions.models import BrowserSession
from app.identity.models import Membership
from app.identity.sessions.models import AccountSession, RefreshToken

_browsers = table_of(BrowserSession)
_sessions = table_of(AccountSession)
_tokens = table_of(RefreshToken)
_memberships = table_of(Membership)

_BEHIND: Final = """
    SELECT b.id, b.session_id, b.last_used_at, a.id AS account_id, a.language, a.time_zone, a.name,
           EXISTS (SELECT FROM identity_membership m WHERE m.account_id = a.id AND m.ended_at IS NULL) AS is_staff
    FROM identity_browser_session b
    JOIN identity_session s ON s.id = b.session_id AND s.revoked_at IS NULL AND s.expires_at > $2
    JOIN identity_account a ON a.id = s.account_id AND a.state = 'active'
    WHERE b.digest = $1 AND b.expires_at > $2
"""
_LIVES: Final = """
    SELECT b.id FROM identity_browser_session b
    JOIN identity_session s ON s.id = b.session_id AND s.revoked_at IS NULL AND s.expires_at > $2
    WHERE b.session_id = $1 AND b.expires_at > $2
"""
_USED: Final = """
    WITH used AS (
        UPDATE identity_browser_session
        SET last_used_at = $2, expires_at = $3, updated_at = $2, version = version + 1
        WHERE id = $1 AND last_used_at = $4
        RETURNING session_id
    )
    UPDATE identity_session s
    SET last_seen_at = $2, expires_at = $3, updated_at = $2, version = s.version + 1
    FROM used WHERE s.id = used.session_id AND s.revoked_at IS NULL
"""
_LIVE_OF: Final = sa.select(_sessions.c.id).where(
    _sessions.c.id == sa.any_(sa.bindparam("session_ids", type_=ARRAY(sa.Uuid))),
    _sessions.c.revoked_at.is_(None),
    _sessions.c.expires_at > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
)
_WORKED: Final = (
    sa.select(
        _memberships.c.account_id,
        sa.func.max(_memberships.c.ended_at),
        sa.func.bool_or(_memberships.c.ended_at.is_(None)),
    )
    .where(_memberships.c.account_id == sa.any_(sa.bindparam("account_ids", type_=ARRAY(sa.Uuid))))
    .group_by(_memberships.c.account_id)
)
_IS_STAFF: Final = sa.select(
    sa.exists().where(_memberships.c.account_id == sa.bindparam("account_id"), _memberships.c.ended_at.is_(None))
)


async def behind(connection: AsyncConnection, digest: bytes, now: datetime) -> Any:
    """Return who is behind a cookie that is good now, or ``None``."""
    return await fetch_row(connection, _BEHIND, digest, now)


async def is_signed_in(connection: AsyncConnection, session_id: uuid.UUID, now: datetime) -> bool:
    """Say whether a browser is signed in by a session now."""
    return await fetch_row(connection, _LIVES, session_id, now) is not None


async def note_use(
    connection: AsyncConnection, browser_id: uuid.UUID, seen: datetime, now: datetime, expires_at: datetime
) -> None:
    """Move what ends a browser's session, unless somebody has done so since ``seen``."""
    await fetch_row(connection, _USED, browser_id, now, expires_at, seen)


async def is_staff(session: AsyncSession, account_id: uuid.UUID) -> bool:
    """Say whether somebody works for an organization."""
    return bool(await session.scalar(_IS_STAFF, {"account_id": account_id}))


async def live_of(
    connection: AsyncConnection, session_ids: Collection[uuid.UUID], now: datetime
) -> frozenset[uuid.UUID]:
    """Return which of these sessions have not ended."""
    return frozenset(await connection.scalars(_LIVE_OF, {"session_ids": list(session_ids), "now": now}))


async def worked_until(
    connection: AsyncConnection, account_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, datetime | None]:
    """Return which of these people work for an organization (``None``), and until when those did who do no more."""
    rows = await connection.execute(_WORKED, {"account_ids": list(account_ids)})
    return {account_id: None if works else ended_at for account_id, ended_at, works in rows}


async def lock(session: AsyncSession, session_id: uuid.UUID) -> AccountSession | None:
    """Return a session that has not ended, locked until the end of the transaction."""
    statement = (
        sa.select(AccountSession)
        .where(_sessions.c.id == session_id, _sessions.c.revoked_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found: AccountSession | None = await session.scalar(statement)
    return found


async def forget(session: AsyncSession, session_id: uuid.UUID) -> None:
    """Delete the cookie of a session, and the refresh tokens that would keep it alive beside."""
    await session.execute(sa.delete(BrowserSession).where(_browsers.c.session_id == session_id))
    await session.execute(sa.delete(RefreshToken).where(_tokens.c.session_id == session_id))


async def session_of(session: AsyncSession, digest: bytes) -> AccountSession | None:
    """Return the session a cookie stands or stood for."""
    statement = (
        sa.select(AccountSession)
        .join(BrowserSession, _browsers.c.session_id == _sessions.c.id)
        .where(_browsers.c.digest == digest)
    )
    found: Sequence[AccountSession] = (await session.scalars(statement)).all()
    return found[0] if found else None


async def purge(session: AsyncSession, now: datetime) -> int:
    """Delete a batch of cookies whose time is over; return how many went."""
    return await delete_past(session, _browsers, "expires_at", now)

"""The SQL of signing in: who is reached at a number, who a login elsewhere belongs to."""

import uuid
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.tables import table_of
from app.identity.models import Account, ContactPoint
from app.identity.sign_in.models import ExternalLogin, SignInChallenge

_accounts = table_of(Account)
_points = table_of(ContactPoint)
_logins = table_of(ExternalLogin)
_challenges = table_of(SignInChallenge)


async def lock_challenge(session: AsyncSession, challenge_id: uuid.UUID) -> SignInChallenge | None:
    """Return a challenge, locked until the end of the transaction, or ``None``."""
    return await session.get(SignInChallenge, challenge_id, with_for_update=True)


async def reached_at(session: AsyncSession, community_id: uuid.UUID, value_index: bytes) -> Sequence[Account]:
    """Return the community's active accounts with a contact point of that blind index, the oldest first."""
    at_value = sa.select(_points.c.account_id).where(_points.c.value_index == value_index)
    return await _active(session, community_id, at_value)


async def linked(session: AsyncSession, community_id: uuid.UUID, issuer: str, subject: str) -> Sequence[Account]:
    """Return the community's active accounts a login at another issuer belongs to."""
    of_login = sa.select(_logins.c.account_id).where(_logins.c.issuer == issuer, _logins.c.subject == subject)
    return await _active(session, community_id, of_login)


async def _active(
    session: AsyncSession, community_id: uuid.UUID, account_ids: sa.Select[tuple[uuid.UUID]]
) -> Sequence[Account]:
    statement = (
        sa.select(Account)
        .where(_accounts.c.community_id == community_id, _accounts.c.state == "active", _accounts.c.id.in_(account_ids))
        .order_by(_accounts.c.id)
    )
    return (await session.scalars(statement)).all()


async def link(session: AsyncSession, account_id: uuid.UUID, issuer: str, subject: str) -> None:
    """Remember that a login at another issuer belongs to an account."""
    now = clock.now()
    statement = insert(ExternalLogin).values(
        id=clock.new_id(),
        created_at=now,
        updated_at=now,
        version=1,
        account_id=account_id,
        issuer=issuer,
        subject=subject,
        last_used_at=now,
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["issuer", "subject", "account_id"],
            set_={"last_used_at": now, "updated_at": now, "version": _logins.c.version + 1},
        )
    )


async def mark_verified(session: AsyncSession, account_id: uuid.UUID, value_index: bytes) -> None:
    """Note that the person answers at a number or address: a code sent there came back."""
    now = clock.now()
    await session.execute(
        sa.update(ContactPoint)
        .where(
            _points.c.account_id == account_id, _points.c.value_index == value_index, _points.c.verified_at.is_(None)
        )
        .values(verified_at=now, updated_at=now, version=_points.c.version + 1)
    )


async def purge(session: AsyncSession, expired_before: datetime) -> int:
    """Delete challenges that expired before an instant; return how many there were."""
    result = await session.execute(sa.delete(SignInChallenge).where(_challenges.c.expires_at < expired_before))
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result is a CursorResult


async def forget_logins(session: AsyncSession, account_ids: Sequence[uuid.UUID]) -> None:
    """Delete what links accounts to logins at other issuers."""
    await session.execute(sa.delete(ExternalLogin).where(_logins.c.account_id.in_(account_ids)))

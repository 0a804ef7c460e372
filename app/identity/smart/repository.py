"""The SQL that writes tokens, what they were given for, and which assertions were used."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.batches import delete_past
from app.core.tables import table_of
from app.identity.clients.models import ApiClient
from app.identity.smart.models import AppAuthorization, AppGrant, AppToken, ClientAssertion

_clients = table_of(ApiClient)
_assertions = table_of(ClientAssertion)
_authorizations = table_of(AppAuthorization)
_grants = table_of(AppGrant)
_tokens = table_of(AppToken)

_USE: Final = insert(_assertions).on_conflict_do_nothing().returning(_assertions.c.client_id)


async def use_assertion(session: AsyncSession, client_id: uuid.UUID, digest: bytes, expires_at: datetime) -> bool:
    """Note that an assertion is used; say whether it is the first time, which of two at once only one is."""
    values = {"client_id": client_id, "digest": digest, "expires_at": expires_at}
    return (await session.execute(_USE, values)).first() is not None


async def hold_client(session: AsyncSession, client_id: uuid.UUID, keys_set_at: datetime | None) -> bool:
    """Say whether a client is as it was seen, and keep it so until the transaction ends."""
    statement = (
        sa.select(_clients.c.id)
        .where(
            _clients.c.id == client_id,
            _clients.c.revoked_at.is_(None),
            _clients.c.keys_set_at.is_not_distinct_from(keys_set_at),
        )
        .with_for_update(read=True)
    )
    return await session.scalar(statement) is not None


async def end_tokens_of_keys(session: AsyncSession, client_id: uuid.UUID, kept: list[str], now: datetime) -> None:
    """End all tokens of a client but those whose key is one of ``kept``."""
    await session.execute(
        sa.update(_tokens)
        .where(
            _tokens.c.client_id == client_id,
            _tokens.c.revoked_at.is_(None),
            _tokens.c.expires_at > now,
            _tokens.c.key_id.is_not(None),
            _tokens.c.key_id.not_in(kept),
        )
        .values(revoked_at=now, updated_at=now, version=_tokens.c.version + 1)
    )


async def lock_token(session: AsyncSession, token_id: uuid.UUID) -> AppToken | None:
    """Return a token, locked until the end of the transaction."""
    return await session.get(AppToken, token_id, with_for_update=True)


async def lock_authorization(session: AsyncSession, authorization_id: uuid.UUID) -> AppAuthorization | None:
    """Return an authorization, locked until the end of the transaction."""
    return await session.get(AppAuthorization, authorization_id, with_for_update=True)


async def lock_by_code(session: AsyncSession, digest: bytes) -> AppAuthorization | None:
    """Return the authorization a code was given for, locked until the end of the transaction."""
    found: AppAuthorization | None = await session.scalar(
        sa.select(AppAuthorization).where(_authorizations.c.code == digest).with_for_update()
    )
    return found


async def lock_grant(session: AsyncSession, grant_id: uuid.UUID) -> AppGrant | None:
    """Return what somebody agreed to, locked until the end of the transaction."""
    return await session.get(AppGrant, grant_id, with_for_update=True)


async def lock_grants_of(session: AsyncSession, account_id: uuid.UUID, now: datetime) -> Sequence[AppGrant]:
    """Return what a person agreed to that has not ended, locked until the end of the transaction."""
    statement = sa.select(AppGrant).where(_grants.c.account_id == account_id, _grants.c.ended_at > now)
    return (await session.scalars(statement.order_by(_grants.c.id).with_for_update())).all()


async def purge(session: AsyncSession, now: datetime, before: datetime) -> int:
    """Delete a batch of what is past of each kind; return how many rows went. Tokens of people go with their grants."""
    gone = await delete_past(session, _assertions, "expires_at", now)
    gone += await delete_past(session, _tokens, "expires_at", now)
    gone += await delete_past(session, _authorizations, "expires_at", before)
    return gone + await delete_past(session, _grants, "ended_at", before)

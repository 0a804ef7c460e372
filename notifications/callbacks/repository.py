"""The SQL of what is reported: deliveries that change after they left, and requests that count once."""

import uuid
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from notifications.callbacks.models import HANDLED, KEEP
from notifications.delivery.models import DELIVERIES

_ID = DELIVERIES.c.id == sa.bindparam("delivery_id", type_=sa.Uuid)
_SID = sa.bindparam("sid", type_=sa.Text)
_NOW = sa.bindparam("at", type_=sa.DateTime(timezone=True))
_TOLD = (
    DELIVERIES.c.id,
    DELIVERIES.c.notice_id,
    DELIVERIES.c.community_id,
    DELIVERIES.c.account_id,
    DELIVERIES.c.notice_key,
    DELIVERIES.c.channel,
    DELIVERIES.c.fallbacks,
    DELIVERIES.c.lane,
    DELIVERIES.c.origin_kind,
    DELIVERIES.c.origin_id,
)
_state = DELIVERIES.c.state
_CONFIRM = (
    sa.update(DELIVERIES)
    .where(_ID, _state.in_(["sending", "queued", "parked"]))
    .values(state="sent", send_at=None, provider_message_id=_SID, error=None, settled_at=_NOW)
    .returning(*_TOLD)
)
_FAIL = (
    sa.update(DELIVERIES)
    .where(
        _ID,
        DELIVERIES.c.opened_at.is_(None),
        # Of several tries only the last one's failure is the delivery's; while it is being sent none is known yet.
        sa.or_(
            _state == sa.literal("sending"),
            sa.and_(_state == sa.literal("sent"), sa.func.coalesce(DELIVERIES.c.provider_message_id, _SID) == _SID),
        ),
    )
    .values(state="failed", send_at=None, error=sa.bindparam("reason", type_=sa.Text), settled_at=_NOW)
    .returning(*_TOLD)
)
_CALL: sa.Select[*tuple[Any, ...]] = sa.select(
    DELIVERIES.c.account_id,
    DELIVERIES.c.community_id,
    DELIVERIES.c.about,
    DELIVERIES.c.notice_key,
    DELIVERIES.c.variables,
    DELIVERIES.c.data,
).where(_ID, DELIVERIES.c.channel == sa.literal("voice"))
_KEY = HANDLED.c.key == sa.bindparam("handled", type_=sa.Text)


async def confirm(session: AsyncSession, delivery_id: uuid.UUID, sid: str) -> sa.Row[Any] | None:
    """Settle a delivery of which only now is known that the provider took it; return what is told of it."""
    binds = {"delivery_id": delivery_id, "sid": sid, "at": clock.now()}
    return (await session.execute(_CONFIRM, binds)).one_or_none()


async def fail(session: AsyncSession, delivery_id: uuid.UUID, sid: str, reason: str) -> sa.Row[Any] | None:
    """Note that a delivery came to nothing after all, unless a person reacted to it; return what is told of it."""
    binds = {"delivery_id": delivery_id, "sid": sid, "reason": reason, "at": clock.now()}
    return (await session.execute(_FAIL, binds)).one_or_none()


async def find_call(connection: AsyncConnection, delivery_id: uuid.UUID) -> sa.Row[Any] | None:
    """Return what a call is about, ``None`` if there is no such call."""
    return (await connection.execute(_CALL, {"delivery_id": delivery_id})).one_or_none()


async def first_outcome(session: AsyncSession, key: str) -> str | None:
    """Return what came of a request that was dealt with before; ``None`` for a new one, which is now ours alone.

    Waits for whoever deals with the same request at this moment.
    """
    row = {"key": key, "outcome": "", "expires_at": clock.now() + KEEP}
    statement = insert(HANDLED).values(row).on_conflict_do_nothing().returning(HANDLED.c.key)
    if await session.scalar(statement) is not None:
        return None
    return cast(str, await session.scalar(sa.select(HANDLED.c.outcome).where(_KEY), {"handled": key}))


async def remember_outcome(session: AsyncSession, key: str, outcome: str) -> None:
    """Keep what came of a request that ``first_outcome`` handed to us."""
    await session.execute(sa.update(HANDLED).where(_KEY).values(outcome=outcome), {"handled": key})

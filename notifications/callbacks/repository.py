"""The SQL of what is reported: deliveries that change after they left, and requests that count once."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from notifications.callbacks.models import HANDLED, KEEP
from notifications.delivery.models import DEDUPE, DELIVERIES
from notifications.sending.repository import Told, columns_of

_ID = DELIVERIES.c.id == sa.bindparam("delivery_id", type_=sa.Uuid)
_SID = sa.bindparam("sid", type_=sa.Text)
_NOW = sa.bindparam("at", type_=sa.DateTime(timezone=True))


@dataclass(frozen=True, slots=True)
class Reported(Told):
    """A delivery of which something was reported."""

    lane: int
    delivered_at: datetime | None


_REPORTED = columns_of(Reported)
_state = DELIVERIES.c.state
_CONFIRM = (
    sa.update(DELIVERIES)
    .where(_ID, _state.in_(["sending", "queued", "parked"]))
    .values(state="sent", send_at=None, provider_message_id=_SID, error=None, settled_at=_NOW)
    .returning(*_REPORTED)
)
_FAIL = (
    sa.update(DELIVERIES)
    .where(
        _ID,
        DELIVERIES.c.delivered_at.is_(None),
        # Of several tries only the last one's failure is the delivery's; while it is being sent none is known yet.
        sa.or_(
            _state == sa.literal("sending"),
            sa.and_(_state == sa.literal("sent"), sa.func.coalesce(DELIVERIES.c.provider_message_id, _SID) == _SID),
        ),
    )
    .values(state="failed", send_at=None, receipt_by=None, error=sa.bindparam("reason", type_=sa.Text), settled_at=_NOW)
    .returning(*_REPORTED)
)
_AWAIT = sa.update(DELIVERIES).where(_ID).values(receipt_by=sa.bindparam("until", type_=sa.DateTime(timezone=True)))
_CALL: sa.Select[*tuple[Any, ...]] = sa.select(
    DELIVERIES.c.account_id,
    DELIVERIES.c.community_id,
    DELIVERIES.c.about,
    DELIVERIES.c.notice_key,
    DELIVERIES.c.variables,
    DELIVERIES.c.data,
).where(_ID, DELIVERIES.c.channel == sa.literal("voice"))
_IN_TOUCH = (
    sa.select(DELIVERIES.c.community_id)
    .distinct()
    .join(DEDUPE, DEDUPE.c.notice_id == DELIVERIES.c.notice_id)
    .where(
        DEDUPE.c.account_id == sa.any_(sa.bindparam("account_ids", type_=ARRAY(sa.Uuid))),
        DELIVERIES.c.account_id == DEDUPE.c.account_id,
        DELIVERIES.c.id >= sa.bindparam("first_id", type_=sa.Uuid),
        DELIVERIES.c.channel.in_(["sms", "voice"]),
        sa.or_(_state.in_(["sending", "sent", "unconfirmed"]), DELIVERIES.c.provider_message_id.is_not(None)),
    )
)
_KEY = HANDLED.c.key == sa.bindparam("handled", type_=sa.Text)


async def confirm(session: AsyncSession, delivery_id: uuid.UUID, sid: str) -> Reported | None:
    """Settle a delivery of which only now is known that the provider took it; return it."""
    binds = {"delivery_id": delivery_id, "sid": sid, "at": clock.now()}
    row = (await session.execute(_CONFIRM, binds)).one_or_none()
    return Reported(*row) if row else None


async def await_receipt(session: AsyncSession, delivery_id: uuid.UUID, until: datetime) -> None:
    """Let a delivery that is settled as sent have its receipt until an instant."""
    await session.execute(_AWAIT, {"delivery_id": delivery_id, "until": until})


async def fail(session: AsyncSession, delivery_id: uuid.UUID, sid: str, reason: str) -> Reported | None:
    """Note that a delivery came to nothing after all, unless it arrived; return it.

    One that is ``unconfirmed`` stays so: its next channel is in use.
    """
    binds = {"delivery_id": delivery_id, "sid": sid, "reason": reason, "at": clock.now()}
    row = (await session.execute(_FAIL, binds)).one_or_none()
    return Reported(*row) if row else None


async def find_call(connection: AsyncConnection, delivery_id: uuid.UUID) -> sa.Row[Any] | None:
    """Return what a call is about, ``None`` if there is no such call."""
    return (await connection.execute(_CALL, {"delivery_id": delivery_id})).one_or_none()


async def communities_in_touch(
    connection: AsyncConnection, account_ids: Sequence[uuid.UUID], since: datetime
) -> set[uuid.UUID]:
    """Return the communities that texted or called one of the accounts since an instant."""
    binds = {"account_ids": list(account_ids), "first_id": clock.id_floor(since)}
    return set(await connection.scalars(_IN_TOUCH, binds))


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

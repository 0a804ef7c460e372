"""The SQL of the worker: claims by lane, outcomes stored by whoever still holds the lease, fallbacks, facts."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, set_ids
from app.core.events import emit_many
from app.core.queues import Due
from app.core.settings import settings
from notifications.delivery.models import DELIVERIES, MOST_CHANNELS, Delivery
from notifications.delivery.repository import is_in
from notifications.delivery.rules import LANES, Lane
from notifications.events import DeliverySettled
from notifications.sending.rules import Settlement
from notifications.templates.variables import Stored

_INSTANT = sa.DateTime(timezone=True)

QUEUES: Mapping[Lane, Due] = {
    lane: Due(
        name=f"notifications.{lane}",
        table=Delivery,
        column="send_at",
        where=is_in(lane),
    )
    for lane in LANES
}
"""The lanes as queues: their lag and depth are measured like every other deadline's."""


@dataclass(frozen=True, slots=True)
class Told:
    """What has to be known of a delivery to tell what became of it."""

    id: uuid.UUID
    notice_id: uuid.UUID
    community_id: uuid.UUID
    account_id: uuid.UUID
    notice_key: str
    channel: str
    lane: int
    fallbacks: list[str]
    origin_kind: str | None
    origin_id: uuid.UUID | None
    data: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Claimed(Told):
    """A delivery under lease, with what rendering and sending need; ``was_sending`` if an earlier lease ran out.

    ``error`` is that of the last attempt; ``digest_id`` what it waited for, if it was held.
    """

    contact_point_id: uuid.UUID | None
    category: str
    urgency: str
    expires_at: datetime
    attempts: int
    fence: int
    collapse_key: str
    variables: Mapping[str, Stored]
    error: str | None
    digest_id: uuid.UUID | None
    delivered_at: datetime | None
    was_sending: bool


def columns_of(told: type[Told]) -> list[sa.Column[Any]]:
    """Return the columns that a kind of ``Told`` is made of, in its order."""
    return [DELIVERIES.c[field.name] for field in fields(told) if field.name in DELIVERIES.c]


def _claim(lane: Lane) -> sa.UpdateBase:
    found = (
        sa.select(DELIVERIES.c.id, DELIVERIES.c.state)
        .where(
            is_in(lane),
            DELIVERIES.c.send_at <= sa.bindparam("due_by", type_=_INSTANT),
        )
        .order_by(DELIVERIES.c.send_at)
        .limit(sa.bindparam("size", type_=sa.Integer))
        .with_for_update(skip_locked=True, key_share=True)
        .cte("found")
    )
    return (
        sa.update(DELIVERIES)
        .where(DELIVERIES.c.id == found.c.id)
        .values(
            state="sending",
            send_at=sa.bindparam("lease_until", type_=_INSTANT),
            fence=DELIVERIES.c.fence + 1,
            attempts=DELIVERIES.c.attempts + 1,
        )
        .returning(*columns_of(Claimed), found.c.state == sa.literal("sending"))
    )


_CLAIMS = {lane: _claim(lane) for lane in LANES}


def _lease() -> timedelta:
    return timedelta(seconds=settings().worker.lease_seconds)


async def claim(session: AsyncSession, lane: Lane, size: int) -> list[Claimed]:
    """Lease up to ``size`` due deliveries of a lane, the longest due first; commit before anything is sent."""
    now = clock.now()
    rows = await session.execute(_CLAIMS[lane], {"due_by": now, "lease_until": now + _lease(), "size": size})
    return [Claimed(*row) for row in rows]


def _given(**columns: sa.types.TypeEngine[Any]) -> sa.TableValuedAlias:
    """Return a table of the arrays that are bound to the names of ``columns``."""
    arrays = [sa.bindparam(name, type_=ARRAY(type_)) for name, type_ in columns.items()]
    return sa.func.unnest(*arrays).table_valued(*columns).render_derived("given")


_airborne = _given(airborne_ids=sa.Uuid(), airborne_fences=sa.Integer())
_RENEW = (
    sa.update(DELIVERIES)
    .where(
        DELIVERIES.c.id == _airborne.c.airborne_ids,
        DELIVERIES.c.fence == _airborne.c.airborne_fences,
        DELIVERIES.c.state == sa.literal("sending"),
    )
    .values(send_at=sa.bindparam("lease_until", type_=_INSTANT))
    .returning(DELIVERIES.c.id)
)


async def renew(session: AsyncSession, airborne: Sequence[Claimed]) -> set[uuid.UUID]:
    """Let the leases begin anew; return the deliveries that are still ours."""
    ordered = sorted(airborne, key=lambda delivery: delivery.id)
    binds = {
        "airborne_ids": [delivery.id for delivery in ordered],
        "airborne_fences": [delivery.fence for delivery in ordered],
        "lease_until": clock.now() + _lease(),
    }
    return set((await session.scalars(_RENEW, binds)).all())


_results = _given(
    result_ids=sa.Uuid(),
    fences=sa.Integer(),
    states=sa.Text(),
    send_ats=_INSTANT,
    errors=sa.Text(),
    message_ids=sa.Text(),
    uncounted=sa.Integer(),
    digest_ids=sa.Uuid(),
    receipt_bys=_INSTANT,
)
# A phone may say that it has a message before whoever sent it knows: then it was sent, whatever they were told.
_is_delivered = DELIVERIES.c.delivered_at.is_not(None)
_SETTLE = (
    sa.update(DELIVERIES)
    .where(
        DELIVERIES.c.id == _results.c.result_ids,
        DELIVERIES.c.fence == _results.c.fences,
        DELIVERIES.c.state == sa.literal("sending"),
    )
    .values(
        state=sa.case((_is_delivered, sa.literal_column("'sent'")), else_=_results.c.states),
        send_at=sa.case((~_is_delivered, _results.c.send_ats)),
        receipt_by=sa.case((~_is_delivered, _results.c.receipt_bys)),
        error=sa.case((~_is_delivered, _results.c.errors)),
        provider_message_id=_results.c.message_ids,
        attempts=DELIVERIES.c.attempts - _results.c.uncounted,
        digest_id=sa.func.coalesce(_results.c.digest_ids, DELIVERIES.c.digest_id),
        settled_at=sa.case(
            (
                sa.or_(
                    _is_delivered,
                    sa.and_(_results.c.send_ats.is_(None), _results.c.states != sa.literal("held")),
                ),
                sa.bindparam("settled_at", type_=_INSTANT),
            )
        ),
    )
    .returning(DELIVERIES.c.id, _is_delivered)
)


async def store(
    session: AsyncSession, settled: Sequence[tuple[Claimed, Settlement]], digests: Mapping[uuid.UUID, uuid.UUID]
) -> dict[uuid.UUID, bool]:
    """Store outcomes, and the ``digests`` of deliveries that are held.

    Return the deliveries whose lease was still ours, with whether a receipt of them is there: of the others somebody
    else tells.
    """
    ordered = sorted(settled, key=lambda pair: pair[0].id)
    binds = {
        "result_ids": [delivery.id for delivery, _ in ordered],
        "fences": [delivery.fence for delivery, _ in ordered],
        "states": [settlement.state for _, settlement in ordered],
        "send_ats": [settlement.send_at for _, settlement in ordered],
        "errors": [settlement.error for _, settlement in ordered],
        "message_ids": [settlement.provider_message_id for _, settlement in ordered],
        "uncounted": [0 if settlement.counts else 1 for _, settlement in ordered],
        "digest_ids": [digests.get(delivery.id) for delivery, _ in ordered],
        "receipt_bys": [settlement.receipt_by for _, settlement in ordered],
        "settled_at": clock.now(),
    }
    return {row[0]: row[1] for row in await session.execute(_SETTLE, binds)}


_failed = _given(failed_ids=sa.Uuid())
_ALL_BUT_FIRST = DELIVERIES.c.fallbacks[2:MOST_CHANNELS]
_FALLEN_BACK = {
    "id": set_ids.minted_id(),
    "channel": DELIVERIES.c.fallbacks[1],
    "fallbacks": _ALL_BUT_FIRST,
    "fallback_of": DELIVERIES.c.id,
    "state": sa.literal_column("'queued'"),
    "send_at": sa.bindparam("now", type_=_INSTANT),
    "attempts": sa.literal_column("0"),
    "fence": sa.literal_column("0"),
}
_NOT_INHERITED = frozenset({"provider_message_id", "error", "settled_at", "receipt_by", "delivered_at", "opened_at"})
_siblings = DELIVERIES.alias("siblings")
# A delivery is replaced once: it may fail after its receipt was overdue, or be replayed after it failed.
_needs_no_other = sa.exists().where(
    _siblings.c.notice_id == DELIVERIES.c.notice_id,
    sa.or_(_siblings.c.delivered_at.is_not(None), _siblings.c.fallback_of == DELIVERIES.c.id),
)
_FALL_BACK = sa.insert(DELIVERIES).from_select(
    [column.name for column in DELIVERIES.c if column.name not in _NOT_INHERITED],
    sa.select(
        *(_FALLEN_BACK.get(column.name, column) for column in DELIVERIES.c if column.name not in _NOT_INHERITED)
    ).where(DELIVERIES.c.id == _failed.c.failed_ids, ~_needs_no_other),
)


async def fall_back(session: AsyncSession, delivery_ids: Sequence[uuid.UUID]) -> None:
    """Queue a new delivery for each of these, over the first of its fallbacks.

    Not if the notice arrived meanwhile, and not a second time.
    """
    binds = {"failed_ids": list(delivery_ids), "now": clock.now(), "minted_at": set_ids.minted_at()}
    await session.execute(_FALL_BACK, binds)


_told = _given(origin_ids=sa.Uuid(), community_ids=sa.Uuid(), payloads=sa.Text())
_FACTS = sa.select(
    _told.c.origin_ids.label("aggregate_id"),
    _told.c.community_ids.label("community_id"),
    sa.cast(_told.c.payloads, JSONB).label("payload"),
)


async def tell(session: AsyncSession, facts: Sequence[DeliverySettled], *, critical: bool) -> None:
    """Emit what became of deliveries, all of them in one statement; ``critical`` as the deliveries were."""
    envelope = {"id", "occurred_at", "aggregate_id", "community_id"}
    binds = {
        "origin_ids": [fact.aggregate_id for fact in facts],
        "community_ids": [fact.community_id for fact in facts],
        "payloads": [fact.model_dump_json(exclude=envelope) for fact in facts],
    }
    await emit_many(session, DeliverySettled, _FACTS, binds, critical=critical)

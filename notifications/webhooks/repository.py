"""The SQL that writes webhooks: events fanned out to endpoints, claims by lease, outcomes, replays."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.queues import Due
from app.core.settings import settings
from notifications.webhooks.models import (
    ATTEMPTS,
    DELIVERIES,
    ENDPOINTS,
    DisabledReason,
    WebhookDelivery,
    WebhookEndpoint,
)
from notifications.webhooks.rules import ENDPOINT_DISABLED, Result, Settlement

_INSTANT = sa.DateTime(timezone=True)
_now = sa.bindparam("now", type_=_INSTANT)

_flying = DELIVERIES.alias("flying")
QUEUE = Due(
    name="notifications.webhooks",
    table=WebhookDelivery,
    column="send_at",
    # An endpoint that is being called keeps its others waiting; that is its lag, not the workers'.
    where=~sa.exists(
        sa.select(_flying.c.id).where(
            _flying.c.endpoint_id == DELIVERIES.c.endpoint_id,
            _flying.c.state == sa.literal_column("'sending'"),
            _flying.c.send_at > sa.bindparam("claim_now", type_=_INSTANT),
        )
    ),
)
"""What is due to endpoints that nobody is calling: measured like every other deadline's queue."""

_INTERESTED = sa.select(ENDPOINTS.c.id, ENDPOINTS.c.organization_id, ENDPOINTS.c.state).where(
    ENDPOINTS.c.community_id == sa.any_(sa.bindparam("community_ids", type_=ARRAY(sa.Uuid))),
    sa.bindparam("event_type", type_=sa.Text) == sa.any_(ENDPOINTS.c.event_types),
)


@dataclass(frozen=True, slots=True)
class Interested:
    """An endpoint that wants to be told of an event, enabled or not."""

    id: uuid.UUID
    organization_id: uuid.UUID
    state: str


async def interested(session: AsyncSession, community_ids: Sequence[uuid.UUID], event_type: str) -> list[Interested]:
    """Return the endpoints in these communities that want events of a type."""
    rows = await session.execute(_INTERESTED, {"community_ids": list(community_ids), "event_type": event_type})
    return [Interested(*row) for row in rows]


async def insert_deliveries(session: AsyncSession, rows: Sequence[Mapping[str, object]]) -> None:
    """Write deliveries."""
    await session.execute(sa.insert(DELIVERIES), rows)


_pairs = (
    sa.func.unnest(
        sa.bindparam("pair_endpoints", type_=ARRAY(sa.Uuid)), sa.bindparam("pair_objects", type_=ARRAY(sa.Uuid))
    )
    .table_valued("endpoint_id", "object_id")
    .render_derived("pair")
)
_QUEUED = sa.select(DELIVERIES.c.endpoint_id, DELIVERIES.c.object_id).join(
    _pairs,
    sa.and_(
        DELIVERIES.c.endpoint_id == _pairs.c.endpoint_id,
        DELIVERIES.c.object_id == _pairs.c.object_id,
        DELIVERIES.c.state == sa.literal_column("'queued'"),
        DELIVERIES.c.send_at.is_not(None),
    ),
)


async def queued(
    session: AsyncSession, pairs: Sequence[tuple[uuid.UUID, uuid.UUID]]
) -> set[tuple[uuid.UUID, uuid.UUID]]:
    """Return those of the pairs of an endpoint and an object of which a call is still to be made."""
    binds = {"pair_endpoints": [one for one, _ in pairs], "pair_objects": [other for _, other in pairs]}
    return {(row.endpoint_id, row.object_id) for row in await session.execute(_QUEUED, binds)}


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery under lease, with what calling its endpoint needs; address and secrets are sealed."""

    id: uuid.UUID
    endpoint_id: uuid.UUID
    event_id: uuid.UUID
    event_type: str
    resident_id: uuid.UUID | None
    data: Mapping[str, Any]
    occurred_at: datetime
    queued_at: datetime
    attempts: int
    fence: int
    composer: str | None
    url: str
    secret: str
    previous_secret: str | None


_ENDPOINTS_DUE = sa.text("""
    SELECT e.id FROM notifications_webhook_endpoint e
    WHERE e.state = 'enabled'
      AND EXISTS (SELECT FROM notifications_webhook_delivery d WHERE d.endpoint_id = e.id AND d.send_at <= :now)
    FOR NO KEY UPDATE SKIP LOCKED""")
# Of what is told of one thing in order, the next waits until the one before it is settled.
# An endpoint that failed last is called one at a time: a thousand dead addresses must not take all the room.
_CLAIM = sa.text("""
    WITH found AS (
        SELECT mine.id, e.composer, e.url, e.secret,
               CASE WHEN e.previous_until > :now THEN e.previous_secret END AS previous_secret
        FROM notifications_webhook_endpoint e
        CROSS JOIN LATERAL (
            SELECT d.id FROM notifications_webhook_delivery d
            WHERE d.endpoint_id = e.id AND d.send_at <= :now
              AND (d.object_id IS NULL OR NOT EXISTS (
                SELECT FROM notifications_webhook_delivery b
                WHERE b.endpoint_id = e.id AND b.object_id = d.object_id AND b.send_at IS NOT NULL AND b.id < d.id))
            ORDER BY d.send_at
            LIMIT greatest(0, CASE WHEN e.failures > 0 THEN 1 ELSE :concurrency END - (
                SELECT count(*) FROM notifications_webhook_delivery f
                WHERE f.endpoint_id = e.id AND f.state = 'sending' AND f.send_at > :now))
            FOR NO KEY UPDATE SKIP LOCKED
        ) mine
        WHERE e.id = ANY (:endpoint_ids)
        LIMIT :size
    )
    UPDATE notifications_webhook_delivery d
    SET state = 'sending', send_at = :lease_until, fence = d.fence + 1, attempts = d.attempts + 1
    FROM found WHERE d.id = found.id
    RETURNING d.id, d.endpoint_id, d.event_id, d.event_type, d.resident_id, d.data, d.occurred_at, d.queued_at,
              d.attempts, d.fence, found.composer, found.url, found.secret, found.previous_secret""").bindparams(
    sa.bindparam("now", type_=_INSTANT),
    sa.bindparam("lease_until", type_=_INSTANT),
    sa.bindparam("concurrency", type_=sa.BigInteger),
    sa.bindparam("size", type_=sa.BigInteger),
    sa.bindparam("endpoint_ids", type_=ARRAY(sa.Uuid)),
)
_CLAIMED = _CLAIM.columns(
    *(DELIVERIES.c[name] for name in Claimed.__slots__ if name in DELIVERIES.c),
    ENDPOINTS.c.composer,
    ENDPOINTS.c.url,
    ENDPOINTS.c.secret,
    ENDPOINTS.c.previous_secret,
)


async def claim(session: AsyncSession, size: int) -> list[Claimed]:
    """Lease up to ``size`` due deliveries, of each endpoint no more than may be in the air at once, over all workers.

    Commit before anything is called.
    """
    now = clock.now()
    # In two statements: the second sees what whoever held an endpoint before us has put into the air.
    endpoints = list(await session.scalars(_ENDPOINTS_DUE, {"now": now}))
    if not endpoints:
        return []
    binds = {
        "now": now,
        "lease_until": now + timedelta(seconds=settings().worker.lease_seconds),
        "concurrency": settings().webhooks.concurrency,
        "endpoint_ids": endpoints,
        "size": size,
    }
    return [Claimed(*row) for row in await session.execute(_CLAIMED, binds)]


@dataclass(frozen=True, slots=True)
class Standing:
    """How an endpoint stands while it is locked."""

    id: uuid.UUID
    community_id: uuid.UUID
    organization_id: uuid.UUID
    url: str
    state: str
    delivered_at: datetime | None


_LOCK = (
    sa.select(*(ENDPOINTS.c[name] for name in Standing.__slots__))
    .where(ENDPOINTS.c.id == sa.any_(sa.bindparam("endpoint_ids", type_=ARRAY(sa.Uuid))))
    .order_by(ENDPOINTS.c.id)
    .with_for_update(key_share=True)
)


async def lock_endpoints(session: AsyncSession, endpoint_ids: set[uuid.UUID]) -> dict[uuid.UUID, Standing]:
    """Lock endpoints, which comes before locking their deliveries, and return how they stand; removed ones are out."""
    rows = await session.execute(_LOCK, {"endpoint_ids": list(endpoint_ids)})
    return {row.id: Standing(*row) for row in rows}


_results = (
    sa.func.unnest(
        *(
            sa.bindparam(name, type_=ARRAY(kind))
            for name, kind in (
                ("result_ids", sa.Uuid()),
                ("fences", sa.Integer()),
                ("states", sa.Text()),
                ("send_ats", _INSTANT),
                ("errors", sa.Text()),
            )
        )
    )
    .table_valued("id", "fence", "state", sa.column("send_at", _INSTANT), "error")
    .render_derived("result")
)
_STORE = (
    sa.update(DELIVERIES)
    .where(
        DELIVERIES.c.id == _results.c.id,
        DELIVERIES.c.fence == _results.c.fence,
        # A call that was in the air when its endpoint was disabled tells how it went after all.
        sa.or_(
            DELIVERIES.c.state == sa.literal_column("'sending'"),
            sa.and_(
                DELIVERIES.c.state == sa.literal_column("'failed'"),
                DELIVERIES.c.error == sa.literal(ENDPOINT_DISABLED),
            ),
        ),
    )
    .values(
        state=_results.c.state,
        send_at=_results.c.send_at,
        error=_results.c.error,
        settled_at=sa.case((_results.c.send_at.is_(None), sa.bindparam("settled", type_=_INSTANT))),
    )
    .returning(DELIVERIES.c.id)
)


async def store(session: AsyncSession, settled: Sequence[tuple[Claimed, Settlement]]) -> set[uuid.UUID]:
    """Store what became of deliveries; return those whose lease was still ours."""
    binds = {
        "result_ids": [claimed.id for claimed, _ in settled],
        "fences": [claimed.fence for claimed, _ in settled],
        "states": [settlement.state for _, settlement in settled],
        "send_ats": [settlement.send_at for _, settlement in settled],
        "errors": [settlement.error for _, settlement in settled],
        "settled": clock.now(),
    }
    return set((await session.scalars(_STORE, binds)).all())


async def note_attempts(session: AsyncSession, made: Sequence[tuple[Claimed, Result, datetime, int]]) -> None:
    """Write down calls: the delivery, how it went, when it began and how many milliseconds it took."""
    rows = [
        {
            "id": clock.new_id(),
            "delivery_id": claimed.id,
            "attempted_at": began,
            "status": result.status,
            "error": result.code,
            "milliseconds": took,
        }
        for claimed, result, began, took in made
    ]
    await session.execute(sa.insert(ATTEMPTS), rows)


_endpoint = ENDPOINTS.c.id == sa.bindparam("endpoint", type_=sa.Uuid)
_TOOK = sa.update(ENDPOINTS).where(_endpoint).values(failures=0, delivered_at=_now)
_FAILED = (
    sa.update(ENDPOINTS)
    .where(_endpoint)
    .values(failures=ENDPOINTS.c.failures + sa.bindparam("failed", type_=sa.Integer))
)
_DISABLE = (
    sa.update(ENDPOINTS)
    .where(_endpoint)
    .values(
        state="disabled",
        disabled_reason=sa.bindparam("reason", type_=sa.Text),
        disabled_at=_now,
        updated_at=_now,
        version=ENDPOINTS.c.version + 1,
    )
)
_GIVE_UP = (
    sa.update(DELIVERIES)
    .where(
        DELIVERIES.c.endpoint_id == sa.bindparam("endpoint", type_=sa.Uuid),
        DELIVERIES.c.send_at.is_not(None),
    )
    .values(state="failed", send_at=None, error=ENDPOINT_DISABLED, settled_at=_now)
)


async def note_outcomes(session: AsyncSession, endpoint_id: uuid.UUID, *, took: bool, failed: int) -> None:
    """Count what a locked endpoint did; its version is about what people change, and stays."""
    if took:
        await session.execute(_TOOK, {"endpoint": endpoint_id, "now": clock.now()})
    else:
        await session.execute(_FAILED, {"endpoint": endpoint_id, "failed": failed})


async def disable(session: AsyncSession, endpoint_id: uuid.UUID, reason: DisabledReason) -> None:
    """Disable a locked endpoint; what is under way to it is given up, to be replayed when it is back."""
    binds = {"endpoint": endpoint_id, "now": clock.now()}
    await session.execute(_DISABLE, binds | {"reason": reason})
    await session.execute(_GIVE_UP, binds)


async def give_up(session: AsyncSession, endpoint_id: uuid.UUID) -> None:
    """Give up what is under way to a locked endpoint: nobody claims it any more, if its worker died."""
    await session.execute(_GIVE_UP, {"endpoint": endpoint_id, "now": clock.now()})


async def lock_endpoint(
    session: AsyncSession, organization_id: uuid.UUID, endpoint_id: uuid.UUID
) -> WebhookEndpoint | None:
    """Lock and return an endpoint of the organization."""
    endpoint = await session.get(WebhookEndpoint, endpoint_id, with_for_update={"key_share": True})
    return endpoint if endpoint is not None and endpoint.organization_id == organization_id else None


_COUNT = (
    sa.select(sa.func.count())
    .select_from(ENDPOINTS)
    .where(ENDPOINTS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid))
)


async def count_endpoints(session: AsyncSession, organization_id: uuid.UUID) -> int:
    """Return how many endpoints an organization has."""
    return await session.scalar(_COUNT, {"organization_id": organization_id}) or 0


_AGAIN: dict[str, object] = {
    "state": "queued",
    "send_at": _now,
    "queued_at": _now,
    "attempts": 0,
    "error": None,
    "settled_at": None,
}
_of_endpoint = DELIVERIES.c.endpoint_id == sa.bindparam("endpoint", type_=sa.Uuid)
_REPLAY_ONE = (
    sa.update(DELIVERIES)
    .where(_of_endpoint, DELIVERIES.c.id == sa.bindparam("delivery_id", type_=sa.Uuid), DELIVERIES.c.send_at.is_(None))
    .values(_AGAIN)
)
_REPLAY_SINCE = (
    sa.update(DELIVERIES)
    .where(
        _of_endpoint,
        DELIVERIES.c.occurred_at >= sa.bindparam("since", type_=_INSTANT),
        DELIVERIES.c.state == sa.any_(sa.bindparam("of_states", type_=ARRAY(sa.Text))),
    )
    .values(_AGAIN)
)


async def replay_one(session: AsyncSession, endpoint_id: uuid.UUID, delivery_id: uuid.UUID) -> bool:
    """Queue a settled delivery of a locked endpoint again; return whether it was one."""
    binds = {"endpoint": endpoint_id, "delivery_id": delivery_id, "now": clock.now()}
    result = await session.execute(_REPLAY_ONE, binds)
    return bool(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult


async def replay_since(session: AsyncSession, endpoint_id: uuid.UUID, since: datetime, states: Sequence[str]) -> int:
    """Queue the settled deliveries of a locked endpoint about what happened since again; return how many."""
    binds = {"endpoint": endpoint_id, "since": since, "of_states": list(states), "now": clock.now()}
    result = await session.execute(_REPLAY_SINCE, binds)
    return int(result.rowcount)  # type: ignore[attr-defined]

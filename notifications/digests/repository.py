"""The SQL of messages that wait: gathered under a digest, moved, released, told as one, concluded."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import emit_many
from notifications.delivery.models import DELIVERIES
from notifications.digests.models import DIGESTS
from notifications.events import REACHED, DeliverySettled, Outcome
from notifications.inbox.models import INBOX

_INSTANT = sa.DateTime(timezone=True)
_KEY = ("account_id", "channel", "release_at")
_ids = sa.bindparam("digest_ids", type_=ARRAY(sa.Uuid))
_now = sa.bindparam("now", type_=_INSTANT)
_is_held = DELIVERIES.c.state == sa.literal_column("'held'")

Key = tuple[uuid.UUID, str, datetime]
"""Account, channel and release."""


@dataclass(frozen=True, slots=True)
class Gathering:
    """What a message waits for: whose, over which channel, why and until when."""

    community_id: uuid.UUID
    account_id: uuid.UUID
    channel: str
    reason: str
    release_at: datetime

    @property
    def key(self) -> Key:
        """What messages have in common that are told as one."""
        return self.account_id, self.channel, self.release_at


@dataclass(frozen=True, slots=True)
class Gathered:
    """A digest that was gathered until now."""

    id: uuid.UUID
    community_id: uuid.UUID
    account_id: uuid.UUID
    channel: str
    reason: str


_given = (
    sa.func.unnest(
        sa.bindparam("ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("community_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("account_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("channels", type_=ARRAY(sa.Text)),
        sa.bindparam("reasons", type_=ARRAY(sa.Text)),
        sa.bindparam("release_ats", type_=ARRAY(_INSTANT)),
    )
    .table_valued("id", "community_id", "account_id", "channel", "reason", "release_at")
    .render_derived("given")
)
_new = insert(DIGESTS).from_select([column.name for column in _given.c], sa.select(*_given.c))
# The update changes nothing: it locks the row, so that nobody releases it before what joins it is written.
_OPEN = _new.on_conflict_do_update(index_elements=_KEY, set_={"release_at": _new.excluded.release_at}).returning(
    DIGESTS.c.id, *(DIGESTS.c[name] for name in _KEY)
)


async def open_digests(session: AsyncSession, wanted: Iterable[Gathering]) -> dict[Key, uuid.UUID]:
    """Return the digest of each key, made if there was none, locked."""
    by_key = {gathering.key: gathering for gathering in wanted}
    if not by_key:
        return {}
    ordered = [by_key[key] for key in sorted(by_key)]  # in one order everywhere: no deadlocks
    binds = {
        "ids": [clock.new_id() for _ in ordered],
        "community_ids": [gathering.community_id for gathering in ordered],
        "account_ids": [gathering.account_id for gathering in ordered],
        "channels": [gathering.channel for gathering in ordered],
        "reasons": [gathering.reason for gathering in ordered],
        "release_ats": [gathering.release_at for gathering in ordered],
    }
    rows = await session.execute(_OPEN, binds)
    return {(row.account_id, row.channel, row.release_at): row.id for row in rows}


_columns = [DIGESTS.c[name] for name in Gathered.__slots__]
_GATHERED = sa.select(*_columns).where(DIGESTS.c.id == sa.any_(_ids))
_QUIET = (
    sa.select(*_columns)
    .where(
        DIGESTS.c.account_id == sa.any_(sa.bindparam("account_ids", type_=ARRAY(sa.Uuid))),
        DIGESTS.c.reason == sa.literal("quiet_hours"),
    )
    .order_by(DIGESTS.c.id)
    .with_for_update()
)


async def gathered(session: AsyncSession, digest_ids: Sequence[uuid.UUID]) -> list[Gathered]:
    """Return digests, which the caller holds locked."""
    return [Gathered(*row) for row in await session.execute(_GATHERED, {"digest_ids": list(digest_ids)})]


async def waiting_for_quiet_hours(session: AsyncSession, account_ids: Sequence[uuid.UUID]) -> list[Gathered]:
    """Return, locked, what waits for the end of these accounts' quiet hours."""
    return [Gathered(*row) for row in await session.execute(_QUIET, {"account_ids": list(account_ids)})]


_moved = (
    sa.func.unnest(sa.bindparam("old_ids", type_=ARRAY(sa.Uuid)), sa.bindparam("new_ids", type_=ARRAY(sa.Uuid)))
    .table_valued("old_id", "new_id")
    .render_derived("moved")
)
_MOVE = (
    sa.update(DELIVERIES)
    .where(DELIVERIES.c.digest_id == _moved.c.old_id, DELIVERIES.c.digest_id.is_not(None), _is_held)
    .values(digest_id=_moved.c.new_id)
)
_REMOVE = sa.delete(DIGESTS).where(DIGESTS.c.id == sa.any_(_ids))


async def move(session: AsyncSession, moves: Sequence[tuple[Gathered, datetime]]) -> None:
    """Let digests, which the caller holds locked, wait until another instant, together with what waits for it too."""
    aims = [
        (digest.id, Gathering(digest.community_id, digest.account_id, digest.channel, digest.reason, release_at))
        for digest, release_at in moves
    ]
    opened = await open_digests(session, [aim for _, aim in aims])
    changes = [(old, opened[aim.key]) for old, aim in aims if opened[aim.key] != old]
    if changes:
        binds = {"old_ids": [old for old, _ in changes], "new_ids": [new for _, new in changes]}
        await session.execute(_MOVE, binds)
        await remove(session, [old for old, _ in changes])


async def remove(session: AsyncSession, digest_ids: Sequence[uuid.UUID]) -> None:
    """Delete digests that nothing waits for any more."""
    await session.execute(_REMOVE, {"digest_ids": list(digest_ids)})


_EXPIRE = (
    sa.update(DELIVERIES)
    .where(DELIVERIES.c.digest_id == sa.any_(_ids), _is_held, DELIVERIES.c.expires_at <= _now)
    .values(state="expired", error="expired", settled_at=_now)
    .returning(DELIVERIES.c.id)
)
# Only what can be read in the inbox is told of by number; the rest goes out as it is, or nobody would learn of it.
_readable = (
    sa.select(DELIVERIES.c.id, sa.func.count().over(partition_by=DELIVERIES.c.digest_id).label("together"))
    .join(INBOX, INBOX.c.id == DELIVERIES.c.notice_id)
    .where(DELIVERIES.c.digest_id == sa.any_(_ids), _is_held)
    .cte("readable")
)
_GATHER = (
    sa.update(DELIVERIES)
    # Held it must still be when its row is ours: it may have been opened, or taken back, since it was counted.
    .where(DELIVERIES.c.id == _readable.c.id, _readable.c.together > sa.literal_column("1"), _is_held)
    .values(state="digested", error=None)
)
_QUEUE = (
    sa.update(DELIVERIES)
    .where(DELIVERIES.c.digest_id == sa.any_(_ids), _is_held)
    .values(state="queued", error=None, send_at=_now)
)


async def expire(session: AsyncSession, digest_ids: Sequence[uuid.UUID]) -> None:
    """Settle what is of no use any more, and tell of it."""
    expired = (await session.scalars(_EXPIRE, {"digest_ids": list(digest_ids), "now": clock.now()})).all()
    await tell(session, expired, "expired")


async def gather(session: AsyncSession, digest_ids: Sequence[uuid.UUID]) -> None:
    """Take what is told as one out of the queue; what stands alone is queued as itself."""
    await session.execute(_GATHER, {"digest_ids": list(digest_ids)})
    await session.execute(_QUEUE, {"digest_ids": list(digest_ids), "now": clock.now()})


_recipients = (
    sa.text(
        """
        SELECT g.account_id, g.community_id, concat_ws(':', 'digest', g.id) AS dedupe_key,
               jsonb_build_object('count', c.messages, 'contents', c.contents) AS variables,
               jsonb_build_object('digest_id', g.id) AS data, c.expires_at,
               ARRAY(
                   SELECT channel FROM unnest(array_prepend(CAST(g.channel AS text), f.fallbacks))
                       WITH ORDINALITY AS each (channel, place)
                   WHERE NOT c.categories <@ ARRAY(
                       SELECT left(chosen, -length(channel) - 1)
                       FROM notifications_preference p, unnest(p.muted) AS chosen
                       WHERE p.account_id = g.account_id AND right(chosen, length(channel) + 1) = ':' || channel)
                   ORDER BY place) AS channels
        FROM notifications_digest g
        JOIN (
            SELECT digest_id, sum(messages) AS messages, max(expires_at) AS expires_at,
                   array_agg(CAST(category AS text)) AS categories,
                   string_agg(concat_ws('=', category, messages), ' ' ORDER BY messages DESC, category) AS contents
            FROM (
                SELECT digest_id, category, count(*) AS messages, max(expires_at) AS expires_at
                FROM notifications_delivery
                WHERE digest_id = ANY (:digest_ids) AND state = 'digested'
                GROUP BY digest_id, category
            ) each GROUP BY digest_id
        ) c ON c.digest_id = g.id
        CROSS JOIN LATERAL (
            SELECT d.fallbacks FROM notifications_delivery d
            WHERE d.digest_id = g.id AND d.state = 'digested'
            ORDER BY cardinality(d.fallbacks) DESC, d.id LIMIT 1
        ) f
        WHERE g.id = ANY (:digest_ids)"""
    )
    .bindparams(sa.bindparam("digest_ids", type_=ARRAY(sa.Uuid)))
    .columns(
        sa.column("account_id", sa.Uuid),
        sa.column("community_id", sa.Uuid),
        sa.column("dedupe_key", sa.Text),
        sa.column("variables", JSONB),
        sa.column("data", JSONB),
        sa.column("expires_at", _INSTANT),
        sa.column("channels", ARRAY(sa.Text)),
    )
    .subquery("recipient")
)
_is_silenced = sa.func.cardinality(_recipients.c.channels) == sa.literal_column("0")
DIGEST_RECIPIENTS = sa.select(_recipients).where(~_is_silenced)
"""Who is told of several at once, as ``send_many`` wants it; the fallbacks are those of the message with the most.

Left out is a channel on which all the categories that are told of are muted.
"""
_SILENCED = sa.select(sa.cast(_recipients.c.data["digest_id"].astext, sa.Uuid)).where(_is_silenced)


async def silenced(session: AsyncSession, digest_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return those of gathered digests that may be told over no channel at all."""
    return list((await session.scalars(_SILENCED, {"digest_ids": list(digest_ids)})).all())


# What has arrived stays so, whatever becomes of the digest over a further channel.
_CONCLUDE = (
    sa.update(DELIVERIES)
    .where(
        DELIVERIES.c.digest_id == sa.any_(_ids),
        DELIVERIES.c.state == sa.literal("digested"),
        DELIVERIES.c.delivered_at.is_(None),
    )
    .values(
        settled_at=_now,
        error=sa.bindparam("error", type_=sa.Text),
        delivered_at=sa.bindparam("delivered_at", type_=_INSTANT),
    )
    .returning(DELIVERIES.c.id)
)


async def conclude(session: AsyncSession, digest_ids: Sequence[uuid.UUID], outcome: Outcome, *, is_final: bool) -> None:
    """Give what was told in these digests the outcome of the telling, and tell of it."""
    now = clock.now()
    binds = {
        "digest_ids": list(digest_ids),
        "now": now,
        "error": None if outcome in REACHED else f"digest_{outcome}",
        "delivered_at": now if outcome == "delivered" else None,
    }
    concluded = (await session.scalars(_CONCLUDE, binds)).all()
    await tell(session, concluded, outcome, is_final=is_final)


def _payload(*names: str) -> list[sa.ColumnElement[Any]]:
    pairs: list[list[sa.ColumnElement[Any]]] = [[sa.literal_column(f"'{name}'"), DELIVERIES.c[name]] for name in names]
    return [part for pair in pairs for part in pair]


_FACTS = sa.select(
    DELIVERIES.c.origin_id.label("aggregate_id"),
    DELIVERIES.c.community_id,
    sa.func.jsonb_build_object(
        *(sa.literal_column("'delivery_id'"), DELIVERIES.c.id),
        *_payload("notice_id", "account_id", "notice_key", "channel"),
        *(sa.literal_column("'origin_kind'"), sa.func.coalesce(DELIVERIES.c.origin_kind, sa.literal_column("''"))),
        *(sa.literal_column("'outcome'"), sa.cast(sa.bindparam("outcome", type_=sa.Text), sa.Text)),
        *(sa.literal_column("'is_final'"), sa.cast(sa.bindparam("is_final", type_=sa.Boolean), sa.Boolean)),
        type_=JSONB,
    ).label("payload"),
).where(
    DELIVERIES.c.id == sa.any_(sa.bindparam("settled_ids", type_=ARRAY(sa.Uuid))), DELIVERIES.c.origin_id.is_not(None)
)


async def tell(
    session: AsyncSession, delivery_ids: Sequence[uuid.UUID], outcome: Outcome, *, is_final: bool = True
) -> None:
    """Emit what became of deliveries, those of which somebody waits to hear."""
    if delivery_ids:
        binds = {"settled_ids": list(delivery_ids), "outcome": outcome, "is_final": is_final}
        await emit_many(session, DeliverySettled, _FACTS, binds)

"""What became of deliveries: per origin, for whoever sent them, and the parked ones, for the operator."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from notifications.delivery.models import DELIVERIES
from notifications.delivery.rules import first_id


@dataclass(frozen=True, slots=True)
class Tally:
    """How the deliveries of one origin stand: under way, taken by a provider, come to nothing.

    Of those ``sent``, ``delivered`` have a receipt; ``unconfirmed`` were sent and none came in time.
    """

    under_way: int = 0
    sent: int = 0
    lost: int = 0
    delivered: int = 0
    unconfirmed: int = 0


@dataclass(frozen=True, slots=True)
class ParkedDelivery:
    """A delivery that nobody tries any more until it is replayed."""

    id: uuid.UUID
    account_id: uuid.UUID
    notice_key: str
    channel: str
    attempts: int
    error: str | None
    parked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How one delivery stands: of the notice ``notice_id``, when it last changed, when it came and was seen."""

    id: uuid.UUID
    notice_id: uuid.UUID
    channel: str
    state: str
    settled_at: datetime | None
    delivered_at: datetime | None
    opened_at: datetime | None


_state = DELIVERIES.c.state
_gathered = sa.and_(_state == sa.literal("digested"), DELIVERIES.c.settled_at.is_(None))
_under_way = sa.or_(DELIVERIES.c.send_at.is_not(None), _state == sa.literal("held"), _gathered)
_told = sa.and_(_state == sa.literal("digested"), DELIVERIES.c.settled_at.is_not(None), DELIVERIES.c.error.is_(None))
_sent = sa.or_(_state == sa.literal("sent"), _told)
_unconfirmed = _state == sa.literal("unconfirmed")
_TALLY = (
    sa.select(
        DELIVERIES.c.origin_id,
        sa.func.count().filter(_under_way).label("under_way"),
        sa.func.count().filter(_sent).label("sent"),
        sa.func.count().filter(sa.not_(_under_way), sa.not_(_sent), sa.not_(_unconfirmed)).label("lost"),
        sa.func.count().filter(DELIVERIES.c.delivered_at.is_not(None)).label("delivered"),
        sa.func.count().filter(_unconfirmed).label("unconfirmed"),
    )
    .where(
        DELIVERIES.c.origin_id == sa.any_(sa.bindparam("origin_ids", type_=ARRAY(sa.Uuid))),
        sa.or_(
            sa.bindparam("notice_key", type_=sa.Text).is_(None),
            DELIVERIES.c.notice_key == sa.bindparam("notice_key", type_=sa.Text),
        ),
    )
    .group_by(DELIVERIES.c.origin_id)
)
_PARKED = (
    sa.select(
        DELIVERIES.c.id,
        DELIVERIES.c.account_id,
        DELIVERIES.c.notice_key,
        DELIVERIES.c.channel,
        DELIVERIES.c.attempts,
        DELIVERIES.c.error,
        DELIVERIES.c.settled_at,
    )
    .where(_state == sa.literal_column("'parked'"))
    .order_by(DELIVERIES.c.id)
    .limit(sa.bindparam("size", type_=sa.Integer))
)


_ids = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_recent = DELIVERIES.c.id >= sa.bindparam("first_id", type_=sa.Uuid)  # leaves out the months before
_STANDINGS = (
    sa.select(*(DELIVERIES.c[name] for name in Standing.__slots__))
    .where(
        DELIVERIES.c.notice_id.in_(sa.select(DELIVERIES.c.notice_id).where(DELIVERIES.c.id == sa.any_(_ids), _recent)),
        _recent,
        # What was taken back because the person knew by then says nothing of them.
        DELIVERIES.c.error.is_distinct_from(sa.literal("confirmed_otherwise")),
    )
    .order_by(DELIVERIES.c.id)
)


async def tally(
    connection: AsyncConnection, origin_ids: Iterable[uuid.UUID], *, notice_key: str | None = None
) -> dict[uuid.UUID, Tally]:
    """Return how each origin's deliveries stand, of one notice if ``notice_key`` is given.

    Read it in the handler of ``DeliverySettled``: the last delivery to be settled is told of when all others are
    stored. A delivery that failed and fell back counts as lost, its fallback as under way; one told of in a digest
    counts as what became of the digest.
    """
    found = {origin_id: Tally() for origin_id in origin_ids}
    rows = await connection.execute(_TALLY, {"origin_ids": list(found), "notice_key": notice_key})
    return found | {
        row.origin_id: Tally(row.under_way, row.sent, row.lost, row.delivered, row.unconfirmed) for row in rows
    }


async def parked(connection: AsyncConnection, *, limit: int = 1_000) -> Sequence[ParkedDelivery]:
    """Return the parked deliveries, the oldest first."""
    return [ParkedDelivery(*row) for row in await connection.execute(_PARKED, {"size": limit})]


async def standings(connection: AsyncConnection, delivery_ids: Iterable[uuid.UUID]) -> list[Standing]:
    """Return how deliveries stand and whatever went in their place, in the order in which they were made.

    Those that are past keeping, or that were taken back because another message had arrived, are left out.
    """
    ids = list(delivery_ids)
    if not ids:
        return []
    rows = await connection.execute(_STANDINGS, {"ids": ids, "first_id": first_id(ids)})
    return [Standing(*row) for row in rows]

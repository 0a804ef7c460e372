"""The SQL of the operator's views: lag per lane, what became of each channel's deliveries, what is parked."""

import uuid
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.queues import COUNT_CAP
from notifications.delivery.models import DELIVERIES
from notifications.delivery.rules import LANES, lane_number
from notifications.operations.schemas import (
    ChannelOverview,
    DeliveryOverview,
    LaneOverview,
    ParkedDeliveryPublic,
    ParkedOverview,
)

MOST_COUNTED = 50_000  # of a community's deliveries: enough for a week of most, and read in a fraction of a second
_CURSOR = "parked_deliveries"
_ours = DELIVERIES.c.community_id == sa.bindparam("community_id", type_=sa.Uuid)
_is_parked = DELIVERIES.c.state == sa.literal_column("'parked'")


def _due(number: int) -> sa.Select[*tuple[Any, ...]]:
    due = (
        sa.select(DELIVERIES.c.send_at)
        .where(
            DELIVERIES.c.lane == sa.literal_column(str(number)),
            DELIVERIES.c.send_at <= sa.bindparam("now", type_=sa.DateTime(timezone=True)),
            _ours,
        )
        .order_by(DELIVERIES.c.send_at)
        .limit(COUNT_CAP)
        .subquery()
    )
    lane = sa.literal_column(str(number), sa.Integer).label("lane")
    return sa.select(lane, sa.func.count().label("due"), sa.func.min(due.c.send_at).label("oldest")).select_from(due)


def _count(name: str, *conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.count().filter(*conditions).label(name)


_LANES = sa.union_all(*(_due(lane_number(lane)) for lane in LANES))
_COUNTED = ("channel", "state", "send_at", "receipt_by", "delivered_at", "opened_at")
_newest = (
    sa.select(*(DELIVERIES.c[name] for name in _COUNTED))
    .where(DELIVERIES.c.id >= sa.bindparam("first_id", type_=sa.Uuid), _ours)
    .order_by(DELIVERIES.c.id.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
    .subquery("newest")
)
_CHANNELS = (
    sa.select(
        _newest.c.channel,
        sa.func.count().label("written"),
        _count("under_way", _newest.c.send_at.is_not(None)),
        _count("held", _newest.c.state == sa.literal("held")),
        _count("digested", _newest.c.state == sa.literal("digested")),
        _count("sent", _newest.c.state.in_(["sent", "unconfirmed"])),
        _count("delivered", _newest.c.delivered_at.is_not(None)),
        _count("opened", _newest.c.opened_at.is_not(None)),
        *(
            _count(state, _newest.c.state == sa.literal(state))
            for state in ("unconfirmed", "failed", "expired", "suppressed", "parked")
        ),
        _count("awaiting", _newest.c.receipt_by.is_not(None)),
    )
    .group_by(_newest.c.channel)
    .order_by(_newest.c.channel)
)
_PARKED_BY_REASON = (
    sa.select(
        DELIVERIES.c.lane,
        DELIVERIES.c.channel,
        DELIVERIES.c.error,
        sa.func.count().label("count_"),
        sa.func.min(DELIVERIES.c.settled_at).label("oldest_at"),
    )
    .where(_is_parked, _ours)
    .group_by(DELIVERIES.c.lane, DELIVERIES.c.channel, DELIVERIES.c.error)
    .order_by(DELIVERIES.c.lane, DELIVERIES.c.channel, DELIVERIES.c.error)
)
_PARKED = (
    sa.select(
        DELIVERIES.c.id,
        DELIVERIES.c.notice_id,
        DELIVERIES.c.account_id,
        DELIVERIES.c.notice_key.label("notice"),
        DELIVERIES.c.urgency,
        DELIVERIES.c.channel,
        DELIVERIES.c.attempts,
        DELIVERIES.c.error.label("reason"),
        DELIVERIES.c.settled_at.label("parked_at"),
    )
    .where(_is_parked, _ours, after([DELIVERIES.c.id], ["after_id"]))
    .order_by(DELIVERIES.c.id)
    .limit(sa.bindparam("size", type_=sa.Integer))
)
_PARKED_BY_LANE = sa.select(DELIVERIES.c.lane, sa.func.count()).where(_is_parked).group_by(DELIVERIES.c.lane)


async def overview(connection: AsyncConnection, community_id: uuid.UUID, period: timedelta) -> DeliveryOverview:
    """Return how the community's deliveries stand; ``period`` is how far back its figures per channel go."""
    now = clock.now()
    binds = {"community_id": community_id, "now": now, "first_id": clock.id_floor(now - period), "most": MOST_COUNTED}
    lanes = await connection.execute(_LANES, binds)
    channels = (await connection.execute(_CHANNELS, binds)).mappings().all()
    return DeliveryOverview(
        since=now - period,
        until=now,
        lanes=[
            LaneOverview(
                lane=LANES[row.lane],
                due=row.due,
                lag_seconds=(now - row.oldest).total_seconds() if row.oldest else 0.0,
            )
            for row in sorted(lanes, key=lambda row: row.lane)
        ],
        awaiting_receipts=sum(row["awaiting"] for row in channels),
        channels=[ChannelOverview(**row) for row in channels],
        parked=[
            ParkedOverview(
                lane=LANES[row.lane], channel=row.channel, reason=row.error, count=row.count_, oldest_at=row.oldest_at
            )
            for row in await connection.execute(_PARKED_BY_REASON, binds)
        ],
    )


async def parked(connection: AsyncConnection, community_id: uuid.UUID, page: PageRequest) -> Page[ParkedDeliveryPublic]:
    """Return a page of the community's parked deliveries, the oldest first; raises ``Malformed`` for another cursor."""
    position = decode_cursor(_CURSOR, page.cursor)[0] if page.cursor else None
    binds = {"community_id": community_id, "after_id": position, "size": page.limit + 1}
    rows = (await connection.execute(_PARKED, binds)).all()
    items = [ParkedDeliveryPublic.model_validate(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ["id"]))


async def parked_by_lane(connection: AsyncConnection) -> dict[int, int]:
    """Return how many deliveries are parked in each lane, of all communities; lanes without any are left out."""
    return {row[0]: row[1] for row in await connection.execute(_PARKED_BY_LANE)}

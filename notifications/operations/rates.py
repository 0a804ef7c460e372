"""The SQL that counts what became of a community's deliveries, by day or by notice."""

import uuid
from datetime import time, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.wall_time import resolve, zone
from app.identity.api import community
from notifications.delivery.models import DELIVERIES
from notifications.operations.schemas import DeliveryRate, DeliveryRates

MOST_COUNTED = 200_000
_COUNTED = ("id", "channel", "notice_key", "state", "delivered_at", "opened_at")
_newest = (
    sa.select(*(DELIVERIES.c[name] for name in _COUNTED))
    .where(
        DELIVERIES.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        DELIVERIES.c.id >= sa.bindparam("first_id", type_=sa.Uuid),
    )
    .order_by(DELIVERIES.c.id.desc())
    .limit(sa.bindparam("most", type_=sa.Integer))
    .subquery("newest")
)


def _count(name: str, *conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.count().filter(sa.or_(*conditions)).label(name)


def _state_in(*states: str) -> sa.ColumnElement[bool]:
    return _newest.c.state.in_([sa.literal(state, sa.Text) for state in states])


def _counted(by: sa.ColumnElement[Any]) -> sa.Select[Any]:
    seen = _newest.c.opened_at.is_not(None)
    arrived = sa.or_(seen, _newest.c.delivered_at.is_not(None))
    return (
        sa.select(
            by.label("by"),
            _newest.c.channel,
            sa.func.count().label("written"),
            _count("sent", _state_in("sent", "unconfirmed"), arrived),
            _count("delivered", arrived),
            _count("seen", seen),
            _count("failed", _state_in("failed", "expired", "parked")),
        )
        .group_by(sa.literal_column("1"), _newest.c.channel)
        .order_by(sa.literal_column("1"), _newest.c.channel)
    )


# Ids are of when they were written: the day is found among the ids its days begin with.
_BY_DAY = _counted(sa.func.width_bucket(_newest.c.id, sa.bindparam("floors", type_=ARRAY(sa.Uuid))))
_BY_NOTICE = _counted(_newest.c.notice_key)


async def counted(
    connection: AsyncConnection, community_id: uuid.UUID, days: int, by: Literal["day", "notice"]
) -> DeliveryRates:
    """Return what became of the deliveries of today and the days before, ``days`` in all, as the community's zone has.

    By day the newest comes last.
    """
    now = clock.now()
    time_zone = (await community(connection, community_id)).time_zone
    today = now.astimezone(zone(time_zone)).date()
    shown = [today - timedelta(days=back) for back in reversed(range(days))]
    begins = [resolve(day, time.min, time_zone) for day in shown]
    binds: dict[str, Any] = {"community_id": community_id, "first_id": clock.id_floor(begins[0]), "most": MOST_COUNTED}
    if by == "day":
        binds["floors"] = [clock.id_floor(begin) for begin in begins]
    rows = (await connection.execute(_BY_DAY if by == "day" else _BY_NOTICE, binds)).all()
    return DeliveryRates(
        since=begins[0],
        until=now,
        is_partial=sum(row.written for row in rows) >= MOST_COUNTED,
        items=[
            DeliveryRate(
                day=shown[row.by - 1] if by == "day" else None,
                notice=row.by if by == "notice" else None,
                channel=row.channel,
                written=row.written,
                sent=row.sent,
                delivered=row.delivered,
                seen=row.seen,
                failed=row.failed,
            )
            for row in rows
        ],
    )

"""The SQL that reads responses: their times over a period, and which alarms somebody may answer by phone."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from eldercare.alarms.models import OPEN, Alarm, AlarmNotice
from eldercare.response.schemas import DeskTimes, ResponseTimes, Times

WITHIN_60, WITHIN_180 = 0.975, 0.99
"""The yardstick of telecare monitoring centres (the Telecare Services Association's quality standards, formerly the
TSA code of practice): 97.5 % of calls taken within 60 seconds, 99 % within 180 seconds."""

_alarms = sa.inspect(Alarm).local_table
_notices = sa.inspect(AlarmNotice).local_table
_INSTANT = sa.DateTime(timezone=True)

_first_notice = (
    sa.select(sa.func.min(_notices.c.settled_at))
    .where(_notices.c.alarm_id == _alarms.c.id, _notices.c.outcome.in_(["sent", "delivered"]))
    .scalar_subquery()
)


def _seconds(start: sa.ColumnElement[Any], end: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.extract("epoch", end - start)


_durations = (
    sa.select(
        _seconds(_alarms.c.raised_at, _first_notice).label("first_notice"),
        _seconds(_alarms.c.raised_at, _alarms.c.first_acknowledged_at).label("acknowledged"),
        _seconds(_alarms.c.raised_at, _alarms.c.on_scene_at).label("on_scene"),
        _seconds(_alarms.c.desk_queued_at, _alarms.c.desk_taken_at).label("desk"),
        _alarms.c.desk_queued_at.is_not(None).label("queued"),
    )
    .where(
        _alarms.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        _alarms.c.raised_at >= sa.bindparam("since", type_=_INSTANT),
        _alarms.c.raised_at < sa.bindparam("until", type_=_INSTANT),
        sa.not_(_alarms.c.is_test),
        _alarms.c.state != "cancelled",
    )
    .cte("durations")
)
_PARTS = ("first_notice", "acknowledged", "on_scene", "desk")
_PERCENTILES = {"p50": 0.5, "p90": 0.9, "p97_5": 0.975, "p99": 0.99}


def _figures(part: str) -> list[sa.ColumnElement[Any]]:
    column = _durations.c[part]
    return [
        sa.func.count(column).label(f"{part}_count"),
        *(
            sa.func.percentile_cont(share).within_group(column).label(f"{part}_{name}")
            for name, share in _PERCENTILES.items()
        ),
    ]


_desk = _durations.c.desk
RESPONSE_TIMES = sa.select(
    sa.func.count().label("alarms"),
    *(figure for part in _PARTS for figure in _figures(part)),
    sa.func.count().filter(_durations.c.queued, _desk.is_(None)).label("waiting"),
    sa.func.count().filter(_desk <= 60).label("within_60"),
    sa.func.count().filter(_desk <= 180).label("within_180"),
).select_from(_durations)


async def response_times(
    connection: AsyncConnection, community_id: uuid.UUID, since: datetime, until: datetime
) -> ResponseTimes:
    """Return how fast the community's alarms raised from ``since`` to before ``until`` were answered.

    Times count from the moment it was raised, a countdown included. Alarms that reached the desk and that nobody ever
    took count against the yardstick.
    """
    binds = {"community_id": community_id, "since": since, "until": until}
    row = (await connection.execute(RESPONSE_TIMES, binds)).one()
    cases = row.desk_count + row.waiting
    within_60 = row.within_60 / cases if cases else None
    within_180 = row.within_180 / cases if cases else None
    met = None
    if within_60 is not None and within_180 is not None:
        met = within_60 >= WITHIN_60 and within_180 >= WITHIN_180
    return ResponseTimes(
        since=since,
        until=until,
        alarms=row.alarms,
        raised_to_first_notice=Times(**_times(row, "first_notice")),
        raised_to_acknowledged=Times(**_times(row, "acknowledged")),
        raised_to_on_scene=Times(**_times(row, "on_scene")),
        desk_queue_to_taken=DeskTimes(
            **_times(row, "desk"),
            waiting=row.waiting,
            within_60_seconds=within_60,
            within_180_seconds=within_180,
            meets_yardstick=met,
        ),
    )


def _times(row: Any, part: str) -> dict[str, Any]:
    return {name: getattr(row, f"{part}_{name}") for name in ("count", *_PERCENTILES)}


_OPEN_AND_TOLD = (
    sa.select(_alarms.c.id, _notices.c.account_id)
    .distinct()
    .join(_notices, _notices.c.alarm_id == _alarms.c.id)
    .where(
        OPEN,
        _notices.c.account_id == sa.any_(sa.bindparam("account_ids", type_=ARRAY(sa.Uuid))),
        _notices.c.outcome != sa.literal("unreachable"),
    )
)


async def open_alarms_told_to(
    connection: AsyncConnection, account_ids: Sequence[uuid.UUID]
) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Return the open alarms that any of the accounts was told of, each with the account: (alarm, account)."""
    rows = await connection.execute(_OPEN_AND_TOLD, {"account_ids": list(account_ids)})
    return [(row.id, row.account_id) for row in rows]

"""The SQL that reads drills, and the report of what one showed."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.tables import table_of
from app.identity.api import people
from eldercare.alarms.models import Alarm
from eldercare.alarms.views import alarm_detail
from eldercare.drills.models import Drill
from eldercare.drills.schemas import DrillPublic, DrillReport, DrillTold

_drills = table_of(Drill)
_alarms = table_of(Alarm)
_CURSOR = "eldercare.drills"
_community_id = sa.bindparam("community_id", type_=sa.Uuid)

_LIST = (
    sa.select(_drills)
    .where(_drills.c.community_id == _community_id, after((_drills.c.id,), ("after_id",), descending=True))
    .order_by(_drills.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_ONE = (
    sa.select(
        _drills,
        _alarms.c.desk_queued_at,
        _alarms.c.desk_taken_at,
        _alarms.c.first_acknowledged_at,
    )
    .join(_alarms, _alarms.c.id == _drills.c.alarm_id)
    .where(_drills.c.id == sa.bindparam("drill_id", type_=sa.Uuid), _drills.c.community_id == _community_id)
)


async def drills(connection: AsyncConnection, community_id: uuid.UUID, page: PageRequest) -> Page[DrillPublic]:
    """Return a page of the community's drills, the latest first."""
    (last_id,) = decode_cursor(_CURSOR, page.cursor) if page.cursor else (None,)
    binds = {
        "community_id": community_id,
        "limit": page.limit + 1,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
    rows = (await connection.execute(_LIST, binds)).all()
    items = [DrillPublic.model_validate(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))


async def report(connection: AsyncConnection, actor: Actor, drill_id: uuid.UUID) -> DrillReport:
    """Return what a drill of the actor's community has shown so far; raises ``NotFound``."""
    binds = {"drill_id": drill_id, "community_id": actor.community_id}
    row = (await connection.execute(_ONE, binds)).one_or_none()
    if row is None:
        raise NotFound
    alarm = await alarm_detail(connection, actor, row.alarm_id, row.resident_id)
    known = await people(connection, {notice.account_id for notice in alarm.notices})
    begun = row.started_at
    told = [
        DrillTold(
            account_id=notice.account_id,
            name=known[notice.account_id].name if notice.account_id in known else None,
            round=notice.round,
            step=notice.step,
            told_after=(notice.told_at - begun).total_seconds(),
            channel=notice.channel,
            outcome=notice.outcome,
            settled_after=_after(begun, notice.settled_at),
        )
        for notice in alarm.notices
    ]
    arrived = [one.settled_after for one in told if one.outcome in ("sent", "delivered") and one.settled_after]
    desk_took = _after(row.desk_queued_at, row.desk_taken_at)
    kinds = [line.kind for line in alarm.timeline]
    return DrillReport(
        **DrillPublic.model_validate(row).model_dump(),
        kind=alarm.kind,
        severity=alarm.severity,
        state=alarm.state,
        rounds=alarm.round,
        first_notice_after=min(arrived, default=None),
        desk_after=_after(begun, row.desk_queued_at),
        taken_after=_after(begun, row.first_acknowledged_at),
        desk_took=desk_took,
        within_60_seconds=_within(row, desk_took, 60),
        within_180_seconds=_within(row, desk_took, 180),
        lapsed=kinds.count("lapsed"),
        unanswered=kinds.count("unanswered"),
        told=told,
    )


def _after(begun: datetime | None, at: datetime | None) -> float | None:
    return (at - begun).total_seconds() if begun is not None and at is not None else None


def _within(row: Any, seconds: float | None, limit: int) -> bool | None:
    """Say whether the desk was in time; empty where the drill never reached it, false where nobody there took it."""
    if row.desk_queued_at is None:
        return None
    return seconds is not None and seconds <= limit

"""The SQL that reads responses: their times over a period, and which alarms somebody may answer by phone."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, Literal, get_args

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.tables import table_of
from app.identity.api import actor_binds, is_visible, resident_name
from eldercare.alarms.models import OPEN, Alarm, AlarmNotice, StoredSignal
from eldercare.alarms.schemas import RulePublic
from eldercare.response.rules import ToldAlarm, month_span
from eldercare.response.schemas import (
    DeskTimes,
    FalseAlarms,
    FalseAlarmTotals,
    ResponseTimes,
    ResponseTimesOfMonth,
    Times,
)

WITHIN_60, WITHIN_180 = 0.975, 0.99
"""The yardstick of telecare monitoring centres (the Telecare Services Association's quality standards, formerly the
TSA code of practice): 97.5 % of calls taken within 60 seconds, 99 % within 180 seconds."""

_alarms = table_of(Alarm)
_notices = table_of(AlarmNotice)
_signals = table_of(StoredSignal)
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
        sa.cast(
            sa.func.date_trunc("month", sa.func.timezone(sa.bindparam("zone", type_=sa.Text), _alarms.c.raised_at)),
            sa.Date,
        ).label("month"),
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
_FIGURES = (
    sa.func.count().label("alarms"),
    *(figure for part in _PARTS for figure in _figures(part)),
    sa.func.count().filter(_durations.c.queued, _desk.is_(None)).label("waiting"),
    sa.func.count().filter(_desk <= 60).label("within_60"),
    sa.func.count().filter(_desk <= 180).label("within_180"),
)
RESPONSE_TIMES = sa.select(*_FIGURES).select_from(_durations)
RESPONSE_TIMES_BY_MONTH = (
    sa.select(_durations.c.month, *_FIGURES)
    .select_from(_durations)
    .group_by(_durations.c.month)
    .order_by(_durations.c.month.desc())
)


async def response_times(
    connection: AsyncConnection, community_id: uuid.UUID, since: datetime, until: datetime
) -> ResponseTimes:
    """Return how fast the community's alarms raised from ``since`` to before ``until`` were answered.

    Times count from the moment it was raised, a countdown included. Alarms that reached the desk and that nobody ever
    took count against the yardstick.
    """
    binds = {"community_id": community_id, "since": since, "until": until, "zone": "UTC"}
    row = (await connection.execute(RESPONSE_TIMES, binds)).one()
    return ResponseTimes(since=since, until=until, **_report(row))


async def response_times_by_month(
    connection: AsyncConnection, community_id: uuid.UUID, first: date, last: date, time_zone: str
) -> list[ResponseTimesOfMonth]:
    """Return the response times of each month with alarms, from that of ``first`` to that of ``last``, latest first."""
    begins, ends = month_span(first, last, time_zone)
    binds = {"community_id": community_id, "since": begins, "until": ends, "zone": time_zone}
    found = []
    for row in await connection.execute(RESPONSE_TIMES_BY_MONTH, binds):
        since, until = month_span(row.month, row.month, time_zone)
        found.append(ResponseTimesOfMonth(month=row.month, since=since, until=until, **_report(row)))
    return found


def _report(row: Any) -> dict[str, Any]:
    cases = row.desk_count + row.waiting
    within_60 = row.within_60 / cases if cases else None
    within_180 = row.within_180 / cases if cases else None
    met = None
    if within_60 is not None and within_180 is not None:
        met = within_60 >= WITHIN_60 and within_180 >= WITHIN_180
    return {
        "alarms": row.alarms,
        "raised_to_first_notice": Times(**_times(row, "first_notice")),
        "raised_to_acknowledged": Times(**_times(row, "acknowledged")),
        "raised_to_on_scene": Times(**_times(row, "on_scene")),
        "desk_queue_to_taken": DeskTimes(
            **_times(row, "desk"),
            waiting=row.waiting,
            within_60_seconds=within_60,
            within_180_seconds=within_180,
            meets_yardstick=met,
        ),
    }


def _times(row: Any, part: str) -> dict[str, Any]:
    return {name: getattr(row, f"{part}_{name}") for name in ("count", *_PERCENTILES)}


_FALSE = ("false_alarm",)
_NOBODY = sa.literal(uuid.UUID(int=0), sa.Uuid)
Per = Literal["resident", "kind", "rule"]
TotalsPer = Literal["community", "resident"]
_false = sa.func.count().filter(_alarms.c.outcome.in_(_FALSE))
_of_it = _signals.c.alarm_id == _alarms.c.id
# An alarm of several signals counts for each kind of them, and for each of the rules that gave them, once.
_kinds = sa.select(_signals.c.kind).distinct().where(_of_it).correlate(_alarms).lateral("kinds")
_reasons = (
    sa.select(_signals.c.kind, _signals.c.rule_kind, _signals.c.rule_id)
    .distinct()
    .where(_of_it)
    .correlate(_alarms)
    .lateral("reasons")
)


_has_ended = sa.and_(
    _alarms.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
    _alarms.c.raised_at >= sa.bindparam("since", type_=_INSTANT),
    _alarms.c.raised_at < sa.bindparam("until", type_=_INSTANT),
    _alarms.c.state == "resolved",
    sa.not_(_alarms.c.is_test),
    is_visible(_alarms.c.resident_id, "alarms:read"),
)


def _false_alarms(per: Per) -> sa.Select[Any]:
    """Return the statement that counts; a rule is somebody's, so what is counted by it names them."""
    whose: sa.ColumnElement[Any] = _alarms.c.resident_id if per == "resident" else _NOBODY
    kind: sa.ColumnElement[Any] = _kinds.c.kind
    rule_kind: sa.ColumnElement[Any] = sa.null()
    rule_id: sa.ColumnElement[Any] = _NOBODY
    source: sa.FromClause = _alarms.join(_kinds, sa.true())
    if per == "rule":
        source = _alarms.join(_reasons, sa.true())
        kind, rule_kind = _reasons.c.kind, _reasons.c.rule_kind
        rule_id = sa.func.coalesce(_reasons.c.rule_id, _NOBODY)
        whose = sa.case((_reasons.c.rule_id.is_(None), _NOBODY), else_=_alarms.c.resident_id)
    counted = (
        sa.select(
            whose.label("resident_id"),
            sa.cast(kind, sa.Text).label("kind"),
            sa.cast(rule_kind, sa.Text).label("rule_kind"),
            rule_id.label("rule_id"),
            sa.func.count().label("alarms"),
            _false.label("false_alarms"),
            sa.cast(-_false, sa.Integer).label("fewer"),
        )
        .select_from(source)
        .where(_has_ended)
        .group_by(sa.literal_column("1"), sa.literal_column("2"), sa.literal_column("3"), sa.literal_column("4"))
        .subquery("counted")
    )
    position = (counted.c.fewer, counted.c.resident_id, counted.c.kind, counted.c.rule_id)
    statement = (
        sa.select(
            *(column for column in counted.c if column.name != "resident_id"),
            sa.func.nullif(counted.c.resident_id, _NOBODY).label("resident_id"),
            counted.c.resident_id.label("place"),
            resident_name(counted.c.resident_id).label("resident_name"),
        )
        .where(after(position, ("after_fewer", "after_resident", "after_kind", "after_rule")))
        .order_by(*position)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )
    if per == "kind":
        return audit.traced(statement, "report:false_alarms")
    return audit.traced_each(statement, "alarm:false_alarms")


FALSE_ALARMS: Final = {per: _false_alarms(per) for per in get_args(Per)}
_CURSOR = "eldercare.false_alarms"


async def false_alarms(
    connection: AsyncConnection, actor: Actor, since: datetime, until: datetime, page: PageRequest, per: Per
) -> Page[FalseAlarms]:
    """Return how many of a period's alarms were false, the most first: by kind of signal, resident or rule."""
    fewer, resident_id, kind, rule_id = decode_cursor(_CURSOR, page.cursor) if page.cursor else (None,) * 4
    binds = _binds(actor, since, until, page, whose=per != "kind") | {
        "after_fewer": fewer,
        "after_resident": uuid.UUID(resident_id) if resident_id else None,
        "after_kind": kind,
        "after_rule": uuid.UUID(rule_id) if rule_id else None,
    }
    rows = (await connection.execute(FALSE_ALARMS[per], binds)).all()
    items = [
        FalseAlarms(
            resident_id=row.resident_id,
            resident_name=row.resident_name,
            kind=row.kind,
            rule=RulePublic(kind=row.rule_kind, id=row.rule_id) if row.rule_kind else None,
            alarms=row.alarms,
            false_alarms=row.false_alarms,
            rate=row.false_alarms / row.alarms,
        )
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("fewer", "place", "kind", "rule_id")))


def _totals(per: TotalsPer) -> sa.Select[Any]:
    whose: sa.ColumnElement[Any] = _alarms.c.resident_id if per == "resident" else _NOBODY
    counted = (
        sa.select(
            whose.label("resident_id"),
            sa.func.count().label("alarms"),
            _false.label("false_alarms"),
            sa.cast(-_false, sa.Integer).label("fewer"),
        )
        .where(_has_ended)
        .group_by(sa.literal_column("1"))
        .subquery("counted")
    )
    position = (counted.c.fewer, counted.c.resident_id)
    statement = (
        sa.select(
            counted.c.alarms,
            counted.c.false_alarms,
            counted.c.fewer,
            sa.func.nullif(counted.c.resident_id, _NOBODY).label("resident_id"),
            counted.c.resident_id.label("place"),
            resident_name(counted.c.resident_id).label("resident_name"),
        )
        .where(after(position, ("after_fewer", "after_resident")))
        .order_by(*position)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )
    if per == "resident":
        return audit.traced_each(statement, "alarm:false_alarms")
    return audit.traced(statement, "report:false_alarms")


FALSE_ALARM_TOTALS: Final = {per: _totals(per) for per in get_args(TotalsPer)}
_TOTALS_CURSOR = "eldercare.false_alarm_totals"


async def false_alarm_totals(
    connection: AsyncConnection, actor: Actor, since: datetime, until: datetime, page: PageRequest, per: TotalsPer
) -> Page[FalseAlarmTotals]:
    """Return how many of a period's alarms were false, each alarm once whatever was behind it, the most first."""
    fewer, resident_id = decode_cursor(_TOTALS_CURSOR, page.cursor) if page.cursor else (None, None)
    binds = _binds(actor, since, until, page, whose=per == "resident") | {
        "after_fewer": fewer,
        "after_resident": uuid.UUID(resident_id) if resident_id else None,
    }
    rows = (await connection.execute(FALSE_ALARM_TOTALS[per], binds)).all()
    items = [
        FalseAlarmTotals(
            resident_id=row.resident_id,
            resident_name=row.resident_name,
            alarms=row.alarms,
            false_alarms=row.false_alarms,
            rate=row.false_alarms / row.alarms,
        )
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_TOTALS_CURSOR, rows, page.limit, ("fewer", "place")))


def _binds(actor: Actor, since: datetime, until: datetime, page: PageRequest, *, whose: bool) -> dict[str, Any]:
    """Return what both reports bind; where it names ``whose`` alarms they were, each is traced."""
    trace = audit.trace_each_binds(actor, shown=page.limit) if whose else audit.trace_binds(actor, resident_id=None)
    binds = {"community_id": actor.community_id, "since": since, "until": until, "limit": page.limit + 1}
    return binds | actor_binds(actor, "alarms:read") | trace


_OPEN_AND_TOLD = (
    sa.select(
        _alarms.c.id.label("alarm_id"),
        _notices.c.account_id,
        _alarms.c.resident_id,
        _alarms.c.is_test,
        _alarms.c.severity,
        _alarms.c.raised_at,
    )
    .distinct()
    .join(_notices, _notices.c.alarm_id == _alarms.c.id)
    .where(
        OPEN,
        _notices.c.account_id == sa.any_(sa.bindparam("account_ids", type_=ARRAY(sa.Uuid))),
        _notices.c.outcome != sa.literal("unreachable"),
    )
)


async def open_alarms_told_to(connection: AsyncConnection, account_ids: Sequence[uuid.UUID]) -> list[ToldAlarm]:
    """Return the open alarms that any of the accounts was told of, each with the account."""
    rows = await connection.execute(_OPEN_AND_TOLD, {"account_ids": list(account_ids)})
    return [ToldAlarm(*row) for row in rows]

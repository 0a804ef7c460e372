"""The SQL that reads alarms: a resident's, the desk's queue, and one with everything that happened."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.audit import trace_binds, trace_each_binds, traced, traced_each
from app.core.changes import Since, changed_of
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.parked_rows import stands_aside
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.core.tables import table_of
from app.core.trails import trail_of
from app.identity.api import actor_binds, is_visible
from eldercare.alarms.access import shows
from eldercare.alarms.models import (
    EVIDENCE_CONTEXT,
    NOTE_CONTEXT,
    OPEN_STATES,
    PLACE_CONTEXT,
    Alarm,
    AlarmEntry,
    AlarmNotice,
    Severity,
    StoredSignal,
)
from eldercare.alarms.rules.words import Cause, explain
from eldercare.alarms.schemas import (
    AlarmDetail,
    AlarmPublic,
    EntryPublic,
    Explanation,
    NoticePublic,
    PlacePublic,
    RulePublic,
    SignalPublic,
    StateName,
)

_alarms = table_of(Alarm)
_signals = table_of(StoredSignal)
_entries = table_of(AlarmEntry)
_notices = table_of(AlarmNotice)

_alarm_id = sa.bindparam("alarm_id", type_=sa.Uuid)
_limit = sa.bindparam("limit", type_=sa.Integer)
_SHOWN = [_alarms.c[name] for name in AlarmPublic.model_fields]
_OPEN_STATES = sorted(state.value for state in OPEN_STATES)

_OF_RESIDENT = (
    sa.select(*_SHOWN)
    .where(
        _alarms.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        after((_alarms.c.raised_at, _alarms.c.id), ("after_at", "after_id"), descending=True),
    )
    .order_by(_alarms.c.raised_at.desc(), _alarms.c.id.desc())
    .limit(_limit)
)
_CHANGED = changed_of(_SHOWN, _alarms, _alarms.c.raised_at, kept=_alarms.c.closed_at.is_(None))
_OF_RESIDENT_TRACED = traced(_OF_RESIDENT.where(shows("alarms:read")), "alarm:list")
ALARM_LINES = trail_of(
    sa.select(_entries.c.alarm_id, _entries.c.resident_id, _alarms.c.community_id).join_from(
        _entries, _alarms, _alarms.c.id == _entries.c.alarm_id
    ),
    _entries,
)
"""The trail of what becomes of alarms: nothing does without a line in its timeline."""
_RESIDENTS = sa.select(_alarms.c.id, _alarms.c.resident_id).where(
    _alarms.c.id == sa.any_(sa.bindparam("alarm_ids", type_=ARRAY(sa.Uuid)))
)
# The worst first, then the oldest; a negative severity lets one row comparison do both.
_worst_first = (-_alarms.c.severity).label("urgency")
_QUEUE = (
    sa.select(*_SHOWN, _worst_first)
    .where(
        _alarms.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        _alarms.c.state == sa.any_(sa.bindparam("states", type_=ARRAY(sa.Text))),
        # Repeats what the partial index says, so that the planner may use it.
        _alarms.c.state.in_([sa.literal_column(f"'{state}'") for state in _OPEN_STATES]),
        is_visible(_alarms.c.resident_id, "alarms:respond"),
        after((-_alarms.c.severity, _alarms.c.raised_at, _alarms.c.id), ("after_urgency", "after_at", "after_id")),
    )
    .order_by(_worst_first, _alarms.c.raised_at, _alarms.c.id)
    .limit(_limit)
)
_QUEUE_TRACED = traced_each(_QUEUE, "alarm:queue")
_ONE = sa.select(*_SHOWN, _alarms.c.place, _alarms.c.note).where(_alarms.c.id == _alarm_id)
_ONE_TRACED = traced(_ONE, "alarm:read")
_SIGNALS = sa.select(_signals).where(_signals.c.alarm_id == _alarm_id).order_by(_signals.c.id)
_TIMELINE = sa.select(_entries).where(_entries.c.alarm_id == _alarm_id).order_by(_entries.c.id)
_NOTICES = (
    sa.select(_notices)
    .where(_notices.c.alarm_id == _alarm_id)
    .order_by(_notices.c.round, _notices.c.step, _notices.c.told_at, _notices.c.id)
)


def alarm_public(row: Any) -> AlarmPublic:
    """Return an alarm (a row or a model) as it is shown."""
    return AlarmPublic.model_validate(_shown(row))


def _shown(row: Any) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in AlarmPublic.model_fields}
    if row.next_step_at is not None and stands_aside(row.next_step_at):
        values["next_step_at"] = None
    return values | {"severity": Severity(row.severity).label}


async def alarms_of(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, page: PageRequest, *, is_own: bool
) -> Page[AlarmPublic]:
    """Return a resident's alarms, the latest first; what others read is traced."""
    at, last_id = _position("alarms", page, 2)
    binds: dict[str, Any] = {"resident_id": resident_id, "limit": page.limit + 1, "after_at": at, "after_id": last_id}
    statement = _OF_RESIDENT
    if not is_own:
        statement = _OF_RESIDENT_TRACED
        binds |= actor_binds(actor, "alarms:read") | trace_binds(actor, resident_id=resident_id)
    rows = (await connection.execute(statement, binds)).all()
    return _page("alarms", rows, page, ("raised_at", "id"))


async def changed_alarms(connection: AsyncConnection, resident_id: uuid.UUID, since: Since) -> list[AlarmPublic]:
    """Return a resident's alarms of the last 90 days that changed, the open ones among them, in the order of ids."""
    return [alarm_public(row) for row in await connection.execute(_CHANGED, since.binds_of(resident_id))]


async def queue(
    connection: AsyncConnection, actor: Actor, state: StateName | None, page: PageRequest
) -> Page[AlarmPublic]:
    """Return the open alarms (in ``state``, if one is named) the actor may answer, the worst first, then the oldest."""
    urgency, at, last_id = _position("alarm_queue", page, 3)
    binds = {
        "community_id": actor.community_id,
        "states": [state] if state else _OPEN_STATES,
        "limit": page.limit + 1,
        "after_urgency": urgency,
        "after_at": at,
        "after_id": last_id,
    }
    binds |= actor_binds(actor, "alarms:respond") | trace_each_binds(actor, shown=page.limit)
    rows = (await connection.execute(_QUEUE_TRACED, binds)).all()
    return _page("alarm_queue", rows, page, ("urgency", "raised_at", "id"))


def _position(kind: str, page: PageRequest, length: int) -> Sequence[Any]:
    if page.cursor is None:
        return [None] * length
    *rest, at, last_id = decode_cursor(kind, page.cursor)
    return [*rest, datetime.fromisoformat(at), uuid.UUID(last_id)]


def _page(kind: str, rows: Sequence[Any], page: PageRequest, position: Sequence[str]) -> Page[AlarmPublic]:
    following = next_cursor(kind, rows, page.limit, position)
    return Page(items=[alarm_public(row) for row in rows[: page.limit]], next=following)


async def alarm_detail(
    connection: AsyncConnection, actor: Actor, alarm_id: uuid.UUID, resident_id: uuid.UUID
) -> AlarmDetail:
    """Return an alarm with its signals, its timeline and who was told; what others read is traced."""
    one = {"alarm_id": alarm_id}
    if actor.resident_id == resident_id:
        row = (await connection.execute(_ONE, one)).one_or_none()
    else:
        trace = trace_binds(actor, resident_id=resident_id, object_id=alarm_id)
        row = (await connection.execute(_ONE_TRACED, one | trace)).one_or_none()
    if row is None:
        raise NotFound
    signals = [_signal(signal) for signal in await connection.execute(_SIGNALS, one)]
    place = orjson.loads(unseal(row.place, PLACE_CONTEXT)) if row.place else None
    return AlarmDetail(
        **_shown(row),
        explanation=explanation(map(_cause, signals)),
        rules=list({(one.rule.kind, one.rule.id): one.rule for one in signals if one.rule}.values()),
        place=PlacePublic.model_validate(place) if place else None,
        place_at=(place.get("at") or row.raised_at) if place else None,
        note=unseal(row.note, NOTE_CONTEXT) if row.note else None,
        signals=signals,
        timeline=[EntryPublic.model_validate(entry) for entry in await connection.execute(_TIMELINE, one)],
        notices=[NoticePublic.model_validate(notice) for notice in await connection.execute(_NOTICES, one)],
    )


def signal_kinds(alarm_id: sa.ColumnElement[uuid.UUID]) -> sa.ColumnElement[Any]:
    """Return SQL for the kinds (a JSON array) of the signals behind the alarm in a column, in the order they came."""
    kinds = sa.select(sa.func.jsonb_agg(aggregate_order_by(_signals.c.kind, _signals.c.id), type_=JSONB))
    return kinds.where(_signals.c.alarm_id == alarm_id).correlate_except(_signals).scalar_subquery()


def signal_causes(alarm_id: sa.ColumnElement[uuid.UUID]) -> sa.ColumnElement[Any]:
    """Return SQL for the ``Cause`` of each signal behind the alarm in a column, as JSON arrays, as they came."""
    cause = sa.func.jsonb_build_array(_signals.c.kind, _signals.c.rule_kind, _signals.c.rule_id)
    causes = sa.select(sa.func.jsonb_agg(aggregate_order_by(cause, _signals.c.id), type_=JSONB))
    return causes.where(_signals.c.alarm_id == alarm_id).correlate_except(_signals).scalar_subquery()


def explanation(causes: Iterable[Cause]) -> Explanation:
    """Return the sentence that names signals and their rules, in every language of ours."""
    said = list(causes)
    return {"en": explain("en", said), "zh-CN": explain("zh-CN", said)}


def _cause(signal: SignalPublic) -> Cause:
    return Cause(signal.kind, signal.rule.kind, str(signal.rule.id)) if signal.rule else Cause(signal.kind)


def _signal(row: Any) -> SignalPublic:
    return SignalPublic(
        id=row.id,
        kind=row.kind,
        severity=Severity(row.severity).label,
        is_hint=row.is_hint,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        rule=RulePublic(kind=row.rule_kind, id=row.rule_id) if row.rule_kind else None,
        evidence=orjson.loads(unseal(row.evidence, EVIDENCE_CONTEXT)) if row.evidence else None,
    )


async def residents_of_alarms(
    connection: AsyncConnection, alarm_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, uuid.UUID]:
    """Return whom alarms are about."""
    rows = await connection.execute(_RESIDENTS, {"alarm_ids": list(alarm_ids)})
    return {row.id: row.resident_id for row in rows}

"""The SQL that reads the desk: its queue, the hand-overs of an alarm, the scripts in force and before."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, aggregate_order_by, distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.access import Actor
from app.core.audit import record, trace_each_binds, traced_each
from app.core.changes import written_by, written_since
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import Forbidden, NotFound
from app.core.sealing import unseal
from app.core.tables import table_of
from app.identity.api import account_name, actor_binds, is_visible, require_resident, resident_name
from eldercare.alarms.models import OPEN_STATES, Alarm, AlarmEntry, AlarmNotice, AlarmState
from eldercare.alarms.rules.words import Cause
from eldercare.alarms.schemas import AlarmPublic
from eldercare.alarms.views import alarm_detail, alarm_public, explanation, signal_causes
from eldercare.duty_desk.access import require_desk
from eldercare.duty_desk.models import HANDOVER_NOTE_CONTEXT, DeskHandover, DeskScript
from eldercare.duty_desk.rules import BUILT_IN, built_in, built_in_for
from eldercare.duty_desk.schemas import (
    Colleague,
    DeskAlarm,
    DeskHelper,
    DeskWaiting,
    HandoverPending,
    HandoverPublic,
    QueueItem,
    ScriptPublic,
    Show,
    ToldNow,
)
from eldercare.escalation.views import desk_told_by
from eldercare.rota.views import reachable

FOLLOWED: Final = timedelta(days=7)
_INSTANT = sa.DateTime(timezone=True)

_alarms = table_of(Alarm)
_entries = table_of(AlarmEntry)
_notices = table_of(AlarmNotice)
_handovers = table_of(DeskHandover)
_scripts = table_of(DeskScript)

_QUEUE_CURSOR = "eldercare.desk_queue"
_SCRIPTS_CURSOR = "eldercare.desk_scripts"
_community_id = sa.bindparam("community_id", type_=sa.Uuid)
_limit = sa.bindparam("limit", type_=sa.Integer)
_kind = sa.bindparam("kind", type_=sa.Text)
_language = sa.bindparam("language", type_=sa.Text)

_is_told_now = sa.and_(
    _notices.c.alarm_id == _alarms.c.id,
    _notices.c.round == _alarms.c.round,
    # Whoever was told beside a step is still on it when the ladder has gone on.
    sa.or_(_notices.c.step == _alarms.c.step, _notices.c.is_beside),
)
_told_now = (
    sa.select(
        sa.func.jsonb_agg(
            aggregate_order_by(
                sa.func.jsonb_build_object(
                    "account_id",
                    _notices.c.account_id,
                    "name",
                    account_name(_notices.c.account_id),
                    "told_at",
                    _notices.c.told_at,
                    "channel",
                    _notices.c.channel,
                    "outcome",
                    _notices.c.outcome,
                ),
                _notices.c.id,
            )
        )
    )
    .where(_is_told_now)
    .correlate(_alarms)
    .scalar_subquery()
)
# An offer stands only as long as the very claim it hands over.
_stands = sa.and_(
    _handovers.c.alarm_id == _alarms.c.id,
    _handovers.c.state == "offered",
    _handovers.c.giver_id == _alarms.c.acknowledged_by,
    _handovers.c.claimed_at == _alarms.c.acknowledged_at,
)
# The worst first, then the oldest; a negative severity lets one row comparison do both.
_worst_first = (-_alarms.c.severity).label("urgency")
_show = sa.bindparam("show", type_=sa.Text)
_in_queue = sa.and_(
    _alarms.c.community_id == _community_id,
    # Repeats what the partial index says, so that the planner may use it.
    _alarms.c.state.in_([sa.literal_column(f"'{state}'") for state in sorted(OPEN_STATES)]),
    is_visible(_alarms.c.resident_id, "alarms:respond"),
    sa.or_(
        _show == "all",
        sa.and_(_show == "unclaimed", _alarms.c.state == AlarmState.RAISED.value),
        sa.and_(_show == "mine", _alarms.c.acknowledged_by == sa.bindparam("actor_id", type_=sa.Uuid)),
    ),
)
_order = (_worst_first, _alarms.c.raised_at, _alarms.c.id)
_ITEMS = (
    sa.select(
        *(_alarms.c[name] for name in AlarmPublic.model_fields),
        _alarms.c.desk_queued_at,
        _worst_first,
        resident_name(_alarms.c.resident_id).label("resident_name"),
        account_name(_alarms.c.acknowledged_by).label("holder_name"),
        sa.type_coerce(_told_now, JSONB).label("told_now"),
        signal_causes(_alarms.c.id).label("causes"),
        _handovers.c.id.label("handover_id"),
        _handovers.c.taker_id,
        _handovers.c.offered_at,
        account_name(_handovers.c.taker_id).label("taker_name"),
    )
    .select_from(_alarms.outerjoin(_handovers, _stands))
    .where(_in_queue)
    .order_by(*_order)
)
QUEUE = traced_each(
    _ITEMS.where(
        after((-_alarms.c.severity, _alarms.c.raised_at, _alarms.c.id), ("after_urgency", "after_at", "after_id"))
    ).limit(_limit),
    "alarm:desk_queue",
)
"""The desk's queue in one statement: who is being told now, who has it, to whom it is being handed over."""

_ids = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_OF_QUEUE = traced_each(_ITEMS.where(_alarms.c.id == sa.any_(_ids)), "alarm:desk_queue")
_told_mark = sa.select(sa.func.sum(written_by(_notices))).where(_is_told_now).correlate(_alarms).scalar_subquery()
# Whatever an item shows is in these rows, so where the same transactions wrote them, it is the same.
MARKS = (
    sa.select(_alarms.c.id, sa.func.concat_ws(":", written_by(_alarms), _handovers.c.id, _told_mark).label("mark"))
    .select_from(_alarms.outerjoin(_handovers, _stands))
    .where(_in_queue)
    .order_by(-_alarms.c.severity, _alarms.c.raised_at, _alarms.c.id)
)
"""What is in the queue, the worst first, each with a mark that is another when the item is."""
_WAITING = (
    sa.select(*(_alarms.c[name] for name in ("id", "desk_queued_at", "plan_id", "step", "next_step_at")))
    .where(_in_queue)
    .order_by(-_alarms.c.severity, _alarms.c.raised_at, _alarms.c.id)
)


def _written_of(table: sa.Table) -> sa.Exists:
    return sa.exists(sa.select(table.c.id).where(table.c.alarm_id == _alarms.c.id, written_since(table)))


_opened = sa.select(_entries.c.id).where(
    _entries.c.alarm_id == _alarms.c.id, _entries.c.kind == AlarmState.RAISED.value, written_since(_entries)
)
SINCE = sa.select(_alarms.c.id, sa.exists(_opened).label("is_new")).where(
    _alarms.c.community_id == _community_id,
    is_visible(_alarms.c.resident_id, "alarms:respond"),
    sa.or_(_alarms.c.id == sa.any_(_ids), _alarms.c.raised_at >= sa.bindparam("first_at", type_=_INSTANT)),
    sa.or_(written_since(_alarms), _written_of(_notices), _written_of(_handovers)),
)

_HANDOVER = sa.select(
    _handovers,
    account_name(_handovers.c.giver_id).label("giver_name"),
    account_name(_handovers.c.taker_id).label("taker_name"),
)
_HANDOVERS_OF = _HANDOVER.where(_handovers.c.alarm_id == sa.bindparam("alarm_id", type_=sa.Uuid)).order_by(
    _handovers.c.id
)
_ONE_HANDOVER = _HANDOVER.where(_handovers.c.id == sa.bindparam("handover_id", type_=sa.Uuid))
_LATEST = (
    sa.select(_scripts)
    .ext(distinct_on(_scripts.c.kind))
    .where(
        _scripts.c.community_id == _community_id,
        _scripts.c.language == _language,
        sa.or_(_kind.is_(None), _scripts.c.kind == _kind),
    )
    .order_by(_scripts.c.kind, _scripts.c.number.desc())
)
_VERSIONS = (
    sa.select(_scripts)
    .where(
        _scripts.c.community_id == _community_id,
        _scripts.c.kind == _kind,
        _scripts.c.language == _language,
        after((_scripts.c.number,), ("after_number",), descending=True),
    )
    .order_by(_scripts.c.number.desc())
    .limit(_limit)
)


async def desk_queue(connection: AsyncConnection, actor: Actor, show: Show, page: PageRequest) -> Page[QueueItem]:
    """Return a page of the open alarms of the actor's community, the worst first, then the oldest."""
    urgency, at, last_id = decode_cursor(_QUEUE_CURSOR, page.cursor) if page.cursor else (None, None, None)
    binds = _queue_binds(actor, show) | {
        "limit": page.limit + 1,
        "after_urgency": urgency,
        "after_at": datetime.fromisoformat(at) if at else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
    binds |= trace_each_binds(actor, shown=page.limit)
    rows = (await connection.execute(QUEUE, binds)).all()
    following = next_cursor(_QUEUE_CURSOR, rows, page.limit, ("urgency", "raised_at", "id"))
    return Page(items=[_item(row) for row in rows[: page.limit]], next=following)


def _queue_binds(actor: Actor, show: Show) -> dict[str, Any]:
    of_desk = {"community_id": actor.community_id, "actor_id": actor.id, "show": show}
    return of_desk | actor_binds(actor, "alarms:respond")


async def desk_waiting(connection: AsyncConnection, actor: Actor) -> DeskWaiting:
    """Return all alarms that have reached the desk and that nobody has, and how many the circle is being called for.

    Raises ``Forbidden`` for whoever does not work at the desk.
    """
    require_desk(actor)
    rows = (await connection.execute(_WAITING, _queue_binds(actor, "unclaimed"))).all()
    called_for = [(row.plan_id, row.step, row.next_step_at) for row in rows if row.desk_queued_at is None]
    return DeskWaiting(
        alarms=[row.id for row in rows if row.desk_queued_at is not None],
        with_circle=len(called_for),
        told_by=min(await desk_told_by(connection, called_for), default=None),
    )


async def queue_marks(connection: AsyncConnection, actor: Actor, show: Show) -> dict[uuid.UUID, str]:
    """Return what is in the queue, the worst first, with marks that tell whether an item is still the same."""
    return {row.id: row.mark for row in await connection.execute(MARKS, _queue_binds(actor, show))}


async def queue_items(
    connection: AsyncConnection, actor: Actor, show: Show, alarm_ids: Sequence[uuid.UUID]
) -> list[QueueItem]:
    """Return those of the alarms that are in the queue, the worst first; each is put on record as shown."""
    if not alarm_ids:
        return []
    binds = _queue_binds(actor, show) | {"ids": list(alarm_ids)} | trace_each_binds(actor, shown=len(alarm_ids))
    rows = await connection.execute(_OF_QUEUE, binds)
    return [_item(row) for row in rows]


async def written_alarms(
    connection: AsyncConnection, actor: Actor, seen_to: int, open_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, bool]:
    """Return the alarms of which something was written by transactions from ``seen_to`` on: id → whether it is new.

    Of ``open_ids`` and of those raised in the last ``FOLLOWED``: those that were open for longer and have ended
    meanwhile are not found.
    """
    binds = {"community_id": actor.community_id, "ids": list(open_ids), "first_at": clock.now() - FOLLOWED}
    rows = await connection.execute(SINCE, binds | {"since": seen_to} | actor_binds(actor, "alarms:respond"))
    return {row.id: row.is_new for row in rows}


def _item(row: Any) -> QueueItem:
    alarm = alarm_public(row)
    is_taken = row.acknowledged_by is not None
    pending = None
    if row.handover_id is not None:
        taker = Colleague(account_id=row.taker_id, name=row.taker_name)
        pending = HandoverPending(id=row.handover_id, to=taker, offered_at=row.offered_at)
    return QueueItem(
        **alarm.model_dump(),
        resident_name=row.resident_name,
        desk_queued_at=row.desk_queued_at,
        claimed_by=Colleague(account_id=row.acknowledged_by, name=row.holder_name) if is_taken else None,
        claim_ends_at=alarm.next_step_at if is_taken else None,
        explanation=explanation(Cause(*cause) for cause in row.causes or ()),
        told_now=[ToldNow.model_validate(told) for told in row.told_now or ()],
        handover=pending,
    )


async def desk_alarm(
    connection: AsyncConnection, actor: Actor, alarm_id: uuid.UUID, resident_id: uuid.UUID, language: str
) -> DeskAlarm:
    """Return an alarm with the script of its kind in ``language``, whom to send, and its hand-overs.

    Raises ``NotFound``.
    """
    alarm = await alarm_detail(connection, actor, alarm_id, resident_id)
    return DeskAlarm(
        alarm=alarm,
        script=await script(connection, actor.community_id, alarm.kind, language),
        helpers=await desk_helpers(connection, actor, alarm_id, resident_id) if alarm.state in OPEN_STATES else None,
        handovers=[_handover(row) for row in await connection.execute(_HANDOVERS_OF, {"alarm_id": alarm_id})],
    )


async def desk_helpers(
    connection: AsyncConnection, actor: Actor, alarm_id: uuid.UUID, resident_id: uuid.UUID
) -> list[DeskHelper] | None:
    """Return whom the desk can call or send, who has a key first; ``None`` if it may not read the circle. Traced."""
    try:
        subject = await require_resident(connection, actor, resident_id, "circle:read")
    except (Forbidden, NotFound):
        return None
    await record(
        connection,
        actor,
        "circle:read",
        resident_id=resident_id,
        object_id=alarm_id,
        community_id=subject.community_id,
    )
    shown = {"account_id", "name", "relationship", "has_key"}
    found = [
        DeskHelper(**member.model_dump(include=shown), is_on_call=is_on_call, numbers=numbers)
        for member, is_on_call, numbers in await reachable(connection, resident_id, clock.now())
    ]
    return sorted(found, key=lambda one: not one.has_key)


async def handover(connection: AsyncConnection, handover_id: uuid.UUID) -> HandoverPublic:
    """Return a hand-over; raises ``NotFound``."""
    row = (await connection.execute(_ONE_HANDOVER, {"handover_id": handover_id})).one_or_none()
    if row is None:
        raise NotFound
    return _handover(row)


def _handover(row: Any) -> HandoverPublic:
    return HandoverPublic(
        id=row.id,
        alarm_id=row.alarm_id,
        giver=Colleague(account_id=row.giver_id, name=row.giver_name),
        taker=Colleague(account_id=row.taker_id, name=row.taker_name),
        state=row.state,
        note=unseal(row.note, HANDOVER_NOTE_CONTEXT) if row.note else None,
        offered_at=row.offered_at,
        answered_at=row.answered_at,
    )


async def script(connection: AsyncConnection, community_id: uuid.UUID, kind: str, language: str) -> ScriptPublic:
    """Return the script of a kind of alarm in force: the community's latest, else the one that comes with us."""
    return (await scripts(connection, community_id, language, kind))[0]


async def scripts(
    connection: AsyncConnection, community_id: uuid.UUID, language: str, kind: str | None = None
) -> list[ScriptPublic]:
    """Return the scripts in force in a language, by kind of alarm (all, unless one is named)."""
    binds = {"community_id": community_id, "language": language, "kind": kind}
    written = {row.kind: row for row in await connection.execute(_LATEST, binds)}
    return [
        _script(written[known]) if known in written else _built_in(known, language)
        for known in (built_in(language) if kind is None else (kind,))
    ]


async def script_versions(
    connection: AsyncConnection, community_id: uuid.UUID, kind: str, language: str, page: PageRequest
) -> Page[ScriptPublic]:
    """Return a page of the versions the community wrote of a script, the latest first."""
    (number,) = decode_cursor(_SCRIPTS_CURSOR, page.cursor) if page.cursor else (None,)
    binds = {
        "community_id": community_id,
        "kind": kind,
        "language": language,
        "after_number": number,
        "limit": page.limit + 1,
    }
    rows: Sequence[Any] = (await connection.execute(_VERSIONS, binds)).all()
    items = [_script(row) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_SCRIPTS_CURSOR, rows, page.limit, ("number",)))


def _script(row: Any) -> ScriptPublic:
    return ScriptPublic.model_validate({name: getattr(row, name) for name in ScriptPublic.model_fields})


def _built_in(kind: str, language: str) -> ScriptPublic:
    known = built_in_for(kind, language)
    return ScriptPublic.model_validate(
        {
            "kind": kind,
            "language": language,
            "number": BUILT_IN,
            "asks": known.asks,
            "does": known.does,
            "written_by": None,
            "written_at": None,
        }
    )


script_public = _script
"""Return a script (a row or a model) as it is shown."""

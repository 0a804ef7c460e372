"""The SQL that writes alarms: what opens one, what moves one, and the lines of its timeline."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock, wakeups
from app.core.tables import table_of
from eldercare.alarms.models import OPEN, OPEN_STATES, Alarm, AlarmEntry, AlarmKind, AlarmNotice, Severity, StoredSignal
from eldercare.alarms.rules import CHANGED, SAME_PRESS, TRANSITIONS, Action, Reason, Slot

_alarms = table_of(Alarm)
_signals = table_of(StoredSignal)
_entries = table_of(AlarmEntry)
_notices = table_of(AlarmNotice)

_OPEN_STATES = [state.value for state in OPEN_STATES]

_INSERT_ALARM = (
    insert(_alarms)
    .on_conflict_do_nothing(index_elements=["resident_id", "is_test", "stands_alone"], index_where=OPEN)
    .returning(_alarms.c.id)
)
# The order in which alarms are locked, wherever several are: nobody waits for each other in a circle.
_ORDER = (col(Alarm.resident_id), col(Alarm.is_test), col(Alarm.stands_alone))
_slots = (
    sa.func.unnest(
        sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("tests", type_=ARRAY(sa.Boolean)),
        sa.bindparam("alone", type_=ARRAY(sa.Boolean)),
    )
    .table_valued("resident_id", "is_test", "stands_alone")
    .render_derived("slots")
)
_OPEN_IN = (
    sa.select(Alarm)
    .join(
        _slots,
        sa.and_(
            _slots.c.resident_id == col(Alarm.resident_id),
            _slots.c.is_test == col(Alarm.is_test),
            _slots.c.stands_alone == col(Alarm.stands_alone),
        ),
    )
    # Repeats what the partial index says, so that the planner may use it.
    .where(col(Alarm.state).in_([sa.literal_column(f"'{state}'") for state in _OPEN_STATES]))
    .order_by(*_ORDER)
    .with_for_update(of=Alarm)
    .execution_options(populate_existing=True)
)
_BY_IDS = (
    sa.select(Alarm)
    .where(col(Alarm.id) == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
    .order_by(*_ORDER)
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_IS_OPEN = sa.select(
    sa.exists().where(
        OPEN,
        sa.or_(
            _alarms.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
            _alarms.c.acknowledged_by == sa.bindparam("account_id", type_=sa.Uuid),
        ),
    )
)
_OF_CLIENT_KEY = (
    sa.select(Alarm, col(StoredSignal.occurred_at))
    .join(StoredSignal, col(StoredSignal.alarm_id) == col(Alarm.id))
    .where(
        col(StoredSignal.resident_id) == sa.bindparam("resident_id", type_=sa.Uuid),
        col(StoredSignal.client_key) == sa.bindparam("client_key", type_=sa.Uuid),
    )
)
_IN_ALARM = _signals.c.alarm_id == sa.bindparam("alarm_id", type_=sa.Uuid)
_MEANT = _signals.c.client_key == sa.any_(sa.bindparam("client_keys", type_=ARRAY(sa.Uuid)))
_MEANT_LAST = sa.select(sa.func.max(_signals.c.occurred_at)).where(_IN_ALARM, _MEANT).scalar_subquery()
_CALLED_AGAIN = sa.select(
    sa.exists().where(
        _IN_ALARM,
        _signals.c.kind == AlarmKind.SOS,
        _MEANT.is_not(True),
        # Two times of one device may lie the wrong way round: it measures its clock anew.
        _signals.c.occurred_at > _MEANT_LAST - SAME_PRESS,
    )
)
_LOCK_CLIENT_KEY = sa.select(sa.func.pg_advisory_xact_lock(sa.bindparam("lock", type_=sa.BigInteger)))
_REASONS = sa.select(_signals.c.kind, _signals.c.origin_id, _signals.c.occurred_at, _signals.c.is_hint).where(
    _signals.c.alarm_id == sa.bindparam("alarm_id", type_=sa.Uuid)
)
_TOLD = (
    sa.select(_notices.c.account_id)
    .distinct()
    .where(_notices.c.alarm_id == sa.bindparam("alarm_id", type_=sa.Uuid), _notices.c.outcome != "unreachable")
    .order_by(_notices.c.account_id)
)
RAISED_FACTS = sa.select(
    _alarms.c.id.label("aggregate_id"),
    _alarms.c.community_id,
    sa.func.jsonb_build_object(
        "resident_id",
        _alarms.c.resident_id,
        "kind",
        _alarms.c.kind,
        "severity",
        sa.case({severity.value: severity.label for severity in Severity}, value=_alarms.c.severity),
        "is_test",
        _alarms.c.is_test,
    ).label("payload"),
).where(_alarms.c.id == sa.any_(sa.bindparam("alarm_ids", type_=ARRAY(sa.Uuid))))
"""The facts of freshly inserted alarms, for ``emit_many``."""


async def insert_alarms(session: AsyncSession, alarms: Sequence[Alarm]) -> set[uuid.UUID]:
    """Insert those alarms whose residents have none open, and return the ids of these.

    ``alarms`` are sorted by slot, so that two batches never wait for each other in a circle.
    """
    rows = [alarm.model_dump() for alarm in alarms]
    return set(await session.scalars(_INSERT_ALARM, rows)) if rows else set()


async def lock_open(session: AsyncSession, slots: Iterable[Slot]) -> dict[Slot, Alarm]:
    """Return the open alarms in these slots, locked and fresh; no lock is taken of any other."""
    wanted = sorted(slots)
    binds = {
        "resident_ids": [slot.resident_id for slot in wanted],
        "tests": [slot.is_test for slot in wanted],
        "alone": [slot.stands_alone for slot in wanted],
    }
    found = await session.scalars(_OPEN_IN, binds)
    return {Slot(alarm.resident_id, alarm.is_test, alarm.stands_alone): alarm for alarm in found}


async def is_alarm_open(session: AsyncSession, account_id: uuid.UUID, resident_id: uuid.UUID | None) -> bool:
    """Say whether an alarm is open about the resident, or one that the account has taken."""
    return bool(await session.scalar(_IS_OPEN, {"account_id": account_id, "resident_id": resident_id}))


async def lock_alarms(session: AsyncSession, ids: Sequence[uuid.UUID]) -> list[Alarm]:
    """Return the alarms, locked and fresh."""
    return list(await session.scalars(_BY_IDS, {"ids": list(ids)}))


async def find_by_client_key(session: AsyncSession, resident_id: uuid.UUID, client_key: uuid.UUID) -> Alarm | None:
    """Return the alarm an app's signal went into; until commit nobody else can store a signal under this key."""
    known = await find_signal(session, resident_id, client_key)
    return known[0] if known else None


async def find_signal(
    session: AsyncSession, resident_id: uuid.UUID, client_key: uuid.UUID
) -> tuple[Alarm, datetime] | None:
    """Return the alarm an app's signal went into, and when that was pressed; the key is ours until commit."""
    await session.execute(_LOCK_CLIENT_KEY, {"lock": client_key.int & (2**63 - 1)})
    binds = {"resident_id": resident_id, "client_key": client_key}
    row = (await session.execute(_OF_CLIENT_KEY, binds)).one_or_none()
    return (row[0], row[1]) if row else None


async def called_again(session: AsyncSession, alarm_id: uuid.UUID, client_keys: Sequence[uuid.UUID]) -> bool:
    """Say whether an alarm has another call for help than those under these keys that was not made long before."""
    return bool(await session.scalar(_CALLED_AGAIN, {"alarm_id": alarm_id, "client_keys": list(client_keys)}))


async def insert_signals(session: AsyncSession, signals: Sequence[StoredSignal]) -> None:
    """Insert signals as they were received."""
    await session.execute(sa.insert(_signals), [signal.model_dump() for signal in signals])


async def insert_entries(session: AsyncSession, entries: Sequence[AlarmEntry]) -> None:
    """Add lines to timelines; nothing becomes of an alarm without one, so it wakes whoever follows alarms."""
    if entries:
        await session.execute(sa.insert(_entries), [entry.model_dump() for entry in entries])
        wakeups.request(session, CHANGED)


async def insert_notices(session: AsyncSession, notices: Sequence[AlarmNotice]) -> None:
    """Remember who was told."""
    if notices:
        await session.execute(sa.insert(_notices), [notice.model_dump() for notice in notices])


def entry(
    alarm: Alarm, kind: str, actor_id: uuid.UUID | None = None, data: Mapping[str, object] | None = None
) -> AlarmEntry:
    """Return a line for the alarm's timeline at this instant."""
    return AlarmEntry(
        alarm_id=alarm.id, resident_id=alarm.resident_id, kind=kind, actor_id=actor_id, data=dict(data or {})
    )


def about(alarm: Alarm) -> dict[str, Any]:
    """Return what every fact about an alarm carries."""
    return {"aggregate_id": alarm.id, "community_id": alarm.community_id, "resident_id": alarm.resident_id}


async def reasons_for(session: AsyncSession, alarm_id: uuid.UUID) -> list[Reason]:
    """Return what an alarm's signals say of why it was raised."""
    return [Reason(*row) for row in await session.execute(_REASONS, {"alarm_id": alarm_id})]


async def told_accounts(session: AsyncSession, alarm_id: uuid.UUID) -> list[uuid.UUID]:
    """Return everyone who was told of an alarm."""
    return list(await session.scalars(_TOLD, {"alarm_id": alarm_id}))


async def move(
    session: AsyncSession,
    alarm_id: uuid.UUID,
    action: Action,
    values: Mapping[str, Any],
    *conditions: sa.ColumnElement[bool],
) -> Alarm | None:
    """Perform ``action`` if the alarm's state (and ``conditions``) allow it now; return the alarm or ``None``.

    One conditional UPDATE: of two people who act at once, one gets the alarm and the other ``None``.
    """
    now = clock.now()
    transition = TRANSITIONS[action]
    statement = (
        sa.update(Alarm)
        .where(
            col(Alarm.id) == alarm_id, col(Alarm.state).in_([state.value for state in transition.sources]), *conditions
        )
        .values({"state": transition.target.value, "updated_at": now, "version": col(Alarm.version) + 1} | dict(values))
        .returning(Alarm)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    alarm: Alarm | None = (await session.scalars(statement)).one_or_none()
    return alarm

"""The SQL that notes what became of an alarm's notices."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, wakeups
from app.core.tables import table_of
from app.identity.api import is_active_account
from eldercare.alarms.models import OPEN_STATES, Alarm, AlarmNotice, AlarmState, StoredSignal
from eldercare.alarms.rules import CHANGED

_alarms = table_of(Alarm)
_notices = table_of(AlarmNotice)
_signals = table_of(StoredSignal)
_INSTANT = sa.DateTime(timezone=True)

_settled = (
    sa.func.unnest(
        sa.bindparam("delivery_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("channels", type_=ARRAY(sa.Text)),
        sa.bindparam("outcomes", type_=ARRAY(sa.Text)),
        sa.bindparam("instants", type_=ARRAY(_INSTANT)),
    )
    .table_valued("delivery_id", "channel", "outcome", sa.column("at", _INSTANT))
    .render_derived("settled")
)
_SETTLE = (
    sa.update(_notices)
    .where(_notices.c.delivery_id == _settled.c.delivery_id)
    .values(
        channel=_settled.c.channel,
        outcome=_settled.c.outcome,
        settled_at=_settled.c.at,
        updated_at=sa.bindparam("now", type_=_INSTANT),
        version=_notices.c.version + 1,
    )
)
# Whoever was told beside the step is no answer to whether its own contacts can be reached.
_of_current_step = sa.and_(
    _notices.c.alarm_id == _alarms.c.id,
    _notices.c.round == _alarms.c.round,
    _notices.c.step == _alarms.c.step,
    sa.not_(_notices.c.is_beside),
)
_UNREACHED = sa.select(_alarms.c.id).where(
    _alarms.c.id == sa.any_(sa.bindparam("alarm_ids", type_=ARRAY(sa.Uuid))),
    _alarms.c.state == AlarmState.RAISED.value,
    sa.exists(
        sa.select(_notices.c.id).where(
            _of_current_step, _notices.c.delivery_id == sa.any_(sa.bindparam("delivery_ids", type_=ARRAY(sa.Uuid)))
        )
    ),
    ~sa.exists(
        sa.select(_notices.c.id).where(_of_current_step, _notices.c.outcome.in_(["pending", "sent", "delivered"]))
    ),
)


def _is_under_way(alarms: sa.FromClause) -> sa.ColumnElement[bool]:
    """Say whether an alarm is open and none for practice."""
    open_states: list[sa.ColumnElement[str]] = [sa.literal_column(f"'{state.value}'") for state in sorted(OPEN_STATES)]
    return sa.and_(alarms.c.state.in_(open_states), sa.not_(alarms.c.is_test))


_others = _alarms.alias("others")
_of_others = sa.and_(
    _others.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    _others.c.id != sa.bindparam("alarm_id", type_=sa.Uuid),
    _is_under_way(_others),
)
_ENGAGED = sa.union(
    sa.select(
        _others.c.acknowledged_by.label("account_id"), is_active_account(_others.c.acknowledged_by).label("is_on_it")
    ).where(_of_others, _others.c.acknowledged_by.is_not(None)),
    sa.select(_notices.c.account_id, sa.false())
    .join(_others, _others.c.id == _notices.c.alarm_id)
    .where(_of_others, _notices.c.outcome != sa.literal("unreachable")),
).order_by(sa.literal_column("1"), sa.literal_column("2"))


async def engaged_otherwise(session: AsyncSession, alarm: Alarm) -> list[tuple[uuid.UUID, bool]]:
    """Return who was told of another open alarm about the same resident, and whether they are on the way because of it.

    Whoever was told may have left the circle since: only who has taken the alarm, and still has an account, is known to
    be on it.
    """
    binds = {"resident_id": alarm.resident_id, "alarm_id": alarm.id}
    return [(row.account_id, row.is_on_it) for row in await session.execute(_ENGAGED, binds)]


_KINDS = (
    sa.select(_signals.c.kind)
    .distinct()
    .join(_alarms, _alarms.c.id == _signals.c.alarm_id)
    .where(_alarms.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid), _is_under_way(_alarms))
)


async def kinds_about(session: AsyncSession, resident_id: uuid.UUID) -> set[str]:
    """Return what all open alarms about a resident are about: whoever helps has to know of all of it."""
    return set(await session.scalars(_KINDS, {"resident_id": resident_id}))


_ON_IT = sa.select(
    sa.exists().where(
        _alarms.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        _alarms.c.state.in_([sa.literal_column(f"'{state.value}'") for state in sorted(OPEN_STATES)]),
        _alarms.c.acknowledged_by == sa.bindparam("account_id", type_=sa.Uuid),
    )
)


async def is_on_it(session: AsyncSession, resident_id: uuid.UUID, account_id: uuid.UUID) -> bool:
    """Say whether somebody has taken an open alarm about a resident."""
    return bool(await session.scalar(_ON_IT, {"resident_id": resident_id, "account_id": account_id}))


_ABOUT = sa.select(_alarms.c.id).where(
    _alarms.c.resident_id == sa.any_(sa.bindparam("resident_ids", type_=ARRAY(sa.Uuid))), _is_under_way(_alarms)
)


async def open_about(session: AsyncSession, resident_ids: Iterable[uuid.UUID]) -> list[uuid.UUID]:
    """Return the open alarms about residents; exercises let nobody in."""
    return list(await session.scalars(_ABOUT, {"resident_ids": list(resident_ids)}))


_BESIDE = (
    sa.select(_others.c.id)
    .distinct()
    .join(_alarms, _alarms.c.resident_id == _others.c.resident_id)
    .where(
        _alarms.c.id == sa.any_(sa.bindparam("alarm_ids", type_=ARRAY(sa.Uuid))),
        _is_under_way(_alarms),
        _is_under_way(_others),
    )
)


async def open_beside(session: AsyncSession, alarm_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Return all open alarms about the residents of those of ``alarm_ids`` that are open, these included.

    Exercises have nothing beside them.
    """
    return list(await session.scalars(_BESIDE, {"alarm_ids": list(alarm_ids)}))


_TOLD = sa.select(_notices.c.account_id).where(
    _notices.c.alarm_id == sa.bindparam("alarm_id", type_=sa.Uuid),
    _notices.c.round == sa.bindparam("round", type_=sa.Integer),
    _notices.c.step == sa.bindparam("step", type_=sa.Integer),
)


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a delivery."""

    delivery_id: uuid.UUID
    channel: str
    outcome: str
    at: datetime


async def settle_notices(session: AsyncSession, settled: Sequence[Settled]) -> None:
    """Write the outcomes to the notices they belong to; deliveries that are no step's are ignored."""
    binds = {
        "delivery_ids": [one.delivery_id for one in settled],
        "channels": [one.channel for one in settled],
        "outcomes": [one.outcome for one in settled],
        "instants": [one.at for one in settled],
        "now": clock.now(),
    }
    await session.execute(_SETTLE, binds)
    wakeups.request(session, CHANGED)


async def unreached_steps(
    session: AsyncSession, alarm_ids: Sequence[uuid.UUID], delivery_ids: Sequence[uuid.UUID]
) -> list[uuid.UUID]:
    """Return those raised alarms whose current step reached nobody, now that it is known of ``delivery_ids``.

    All deliveries to its own contacts came to nothing, or no phone of theirs said in time that it has one. Those told
    beside it stay told.
    """
    binds = {"alarm_ids": list(alarm_ids), "delivery_ids": list(delivery_ids)}
    return list(await session.scalars(_UNREACHED, binds))


async def told_of_rung(session: AsyncSession, alarm_id: uuid.UUID, round_number: int, step: int) -> set[uuid.UUID]:
    """Return whom a step of an alarm has been for in a round, whether or not it reached them."""
    return set(await session.scalars(_TOLD, {"alarm_id": alarm_id, "round": round_number, "step": step}))

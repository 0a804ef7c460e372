"""The alarms of visits: nobody has arrived, nobody came, somebody has not left; and what ends them."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.tables import table_of
from eldercare.alarms.models import OPEN, Alarm, StoredSignal
from eldercare.alarms.notices import CARER_THERE, tell
from eldercare.alarms.repository import lock_alarms, told_accounts
from eldercare.alarms.service import AlarmKind, AlarmSignal, Severity, Word, note, raise_alarms
from eldercare.signals.service import stand_down

ORIGIN: Final = "visit"
_NEVER_BEFORE: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""A word given then speaks of nothing but what it answers: of another visit nothing is known by it."""
_NOBODY_CAME: Final = frozenset({str(AlarmKind.VISIT_LATE), str(AlarmKind.VISIT_MISSED)})
_STILL_THERE: Final = frozenset({str(AlarmKind.CHECK_OUT_OVERDUE)})

_alarms, _signals = (table_of(model) for model in (Alarm, StoredSignal))
_OPEN_ABOUT = (
    sa.select(_alarms.c.id)
    .where(
        _alarms.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        OPEN,
        sa.exists().where(
            _signals.c.alarm_id == _alarms.c.id,
            _signals.c.origin_kind == sa.literal(ORIGIN, sa.Text),
            _signals.c.origin_id == sa.bindparam("visit_id", type_=sa.Uuid),
            _signals.c.kind.in_([sa.literal(kind, sa.Text) for kind in sorted(_NOBODY_CAME)]),
        ),
    )
    .order_by(_alarms.c.id)
)


async def nobody_yet(session: AsyncSession, visits: Sequence[sa.Row[Any]]) -> None:
    """Raise an alarm for everyone to whom nobody has come yet, as bad as is agreed for the visit."""
    await raise_alarms(session, [_signal(visit, AlarmKind.VISIT_LATE, visit.late_severity) for visit in visits])


async def nobody_came(session: AsyncSession, visits: Sequence[sa.Row[Any]]) -> None:
    """Raise an alarm for everyone to whom nobody came."""
    await raise_alarms(session, [_signal(visit, AlarmKind.VISIT_MISSED, visit.missed_severity) for visit in visits])


async def still_there(session: AsyncSession, visits: Sequence[sa.Row[Any]]) -> None:
    """Raise an alarm for every home that a carer should have left long ago: they may be in need themselves."""
    await raise_alarms(
        session, [_signal(visit, AlarmKind.CHECK_OUT_OVERDUE, visit.check_out_severity) for visit in visits]
    )


async def carer_came(session: AsyncSession, actor: Actor, visit: sa.Row[Any]) -> None:
    """End the alarm that nobody came; where there is more to it, tell all who were called that a carer is there."""
    word = Word(_NOBODY_CAME, answers=visit.id, given_at=_NEVER_BEFORE)
    if await stand_down(session, actor, visit.resident_id, word=word, reason="carer_arrived") is not None:
        return
    binds = {"resident_id": visit.resident_id, "visit_id": visit.id}
    for alarm in await lock_alarms(session, list(await session.scalars(_OPEN_ABOUT, binds))):
        if await note(session, alarm.id, "carer_arrived", {"visit_id": str(visit.id)}):
            told = [one for one in await told_accounts(session, alarm.id) if one != actor.id]
            await tell(session, CARER_THERE, alarm, told, f"carer_there:{visit.id}")


async def carers_left(session: AsyncSession, actor: Actor, resident_id: uuid.UUID, visit_id: uuid.UUID) -> None:
    """End the alarm about a carer who had not left."""
    word = Word(_STILL_THERE, answers=visit_id, given_at=_NEVER_BEFORE)
    await stand_down(session, actor, resident_id, word=word, reason="carer_left")


def _signal(visit: sa.Row[Any], kind: AlarmKind, severity: int) -> AlarmSignal:
    return AlarmSignal(
        kind=kind,
        severity=Severity(severity),
        community_id=visit.community_id,
        resident_id=visit.resident_id,
        occurred_at=clock.now(),
        origin=(ORIGIN, visit.id),
        rule=("visit_template", visit.template_id) if visit.template_id else ("care_plan", visit.care_plan_id),
        evidence={"starts_at": visit.starts_at.isoformat(), "ends_at": visit.ends_at.isoformat()},
    )

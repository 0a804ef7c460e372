"""Asking, a batch at a time: prompts, the answer window, reminders, and what follows when it closes in silence."""

import uuid
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, wakeups
from app.core.events import emit_many
from app.core.tables import table_of
from app.core.touching import touch_many
from eldercare.alarms.service import AlarmKind, AlarmSignal, Severity, raise_alarms
from eldercare.check_ins import repository
from eldercare.check_ins.models import CheckIn
from eldercare.check_ins.service import telling
from eldercare.events import CheckInMissed, CheckInUnasked
from notifications.events import DeliverySettled

CHANNEL: Final = "eldercare.check_in_windows"
"""The wake-up channel of check-ins whose window may be over."""
ORIGIN: Final = "check_in"

_check_ins = table_of(CheckIn)
_FACTS = sa.select(
    _check_ins.c.id.label("aggregate_id"),
    _check_ins.c.community_id,
    sa.func.jsonb_build_object(
        "resident_id", _check_ins.c.resident_id, "plan_id", _check_ins.c.plan_id, type_=JSONB
    ).label("payload"),
).where(_check_ins.c.id == sa.any_(sa.bindparam("check_in_ids", type_=ARRAY(sa.Uuid))))


async def prompt(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Ask the residents whose check-ins are due; excuse those who are away."""
    await telling.send_prompts(session, await repository.prompt(session, ids, clock.now()))
    await touch_many(session, "check_in", _check_ins, ids)


async def begin_windows(session: AsyncSession, settled: Sequence[DeliverySettled]) -> None:
    """Begin the answer windows of prompts that reached a channel; bring the others' decision forward."""
    reached = {fact.aggregate_id: fact.occurred_at for fact in settled if fact.has_reached}
    failed = [fact.aggregate_id for fact in settled if fact.is_final and not fact.has_reached]
    now = clock.now()
    if reached:
        await repository.start_windows(session, reached, now)
    if failed:
        await repository.give_up_asking(session, failed, now)
        wakeups.request(session, CHANNEL)


async def remind(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Remind the residents who have not answered yet."""
    await telling.send_reminders(session, await repository.remind(session, ids, clock.now()))


async def close_unanswered(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Raise an alarm for everyone who was asked and did not answer, unless an outage of ours ate into their window."""
    rest = await _without_robbed(session, ids, await repository.give_back(session, ids, clock.now()))
    rows = await repository.close(session, rest, clock.now(), was_asked=True)
    if rows:
        missed = [row.id for row in rows]
        await emit_many(session, CheckInMissed, _FACTS, {"check_in_ids": missed})
        await raise_alarms(session, [_signal(row, AlarmKind.CHECK_IN_MISSED, Severity(row.severity)) for row in rows])
        await telling.tell_of_misses(session, missed)


async def close_unasked(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Raise a low alarm for everyone who could not be asked, unless it was us who were away."""
    rest = await _without_robbed(session, ids, await repository.ask_again(session, ids, clock.now()))
    rows = await repository.close(session, rest, clock.now(), was_asked=False)
    if rows:
        await emit_many(session, CheckInUnasked, _FACTS, {"check_in_ids": [row.id for row in rows]})
        await raise_alarms(session, [_signal(row, AlarmKind.CHECK_IN_UNREACHABLE, Severity.LOW) for row in rows])


async def _without_robbed(
    session: AsyncSession, ids: Sequence[uuid.UUID], robbed: Mapping[str, Sequence[uuid.UUID]]
) -> list[uuid.UUID]:
    """Ask those again whom an outage robbed of their time (channel → ids), and return the rest."""
    await telling.send_prompts(session, robbed)
    asked_again = set(chain.from_iterable(robbed.values()))
    return [check_in_id for check_in_id in ids if check_in_id not in asked_again]


def _signal(row: sa.Row[Any], kind: AlarmKind, severity: Severity) -> AlarmSignal:
    return AlarmSignal(
        kind=kind,
        severity=severity,
        community_id=row.community_id,
        resident_id=row.resident_id,
        occurred_at=clock.now(),
        origin=(ORIGIN, row.id),
        rule=("check_in_plan", row.plan_id),
        evidence={
            "plan_id": str(row.plan_id),
            "due_at": row.due_at.isoformat(),
            "asked_at": row.asked_at.isoformat() if row.asked_at else None,
        },
    )

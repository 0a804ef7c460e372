"""Reminding, a batch at a time: doses that fall due, and what follows when nobody recorded them."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, wakeups
from app.core.events import emit_many
from eldercare.alarms.service import AlarmKind, AlarmSignal, Severity
from eldercare.events import DoseMissed
from eldercare.medication import repository
from eldercare.medication.models import DOSES
from eldercare.medication.service import telling
from eldercare.medication.service.planning import CHANNEL
from eldercare.signals.service import hint
from notifications.events import DeliverySettled

ORIGIN: Final = "dose"
"""The origin of the signals that missed doses give."""
SEVERITY: Final = Severity.MEDIUM
"""Of the alarm about a missed dose of a critical regimen: somebody has to look, as after a check-in nobody answered."""

_FACTS = sa.select(
    DOSES.c.id.label("aggregate_id"),
    DOSES.c.community_id,
    sa.func.jsonb_build_object(
        "resident_id",
        DOSES.c.resident_id,
        "regimen_id",
        DOSES.c.regimen_id,
        "is_critical",
        DOSES.c.critical,
        type_=JSONB,
    ).label("payload"),
).where(DOSES.c.id == sa.any_(sa.bindparam("dose_ids", type_=ARRAY(sa.Uuid))))


async def remind(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Remind the residents whose doses fell due or are still open; excuse those who are away."""
    await telling.remind(session, await repository.remind(session, ids, clock.now()))
    wakeups.request(session, CHANNEL)


async def note_reached(session: AsyncSession, settled: Sequence[DeliverySettled]) -> None:
    """Note of which doses the residents were really reminded: what no channel of theirs took reminds nobody."""
    reached = sorted({fact.aggregate_id for fact in settled if fact.has_reached})
    if reached:
        await repository.mark_reminded(session, reached, clock.now())


async def close(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Close the doses nobody recorded, unless an outage of ours kept people from recording them.

    A missed dose of a critical regimen raises an alarm. Of the others those are told whom the resident lets know, and
    an alarm only where something else happens within some hours.
    """
    now = clock.now()
    given_back = await repository.give_back(session, ids, now)
    if given_back:
        wakeups.request(session, CHANNEL)
    rest = [dose_id for dose_id in ids if dose_id not in given_back]
    missed = await repository.close(session, rest, now)
    await telling.stop_reminding(session, rest)
    if not missed:
        return
    await emit_many(session, DoseMissed, _FACTS, {"dose_ids": [row.id for row in missed]})
    signals = [_signal(row) for row in missed]
    await hint(session, [one for one in signals if one.is_hint], beside=[one for one in signals if not one.is_hint])
    await telling.tell_of_misses(session, [row.id for row in missed if not row.critical])


def _signal(row: sa.Row[Any]) -> AlarmSignal:
    return AlarmSignal(
        kind=AlarmKind.MEDICATION,
        severity=SEVERITY if row.critical else Severity.LOW,
        community_id=row.community_id,
        resident_id=row.resident_id,
        occurred_at=clock.now(),
        origin=(ORIGIN, row.id),
        rule=("regimen", row.regimen_id),
        evidence={"regimen_id": str(row.regimen_id), "due_at": row.due_at.isoformat()},
        is_hint=not row.critical,
    )

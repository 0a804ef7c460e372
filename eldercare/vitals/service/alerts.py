"""Calling people when readings leave their limits, in the transaction that keeps the readings."""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from eldercare.alarms.service import AlarmKind, AlarmSignal, Severity, raise_alarms
from eldercare.vitals.repository import Watched, note_judged, watched
from eldercare.vitals.rules.thresholds import Side, calls, judge, side_of
from eldercare.vitals.views.clinicians import is_somebody_responsible

ORIGIN: Final = "vital_threshold"


async def judge_readings(
    session: AsyncSession, resident_id: uuid.UUID, community_id: uuid.UUID, codes: Sequence[str], *, anew: bool = False
) -> None:
    """Judge a resident's latest readings of ``codes`` (of a locked resident) and raise an alarm if need be.

    ``anew`` leaves out of account on which side they were: a reading that was wrong may have led there, and nobody
    would be called for the next true one. Nothing is judged while the community has no responsible clinician. What a
    text tells of the alarm says nothing of readings; its evidence holds ids only, for whoever may read them.
    """
    if not await is_somebody_responsible(await session.connection(), community_id):
        return
    now = clock.now()
    judged: dict[str, tuple[Side, bool]] = {}
    signals = []
    for one in await watched(session, resident_id, codes):
        side = judge(one.limits, "inside" if anew else one.side, one.values)
        is_called = bool(one.values) and calls(one.side, side, side_of(one.limits, one.values[0]), one.alerted_at, now)
        if side != one.side or is_called:
            judged[one.code] = (side, is_called)
        if is_called:
            signals.append(_signal(one, resident_id, community_id))
    if judged:
        await note_judged(session, resident_id, judged, now)
    if signals:
        await raise_alarms(session, signals)


def _signal(one: Watched, resident_id: uuid.UUID, community_id: uuid.UUID) -> AlarmSignal:
    outside = [
        str(reading)
        for reading, value in zip(one.reading_ids, one.values, strict=True)
        if side_of(one.limits, value) != "inside"
    ]
    return AlarmSignal(
        kind=AlarmKind.VITAL_SIGN,
        severity=Severity(one.severity),
        community_id=community_id,
        resident_id=resident_id,
        occurred_at=one.measured_at or clock.now(),
        origin=(ORIGIN, one.threshold_id),
        rule=(ORIGIN, one.threshold_id),
        evidence={"threshold_id": str(one.threshold_id), "reading_ids": outside},
    )

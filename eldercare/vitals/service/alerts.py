"""Calling people when readings leave their limits, in the transaction that keeps the readings."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.identity.api import active_residents
from eldercare.alarms.service import AlarmKind, AlarmSignal, Severity, raise_alarms
from eldercare.vitals.repository import Watched, lock_due, note_judged, watched, watched_by
from eldercare.vitals.rules.thresholds import calls, judge, side_of
from eldercare.vitals.views.clinicians import is_somebody_responsible

ORIGIN: Final = "vital_threshold"
CHANNEL: Final = "eldercare.vital_limits"
"""The wake-up channel of thresholds that may be due now."""
TRIED_AGAIN: Final = timedelta(seconds=2)


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
    await _judge(session, await watched(session, resident_id, codes), anew=anew)


async def judge_due(session: AsyncSession, threshold_ids: Sequence[uuid.UUID]) -> None:
    """Judge the latest readings of those who live here by thresholds that are due, as when a reading comes.

    Somebody has become responsible: for whoever is outside their limits already people are called now, and not when
    the next reading comes. Where somebody writes about the same resident just now, it is done a moment later.
    """
    held = await lock_due(session, threshold_ids, clock.now() + TRIED_AGAIN)
    found = await watched_by(session, held)
    connection = await session.connection()
    here = await active_residents(connection, {one.resident_id for one in found})
    answered_for = {
        community_id
        for community_id in {one.community_id for one in found}
        if await is_somebody_responsible(connection, community_id)
    }
    await _judge(session, [one for one in found if one.resident_id in here and one.community_id in answered_for])


async def _judge(session: AsyncSession, found: Sequence[Watched], *, anew: bool = False) -> None:
    now = clock.now()
    judged, signals = [], []
    for one in found:
        side = judge(one.limits, "inside" if anew else one.side, one.values)
        is_called = bool(one.values) and calls(one.side, side, side_of(one.limits, one.values[0]), one.alerted_at, now)
        if side != one.side or is_called:
            judged.append((one, side, is_called))
        if is_called:
            signals.append(_signal(one))
    if judged:
        await note_judged(session, judged, now)
    if signals:
        await raise_alarms(session, signals)


def _signal(one: Watched) -> AlarmSignal:
    outside = [
        str(reading)
        for reading, value in zip(one.reading_ids, one.values, strict=True)
        if side_of(one.limits, value) != "inside"
    ]
    return AlarmSignal(
        kind=AlarmKind.VITAL_SIGN,
        severity=Severity(one.severity),
        community_id=one.community_id,
        resident_id=one.resident_id,
        occurred_at=one.measured_at or clock.now(),
        origin=(ORIGIN, one.threshold_id),
        rule=(ORIGIN, one.threshold_id),
        evidence={"threshold_id": str(one.threshold_id), "reading_ids": outside},
    )

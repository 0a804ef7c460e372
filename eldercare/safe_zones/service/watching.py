"""Noticing that it is not known where somebody is: a deadline per resident, looked at a batch at a time."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, wakeups
from app.identity.api import residents_sharing
from eldercare.alarms.service import AlarmKind, AlarmSignal, Severity, raise_alarms
from eldercare.check_ins.views.absences import Absence, absence_at, absences
from eldercare.safe_zones import repository
from eldercare.safe_zones.repository import Found, Zone
from eldercare.safe_zones.rules.silence import LOOK_AGAIN, LOW_BATTERY, Look, Reason, look

CHANNEL: Final = "eldercare.positions"
"""The wake-up channel of residents whose silence is to be looked at now."""
ORIGIN: Final = "position_tracking"
PATH: Final = 20
"""How many positions an alarm names as its evidence."""
_CONSENT: Final = "location:read"
_OUTAGES_SINCE: Final = timedelta(hours=25)


async def look_now(session: AsyncSession, resident_ids: Iterable[uuid.UUID]) -> None:
    """Let what changed about residents' zones or consents be followed at once."""
    await repository.look_now(session, resident_ids)
    wakeups.request(session, CHANNEL)


async def look_at(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Look at the silence of residents whose deadline has come, and raise a low alarm, once, where it lasts too long.

    Nobody is called about who has no zone, lets nobody see where they are, or is away or in hospital.
    """
    now = clock.now()
    rows = await repository.trackings(session, ids)
    residents = [row.resident_id for row in rows]
    connection = await session.connection()
    zones = await repository.active_zones(connection, residents)
    sharing = await residents_sharing(connection, residents, _CONSENT)
    away = await absences(connection, residents, now)
    outages = await repository.outages(session, now - _OUTAGES_SINCE)
    found: list[Found] = []
    signals: list[AlarmSignal] = []
    for row in rows:
        watched = zones.get(row.resident_id, []) if row.resident_id in sharing else []
        one, reasons = _look(row, watched, away.get(row.resident_id, []), outages, now)
        found.append(one)
        if reasons:
            path = await repository.path(session, row.resident_id, row.last_position_id, PATH)
            signals += [_signal(row, reason, path, now) for reason in reasons]
    await repository.note_found(session, found)
    if signals:
        await raise_alarms(session, signals)


def _look(
    row: Any,
    zones: Sequence[Zone],
    absent: Sequence[Absence],
    outages: Sequence[tuple[datetime, datetime]],
    now: datetime,
) -> tuple[Found, list[Reason]]:
    if not zones or absence_at(absent, now):
        again = now + LOOK_AGAIN if zones else None
        return Found(row.id, again, None, None, row.battery_told_at), []
    since = row.watched_since or now
    seen = look(now, [zone.watched() for zone in zones], _at(row.last_usable_id), since, outages)
    reasons: list[Reason] = []
    if seen.is_silent and row.silent_since is None:
        reasons.append(_why_silent(row))
    if is_battery_low(seen, row.battery, row.battery_told_at):
        reasons.append("battery_low")
    silent_since = (row.silent_since or now) if seen.is_silent else None
    told_at = now if "battery_low" in reasons else row.battery_told_at
    return Found(row.id, seen.next_at, since, silent_since, told_at), reasons


def is_battery_low(seen: Look, battery: int | None, told_at: datetime | None) -> bool:
    """Say whether people are to be told that the device will soon be silent."""
    return seen.is_active and told_at is None and battery is not None and battery <= LOW_BATTERY


def _why_silent(row: Any) -> Reason:
    """Return why there is no usable fix: nothing came, or what came since was too vague."""
    if row.last_position_id is not None and row.last_position_id != row.last_usable_id:
        return "imprecise"
    return "silent"


def _at(position_id: uuid.UUID | None) -> datetime | None:
    return None if position_id is None else clock.instant_of(position_id)


def _signal(row: Any, reason: Reason, path: Sequence[uuid.UUID], now: datetime) -> AlarmSignal:
    usable_at = _at(row.last_usable_id)
    evidence: Mapping[str, object] = {
        "reason": reason,
        "last_usable_at": usable_at.isoformat() if usable_at else None,
        "position_ids": [str(position_id) for position_id in path],
    }
    return AlarmSignal(
        kind=AlarmKind.POSITION_UNKNOWN,
        severity=Severity.LOW,
        community_id=row.community_id,
        resident_id=row.resident_id,
        occurred_at=now,
        origin=(ORIGIN, row.id),
        evidence=evidence,
    )

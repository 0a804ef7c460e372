"""Judging fixes by a resident's zones, in the transaction that keeps them: who has left is looked for at once."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import emit
from app.identity.api import ResidentSubject
from eldercare.absences.rules import TimeAway, away_at
from eldercare.alarms.service import AlarmKind, AlarmSignal, Severity, note, raise_alarms
from eldercare.events import SafeZoneLeft, SafeZoneReturned
from eldercare.safe_zones import repository
from eldercare.safe_zones.repository import Zone
from eldercare.safe_zones.rules.crossings import Standing, Verdict, calls, is_breach, judge
from eldercare.safe_zones.rules.geometry import Point, where
from eldercare.safe_zones.rules.hours import Stretch, around, holding
from eldercare.safe_zones.service.watching import PATH

ORIGIN = "safe_zone"


@dataclass(frozen=True, slots=True)
class Fix:
    """A position as it came."""

    id: uuid.UUID
    at: datetime
    point: Point
    accuracy: float


@dataclass(frozen=True, slots=True)
class Watch:
    """What a batch of a resident's fixes is judged by; ``hours`` are when zones are in force around it, by zone."""

    zones: Sequence[Zone]
    absences: Sequence[TimeAway]
    hours: Mapping[uuid.UUID, Sequence[Stretch]]

    @classmethod
    def over(cls, fixes: Sequence[Fix], zones: Sequence[Zone], absences: Sequence[TimeAway]) -> Self:
        """Return what fixes (in the order of their time) are judged by; hours are worked out once, not per fix."""
        first, last = fixes[0].at, fixes[-1].at
        return cls(zones, absences, {zone.id: around(zone.windows, zone.time_zone, first, last) for zone in zones})


@dataclass(slots=True)
class Judged:
    """How somebody stands to a zone after a batch, and whether people are to be called."""

    zone: Zone
    standing: Standing
    alarm_id: uuid.UUID | None
    is_called: bool = False
    has_returned: bool = False
    has_changed: bool = False


def tells(watch: Watch, fix: Fix, now: datetime) -> bool:
    """Say whether a fix tells of every zone in force that the resident is not there, however vague it is."""
    in_force = [zone for zone in watch.zones if _stretch(zone, watch.hours[zone.id], fix, now)]
    return (
        bool(in_force)
        and not away_at(watch.absences, fix.at)
        and all(where(zone.shape, fix.point, fix.accuracy) == "outside" for zone in in_force)
    )


async def judge_fixes(
    session: AsyncSession, subject: ResidentSubject, watch: Watch, fixes: Sequence[Fix], now: datetime
) -> None:
    """Judge new fixes (in the order of their time) of a resident whose tracking is locked, and call people.

    Each is judged by what was in force when it was observed. Who is away or in hospital now is not looked for. Fixes
    older than one that was judged before are kept and not judged: the newest says where somebody is.
    """
    if not watch.zones or away_at(watch.absences, now):
        return
    before = await repository.standings(session, [zone.id for zone in watch.zones])
    judged = [Judged(zone, *before.get(zone.id, (Standing(), None))) for zone in watch.zones]
    for one in judged:
        _judge(one, watch, fixes, now)
    leaving = [one for one in judged if one.is_called]
    if leaving:
        await _raise(session, subject, leaving)
    for one in judged:
        if one.has_returned:
            await _note_return(session, subject, one)
        if one.has_changed:
            await repository.keep_standing(session, one.zone, one.standing, one.alarm_id)


def _judge(judged: Judged, watch: Watch, fixes: Sequence[Fix], now: datetime) -> None:
    zone, stretches = judged.zone, watch.hours[judged.zone.id]
    for fix in fixes:
        stretch = _stretch(zone, stretches, fix, now)
        if stretch is None or away_at(watch.absences, fix.at):
            continue
        current = judged.standing
        if current.recent and fix.id <= current.recent[-1].position_id:
            continue
        breach = is_breach(zone.kind, where(zone.shape, fix.point, fix.accuracy))
        if breach is None:
            continue
        if current.recent and current.recent[-1].at < stretch.start:
            current = Standing()  # the zone was not in force in between: whoever is away now has to be called anew
        after = judge(current, Verdict(fix.id, fix.at, breach), zone.needed, zone.looked_at)
        if calls(current, after):
            judged.is_called = True
            after = replace(after, alerted_at=fix.at)
        if after.side == "kept":
            judged.is_called = False  # back already: nobody is called for a walk that is over
        judged.has_returned = after.side == "kept" and (judged.has_returned or current.side == "left")
        judged.standing, judged.has_changed = after, True


def _stretch(zone: Zone, stretches: Sequence[Stretch], fix: Fix, now: datetime) -> Stretch | None:
    """Return the time in force that a fix belongs to; ``None`` before the zone was set, out of hours, in a pause."""
    if fix.at < zone.since or (zone.paused_until is not None and zone.paused_until > now):
        return None
    if zone.paused_at is not None and zone.paused_until is not None and zone.paused_at <= fix.at < zone.paused_until:
        return None
    return holding(stretches, fix.at)


async def _raise(session: AsyncSession, subject: ResidentSubject, leaving: Sequence[Judged]) -> None:
    newest = max(one.standing.recent[-1].position_id for one in leaving)
    path = [str(one) for one in await repository.path(session, subject.resident_id, newest, PATH)]
    signals = [
        AlarmSignal(
            kind=AlarmKind.WANDERING,
            severity=Severity(one.zone.severity),
            community_id=subject.community_id,
            resident_id=subject.resident_id,
            occurred_at=one.standing.recent[-1].at,
            origin=(ORIGIN, one.zone.id),
            rule=("safe_zone", one.zone.id),
            evidence={"zone_id": str(one.zone.id), "zone_kind": one.zone.kind, "position_ids": path},
        )
        for one in leaving
    ]
    alarm = (await raise_alarms(session, signals))[signals[0].slot]
    for one in leaving:
        one.alarm_id = alarm.id
        fact = SafeZoneLeft(
            aggregate_id=one.zone.id,
            community_id=subject.community_id,
            resident_id=subject.resident_id,
            alarm_id=alarm.id,
        )
        await emit(session, fact)


async def _note_return(session: AsyncSession, subject: ResidentSubject, one: Judged) -> None:
    """Write on the alarm that the resident is back: only a person who has seen them ends it."""
    if one.alarm_id is not None:
        position = one.standing.recent[-1].position_id
        await note(session, one.alarm_id, "returned", {"zone_id": str(one.zone.id), "position_id": str(position)})
        one.alarm_id = None
    fact = SafeZoneReturned(
        aggregate_id=one.zone.id, community_id=subject.community_id, resident_id=subject.resident_id
    )
    await emit(session, fact)

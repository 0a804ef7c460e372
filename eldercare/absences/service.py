"""Stating that a resident is away, and that they are back before the time."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import FieldError, Malformed, NotFound
from app.identity.api import ResidentSubject
from eldercare.absences.models import Absence
from eldercare.absences.problems import AbsenceOver, ResidentClosed
from eldercare.absences.rules import AHEAD, BACKDATED, LONGEST, Kind
from eldercare.events import AbsenceEnded, AbsenceStated


async def state_absence(
    session: AsyncSession,
    actor: Actor,
    subject: ResidentSubject,
    kind: Kind,
    starts_at: datetime | None,
    ends_at: datetime,
) -> Absence:
    """State that a resident is away, from now on if it is not said when; raises ``Malformed``, ``ResidentClosed``."""
    if subject.state != "active":
        raise ResidentClosed
    now = clock.now()
    begins = starts_at or now
    if not now - BACKDATED <= begins <= now + AHEAD:
        raise _wrong("starts_at", "at most a day back and a year ahead")
    if not max(now, begins) < ends_at <= begins + LONGEST:
        raise _wrong("ends_at", f"lies ahead, at most {LONGEST.days} days after the start")
    absence = Absence(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        kind=kind,
        starts_at=begins,
        ends_at=ends_at,
        created_by=actor.id,
    )
    session.add(absence)
    await session.flush()
    await emit(session, AbsenceStated(**_about(absence)))
    await _record(session, actor, "check_in_pause:create", absence)
    return absence


async def end_absence(session: AsyncSession, actor: Actor, subject: ResidentSubject, absence_id: uuid.UUID) -> Absence:
    """State that a resident is back, or does not leave after all; raises ``NotFound``, ``AbsenceOver``."""
    absence = await session.get(Absence, absence_id, with_for_update=True)
    if absence is None or absence.resident_id != subject.resident_id:
        raise NotFound
    now = clock.now()
    if absence.ended_at is not None or absence.ends_at <= now:
        raise AbsenceOver
    absence.ended_at, absence.ended_by = now, actor.id
    await session.flush()
    await emit(session, AbsenceEnded(**_about(absence)))
    await _record(session, actor, "check_in_pause:end", absence)
    return absence


def _about(absence: Absence) -> dict[str, Any]:
    return {
        "aggregate_id": absence.id,
        "community_id": absence.community_id,
        "resident_id": absence.resident_id,
    }


def _wrong(field: str, detail: str) -> Malformed:
    return Malformed(errors=[FieldError(f"/body/{field}", detail, "out_of_range")])


async def _record(session: AsyncSession, actor: Actor, action: str, absence: Absence) -> None:
    await audit.record(
        session,
        actor,
        action,
        resident_id=absence.resident_id,
        object_id=absence.id,
        community_id=absence.community_id,
    )

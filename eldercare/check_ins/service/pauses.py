"""Pauses: a time in which nobody is asked, announced to the circle, with an end."""

import uuid
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.identity.api import ResidentSubject
from eldercare.check_ins import repository
from eldercare.check_ins.models import CheckInPause
from eldercare.check_ins.problems import PauseOver, ResidentClosed
from eldercare.check_ins.rules import LONGEST_PAUSE
from eldercare.check_ins.schemas import PauseCreate
from eldercare.check_ins.service import telling

_BACKDATED = timedelta(days=1)
"""How far back a pause can begin: somebody was taken to hospital in the night."""
_AHEAD = timedelta(days=366)


async def create_pause(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, data: PauseCreate
) -> CheckInPause:
    """Pause a resident's check-ins: what is open in it is excused at once. Raises ``Malformed``, ``ResidentClosed``."""
    if subject.state != "active":
        raise ResidentClosed
    now = clock.now()
    starts_at = data.starts_at or now
    if not now - _BACKDATED <= starts_at <= now + _AHEAD:
        raise _wrong("starts_at", "at most a day back and a year ahead")
    if not max(now, starts_at) < data.ends_at <= starts_at + LONGEST_PAUSE:
        raise _wrong("ends_at", f"lies ahead, at most {LONGEST_PAUSE.days} days after the start")
    pause = CheckInPause(
        community_id=subject.community_id,
        resident_id=subject.resident_id,
        kind=data.kind,
        starts_at=starts_at,
        ends_at=data.ends_at,
        created_by=actor.id,
    )
    session.add(pause)
    await session.flush()
    if starts_at <= now:
        # Whoever is away from now on need not answer what was asked a moment ago either.
        await repository.excuse_open(session, subject.resident_id, data.kind, starts_at, now)
    await telling.announce_pause(session, pause, actor.id)
    await _record(session, actor, "check_in_pause:create", pause)
    return pause


async def end_pause(session: AsyncSession, actor: Actor, subject: ResidentSubject, pause_id: uuid.UUID) -> CheckInPause:
    """End a pause now, or call it off before it begins; raises ``NotFound``, ``PauseOver``."""
    pause = await session.get(CheckInPause, pause_id, with_for_update=True)
    if pause is None or pause.resident_id != subject.resident_id:
        raise NotFound
    now = clock.now()
    if pause.ended_at is not None or pause.ends_at <= now:
        raise PauseOver
    pause.ended_at, pause.ended_by = now, actor.id
    await session.flush()
    await telling.announce_end_of_pause(session, pause, actor.id)
    await _record(session, actor, "check_in_pause:end", pause)
    return pause


def _wrong(field: str, detail: str) -> Malformed:
    return Malformed(errors=[FieldError(f"/body/{field}", detail, "out_of_range")])


async def _record(session: AsyncSession, actor: Actor, action: str, pause: CheckInPause) -> None:
    await audit.record(
        session,
        actor,
        action,
        resident_id=pause.resident_id,
        object_id=pause.id,
        community_id=pause.community_id,
    )

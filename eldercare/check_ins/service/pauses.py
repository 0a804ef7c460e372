"""Pauses: what an absence means for check-ins; nobody is asked, and the circle is told."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from app.identity.api import ResidentSubject
from eldercare.absences.models import Absence
from eldercare.absences.service import end_absence, state_absence
from eldercare.check_ins import repository
from eldercare.check_ins.schemas import PauseCreate
from eldercare.check_ins.service import telling


async def create_pause(session: AsyncSession, actor: Actor, subject: ResidentSubject, data: PauseCreate) -> Absence:
    """State that a resident is away: what is open is excused at once. Raises ``Malformed``, ``ResidentClosed``."""
    absence = await state_absence(session, actor, subject, data.kind, data.starts_at, data.ends_at)
    now = clock.now()
    if absence.starts_at <= now:
        # Whoever is away from now on need not answer what was asked a moment ago either.
        await repository.excuse_open(session, subject.resident_id, now)
    await telling.announce_pause(session, absence, actor.id)
    return absence


async def end_pause(session: AsyncSession, actor: Actor, subject: ResidentSubject, pause_id: uuid.UUID) -> Absence:
    """End an absence now, or call it off before it begins; raises ``NotFound``, ``AbsenceOver``."""
    absence = await end_absence(session, actor, subject, pause_id)
    await telling.announce_end_of_pause(session, absence, actor.id)
    return absence

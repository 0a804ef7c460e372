"""When a resident eats: told once, and what is taken with meals follows it."""

from datetime import time

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit
from app.core.access import Actor
from app.core.problems import StaleVersion
from app.core.routing import check_version
from app.identity.api import ResidentSubject
from eldercare.absences.problems import ResidentClosed
from eldercare.medication import repository
from eldercare.medication.models import MealTimes
from eldercare.medication.schemas.regimens import MealTimesWrite
from eldercare.medication.service import regimens


async def set_meal_times(
    session: AsyncSession, actor: Actor, subject: ResidentSubject, data: MealTimesWrite, if_match: int | None
) -> int:
    """Set when a resident eats, plan what is taken with meals anew, and return the version.

    Raises ``StaleVersion`` and ``ResidentClosed``.
    """
    if subject.state != "active":
        raise ResidentClosed
    await repository.take_turns(session, subject.resident_id)
    found: MealTimes | None = await session.scalar(
        sa.select(MealTimes).where(col(MealTimes.resident_id) == subject.resident_id).with_for_update()
    )
    breakfast, lunch, dinner = (time.fromisoformat(text) for text in (data.breakfast, data.lunch, data.dinner))
    if found is None:
        if if_match not in (None, 0):
            raise StaleVersion
        found = MealTimes(
            community_id=subject.community_id,
            resident_id=subject.resident_id,
            breakfast=breakfast,
            lunch=lunch,
            dinner=dinner,
        )
        session.add(found)
    else:
        check_version(found, if_match)
        found.breakfast, found.lunch, found.dinner = breakfast, lunch, dinner
    await session.flush()
    await regimens.follow_meals(session, subject.resident_id)
    await audit.record(
        session,
        actor,
        "meal_times:set",
        resident_id=subject.resident_id,
        object_id=found.id,
        community_id=subject.community_id,
    )
    return found.version

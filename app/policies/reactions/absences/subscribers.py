"""Stays away from home, followed in the help at home that recurs."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from community import api as community
from eldercare import api as eldercare
from eldercare.events import AbsenceEnded, AbsenceStated


async def _follow(session: AsyncSession, facts: Sequence[AbsenceStated | AbsenceEnded]) -> None:
    """Let help at home follow absences as they stand now: facts of several reach us in any order."""
    residents = sorted({fact.resident_id for fact in facts})
    stays = await eldercare.stays_ahead(await session.connection(), residents)
    for resident_id in residents:
        known = [community.Away(*stay) for stay in stays.get(resident_id, [])]
        await community.follow_absences(session, resident_id, known)


SUBSCRIBERS: Final = (Subscriber("policies.absences_of_order_series", (AbsenceStated, AbsenceEnded), _follow),)

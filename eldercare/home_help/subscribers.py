"""What ends the alarm of a closed door: a check-in that says all is well."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from eldercare.events import CheckInAnswered
from eldercare.home_help.service import heard_from


async def _follow_answers(session: AsyncSession, facts: Sequence[CheckInAnswered]) -> None:
    # What a home's sensors notice says nothing of who was meant to open the door.
    spoken = [fact.aggregate_id for fact in facts if fact.answer == "ok" and fact.how != "home"]
    if spoken:
        await heard_from(session, spoken)


SUBSCRIBERS: Final = (Subscriber("eldercare.closed_doors_follow_check_ins", (CheckInAnswered,), _follow_answers),)

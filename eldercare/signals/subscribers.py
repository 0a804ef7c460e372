"""What was waiting joins an alarm as soon as one is raised."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from eldercare.alarms.rules import stands_alone
from eldercare.events import AlarmRaised
from eldercare.signals.service import tell_alarms


async def _follow_alarms(session: AsyncSession, facts: Sequence[AlarmRaised]) -> None:
    ordinary = [fact for fact in facts if not (fact.is_test or stands_alone(fact.kind, is_test=False))]
    residents = {fact.resident_id for fact in ordinary}
    if residents:
        await tell_alarms(session, residents)


SUBSCRIBERS: Final = (Subscriber("eldercare.hints_follow_alarms", (AlarmRaised,), _follow_alarms),)

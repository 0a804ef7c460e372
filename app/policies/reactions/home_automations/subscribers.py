"""Homes hear of check-ins and alarms of whose home they are: an automation may wait for one."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from community import api as community
from eldercare.events import AlarmCancelled, AlarmRaised, AlarmResolved, CheckInAnswered, CheckInMissed

_Fact = AlarmRaised | AlarmResolved | AlarmCancelled | CheckInAnswered | CheckInMissed


async def _relay(session: AsyncSession, facts: Sequence[_Fact]) -> None:
    """Tell homes; a drill is none of theirs, and only somebody's own answer says that they are up."""
    for fact in facts:
        match fact:
            case AlarmRaised() if not fact.is_test:
                await community.home_event(session, fact.resident_id, "alarm_raised", fact.occurred_at)
            case AlarmResolved() | AlarmCancelled():
                await community.home_event(session, fact.resident_id, "alarm_resolved", fact.occurred_at)
            case CheckInAnswered() if fact.how == "self":
                await community.home_event(session, fact.resident_id, "check_in_answered", fact.occurred_at)
            case CheckInMissed():
                await community.home_event(session, fact.resident_id, "check_in_missed", fact.occurred_at)
            case _:
                pass


SUBSCRIBERS: Final = (
    Subscriber(
        "policies.homes_hear_of_care",
        (AlarmRaised, AlarmResolved, AlarmCancelled, CheckInAnswered, CheckInMissed),
        _relay,
    ),
)

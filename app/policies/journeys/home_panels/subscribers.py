"""What is pressed on a wall becomes an alarm or an answer; what happens in somebody's care is seen on their wall."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Event, Subscriber
from app.policies.journeys.home_panels import service
from community.home_events import HomePanelPressed, HomePanelStale
from eldercare import events as eldercare

_ALARMS: Final[tuple[type[Event], ...]] = (
    eldercare.AlarmRaised,
    eldercare.AlarmAcknowledged,
    eldercare.AlarmResolved,
    eldercare.AlarmCancelled,
)
_AHEAD: Final[tuple[type[Event], ...]] = (
    HomePanelStale,
    eldercare.DoseTaken,
    eldercare.DoseSkipped,
    eldercare.DoseMissed,
    eldercare.DoseRecordWithdrawn,
    eldercare.VisitAssigned,
    eldercare.VisitStarted,
    eldercare.VisitMoved,
    eldercare.VisitSuspended,
    eldercare.VisitResumed,
    eldercare.VisitCancelled,
    eldercare.VisitMissed,
)


async def _press(session: AsyncSession, facts: Sequence[HomePanelPressed]) -> None:
    await service.follow_presses(session, facts)


async def _show(session: AsyncSession, facts: Sequence[HomePanelStale]) -> None:
    """Show what is so now; every one of these facts names its resident."""
    await service.show(session, {fact.resident_id for fact in facts})


SUBSCRIBERS: Final = (
    Subscriber("policies.press_on_home_panels", (HomePanelPressed,), _press),
    Subscriber("policies.show_alarms_on_home_panels", _ALARMS, _show),
    Subscriber("policies.show_care_on_home_panels", _AHEAD, _show),
)

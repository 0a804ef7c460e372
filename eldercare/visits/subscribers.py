"""What visits do when something happens elsewhere: a resident moves or is no longer here, a carer no longer works."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import (
    AccountDeactivated,
    HolidaysChanged,
    MembershipEnded,
    ResidentClosed,
    ResidentMovedZone,
    ResidentReopened,
    closed_and_reopened,
)
from eldercare.events import AbsenceEnded, AbsenceStated
from eldercare.visits.service import planning, resuming, staffing


async def follow_moves(session: AsyncSession, events: Sequence[ResidentMovedZone]) -> None:
    """Plan by the residents' new zones."""
    await planning.follow_moves(session, [event.resident_id for event in events])


async def follow_holidays(session: AsyncSession, events: Sequence[HolidaysChanged]) -> None:
    """Plan by the communities' new calendars."""
    await planning.follow_holidays(session, [event.aggregate_id for event in events])


async def follow_absences(session: AsyncSession, events: Sequence[AbsenceStated | AbsenceEnded]) -> None:
    """Suspend the visits of residents who are away; plan them again for those who are back."""
    await resuming.follow_absences(session, sorted({event.resident_id for event in events}))


async def follow_closures(session: AsyncSession, events: Sequence[ResidentClosed | ResidentReopened]) -> None:
    """Call off what lies ahead of residents who moved out or died; let it go on where that was a mistake."""
    closed, reopened = closed_and_reopened(events)
    await planning.close_residents(session, closed)
    await planning.reopen_residents(session, reopened)


async def follow_staff(session: AsyncSession, events: Sequence[AccountDeactivated | MembershipEnded]) -> None:
    """Take those off their visits who do not work there any more."""
    for event in events:
        await staffing.leave_agency(session, event.aggregate_id, event.organization_id)


SUBSCRIBERS: Final = (
    Subscriber("eldercare.visits_follow_moves", (ResidentMovedZone,), follow_moves),
    Subscriber("eldercare.visits_follow_holidays", (HolidaysChanged,), follow_holidays),
    Subscriber("eldercare.visits_follow_absences", (AbsenceStated, AbsenceEnded), follow_absences),
    Subscriber("eldercare.visits_follow_closures", (ResidentClosed, ResidentReopened), follow_closures),
    Subscriber("eldercare.visits_follow_staff", (AccountDeactivated, MembershipEnded), follow_staff),
)

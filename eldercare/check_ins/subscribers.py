"""What check-ins do when something happens elsewhere: a prompt arrives, a resident moves or is no longer here."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import (
    HolidaysChanged,
    ProfileChanged,
    ResidentClosed,
    ResidentMovedZone,
    ResidentReopened,
    closed_and_reopened,
)
from eldercare.check_ins.notices import PROMPT_ORIGIN
from eldercare.check_ins.service import asking, plans
from notifications.events import DeliverySettled


async def begin_windows(session: AsyncSession, events: Sequence[DeliverySettled]) -> None:
    """Begin the answer window once a prompt reached a working channel."""
    ours = [event for event in events if event.origin_kind == PROMPT_ORIGIN]
    if ours:
        await asking.begin_windows(session, ours)


async def follow_moves(session: AsyncSession, events: Sequence[ResidentMovedZone]) -> None:
    """Plan by the resident's new zone, from the next check-in on."""
    await plans.replan_residents(session, [event.resident_id for event in events])


async def follow_needs(session: AsyncSession, events: Sequence[ProfileChanged]) -> None:
    """Call nobody any more of whom it has become known that they cannot be called."""
    await plans.follow_needs(session, [event.resident_id for event in events if event.resident_id is not None])


async def follow_holidays(session: AsyncSession, events: Sequence[HolidaysChanged]) -> None:
    """Plan by the community's new calendar."""
    await plans.replan_communities(session, [event.aggregate_id for event in events])


async def follow_closures(session: AsyncSession, events: Sequence[ResidentClosed | ResidentReopened]) -> None:
    """End the plans of residents who moved out or died; let them go on where that was a mistake."""
    closed, reopened = closed_and_reopened(events)
    await plans.close_residents(session, closed)
    await plans.reopen_residents(session, reopened)


SUBSCRIBERS: Final = (
    Subscriber("eldercare.begin_answer_windows", (DeliverySettled,), begin_windows),
    Subscriber("eldercare.follow_moves", (ResidentMovedZone,), follow_moves),
    Subscriber("eldercare.follow_needs", (ProfileChanged,), follow_needs),
    Subscriber("eldercare.follow_holidays", (HolidaysChanged,), follow_holidays),
    # One subscriber for both: the relay keeps their order per resident only within a subscriber.
    Subscriber("eldercare.follow_closures", (ResidentClosed, ResidentReopened), follow_closures),
)

"""What medication does when something happens elsewhere: a resident moves or is no longer here."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import (
    ResidentClosed,
    ResidentMovedZone,
    ResidentReopened,
    closed_and_reopened,
)
from eldercare.medication.service import regimens


async def follow_moves(session: AsyncSession, events: Sequence[ResidentMovedZone]) -> None:
    """Plan by the resident's new zone, from the next dose on."""
    await regimens.follow_moves(session, [event.resident_id for event in events])


async def follow_closures(session: AsyncSession, events: Sequence[ResidentClosed | ResidentReopened]) -> None:
    """Stop the regimens of residents who moved out or died; let them go on where that was a mistake."""
    closed, reopened = closed_and_reopened(events)
    await regimens.close_residents(session, closed)
    await regimens.reopen_residents(session, reopened)


SUBSCRIBERS: Final = (
    Subscriber("eldercare.move_doses", (ResidentMovedZone,), follow_moves),
    # One subscriber for both: the relay keeps their order per resident only within a subscriber.
    Subscriber("eldercare.stop_regimens", (ResidentClosed, ResidentReopened), follow_closures),
)

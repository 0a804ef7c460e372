"""What medication does when something happens elsewhere: a reminder arrives, a resident moves or is no longer here."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import ResidentClosed, ResidentMovedZone, ResidentReopened, closed_and_reopened
from eldercare.medication.notices import REMINDER_ORIGIN
from eldercare.medication.service import regimens, reminding
from notifications.events import DeliverySettled


async def follow_moves(session: AsyncSession, events: Sequence[ResidentMovedZone]) -> None:
    """Plan by the resident's new zone, from the next dose on."""
    await regimens.follow_moves(session, [event.resident_id for event in events])


async def follow_closures(session: AsyncSession, events: Sequence[ResidentClosed | ResidentReopened]) -> None:
    """Stop the regimens of residents who moved out or died; let them go on where that was a mistake."""
    closed, reopened = closed_and_reopened(events)
    await regimens.close_residents(session, closed)
    await regimens.reopen_residents(session, reopened)


async def note_reached(session: AsyncSession, events: Sequence[DeliverySettled]) -> None:
    """Note which reminders reached a channel of whom they are for."""
    ours = [event for event in events if event.origin_kind == REMINDER_ORIGIN]
    if ours:
        await reminding.note_reached(session, ours)


SUBSCRIBERS: Final = (
    Subscriber("eldercare.note_dose_reminders", (DeliverySettled,), note_reached),
    Subscriber("eldercare.move_doses", (ResidentMovedZone,), follow_moves),
    # One subscriber for both: the relay keeps their order per resident only within a subscriber.
    Subscriber("eldercare.stop_regimens", (ResidentClosed, ResidentReopened), follow_closures),
)

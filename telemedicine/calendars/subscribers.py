"""What calendars do when something happens elsewhere: appointments go out by mail, closed accounts keep nobody busy."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import AccountDeactivated
from notifications.api import AttachmentMaker
from telemedicine.appointments.rules import GIVES_BACK
from telemedicine.calendars import notices
from telemedicine.calendars.service.busy import remove_all_of
from telemedicine.calendars.service.inviting import invite
from telemedicine.calendars.views.invitations import attachments
from telemedicine.events import AppointmentBooked, AppointmentCancelled, AppointmentMoved, AppointmentStatusChanged

Changed = AppointmentBooked | AppointmentMoved | AppointmentCancelled | AppointmentStatusChanged


async def invite_changed(session: AsyncSession, events: Sequence[Changed]) -> None:
    """Send the appointments that were booked, moved or called off to their people's calendars."""
    told = [one for one in events if not isinstance(one, AppointmentStatusChanged) or one.status in GIVES_BACK]
    await invite(session, {event.aggregate_id for event in told})


async def follow_deactivations(session: AsyncSession, events: Sequence[AccountDeactivated]) -> None:
    """Read the calendars no more of people whose accounts are closed."""
    await remove_all_of(session, [event.aggregate_id for event in events])


SUBSCRIBERS: Final = (
    Subscriber(
        "telemedicine.invite",
        (AppointmentBooked, AppointmentMoved, AppointmentCancelled, AppointmentStatusChanged),
        invite_changed,
    ),
    Subscriber("telemedicine.forget_busy_calendars", (AccountDeactivated,), follow_deactivations),
)

ATTACHMENTS: Final[Mapping[str, AttachmentMaker]] = {
    notice.key: attachments for notice in (notices.INVITED, notices.UNINVITED)
}

"""What is told of calendars: an appointment as an invitation by mail, and that a calendar cannot be read."""

from datetime import timedelta
from typing import Final

from notifications.api import Notice
from telemedicine.appointments.notices import APPOINTMENTS


def _invitation(name: str) -> Notice:
    return Notice(
        key=f"telemedicine.{name}",
        category=APPOINTMENTS.key,
        urgency="normal",
        channels=("mail",),
        package="telemedicine.calendars",
        variables={"starts_at": "instant"},
        useful_for=timedelta(days=2),
    )


INVITED: Final = _invitation("appointment_invitation")
UNINVITED: Final = _invitation("appointment_invitation_cancelled")
FAILING: Final = Notice(
    key="telemedicine.busy_calendar_failing",
    category=APPOINTMENTS.key,
    urgency="normal",
    channels=("mail", "inbox"),
    package="telemedicine.calendars",
    variables={"practitioner": "text", "host": "text", "since": "instant"},
    useful_for=timedelta(days=7),
)

"""What somebody with a number is told: that it is their turn."""

from datetime import timedelta
from typing import Final

from notifications.api import Notice
from telemedicine.appointments.notices import APPOINTMENTS

CALLED: Final = Notice(
    key="telemedicine.queue_called",
    category=APPOINTMENTS.key,
    urgency="high",
    channels=("push", "inbox"),
    mode="first",
    package="telemedicine.queues",
    variables={"resident": "resident", "number": "integer"},
    useful_for=timedelta(minutes=20),
)

"""What referrals do when something happens elsewhere: they follow their appointments."""

from typing import Final

from app.core.events import Subscriber
from telemedicine.events import (
    AppointmentCancelled,
    AppointmentExpired,
    AppointmentMoved,
    AppointmentRequestEnded,
    AppointmentStatusChanged,
)
from telemedicine.referrals.service.following import follow_appointments

SUBSCRIBERS: Final = (
    Subscriber(
        "telemedicine.follow_referred",
        (
            AppointmentCancelled,
            AppointmentExpired,
            AppointmentMoved,
            AppointmentRequestEnded,
            AppointmentStatusChanged,
        ),
        follow_appointments,
    ),
)

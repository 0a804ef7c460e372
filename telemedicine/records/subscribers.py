"""What health records do when something happens elsewhere: what was a contact with a clinic becomes an encounter."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from telemedicine.events import AppointmentStatusChanged, ConsultationClosed
from telemedicine.records.service import encounters


async def record_visits(session: AsyncSession, events: Sequence[ConsultationClosed]) -> None:
    """Write down the video visits that were held."""
    await encounters.of_consultations(session, [event.aggregate_id for event in events if event.state == "ended"])


async def record_appointments(session: AsyncSession, events: Sequence[AppointmentStatusChanged]) -> None:
    """Write down the appointments that were kept, and take back those that were entered in error."""
    await encounters.of_appointments(
        session, {event.aggregate_id: event.occurred_at for event in events if event.status == "fulfilled"}
    )
    await encounters.take_back(session, [event.aggregate_id for event in events if event.status == "entered-in-error"])


SUBSCRIBERS: Final = (
    Subscriber("telemedicine.record_visits", (ConsultationClosed,), record_visits),
    Subscriber("telemedicine.record_appointments", (AppointmentStatusChanged,), record_appointments),
)

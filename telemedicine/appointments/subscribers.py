"""What appointments do when something happens elsewhere: time comes free, hours change, people meet."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import Subscriber
from app.identity.events import ResidentClosed, ResidentReopened, closed_and_reopened
from app.reservations.events import ReservationExpired, ReservationMoved, ReservationReleased, TimeUnblocked
from telemedicine.appointments import repository
from telemedicine.appointments.service.attending import follow_visits
from telemedicine.appointments.service.closing import close_residents
from telemedicine.events import (
    AvailabilityChanged,
    ConsultationAwaited,
    ConsultationClosed,
    ConsultationNoteSigned,
    ConsultationStarted,
)

Freed = ReservationReleased | ReservationExpired | ReservationMoved | TimeUnblocked


async def offer_freed(session: AsyncSession, events: Sequence[Freed]) -> None:
    """Have it looked whether somebody waits for time that came free."""
    calendars = {event.resource_id for event in events}
    origins = {event.origin_id for event in events if not isinstance(event, TimeUnblocked)}
    await repository.look_for(session, calendars, origins, clock.now())


async def offer_opened(session: AsyncSession, events: Sequence[AvailabilityChanged]) -> None:
    """Have it looked whether somebody waits for hours that are new."""
    await repository.look_at_waited(session, {event.organization_id for event in events}, clock.now())


async def follow_closures(session: AsyncSession, events: Sequence[ResidentClosed | ResidentReopened]) -> None:
    """Call off what lies ahead of residents who moved out or died; whoever comes back books anew."""
    closed, _ = closed_and_reopened(events)
    await close_residents(session, closed)


SUBSCRIBERS: Final = (
    Subscriber(
        "telemedicine.offer_freed",
        (ReservationReleased, ReservationExpired, ReservationMoved, TimeUnblocked),
        offer_freed,
    ),
    Subscriber("telemedicine.offer_opened", (AvailabilityChanged,), offer_opened),
    Subscriber("telemedicine.follow_closures", (ResidentClosed, ResidentReopened), follow_closures),
    Subscriber(
        "telemedicine.follow_visits",
        (ConsultationAwaited, ConsultationStarted, ConsultationClosed, ConsultationNoteSigned),
        follow_visits,
    ),
)

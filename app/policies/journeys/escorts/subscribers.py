"""What concerns the other of the two: the appointment is off or moved, or nobody makes the escort."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.policies.journeys.escorts import service
from community.events import OrderCancelled, OrderExpired, OrderNoAccess
from telemedicine.events import AppointmentCancelled, AppointmentExpired, AppointmentMoved, AppointmentRequestEnded

_OfAppointment = AppointmentCancelled | AppointmentExpired | AppointmentMoved | AppointmentRequestEnded
_OfOrder = OrderCancelled | OrderExpired | OrderNoAccess


async def _follow_appointments(session: AsyncSession, facts: Sequence[_OfAppointment]) -> None:
    await service.follow_appointments(session, [fact.aggregate_id for fact in facts])


async def _follow_orders(session: AsyncSession, facts: Sequence[_OfOrder]) -> None:
    await service.follow_orders(session, [fact.aggregate_id for fact in facts])


SUBSCRIBERS: Final = (
    Subscriber(
        "policies.escorts_follow_appointments",
        (AppointmentCancelled, AppointmentExpired, AppointmentMoved, AppointmentRequestEnded),
        _follow_appointments,
    ),
    Subscriber("policies.escorts_follow_orders", (OrderCancelled, OrderExpired, OrderNoAccess), _follow_orders),
)

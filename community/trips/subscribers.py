"""What trips do when something happens elsewhere, and when a place comes free."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.events import (
    AuthorizationFailed,
    AuthorizationLapsed,
    AuthorizationNeedsAction,
    AuthorizationSucceeded,
)
from app.core.events import Subscriber
from app.identity.events import ResidentClosed, ResidentReopened, closed_and_reopened
from community.events import TripParticipationEnded
from community.trips.service.following import close_residents, follow_money, offer_places


async def follow_closures(session: AsyncSession, events: Sequence[ResidentClosed | ResidentReopened]) -> None:
    """Call off what lies ahead of residents who moved out or died; whoever comes back signs up anew."""
    closed, _ = closed_and_reopened(events)
    await close_residents(session, closed)


async def _offer_places(session: AsyncSession, facts: Sequence[TripParticipationEnded]) -> None:
    await offer_places(session, [fact.trip_id for fact in facts if fact.because != "called_off"])


SUBSCRIBERS: Final = (
    Subscriber(
        "community.trips_follow_money",
        (AuthorizationSucceeded, AuthorizationNeedsAction, AuthorizationFailed, AuthorizationLapsed),
        follow_money,
    ),
    Subscriber("community.trips_follow_closures", (ResidentClosed, ResidentReopened), follow_closures),
    Subscriber("community.trips_offer_places", (TripParticipationEnded,), _offer_places),
)

"""What trips do when something happens elsewhere: money comes or does not, a place comes free, somebody moves out."""

import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.events import (
    AuthorizationFailed,
    AuthorizationLapsed,
    AuthorizationNeedsAction,
    AuthorizationSucceeded,
)
from app.core import clock
from community.trips import notices, repository, rules
from community.trips.models import Trip, TripParticipant
from community.trips.rules import REFERENCE
from community.trips.service import paying
from community.trips.service.cancelling import end_one
from community.trips.service.changing import HEARTHLINE
from community.trips.service.joining import enter, offer
from community.trips.service.telling import tell, waiting

OfMoney = AuthorizationSucceeded | AuthorizationNeedsAction | AuthorizationFailed | AuthorizationLapsed


async def follow_money(session: AsyncSession, events: Sequence[OfMoney]) -> None:
    """Give the place to who has paid, let go of what was authorized too late, and tell of what failed."""
    ours: dict[uuid.UUID, list[OfMoney]] = {}
    for event in sorted(events, key=lambda one: (one.occurred_at, one.id)):
        if event.reference_kind == REFERENCE:
            ours.setdefault(event.reference_id, []).append(event)
    for row in await repository.all_locked(session, ours):
        for event in ours[row.id]:
            await _follow(session, row, event)


async def _follow(session: AsyncSession, row: TripParticipant, event: OfMoney) -> None:
    match event:
        case AuthorizationSucceeded() if row.state == "held" and row.call_off_at is None:
            # What was there in time counts, however late it is told, while the place is kept; else the hold just ends.
            until = row.hold_until
            if until is not None and event.occurred_at <= until and clock.now() < until + rules.KEEPING:
                await enter(session, await session.get_one(Trip, row.trip_id), row)
        case AuthorizationSucceeded() if row.state in rules.OFF:
            await paying.give_back(session, row, "held", None, "too_late")
        case AuthorizationNeedsAction() if row.state == "held":
            await tell(session, notices.PAYMENT_ACTION, row, await waiting(session, row), f"action:{event.id}")
        case AuthorizationFailed() | AuthorizationLapsed() if row.state not in rules.OFF:
            await tell(session, notices.PAYMENT_FAILED, row, await waiting(session, row), f"failed:{event.id}")


async def close_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Call off what lies ahead of residents who are here no more; it costs nothing.

    Whoever is on the way is counted until all are back, whatever was written down of their home meanwhile.
    """
    now = clock.now()
    for row in await repository.ahead_of_residents(session, resident_ids):
        trip = await session.get_one(Trip, row.trip_id)
        if row.state == "going" and now >= trip.starts_at:
            continue
        await end_one(session, trip, row, HEARTHLINE, "resident_left")


async def offer_places(session: AsyncSession, trip_ids: Iterable[uuid.UUID]) -> None:
    """Offer what came free of trips to those who wait for it."""
    for trip_id in sorted(set(trip_ids)):
        await offer(session, trip_id)

"""Somebody missing on a trip calls for help where they are in remote care; for anybody else the organizer is told."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from community import api as community
from community.events import TripParticipantFound, TripParticipantMissing
from eldercare import api as eldercare


async def _follow(session: AsyncSession, facts: Sequence[TripParticipantMissing | TripParticipantFound]) -> None:
    """Follow both by one subscriber: so that who is missing, found and missing again is so in that order."""
    await _call_for(session, [fact for fact in facts if isinstance(fact, TripParticipantMissing)])
    await _take_back(session, [fact for fact in facts if isinstance(fact, TripParticipantFound)])


async def _call_for(session: AsyncSession, facts: Sequence[TripParticipantMissing]) -> None:
    if not facts:
        return
    others = await eldercare.missing_on_trip(
        session,
        [
            eldercare.Missing(
                id=fact.id,
                community_id=fact.community_id,
                resident_id=fact.resident_id,
                participation_id=fact.aggregate_id,
                trip_id=fact.trip_id,
                was_aboard=fact.was_aboard,
                missed_at=fact.occurred_at,
            )
            for fact in facts
        ],
    )
    await community.tell_missing_on_trip(session, [one.participation_id for one in others])


async def _take_back(session: AsyncSession, facts: Sequence[TripParticipantFound]) -> None:
    if not facts:
        return
    found = {fact.resident_id: (fact.aggregate_id, fact.occurred_at) for fact in facts}
    others = await eldercare.found_on_trip(session, found)
    await community.tell_found_on_trip(session, [fact.aggregate_id for fact in facts if fact.resident_id in others])


SUBSCRIBERS: Final = (
    Subscriber("policies.follow_the_missing", (TripParticipantMissing, TripParticipantFound), _follow),
)

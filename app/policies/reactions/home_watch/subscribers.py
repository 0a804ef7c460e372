"""What a home notices calls for its resident; its usual activity answers check-ins, its silence has them asked."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from community import api as community
from community.home_events import HomeActive, HomeFellSilent, HomeHeardAgain, HomeNoticed, HomeSettled
from eldercare import api as eldercare


async def _follow_notices(session: AsyncSession, facts: Sequence[HomeNoticed | HomeSettled]) -> None:
    """Follow both by one subscriber: so that what is over and noticed anew is so in that order."""
    await _call_for(session, [fact for fact in facts if isinstance(fact, HomeNoticed)])
    await _take_back(session, [fact for fact in facts if isinstance(fact, HomeSettled)])


async def _call_for(session: AsyncSession, facts: Sequence[HomeNoticed]) -> None:
    if not facts:
        return
    places = await community.noticed_where(await session.connection(), [fact.aggregate_id for fact in facts])
    await eldercare.home_noticed(session, [_notice(fact, places) for fact in facts])


async def _take_back(session: AsyncSession, facts: Sequence[HomeSettled]) -> None:
    await eldercare.home_settled(
        session,
        [
            eldercare.HomeSettlement(
                community_id=fact.community_id,
                resident_id=fact.resident_id,
                incident_id=fact.aggregate_id,
                kind=fact.kind,
                settled_at=fact.occurred_at,
            )
            for fact in facts
        ],
    )


def _notice(fact: HomeNoticed, places: Mapping[uuid.UUID, Mapping[str, object]]) -> eldercare.HomeNotice:
    # An incident that is forgotten already is called for all the same, by what the fact says.
    where: dict[str, object] = {"home_id": str(fact.home_id), **places.get(fact.aggregate_id, {})}
    if fact.entity_id is not None:
        where["entity_id"] = str(fact.entity_id)
    return eldercare.HomeNotice(
        id=fact.id,
        community_id=fact.community_id,
        resident_id=fact.resident_id,
        incident_id=fact.aggregate_id,
        kind=fact.kind,
        severity=eldercare.Severity[fact.severity.upper()],
        is_hint=fact.is_hint,
        noticed_at=fact.occurred_at,
        where=where,
    )


async def _follow_activity(session: AsyncSession, facts: Sequence[HomeActive]) -> None:
    await eldercare.home_active(session, [_heard(fact) for fact in facts])


async def _follow_silence(session: AsyncSession, facts: Sequence[HomeFellSilent | HomeHeardAgain]) -> None:
    """Follow both by one subscriber. Each home of a building that falls silent has a fact of its own."""
    await eldercare.home_fell_silent(session, [_heard(fact) for fact in facts if isinstance(fact, HomeFellSilent)])
    await eldercare.home_heard_again(session, [_heard(fact) for fact in facts if isinstance(fact, HomeHeardAgain)])


def _heard(fact: HomeActive | HomeFellSilent | HomeHeardAgain) -> eldercare.HomeHeard:
    return eldercare.HomeHeard(fact.resident_id, fact.community_id, fact.occurred_at)


SUBSCRIBERS: Final = (
    Subscriber("policies.call_for_homes", (HomeNoticed, HomeSettled), _follow_notices),
    Subscriber("policies.answer_by_homes", (HomeActive,), _follow_activity),
    Subscriber("policies.ask_for_silent_homes", (HomeFellSilent, HomeHeardAgain), _follow_silence),
)

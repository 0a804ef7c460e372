"""What was found at a home calls for help; that somebody was let in takes a closed door back."""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from community import api as community
from community.events import OrderNoAccess, OrderStarted, ResidentUnwell
from eldercare import api as eldercare


async def _call_for_unwell(session: AsyncSession, facts: Sequence[ResidentUnwell]) -> None:
    await eldercare.resident_unwell(session, [_finding(fact, fact.note_id) for fact in facts])


async def _call_for_closed_doors(session: AsyncSession, facts: Sequence[OrderNoAccess]) -> None:
    """Call for who does not answer the door; of who is known to be away the provider is told instead."""
    absent = await eldercare.nobody_answered(session, [_finding(fact, fact.aggregate_id) for fact in facts])
    if absent:
        await community.tell_away(session, [one.order_id for one in absent])


async def _take_back(session: AsyncSession, facts: Sequence[OrderStarted]) -> None:
    """Whoever told their code at the door is up and about."""
    latest = sorted(facts, key=lambda fact: fact.occurred_at)
    await eldercare.resident_let_in(
        session, {fact.resident_id: (fact.aggregate_id, fact.occurred_at) for fact in latest}
    )


def _finding(fact: ResidentUnwell | OrderNoAccess, finding_id: uuid.UUID) -> eldercare.Finding:
    return eldercare.Finding(
        id=finding_id,
        community_id=fact.community_id,
        resident_id=fact.resident_id,
        order_id=fact.aggregate_id,
        reported_by=fact.worker_id,
        found_at=fact.occurred_at,
    )


SUBSCRIBERS: Final = (
    Subscriber("policies.call_for_unwell", (ResidentUnwell,), _call_for_unwell),
    Subscriber("policies.call_for_closed_doors", (OrderNoAccess,), _call_for_closed_doors),
    Subscriber("policies.take_back_closed_doors", (OrderStarted,), _take_back),
)

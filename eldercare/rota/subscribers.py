"""What the rota does when a circle or a calendar changes."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import AccountDeactivated, HolidaysChanged
from eldercare.events import CircleMemberAnswered, CircleMemberChanged, CircleMemberLeft
from eldercare.rota import service

Change = CircleMemberAnswered | CircleMemberChanged | CircleMemberLeft


async def _follow_members(session: AsyncSession, facts: Sequence[Change]) -> None:
    leavers = [fact.aggregate_id for fact in facts if isinstance(fact, CircleMemberLeft)]
    if leavers:
        await service.follow_leavers(session, leavers)
    await service.follow_members(session, [(fact.resident_id, fact.community_id) for fact in facts])


async def _follow_holidays(session: AsyncSession, facts: Sequence[HolidaysChanged]) -> None:
    await service.follow_holidays(session, [fact.aggregate_id for fact in facts])


async def _follow_accounts(session: AsyncSession, facts: Sequence[AccountDeactivated]) -> None:
    await service.follow_accounts(session, [(fact.aggregate_id, fact.community_id) for fact in facts])


SUBSCRIBERS = (
    Subscriber(
        "eldercare.rota_follows_members", (CircleMemberAnswered, CircleMemberChanged, CircleMemberLeft), _follow_members
    ),
    Subscriber("eldercare.rota_follows_accounts", (AccountDeactivated,), _follow_accounts),
    Subscriber("eldercare.rota_follows_holidays", (HolidaysChanged,), _follow_holidays),
)

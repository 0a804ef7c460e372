"""What proxies learn from identity: their grants can be revoked where all grants are."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import GrantRevoked
from eldercare.proxies.service import follow_grants


async def _follow(session: AsyncSession, facts: Sequence[GrantRevoked]) -> None:
    ended = [fact.aggregate_id for fact in facts if fact.kind == "proxy"]
    if ended:
        await follow_grants(session, ended)


SUBSCRIBERS = (Subscriber("eldercare.proxies_follow_grants", (GrantRevoked,), _follow),)

"""What proxies learn from identity: their grants can be revoked where all grants are."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import GrantRevoked
from eldercare.proxies.service import tell_of_grants


async def _tell(session: AsyncSession, facts: Sequence[GrantRevoked]) -> None:
    ended = [fact.aggregate_id for fact in facts if fact.kind == "proxy"]
    if ended:
        await tell_of_grants(session, ended)


SUBSCRIBERS = (Subscriber("eldercare.tell_of_proxy_grants", (GrantRevoked,), _tell),)

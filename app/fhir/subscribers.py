"""What the FHIR service does as facts happen: it has those told who subscribed to what they are about."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.fhir.served import BY_TYPE
from app.fhir.subscriptions.rules import COMPOSER
from app.fhir.subscriptions.service import calling, matching
from notifications.api import Composed, ToCompose


async def _tell_subscribers(session: AsyncSession, facts: Sequence[Any]) -> None:
    await matching.match(session, facts, BY_TYPE)


async def _compose(delivery: ToCompose) -> Composed | None:
    return await calling.compose(delivery, BY_TYPE)


_FACTS: Final = tuple(
    dict.fromkeys(fact for resource in BY_TYPE.values() if resource.changes for fact in resource.changes.facts)
)
SUBSCRIBERS: Final = (Subscriber("fhir.tell_subscribers", _FACTS, _tell_subscribers),)
COMPOSERS: Final = {COMPOSER: _compose}
"""Who makes the calls of subscriptions' endpoints."""

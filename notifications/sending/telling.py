"""Telling what became of deliveries: to whoever sent them, and, of a digest, of what was told in it."""

import uuid
from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from notifications.delivery.rules import LANES
from notifications.digests.notices import DIGEST
from notifications.digests.repository import conclude
from notifications.events import REACHED, DeliverySettled, Outcome
from notifications.sending import repository
from notifications.sending.repository import Told


async def tell(session: AsyncSession, settled: Iterable[tuple[Told, Outcome, bool]]) -> None:
    """Tell the outcome of each delivery, and whether it is final; what was told in a digest shares the digest's."""
    facts: defaultdict[bool, list[DeliverySettled]] = defaultdict(list)
    digests: defaultdict[tuple[Outcome, bool], list[uuid.UUID]] = defaultdict(list)
    for delivery, outcome, is_final in settled:
        if delivery.origin_id is not None:
            is_critical = LANES[delivery.lane] == "critical"
            facts[is_critical].append(_fact(delivery, delivery.origin_id, outcome, is_final=is_final))
        # A digest that goes on over another channel has not failed yet.
        if delivery.notice_key == DIGEST.key and (is_final or outcome in REACHED):
            digests[outcome, is_final].append(uuid.UUID(delivery.data["digest_id"]))
    for is_critical, told in facts.items():
        await repository.tell(session, told, critical=is_critical)
    for (outcome, is_final), digest_ids in digests.items():
        await conclude(session, digest_ids, outcome, is_final=is_final)


def _fact(delivery: Told, origin_id: uuid.UUID, outcome: Outcome, *, is_final: bool) -> DeliverySettled:
    return DeliverySettled(
        aggregate_id=origin_id,
        community_id=delivery.community_id,
        delivery_id=delivery.id,
        notice_id=delivery.notice_id,
        account_id=delivery.account_id,
        origin_kind=delivery.origin_kind or "",
        notice_key=delivery.notice_key,
        channel=delivery.channel,
        outcome=outcome,
        is_final=is_final,
    )

"""What people's own choices and the caps make of a batch: what is muted, what waits and for what."""

import uuid
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.database import reading
from notifications.caps import repository as caps
from notifications.caps.rules import let_through
from notifications.channels.ports import Message
from notifications.digests import repository as digests
from notifications.preferences.rules import Choices, Hold, decide
from notifications.sending.repository import Claimed
from notifications.sending.rules import MUTED, Settlement, held
from notifications.templates.categories import Cap, categories

Prepared = tuple[Claimed, Message | Settlement]


def chosen(delivery: Claimed, choices: Choices | None, time_zone: str) -> Settlement | None:
    """Return what a person's choices make of a delivery, ``None`` if it is to be sent now."""
    category = categories().get(delivery.category)
    if category is None or choices is None:
        return None
    decision = decide(
        category,
        delivery.channel,
        delivery.urgency,
        choices,
        time_zone,
        clock.now(),
        was_held=delivery.digest_id is not None,
    )
    return held(decision) if isinstance(decision, Hold) else decision and MUTED


async def within_caps(prepared: Sequence[Prepared]) -> list[Prepared]:
    """Hold what is more than a person is told in a while; a message counts when it is first about to leave."""
    counted: defaultdict[caps.Key, list[uuid.UUID]] = defaultdict(list)
    limits: dict[caps.Key, Cap] = {}
    for delivery, found in prepared:
        cap = _cap(delivery)
        if cap is not None and isinstance(found, Message):
            key = delivery.account_id, delivery.category, delivery.channel
            counted[key].append(delivery.id)
            limits[key] = cap
    if not counted:
        return list(prepared)
    async with reading() as connection:
        used = await caps.count(connection, {key: (len(ids), limits[key].period) for key, ids in counted.items()})
    too_many = {
        delivery_id: held(Hold("cap", used[key].ends_at))
        for key, ids in counted.items()
        for delivery_id in sorted(ids)[let_through(limits[key].most, used[key].count, len(ids)) :]
    }
    return [(delivery, too_many.get(delivery.id, found)) for delivery, found in prepared]


def _cap(delivery: Claimed) -> Cap | None:
    """Return the cap a delivery counts against, if any: what was tried or held before is not counted again."""
    category = categories().get(delivery.category)
    is_first = delivery.attempts == 1 and delivery.error is None and delivery.digest_id is None
    return category.cap if category and is_first and delivery.urgency != "critical" else None


async def join_digests(
    session: AsyncSession, landed: Sequence[tuple[Claimed, Settlement]]
) -> dict[uuid.UUID, uuid.UUID]:
    """Return the digest of each delivery that is held, made if need be and locked."""
    wanted = {
        delivery.id: digests.Gathering(
            delivery.community_id, delivery.account_id, delivery.channel, settlement.error or "", settlement.release_at
        )
        for delivery, settlement in landed
        if settlement.release_at is not None
    }
    opened = await digests.open_digests(session, wanted.values())
    return {delivery_id: opened[gathering.key] for delivery_id, gathering in wanted.items()}

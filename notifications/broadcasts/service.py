"""Announcing something to an audience: counted before, written batch by batch, stopped at any time."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock, wakeups
from app.core.access import Actor
from app.core.touching import touch
from app.identity import api as identity
from app.identity.api import Audience, Criterion, Member
from notifications.broadcasts import repository
from notifications.broadcasts.access import oversees
from notifications.broadcasts.models import Broadcast
from notifications.broadcasts.rules import NEXT, State
from notifications.broadcasts.schemas import BroadcastPreview, BroadcastStart
from notifications.delivery.service import KEY_KEPT_FOR
from notifications.templates.announcements import keep_announcement

WAKE_CHANNEL: Final = "notifications.broadcasts"
COUNT_CAP: Final = 100_000
TEXTS_KEPT_FOR: Final = KEY_KEPT_FOR + timedelta(days=30)  # longer than inbox items, however late one is written
_MOMENT: Final = timedelta(microseconds=1)
_CRITERIA: Final[TypeAdapter[list[Criterion]]] = TypeAdapter(list[Criterion])


async def preview(connection: AsyncConnection, member: Member, criteria: Sequence[Criterion]) -> BroadcastPreview:
    """Return how many people a member would reach."""
    served_by = None if oversees(member) else member.organization_id
    audience = identity.audience(member.community_id, criteria, served_by)
    found = await repository.count(connection, audience, COUNT_CAP + 1)
    return BroadcastPreview(recipients=min(found, COUNT_CAP), is_more=found > COUNT_CAP)


async def start(session: AsyncSession, member: Member, data: BroadcastStart) -> Broadcast:
    """Begin a broadcast, which the worker writes, and return it."""
    broadcast = Broadcast(
        community_id=member.community_id,
        organization_id=member.organization_id,
        only_served=not oversees(member),
        audience=[criterion.model_dump() for criterion in data.audience],
        channels=list(data.channels),
        urgency=data.urgency,
        next_batch_at=clock.now(),
    )
    session.add(broadcast)
    await session.flush()
    texts = {str(text.language): {"title": text.title, "body": text.body} for text in data.texts}
    await keep_announcement(session, broadcast.id, texts, clock.now() + TEXTS_KEPT_FOR)
    await touch(session, "broadcast", broadcast.id, community_id=broadcast.community_id)
    await audit.record(session, member.actor, "broadcast:start", object_id=broadcast.id)
    wakeups.request(session, WAKE_CHANNEL)
    return broadcast


async def cancel(session: AsyncSession, actor: Actor, broadcast_id: uuid.UUID) -> None:
    """Stop a broadcast: no further batch is written, and what is not sent yet never is; the inbox keeps what it has.

    Waits for a batch that is being written. Cancelling twice changes nothing.
    """
    broadcast = await repository.lock(session, broadcast_id)
    if _become(broadcast, "cancelled"):
        await session.flush()
        await touch(session, "broadcast", broadcast.id, community_id=broadcast.community_id)
        await audit.record(session, actor, "broadcast:cancel", object_id=broadcast.id)


async def write_batches(session: AsyncSession, broadcast_ids: Sequence[uuid.UUID]) -> None:
    """Write the next batch of broadcasts whose rows the caller holds locked."""
    for broadcast_id in broadcast_ids:
        broadcast = await session.get_one(Broadcast, broadcast_id)
        await _write_batch(session, broadcast)
        await touch(session, "broadcast", broadcast.id, community_id=broadcast.community_id)
    await session.flush()


async def _write_batch(session: AsyncSession, broadcast: Broadcast) -> None:
    audience = _audience(broadcast)
    if broadcast.estimated is None:
        broadcast.estimated = await repository.count(await session.connection(), audience)
    span = await repository.next_span(session, audience, broadcast.reached_up_to)
    if span.count:
        broadcast.written += await repository.tell(session, broadcast, audience, span)
        broadcast.reached_up_to = span.last
    if span.count < repository.BATCH:
        _become(broadcast, "done")
    elif broadcast.next_batch_at is not None:
        # Due at once, and yet another deadline: a row that is left as due as it was counts as stuck.
        broadcast.next_batch_at += _MOMENT


def _audience(broadcast: Broadcast) -> Audience:
    """Return who is to be reached as things are now: whom the organization no longer serves is not."""
    criteria = _CRITERIA.validate_python(broadcast.audience)
    served_by = broadcast.organization_id if broadcast.only_served else None
    return identity.audience(broadcast.community_id, criteria, served_by)


def _become(broadcast: Broadcast, state: State) -> bool:
    """Bring a broadcast into a state; return whether it may come into it from where it is."""
    allowed = any(broadcast.state == now and state in following for now, following in NEXT.items())
    if allowed:
        broadcast.state, broadcast.next_batch_at, broadcast.ended_at = state, None, clock.now()
    return allowed

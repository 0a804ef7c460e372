"""What stands still of a community, wherever it stands, and trying it again; what this installation is."""

import uuid
from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.broker import api as broker
from app.core import audit, health, lag, parked_items, queues
from app.core.access import Actor
from app.core.paging import Page, PageRequest, decode_cursor, encode_cursor
from app.core.parked_items import Standing
from app.core.problems import NotFound
from app.core.settings import settings
from app.identity import api as identity
from app.policies.journeys.operations import rules
from app.policies.journeys.operations.schemas import (
    InstallationPublic,
    Kind,
    ParkedItem,
    QueueState,
    ReplayedItems,
)
from notifications import api as notifications

_CURSOR = "parked_items"


async def parked(
    connection: AsyncConnection, community_id: uuid.UUID, kind: Kind, page: PageRequest
) -> Page[ParkedItem]:
    """Return a page of what stands still of one kind; raises ``Malformed`` for a cursor of another list."""
    if kind == "delivery":
        found = await notifications.parked_in_community(connection, community_id, page)
        return Page(items=[_delivery(row) for row in found.items], next=found.next)
    position = decode_cursor(f"{_CURSOR}.{kind}", page.cursor)[0] if page.cursor else None
    size = page.limit + 1
    if kind == "event":
        standing = await parked_items.facts(connection, community_id, position=position, limit=size)
    else:
        standing = await parked_items.rows(
            connection,
            community_id,
            identity.community_of,
            is_alone=await identity.is_only_community(connection),
            position=position,
            limit=size,
        )
    shown = standing[: page.limit]
    following = encode_cursor(f"{_CURSOR}.{kind}", [shown[-1].position]) if len(standing) > page.limit else None
    return Page(items=[_standing(kind, row) for row in shown], next=following)


def _standing(kind: Kind, row: Standing) -> ParkedItem:
    return ParkedItem(
        id=rules.named(kind, row.name, row.about),
        kind=kind,
        name=row.name,
        about=row.about,
        what=row.fact,
        since=row.since,
        attempts=row.attempts,
        reason=row.reason,
        retry_at=row.retry_at,
        parked_at=row.parked_at,
        waiting=row.waiting,
    )


def _delivery(row: notifications.ParkedDeliveryPublic) -> ParkedItem:
    return ParkedItem(
        id=rules.named("delivery", row.channel, row.id),
        kind="delivery",
        name=row.channel,
        about=row.id,
        what=row.notice,
        since=row.parked_at,
        attempts=row.attempts,
        reason=row.reason,
        retry_at=None,
        parked_at=row.parked_at,
        waiting=0,
    )


async def replay_one(session: AsyncSession, actor: Actor, item_id: str) -> ReplayedItems:
    """Try one parked thing again; raises ``NotFound`` where nothing of the community is parked under that id."""
    kind, name, about = rules.read(item_id)
    if kind == "delivery":
        replayed = await notifications.replay_parked(session, actor, [about])
    else:
        replayed = await _replay(session, actor, kind, (name, about))
    if not replayed:
        raise NotFound
    await audit.record(
        session, actor, "parked_item:replay", object_id=about, details={"kind": kind, "name": name, "count": replayed}
    )
    return ReplayedItems.model_validate({kind: replayed})


async def replay_all(session: AsyncSession, actor: Actor, kinds: Collection[Kind]) -> ReplayedItems:
    """Try all that is parked of these kinds again: of deliveries those that are still of use."""
    counts: dict[Kind, int] = {}
    for kind in kinds:
        if kind == "delivery":
            counts[kind] = await notifications.replay_parked(session, actor, None)
        else:
            counts[kind] = await _replay(session, actor, kind, None)
    await audit.record(
        session, actor, "parked_item:replay", details={str(kind): count for kind, count in counts.items()}
    )
    return ReplayedItems.model_validate(counts)


async def _replay(session: AsyncSession, actor: Actor, kind: Kind, one: tuple[str, uuid.UUID] | None) -> int:
    if kind == "event":
        return await parked_items.replay_facts(session, actor.community_id, one)
    is_alone = await identity.is_only_community(await session.connection())
    return await parked_items.replay_rows(
        session, actor.community_id, identity.community_of, is_alone=is_alone, one=one
    )


async def installation(connection: AsyncConnection, version: str) -> InstallationPublic:
    """Return what runs here, how far it is behind and what it is connected to."""
    current = settings()
    expected, found = await health.schema_revisions(connection)
    vital = {due.name for due in queues.queues() if due.vital}
    late = [queue for queue in await queues.lags(connection) if queue.count]
    return InstallationPublic(
        version=version,
        environment=current.environment,
        schema_expected=expected,
        schema_found=found,
        is_only_community=await identity.is_only_community(connection),
        providers=rules.providers(current, has_broker=broker.is_wanted(current)),
        queues=[
            QueueState(name=queue.name, late=queue.count, lag_seconds=queue.seconds, is_vital=queue.name in vital)
            for queue in sorted(late, key=lambda queue: -queue.seconds)
        ],
        lanes=[
            QueueState(name=lane.lane, late=lane.count, lag_seconds=lane.seconds, is_vital=lane.lane == "critical")
            for lane in await lag.event_lags(connection)
        ],
    )

"""Endpoints that another package looks after: what they are told it composes, and how they are called is as ever."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, outbound, wakeups
from app.core.sealing import seal
from app.core.settings import settings
from notifications.webhooks import repository
from notifications.webhooks.models import SECRET, URL, DisabledReason, WebhookEndpoint
from notifications.webhooks.problems import TooManyEndpoints
from notifications.webhooks.rules import ENDPOINT_DISABLED, WAKE_CHANNEL, new_secret
from notifications.webhooks.service.endpoints import MAX_ENDPOINTS
from notifications.webhooks.views import EndpointStanding, standings


@dataclass(frozen=True, slots=True)
class Notification:
    """Something an endpoint is to be told: ``id`` is what its receiver knows a repetition by.

    What is told an endpoint of one ``object_id`` reaches it in the order it was written in.
    """

    endpoint_id: uuid.UUID
    id: uuid.UUID
    community_id: uuid.UUID
    resident_id: uuid.UUID
    object_id: uuid.UUID
    occurred_at: datetime
    event_type: str
    data: dict[str, Any]


def check_endpoint(url: str) -> None:
    """Raise ``AddressForbidden`` for an address that is not to be called, as far as the address itself tells.

    What its name leads to is looked at whenever it is called.
    """
    outbound.check_url(url, allow_private=settings().webhooks.allow_private)


async def open_endpoint(
    session: AsyncSession,
    *,
    community_id: uuid.UUID,
    organization_id: uuid.UUID,
    url: str,
    composer: str,
    description: str,
    enabled: bool,
) -> uuid.UUID:
    """Register an endpoint whose calls ``composer`` makes and return its id; raises ``TooManyEndpoints``."""
    if await repository.count_endpoints(session, organization_id) >= MAX_ENDPOINTS:
        raise TooManyEndpoints
    endpoint = WebhookEndpoint(
        community_id=community_id,
        organization_id=organization_id,
        url=seal(url, URL),
        description=description,
        composer=composer,
        secret=seal(new_secret(), SECRET),
    )
    if not enabled:
        endpoint.disable("by_hand")
    session.add(endpoint)
    await session.flush()
    return endpoint.id


async def alter_endpoint(session: AsyncSession, endpoint_id: uuid.UUID, *, url: str, enabled: bool) -> None:
    """Give an endpoint another address, and enable or disable it; what is under way to a disabled one is given up."""
    endpoint = await session.get_one(WebhookEndpoint, endpoint_id, with_for_update={"key_share": True})
    endpoint.url = seal(url, URL)
    if enabled:
        endpoint.enable()
    elif endpoint.state == "enabled":
        endpoint.disable("by_hand")
        await repository.give_up(session, endpoint_id)
    await session.flush()


async def stop_endpoint(session: AsyncSession, endpoint_id: uuid.UUID, reason: DisabledReason) -> None:
    """Disable an endpoint that is enabled; what is under way to it is given up."""
    endpoint = await repository.lock_endpoints(session, {endpoint_id})
    if endpoint_id in endpoint and endpoint[endpoint_id].state == "enabled":
        await repository.disable(session, endpoint_id, reason)


async def close_endpoint(session: AsyncSession, endpoint_id: uuid.UUID) -> None:
    """Remove an endpoint; what is under way to it is given up."""
    endpoint = await session.get(WebhookEndpoint, endpoint_id, with_for_update=True)
    if endpoint is not None:
        await repository.give_up(session, endpoint_id)
        await session.delete(endpoint)


async def notify(session: AsyncSession, notifications: Sequence[Notification]) -> None:
    """Have endpoints told; for those that are disabled it is kept, to be replayed.

    A call about the same object that is still to be made tells of this, too: it is composed when it is made.
    """
    waiting = await repository.queued(session, [(each.endpoint_id, each.object_id) for each in notifications])
    notifications = [each for each in notifications if (each.endpoint_id, each.object_id) not in waiting]
    if not notifications:
        return
    known = await standings(await session.connection(), {each.endpoint_id for each in notifications})
    now = clock.now()
    rows = [_row(each, known[each.endpoint_id], now) for each in notifications if each.endpoint_id in known]
    if rows:
        await repository.insert_deliveries(session, rows)
        wakeups.request(session, WAKE_CHANNEL)


def _row(each: Notification, endpoint: EndpointStanding, now: datetime) -> dict[str, object]:
    enabled = endpoint.disabled_reason is None
    return {
        "id": clock.new_id(),
        "community_id": each.community_id,
        "endpoint_id": each.endpoint_id,
        "event_id": each.id,
        "event_type": each.event_type,
        "resident_id": each.resident_id,
        "object_id": each.object_id,
        "data": each.data,
        "occurred_at": each.occurred_at,
        "state": "queued" if enabled else "failed",
        "queued_at": now,
        "send_at": now if enabled else None,
        "error": None if enabled else ENDPOINT_DISABLED,
        "settled_at": None if enabled else now,
        "attempts": 0,
        "fence": 0,
    }

"""Rows of webhooks, really committed: endpoints of organizations, and a look at what became of deliveries."""

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.database import reading, unit_of_work
from app.core.sealing import seal
from app.identity.models import Organization
from notifications.webhooks.models import ATTEMPTS, DELIVERIES, SECRET, URL, WebhookEndpoint
from notifications.webhooks.rules import new_secret

ALARM_EVENTS = ("alarm.acknowledged", "alarm.raised", "alarm.resolved")


async def endpoint(
    of: Organization, url: str, *, event_types: Sequence[str] = ALARM_EVENTS, secret: str | None = None, **values: Any
) -> WebhookEndpoint:
    """Insert an endpoint of the organization."""
    row = WebhookEndpoint(
        community_id=of.community_id,
        organization_id=of.id,
        url=seal(url, URL),
        event_types=sorted(event_types),
        secret=seal(secret or new_secret(), SECRET),
        **values,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row


async def queued(of: WebhookEndpoint, count: int = 1, **values: Any) -> list[Any]:
    """Insert deliveries to the endpoint that are due now and return their ids."""
    now = clock.now()
    rows = [
        {
            "id": clock.new_id(),
            "community_id": of.community_id,
            "endpoint_id": of.id,
            "event_id": clock.new_id(),
            "event_type": "alarm.raised",
            "resident_id": None,
            "data": {"alarm_id": str(clock.new_id())},
            "occurred_at": now,
            "state": "queued",
            "queued_at": now,
            "send_at": now,
            "attempts": 0,
            "fence": 0,
        }
        | values
        for _ in range(count)
    ]
    async with unit_of_work() as session:
        await session.execute(sa.insert(DELIVERIES), rows)
    return [row["id"] for row in rows]


async def deliveries() -> Sequence[sa.Row[Any]]:
    """Return every delivery, the oldest first."""
    async with reading() as connection:
        return (await connection.execute(sa.select(DELIVERIES).order_by(DELIVERIES.c.id))).all()


async def attempts() -> Sequence[sa.Row[Any]]:
    """Return every attempt, the oldest first."""
    async with reading() as connection:
        return (await connection.execute(sa.select(ATTEMPTS).order_by(ATTEMPTS.c.id))).all()


async def current(of: WebhookEndpoint) -> WebhookEndpoint:
    """Return the endpoint as it is stored now."""
    async with unit_of_work() as session:
        return await session.get_one(WebhookEndpoint, of.id)


async def current_by_id(endpoint_id: str) -> WebhookEndpoint:
    """Return the endpoint that was registered under an id."""
    async with unit_of_work() as session:
        return await session.get_one(WebhookEndpoint, uuid.UUID(endpoint_id))

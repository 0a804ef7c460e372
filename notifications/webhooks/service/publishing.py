"""Writing down what organizations are told, in the transaction of whoever knows that it happened."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, wakeups
from app.identity import api as identity
from notifications.webhooks import repository
from notifications.webhooks.catalogue import WebhookEvent
from notifications.webhooks.rules import ENDPOINT_DISABLED, WAKE_CHANNEL


@dataclass(frozen=True, slots=True)
class Happening:
    """One occurrence of an outward event: ``id`` is what receivers know a repetition by.

    ``organization_id``: the only organization that may be told, where it is no other's business.
    """

    id: uuid.UUID
    community_id: uuid.UUID
    resident_id: uuid.UUID
    occurred_at: datetime
    object_ids: Mapping[str, uuid.UUID]
    organization_id: uuid.UUID | None = None


async def publish(session: AsyncSession, event: WebhookEvent, happenings: Sequence[Happening]) -> int:
    """Have ``event`` delivered to the endpoints of organizations that may know of it; return how many deliveries.

    Those are the organizations of the community whose service agreement with the resident contains the event's scope
    now; where a happening names one, only that one. For endpoints that are disabled it is kept, to be replayed.
    Raises ``ValueError`` for other ids than the event carries.
    """
    for happening in happenings:
        if set(happening.object_ids) != set(event.object_ids):
            raise ValueError(f"{event.name} carries {sorted(event.object_ids)}, not {sorted(happening.object_ids)}")
    endpoints = await repository.interested(session, [each.community_id for each in happenings], event.name)
    if not endpoints:
        return 0
    residents = {happening.resident_id for happening in happenings}
    serving = await identity.organizations_serving(await session.connection(), residents, event.scope)
    rows = [
        _row(event, happening, endpoint)
        for happening in happenings
        for endpoint in endpoints
        if endpoint.organization_id in serving[happening.resident_id]
        and happening.organization_id in (None, endpoint.organization_id)
    ]
    if rows:
        await repository.insert_deliveries(session, rows)
        wakeups.request(session, WAKE_CHANNEL)
    return len(rows)


def _row(event: WebhookEvent, happening: Happening, endpoint: repository.Interested) -> dict[str, object]:
    now = clock.now()
    enabled = endpoint.state == "enabled"
    ids = {**happening.object_ids, "resident_id": happening.resident_id}
    return {
        "id": clock.new_id(),
        "community_id": happening.community_id,
        "endpoint_id": endpoint.id,
        "event_id": happening.id,
        "event_type": event.name,
        "resident_id": happening.resident_id,
        "data": {name: str(value) for name, value in ids.items()},
        "occurred_at": happening.occurred_at,
        "state": "queued" if enabled else "failed",
        "queued_at": now,
        "send_at": now if enabled else None,
        "error": None if enabled else ENDPOINT_DISABLED,
        "settled_at": None if enabled else now,
        "attempts": 0,
        "fence": 0,
    }

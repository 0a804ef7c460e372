"""The SQL that reads endpoints, their deliveries and the attempts at them."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from notifications.webhooks.models import ATTEMPTS, DELIVERIES, ENDPOINTS, URL, DisabledReason, WebhookEndpoint
from notifications.webhooks.schemas import WebhookAttemptPublic, WebhookDeliveryPublic, WebhookEndpointPublic

_organization = ENDPOINTS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid)
_endpoint_id = sa.bindparam("endpoint_id", type_=sa.Uuid)
_size = sa.bindparam("size", type_=sa.Integer)
_theirs = sa.exists(sa.select(ENDPOINTS.c.id).where(ENDPOINTS.c.id == _endpoint_id, _organization))

_ENDPOINTS = (
    sa.select(ENDPOINTS)
    .where(_organization, after([ENDPOINTS.c.id], ["after_id"]))
    .order_by(ENDPOINTS.c.id)
    .limit(_size)
)
_IS_THEIRS = sa.select(_theirs)
_DELIVERIES = (
    sa.select(DELIVERIES)
    .where(DELIVERIES.c.endpoint_id == _endpoint_id, after([DELIVERIES.c.id], ["after_id"], descending=True))
    .order_by(DELIVERIES.c.id.desc())
    .limit(_size)
)
_DELIVERY = sa.select(DELIVERIES).where(
    DELIVERIES.c.endpoint_id == _endpoint_id, DELIVERIES.c.id == sa.bindparam("delivery_id", type_=sa.Uuid), _theirs
)
_ATTEMPTS = (
    sa.select(ATTEMPTS)
    .where(ATTEMPTS.c.delivery_id == sa.bindparam("delivery_id", type_=sa.Uuid), after([ATTEMPTS.c.id], ["after_id"]))
    .order_by(ATTEMPTS.c.id)
    .limit(_size)
)


async def endpoints(
    connection: AsyncConnection, organization_id: uuid.UUID, page: PageRequest
) -> Page[WebhookEndpointPublic]:
    """Return a page of the organization's endpoints, oldest first."""
    rows, cursor = await _page(connection, "webhook_endpoints", _ENDPOINTS, page, {"organization_id": organization_id})
    return Page(items=[endpoint_public(row) for row in rows], next=cursor)


def endpoint_public(row: WebhookEndpoint | sa.Row[Any]) -> WebhookEndpointPublic:
    """Return an endpoint as its organization sees it."""
    return WebhookEndpointPublic(
        id=row.id,
        url=unseal(row.url, URL),
        description=row.description,
        event_types=row.event_types,
        enabled=row.state == "enabled",
        disabled_reason=row.disabled_reason,  # type: ignore[arg-type]  # only ours are written
        disabled_at=row.disabled_at,
        failures=row.failures,
        delivered_at=row.delivered_at,
        previous_secret_until=row.previous_until if row.previous_until and row.previous_until > clock.now() else None,
        created_at=row.created_at,
        version=row.version,
    )


_STANDINGS = sa.select(
    ENDPOINTS.c.id,
    ENDPOINTS.c.url,
    ENDPOINTS.c.disabled_reason,
    ENDPOINTS.c.failures,
    ENDPOINTS.c.version,
    ENDPOINTS.c.updated_at,
).where(ENDPOINTS.c.id == sa.any_(sa.bindparam("endpoint_ids", type_=ARRAY(sa.Uuid))))


@dataclass(frozen=True, slots=True)
class EndpointStanding:
    """How an endpoint stands: disabled if there is a reason, ``failures`` since it last took something."""

    url: str
    disabled_reason: DisabledReason | None
    failures: int
    version: int
    updated_at: datetime


async def standings(
    connection: AsyncConnection, endpoint_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, EndpointStanding]:
    """Return how endpoints stand; removed ones are out."""
    rows = await connection.execute(_STANDINGS, {"endpoint_ids": list(endpoint_ids)})
    return {endpoint_id: EndpointStanding(unseal(url, URL), *rest) for endpoint_id, url, *rest in rows}


async def deliveries(
    connection: AsyncConnection, organization_id: uuid.UUID, endpoint_id: uuid.UUID, page: PageRequest
) -> Page[WebhookDeliveryPublic]:
    """Return a page of an endpoint's deliveries, the newest first; raises ``NotFound``."""
    binds = {"organization_id": organization_id, "endpoint_id": endpoint_id}
    if not await connection.scalar(_IS_THEIRS, binds):
        raise NotFound
    rows, cursor = await _page(connection, "webhook_deliveries", _DELIVERIES, page, {"endpoint_id": endpoint_id})
    return Page(items=[_delivery_public(row) for row in rows], next=cursor)


async def delivery(
    connection: AsyncConnection, organization_id: uuid.UUID, endpoint_id: uuid.UUID, delivery_id: uuid.UUID
) -> WebhookDeliveryPublic:
    """Return a delivery; raises ``NotFound``."""
    binds = {"organization_id": organization_id, "endpoint_id": endpoint_id, "delivery_id": delivery_id}
    row = (await connection.execute(_DELIVERY, binds)).one_or_none()
    if row is None:
        raise NotFound
    return _delivery_public(row)


def _delivery_public(row: sa.Row[Any]) -> WebhookDeliveryPublic:
    return WebhookDeliveryPublic(
        id=row.id,
        event_id=row.event_id,
        event_type=row.event_type,
        data=row.data,
        occurred_at=row.occurred_at,
        state=row.state,
        attempts=row.attempts,
        next_attempt_at=row.send_at if row.state == "queued" else None,
        error=row.error,
        settled_at=row.settled_at,
    )


async def attempts(
    connection: AsyncConnection,
    organization_id: uuid.UUID,
    endpoint_id: uuid.UUID,
    delivery_id: uuid.UUID,
    page: PageRequest,
) -> Page[WebhookAttemptPublic]:
    """Return a page of the attempts at a delivery, the first first; raises ``NotFound``."""
    await delivery(connection, organization_id, endpoint_id, delivery_id)
    rows, cursor = await _page(connection, "webhook_attempts", _ATTEMPTS, page, {"delivery_id": delivery_id})
    items = [
        WebhookAttemptPublic(
            id=row.id,
            attempted_at=row.attempted_at,
            status=row.status,
            error=row.error,
            milliseconds=row.milliseconds,
        )
        for row in rows
    ]
    return Page(items=items, next=cursor)


async def _page(
    connection: AsyncConnection, kind: str, statement: sa.Select[Any], page: PageRequest, binds: dict[str, Any]
) -> tuple[list[sa.Row[Any]], str | None]:
    """Return a page's rows and the cursor of the next one; raises ``Malformed`` for a cursor of another list."""
    position = decode_cursor(kind, page.cursor)[0] if page.cursor else None
    rows = list(await connection.execute(statement, {**binds, "after_id": position, "size": page.limit + 1}))
    return rows[: page.limit], next_cursor(kind, rows, page.limit, ["id"])

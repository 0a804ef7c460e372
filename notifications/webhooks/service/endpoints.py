"""Looking after endpoints: registered with a secret that is shown once, changed, tested, replayed, removed."""

import uuid
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock, outbound, wakeups
from app.core.database import unit_of_work
from app.core.problems import FieldError, Malformed, NotFound
from app.core.routing import check_version
from app.core.sealing import seal, unseal
from app.core.settings import settings
from app.identity.api import Member
from notifications.webhooks import repository, rules
from notifications.webhooks.catalogue import TEST
from notifications.webhooks.models import PREVIOUS_SECRET, SECRET, URL, WebhookEndpoint
from notifications.webhooks.problems import DeliveryUnderWay, EndpointDisabled, SecretOverlapRunning, TooManyEndpoints
from notifications.webhooks.schemas import (
    WebhookDeliveryPublic,
    WebhookEndpointChange,
    WebhookEndpointCreate,
    WebhookEndpointCreated,
    WebhookEndpointPublic,
    WebhookReplay,
    WebhookSecretCreated,
)
from notifications.webhooks.views import delivery, endpoint_public

MAX_ENDPOINTS: Final = 20  # of one organization


async def create_endpoint(
    member: Member, organization_id: uuid.UUID, data: WebhookEndpointCreate
) -> WebhookEndpointCreated:
    """Return a new endpoint and its secret, in a unit of work of its own: names are looked up before it.

    Raises ``Malformed`` for an address that is not to be called, ``TooManyEndpoints``.
    """
    await _require_allowed(str(data.url))
    secret = rules.new_secret()
    endpoint = WebhookEndpoint(
        community_id=member.community_id,
        organization_id=organization_id,
        url=seal(str(data.url), URL),
        description=data.description,
        event_types=sorted(set(data.event_types)),
        secret=seal(secret, SECRET),
    )
    async with unit_of_work() as session:
        if await repository.count_endpoints(session, organization_id) >= MAX_ENDPOINTS:
            raise TooManyEndpoints
        session.add(endpoint)
        await session.flush()
        await _trace(session, member, "create", endpoint.id)
    return WebhookEndpointCreated(**endpoint_public(endpoint).model_dump(), secret=secret)


async def change_endpoint(
    member: Member,
    organization_id: uuid.UUID,
    endpoint_id: uuid.UUID,
    data: WebhookEndpointChange,
    if_match: int | None,
) -> WebhookEndpointPublic:
    """Return the endpoint as it was changed to, in a unit of work of its own.

    Raises ``NotFound``, ``StaleVersion``, ``Malformed`` for an address that is not to be called.
    """
    if data.url is not None:
        await _require_allowed(str(data.url))
    async with unit_of_work() as session:
        endpoint = await _lock(session, organization_id, endpoint_id)
        check_version(endpoint, if_match)
        if data.url is not None:
            endpoint.url = seal(str(data.url), URL)
        if data.event_types is not None:
            if endpoint.composer is not None:
                error = FieldError("/body/event_types", "what it is told, its subscription says", "not_ours")
                raise Malformed(errors=[error])
            endpoint.event_types = sorted(set(data.event_types))
        if data.description is not None:
            endpoint.description = data.description
        if data.enabled is True:
            endpoint.enable()
        elif data.enabled is False and endpoint.state == "enabled":
            endpoint.disable("by_hand")
            await repository.give_up(session, endpoint.id)
        await session.flush()
        await _trace(session, member, "change", endpoint.id)
    return endpoint_public(endpoint)


async def remove_endpoint(
    session: AsyncSession, member: Member, organization_id: uuid.UUID, endpoint_id: uuid.UUID
) -> None:
    """Remove an endpoint; what is under way to it is given up. Raises ``NotFound``."""
    endpoint = await _lock(session, organization_id, endpoint_id)
    await repository.give_up(session, endpoint.id)
    await session.delete(endpoint)
    await _trace(session, member, "remove", endpoint_id)


async def rotate_secret(
    session: AsyncSession, member: Member, organization_id: uuid.UUID, endpoint_id: uuid.UUID, overlap: timedelta
) -> WebhookSecretCreated:
    """Return a new secret; the present one signs as well for ``overlap``.

    Raises ``NotFound``, ``SecretOverlapRunning`` while the one before it does and an overlap is wanted.
    """
    endpoint = await _lock(session, organization_id, endpoint_id)
    now = clock.now()
    if overlap and endpoint.previous_until is not None and endpoint.previous_until > now:
        raise SecretOverlapRunning
    secret = rules.new_secret()
    previous = unseal(endpoint.secret, SECRET) if overlap else None
    endpoint.previous_secret = seal(previous, PREVIOUS_SECRET) if previous else None
    endpoint.previous_until = now + overlap if overlap else None
    endpoint.secret = seal(secret, SECRET)
    await _trace(session, member, "rotate_secret", endpoint.id)
    return WebhookSecretCreated(secret=secret, previous_secret_until=endpoint.previous_until)


async def send_test(
    session: AsyncSession, member: Member, organization_id: uuid.UUID, endpoint_id: uuid.UUID
) -> WebhookDeliveryPublic:
    """Return the delivery of a test event, which is tried once; raises ``NotFound``, ``EndpointDisabled``."""
    endpoint = await _lock_enabled(session, organization_id, endpoint_id)
    now, delivery_id = clock.now(), clock.new_id()
    row = {
        "id": delivery_id,
        "community_id": endpoint.community_id,
        "endpoint_id": endpoint.id,
        "event_id": clock.new_id(),
        "event_type": TEST,
        "data": {},
        "occurred_at": now,
        "state": "queued",
        "queued_at": now,
        "send_at": now,
        "attempts": 0,
        "fence": 0,
    }
    await repository.insert_deliveries(session, [row])
    wakeups.request(session, rules.WAKE_CHANNEL)
    await _trace(session, member, "test", endpoint.id)
    return await delivery(await session.connection(), organization_id, endpoint.id, delivery_id)


async def replay_delivery(
    session: AsyncSession,
    member: Member,
    organization_id: uuid.UUID,
    endpoint_id: uuid.UUID,
    delivery_id: uuid.UUID,
) -> WebhookDeliveryPublic:
    """Return a settled delivery, queued once more under the same event id.

    Raises ``NotFound``, ``EndpointDisabled``, ``DeliveryUnderWay``.
    """
    endpoint = await _lock_enabled(session, organization_id, endpoint_id)
    connection = await session.connection()
    await delivery(connection, organization_id, endpoint.id, delivery_id)
    if not await repository.replay_one(session, endpoint.id, delivery_id):
        raise DeliveryUnderWay
    wakeups.request(session, rules.WAKE_CHANNEL)
    await _trace(session, member, "replay", endpoint.id)
    return await delivery(connection, organization_id, endpoint.id, delivery_id)


async def replay_deliveries(
    session: AsyncSession, member: Member, organization_id: uuid.UUID, endpoint_id: uuid.UUID, data: WebhookReplay
) -> int:
    """Queue what happened since an instant once more; return how many deliveries that is.

    Raises ``NotFound``, ``EndpointDisabled``.
    """
    endpoint = await _lock_enabled(session, organization_id, endpoint_id)
    states = ["failed"] if data.which == "failed" else ["failed", "delivered"]
    replayed = await repository.replay_since(session, endpoint.id, data.since, states)
    wakeups.request(session, rules.WAKE_CHANNEL)
    await _trace(session, member, "replay", endpoint.id)
    return replayed


async def _require_allowed(url: str) -> None:
    try:
        await outbound.require_allowed(url, allow_private=settings().webhooks.allow_private)
    except outbound.AddressForbidden:
        detail = "a public https address whose name can be looked up is wanted"
        raise Malformed(errors=[FieldError("/body/url", detail, "address_not_allowed")]) from None


async def _lock(session: AsyncSession, organization_id: uuid.UUID, endpoint_id: uuid.UUID) -> WebhookEndpoint:
    endpoint = await repository.lock_endpoint(session, organization_id, endpoint_id)
    if endpoint is None:
        raise NotFound
    return endpoint


async def _lock_enabled(session: AsyncSession, organization_id: uuid.UUID, endpoint_id: uuid.UUID) -> WebhookEndpoint:
    endpoint = await _lock(session, organization_id, endpoint_id)
    if endpoint.state != "enabled":
        raise EndpointDisabled
    return endpoint


async def _trace(session: AsyncSession, member: Member, verb: str, endpoint_id: uuid.UUID) -> None:
    await audit.record(session, member.actor, f"webhook_endpoint:{verb}", object_id=endpoint_id)

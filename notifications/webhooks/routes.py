"""Webhooks over HTTP, for those who run an organization."""

import uuid
from datetime import timedelta
from typing import Final

from fastapi import Response, status

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, route_options, set_etag
from notifications.webhooks import views
from notifications.webhooks.access import Manager
from notifications.webhooks.catalogue import webhook_events
from notifications.webhooks.problems import DeliveryUnderWay, EndpointDisabled, SecretOverlapRunning, TooManyEndpoints
from notifications.webhooks.schemas import (
    WebhookAttemptPublic,
    WebhookDeliveryPublic,
    WebhookEndpointChange,
    WebhookEndpointCreate,
    WebhookEndpointCreated,
    WebhookEndpointPublic,
    WebhookEventTypePublic,
    WebhookReplay,
    WebhookSecretCreated,
    WebhookSecretRotate,
    WebhooksReplayed,
)
from notifications.webhooks.service import endpoints

router = Router(tags=["notifications"])

_PATH: Final = "/organizations/{organization_id}/webhook-endpoints"
_ONE: Final = f"{_PATH}/{{endpoint_id}}"
_DELIVERY: Final = f"{_ONE}/deliveries/{{delivery_id}}"
_PROBLEMS: Final = (Unauthenticated, Forbidden, NotFound)


@router.get("/webhook-event-types", responses=problem_responses(Unauthenticated))
async def list_webhook_event_types(_: CurrentActor) -> Page[WebhookEventTypePublic]:
    """List the events an endpoint can be told of, and what each carries."""
    items = [
        WebhookEventTypePublic(
            name=event.name,
            description=event.description,
            scope=event.scope,
            data=[*event.object_ids, "resident_id"],
        )
        for event in sorted(webhook_events().values(), key=lambda event: event.name)
    ]
    return Page(items=items, next=None)


@router.get(_PATH, responses=problem_responses(*_PROBLEMS))
async def list_webhook_endpoints(
    organization_id: uuid.UUID, _: Manager, connection: Reading, page: PageQuery
) -> Page[WebhookEndpointPublic]:
    """List where the organization wants to be told of what."""
    return await views.endpoints(connection, organization_id, page)


@router.post(_PATH, status_code=status.HTTP_201_CREATED, responses=problem_responses(*_PROBLEMS, TooManyEndpoints))
@route_options(database=False, idempotency=False)
async def create_webhook_endpoint(
    organization_id: uuid.UUID, data: WebhookEndpointCreate, member: Manager
) -> WebhookEndpointCreated:
    """Register an address for events about residents the organization serves. Its secret is shown this once.

    It has to be a public https address. Calls are signed as Standard Webhooks describes.
    """
    return await endpoints.create_endpoint(member, organization_id, data)


@router.patch(_ONE, responses=problem_responses(*_PROBLEMS, StaleVersion))
@route_options(database=False)
async def change_webhook_endpoint(
    organization_id: uuid.UUID,
    endpoint_id: uuid.UUID,
    data: WebhookEndpointChange,
    member: Manager,
    if_match: IfMatch,
    response: Response,
) -> WebhookEndpointPublic:
    """Change an endpoint, or enable it again."""
    changed = await endpoints.change_endpoint(member, organization_id, endpoint_id, data, if_match)
    set_etag(response, changed.version)
    return changed


@router.delete(_ONE, status_code=status.HTTP_204_NO_CONTENT, responses=problem_responses(*_PROBLEMS))
async def remove_webhook_endpoint(
    organization_id: uuid.UUID, endpoint_id: uuid.UUID, member: Manager, session: Session
) -> None:
    """Remove an endpoint, at once."""
    await endpoints.remove_endpoint(session, member, organization_id, endpoint_id)


@router.post(
    f"{_ONE}/secrets",
    status_code=status.HTTP_201_CREATED,
    responses=problem_responses(*_PROBLEMS, SecretOverlapRunning),
)
@route_options(idempotency=False)
async def rotate_webhook_secret(
    organization_id: uuid.UUID,
    endpoint_id: uuid.UUID,
    data: WebhookSecretRotate,
    member: Manager,
    session: Session,
) -> WebhookSecretCreated:
    """Give an endpoint its next secret; the present one signs as well for the overlap, so that nothing is refused."""
    overlap = timedelta(hours=data.overlap_hours)
    return await endpoints.rotate_secret(session, member, organization_id, endpoint_id, overlap)


@router.post(
    f"{_ONE}/test-deliveries",
    status_code=status.HTTP_201_CREATED,
    responses=problem_responses(*_PROBLEMS, EndpointDisabled),
)
async def send_webhook_test(
    organization_id: uuid.UUID, endpoint_id: uuid.UUID, member: Manager, session: Session
) -> WebhookDeliveryPublic:
    """Send a `webhook.test` event, once; the attempts at the delivery say how it went."""
    return await endpoints.send_test(session, member, organization_id, endpoint_id)


@router.post(f"{_ONE}/replays", responses=problem_responses(*_PROBLEMS, EndpointDisabled))
async def replay_webhook_deliveries(
    organization_id: uuid.UUID,
    endpoint_id: uuid.UUID,
    data: WebhookReplay,
    member: Manager,
    session: Session,
) -> WebhooksReplayed:
    """Send what happened since an instant once more, under the same event ids."""
    replayed = await endpoints.replay_deliveries(session, member, organization_id, endpoint_id, data)
    return WebhooksReplayed(replayed=replayed)


@router.get(f"{_ONE}/deliveries", responses=problem_responses(*_PROBLEMS))
async def list_webhook_deliveries(
    organization_id: uuid.UUID, endpoint_id: uuid.UUID, _: Manager, connection: Reading, page: PageQuery
) -> Page[WebhookDeliveryPublic]:
    """List what was and is delivered to an endpoint, the newest first."""
    return await views.deliveries(connection, organization_id, endpoint_id, page)


@router.get(f"{_DELIVERY}/attempts", responses=problem_responses(*_PROBLEMS))
async def list_webhook_attempts(
    organization_id: uuid.UUID,
    endpoint_id: uuid.UUID,
    delivery_id: uuid.UUID,
    _: Manager,
    connection: Reading,
    *,
    page: PageQuery,
) -> Page[WebhookAttemptPublic]:
    """List the calls made for a delivery and what was answered."""
    return await views.attempts(connection, organization_id, endpoint_id, delivery_id, page)


@router.post(f"{_DELIVERY}/replay", responses=problem_responses(*_PROBLEMS, EndpointDisabled, DeliveryUnderWay))
async def replay_webhook_delivery(
    organization_id: uuid.UUID, endpoint_id: uuid.UUID, delivery_id: uuid.UUID, member: Manager, session: Session
) -> WebhookDeliveryPublic:
    """Send one event once more, under the same event id."""
    return await endpoints.replay_delivery(session, member, organization_id, endpoint_id, delivery_id)

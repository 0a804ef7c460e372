"""What the routes about webhooks take and answer."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl

from app.core.instants import GivenInstant
from notifications.webhooks.catalogue import webhook_events
from notifications.webhooks.models import DeliveryState, DisabledReason


def _known(name: str) -> str:
    if name not in webhook_events():
        raise ValueError("no such event type")
    return name


def _plain(url: HttpUrl) -> HttpUrl:
    if url.username or url.password or url.fragment:
        raise ValueError("an address without user, password and fragment is wanted")
    return url


EventType = Annotated[str, AfterValidator(_known), Field(examples=["alarm.raised"])]
EventTypes = Annotated[list[EventType], Field(min_length=1, max_length=100)]
EndpointUrl = Annotated[HttpUrl, AfterValidator(_plain), Field(examples=["https://example.org/hearthline"])]
Description = Annotated[str, Field(max_length=200)]


class WebhookEventTypePublic(BaseModel):
    """An event an endpoint can be told of."""

    name: str = Field(examples=["alarm.raised"])
    description: str
    scope: str = Field(description="what the service agreement must give the organization on the resident")
    data: list[str] = Field(description="the ids the event carries")


class WebhookEndpointCreate(BaseModel):
    """An address of the organization's that is to be told of events."""

    model_config = ConfigDict(extra="forbid")

    url: EndpointUrl
    event_types: EventTypes
    description: Description = ""


class WebhookEndpointChange(BaseModel):
    """What is to be different about an endpoint."""

    model_config = ConfigDict(extra="forbid")

    url: EndpointUrl | None = None
    event_types: EventTypes | None = None
    description: Description | None = None
    enabled: bool | None = Field(default=None, description="what it missed while disabled can be replayed")


class WebhookEndpointPublic(BaseModel):
    """An endpoint, without its secret."""

    id: uuid.UUID
    url: str
    description: str
    event_types: list[str]
    enabled: bool
    disabled_reason: DisabledReason | None
    disabled_at: datetime | None
    failures: int = Field(description="failed attempts since the last one that succeeded")
    delivered_at: datetime | None = Field(description="when it last took something")
    previous_secret_until: datetime | None = Field(description="until when the previous secret signs as well")
    created_at: datetime
    version: int


class WebhookEndpointCreated(WebhookEndpointPublic):
    """A new endpoint with its secret, shown this once."""

    secret: str = Field(description="`whsec_` and the key in base64 (Standard Webhooks)")


class WebhookSecretRotate(BaseModel):
    """How the receiver changes over to the next secret."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: int = Field(default=24, ge=0, le=168, description="how long the present secret signs as well")


class WebhookSecretCreated(BaseModel):
    """A new secret, shown this once."""

    secret: str
    previous_secret_until: datetime | None


class WebhookDeliveryPublic(BaseModel):
    """An event for an endpoint and how far it got."""

    id: uuid.UUID
    event_id: uuid.UUID = Field(description="what is sent as `webhook-id`")
    event_type: str
    data: dict[str, Any]
    occurred_at: datetime
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    error: str | None = Field(description="code of the last failure")
    settled_at: datetime | None


class WebhookAttemptPublic(BaseModel):
    """One call of the endpoint."""

    id: uuid.UUID
    attempted_at: datetime
    status: int | None = Field(description="HTTP status, if there was an answer")
    error: str | None
    milliseconds: int


class WebhookReplay(BaseModel):
    """Which events are to be sent once more."""

    model_config = ConfigDict(extra="forbid")

    since: GivenInstant = Field(description="when the earliest of them happened; kept for a month")
    which: Literal["failed", "all"] = "failed"


class WebhooksReplayed(BaseModel):
    """How many deliveries were queued again."""

    replayed: int

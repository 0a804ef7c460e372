"""Endpoints of organizations, what is to be delivered to them, and every attempt at it."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.core import clock, partitions
from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, sealed, table_of, text_array

KEEP = timedelta(days=31)
URL = "notifications_webhook_endpoint.url"
SECRET = "notifications_webhook_endpoint.secret"  # noqa: S105 - the name of a column
PREVIOUS_SECRET = "notifications_webhook_endpoint.previous_secret"  # noqa: S105 - the name of a column

DisabledReason = Literal["by_hand", "gone", "failing", "not_allowed"]
DeliveryState = Literal["queued", "sending", "delivered", "failed"]


class WebhookEndpoint(Table, table=True):
    """Where an organization wants to be told of what, and the secret that what is told is signed with."""

    __tablename__ = "notifications_webhook_endpoint"
    __table_args__ = (
        sa.CheckConstraint("state IN ('enabled', 'disabled')", name="state"),
        sa.Index("ix_notifications_webhook_endpoint_organization_id", "organization_id", "id"),
        sa.Index("ix_notifications_webhook_endpoint_community_id", "community_id"),
    )
    privacy: ClassVar[Privacy] = Privacy.none("describes a machine")

    community_id: uuid.UUID
    organization_id: uuid.UUID
    url: str = sealed(description="sealed because many carry a secret in their path")
    description: str = ""
    event_types: list[str] = text_array()
    composer: str | None = Field(
        default=None, description="who makes its calls of what its deliveries say; nobody: they are events"
    )
    state: str = "enabled"
    disabled_reason: str | None = None
    disabled_at: datetime | None = optional_instant()
    secret: str = sealed()
    previous_secret: str | None = sealed(default=None, nullable=True)
    previous_until: datetime | None = optional_instant(description="until when the previous secret signs as well")
    failures: int = Field(default=0, description="failed attempts since the last one that succeeded")
    delivered_at: datetime | None = optional_instant(description="when it last took something")

    def enable(self) -> None:
        """Let it be called again, as if it had never failed; nothing changes for one that is enabled."""
        if self.state == "disabled":
            self.state, self.disabled_reason, self.disabled_at, self.failures = "enabled", None, None, 0

    def disable(self, reason: DisabledReason) -> None:
        """Let it not be called any more."""
        self.state, self.disabled_reason, self.disabled_at = "disabled", reason, clock.now()


class WebhookDelivery(SQLModel, table=True):
    """One event for one endpoint, from ``queued`` to its end.

    ``send_at`` is when a worker is to take it up, or, while it is ``sending``, the end of the lease after which another
    worker does; empty once it is settled. ``fence`` counts the leases.
    """

    __tablename__ = "notifications_webhook_delivery"
    __table_args__ = (
        sa.CheckConstraint("state IN ('queued', 'sending', 'delivered', 'failed')", name="state"),
        sa.Index("ix_notifications_webhook_delivery_due", "send_at", postgresql_where=sa.text("send_at IS NOT NULL")),
        sa.Index(
            "ix_notifications_webhook_delivery_endpoint_due",
            "endpoint_id",
            "send_at",
            postgresql_where=sa.text("send_at IS NOT NULL"),
        ),
        sa.Index(
            "ix_notifications_webhook_delivery_sending", "endpoint_id", postgresql_where=sa.text("state = 'sending'")
        ),
        sa.Index("ix_notifications_webhook_delivery_endpoint_id", "endpoint_id", "id"),
        sa.Index(
            "ix_notifications_webhook_delivery_object_due",
            "endpoint_id",
            "object_id",
            "id",
            postgresql_where=sa.text("send_at IS NOT NULL AND object_id IS NOT NULL"),
        ),
        {"postgresql_partition_by": "RANGE (id)"},
    )
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to tell the organizations that serve a resident that something happened",
        basis=Basis.CONTRACT,
        retention=Retention.by_month(KEEP, "queued_at"),
        recipients=(Recipient.ENDPOINTS,),
    )

    id: uuid.UUID = Field(primary_key=True)
    community_id: uuid.UUID
    endpoint_id: uuid.UUID
    event_id: uuid.UUID = Field(description="the same however often it is sent: what a receiver knows a repeat by")
    event_type: str
    resident_id: uuid.UUID | None = None
    object_id: uuid.UUID | None = Field(
        default=None, description="what it is about, where what is told of one thing goes in order"
    )
    data: dict[str, Any] = jsonb(nullable=False, description="ids only")
    occurred_at: datetime = instant()
    state: str = "queued"
    queued_at: datetime = instant(description="what giving up is counted from: when it was written or replayed")
    send_at: datetime | None = optional_instant()
    attempts: int = Field(default=0, sa_type=sa.SmallInteger)
    fence: int = 0
    error: str | None = Field(default=None, description="code of the last failure")
    settled_at: datetime | None = optional_instant()


class WebhookAttempt(SQLModel, table=True):
    """One call of an endpoint and how it went; what the machine said beside its status is not kept."""

    __tablename__ = "notifications_webhook_attempt"
    __table_args__ = (
        sa.Index("ix_notifications_webhook_attempt_delivery_id", "delivery_id", "id"),
        {"postgresql_partition_by": "RANGE (id)"},
    )
    privacy: ClassVar[Privacy] = Privacy.none("says how a machine answered")

    id: uuid.UUID = Field(primary_key=True)
    delivery_id: uuid.UUID
    attempted_at: datetime = instant()
    status: int | None = Field(default=None, sa_type=sa.SmallInteger, description="HTTP status, if there was an answer")
    error: str | None = Field(default=None, description="code of the failure")
    milliseconds: int


ENDPOINTS = table_of(WebhookEndpoint)
DELIVERIES = table_of(WebhookDelivery)
ATTEMPTS = table_of(WebhookAttempt)

partitions.retain(
    "notifications_webhook_delivery",
    KEEP,
    unless=(
        "EXISTS (SELECT FROM notifications_webhook_delivery WHERE id >= :lower AND id < :upper AND send_at IS NOT NULL)"
    ),
)
partitions.retain("notifications_webhook_attempt", KEEP)

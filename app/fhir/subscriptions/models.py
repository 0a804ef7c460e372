"""The table of subscriptions; where and how each is delivered is the webhook endpoint of the same id."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from app.core.tables import Privacy, Table, optional_instant, sealed, table_of, text_array

CRITERIA: Final = "fhir_subscription.criteria"
REASON: Final = "fhir_subscription.reason"
HEADERS: Final = "fhir_subscription.headers"


class Subscription(Table, table=True):
    """What a system wants to be told of."""

    __tablename__ = "fhir_subscription"
    __table_args__ = (
        sa.Index("ix_fhir_subscription_type", "community_id", "type"),
        sa.Index("ix_fhir_subscription_client_id", "client_id", "id"),
    )
    privacy: ClassVar[Privacy] = Privacy.none("says what a machine is told; it holds a resident's id at most, sealed")

    id: uuid.UUID = Field(primary_key=True, foreign_key="notifications_webhook_endpoint.id", ondelete="CASCADE")
    community_id: uuid.UUID
    client_id: uuid.UUID
    scopes: list[str] = text_array(description="what its credential let the client do when it subscribed")
    app_scopes: list[str] | None = Field(
        default=None, sa_type=ARRAY(sa.Text), description="SMART: what its token let it do; none of an API key"
    )
    type: str = Field(description="the kind of resource")
    criteria: str = sealed(description="the search; it may name a patient")
    reason: str = sealed()
    payload: bool = Field(description="whether the resource is sent, or only word of it")
    headers: str | None = sealed(default=None, nullable=True, description="what its calls carry besides: credentials")
    ends_at: datetime | None = optional_instant()


SUBSCRIPTIONS = table_of(Subscription)

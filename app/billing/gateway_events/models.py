"""The table of what the gateway told."""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Retention
from app.core.tables import Privacy, Table, instant, jsonb, table_of

KEPT: Final = timedelta(days=90)


class GatewayEvent(Table, table=True):
    """An event of the gateway, without what it says of people: refs, amounts and states are enough to look again."""

    __tablename__ = "billing_gateway_event"
    privacy: ClassVar[Privacy] = Privacy(
        subject=None,
        purpose="refs, amounts and states at the payment gateway: whose they are only the rows they are of know",
        basis=None,
        retention=Retention.pruned(KEPT, "created_at"),
        erasure="keep",
    )
    __table_args__ = (
        sa.UniqueConstraint("gateway", "ref"),
        sa.CheckConstraint("outcome IN ('known', 'unknown', 'kept')", name="outcome"),
        sa.Index("ix_billing_gateway_event_unknown", "id", postgresql_where=sa.text("outcome = 'unknown'")),
    )

    gateway: str
    ref: str = Field(description="the gateway's id of the event")
    kind: str = Field(description="the gateway's word, such as payment_intent.succeeded")
    object_ref: str = Field(description="the payment, refund or other thing it is about")
    happened_at: datetime = instant()
    body: dict[str, Any] = jsonb(description="what is kept of the thing as it was then")
    outcome: str = Field(
        description="known: a row of ours was made to be looked at; kept: nothing of ours waits for it"
    )


EVENTS: Final = table_of(GatewayEvent)

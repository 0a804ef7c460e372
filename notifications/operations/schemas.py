"""How the deliveries of a community stand."""

import uuid
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from notifications.delivery.rules import Lane


class LaneOverview(BaseModel):
    """How far a lane is behind."""

    lane: Lane
    due: int = Field(description="deliveries whose time has come, counted up to 10,000")
    lag_seconds: float = Field(description="since the time of the oldest of them")


class ChannelOverview(BaseModel):
    """What became of the deliveries that were written in the period."""

    channel: str = Field(examples=["push"])
    written: int
    under_way: int
    held: int = Field(description="waiting for their digest, or for the end of quiet hours")
    digested: int = Field(description="told of in a digest, which is counted by itself")
    sent: int = Field(description="taken by the provider, whether or not anything was confirmed since")
    delivered: int
    opened: int
    unconfirmed: int = Field(description="sent, and no receipt came in time")
    failed: int
    expired: int
    suppressed: int
    parked: int


class ParkedOverview(BaseModel):
    """Deliveries that nobody tries any more, by the reason."""

    lane: Lane
    channel: str
    reason: str | None = Field(examples=["uncertain"])
    count: int
    oldest_at: datetime | None


class DeliveryOverview(BaseModel):
    """The community's deliveries at a glance."""

    since: datetime
    until: datetime
    lanes: list[LaneOverview]
    awaiting_receipts: int = Field(description="of those that the channels count")
    channels: list[ChannelOverview] = Field(description="of the newest 50,000 deliveries of the period")
    parked: list[ParkedOverview]


class ParkedDeliveryPublic(BaseModel):
    """A delivery that nobody tries any more until it is replayed."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    notice_id: uuid.UUID
    account_id: uuid.UUID
    notice: str
    urgency: str
    channel: str
    attempts: int
    reason: str | None
    parked_at: datetime | None


class ReplayChoice(BaseModel):
    """Which parked deliveries are to be sent after all."""

    model_config = ConfigDict(extra="forbid")

    delivery_ids: list[uuid.UUID] | None = Field(
        default=None,
        max_length=1_000,
        description="unless named, all that are still of use and reached nobody otherwise",
    )


class Replayed(BaseModel):
    """How many deliveries were queued again."""

    replayed: int

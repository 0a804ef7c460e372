"""How the deliveries of a community stand."""

import uuid
from datetime import date, datetime

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


class DeliveryRate(BaseModel):
    """What became of one day's or one notice's deliveries over one channel."""

    day: date | None = Field(description="in the community's time zone; null where they are counted by notice")
    notice: str | None = Field(description="null where they are counted by day", examples=["eldercare.alarm_raised"])
    channel: str = Field(examples=["push"])
    written: int
    sent: int = Field(description="taken by the provider, arrived or seen")
    delivered: int = Field(description="a phone or the provider says that it arrived, or a person reacted")
    seen: int = Field(description="a person opened it or pressed a key")
    failed: int = Field(description="failed, expired before it could be sent, or parked")


class DeliveryRates(BaseModel):
    """What became of the community's deliveries, by day or by notice."""

    since: datetime
    until: datetime
    is_partial: bool = Field(description="there were more: only the newest 200,000 deliveries are counted")
    items: list[DeliveryRate]


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

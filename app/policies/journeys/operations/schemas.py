"""What an operator is told of what stands still, and of the installation."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["event", "deadline", "delivery"]


class ParkedItem(BaseModel):
    """Something that was given up, or that fails again and again: ids and codes only."""

    id: str = Field(examples=["deadline:community.close_trips:018f…"])
    kind: Kind
    name: str = Field(
        description="the subscriber of an event, the queue of a deadline, the channel of a delivery", examples=["push"]
    )
    about: uuid.UUID = Field(description="the thing the event is about, the row with the deadline, or the delivery")
    what: str | None = Field(description="the event's name, or the notice's; null for a deadline")
    since: datetime | None = Field(description="when the event happened, the deadline passed, the delivery was parked")
    attempts: int
    reason: str | None = Field(description="the code of the last failure")
    retry_at: datetime | None = Field(description="when it is tried again; null: not before it is replayed")
    parked_at: datetime | None
    waiting: int = Field(description="events that wait behind this one, counted up to 100")


class Replays(BaseModel):
    """What of all that stands still is to be tried again."""

    model_config = ConfigDict(extra="forbid")

    kinds: Annotated[list[Kind], Field(min_length=1, max_length=3)] = Field(default=["event", "deadline", "delivery"])


class ReplayedItems(BaseModel):
    """How many are tried again: events, deadlines and deliveries."""

    event: int = 0
    deadline: int = 0
    delivery: int = 0


class ProviderState(BaseModel):
    """What something leaves through; what stays on the outbox page reaches nobody."""

    what: Literal[
        "push", "sms", "voice", "mail", "sign_in", "smart_homes", "payments", "video_relay", "insurers", "files"
    ]
    through: list[str] = Field(examples=[["fcm", "webpush"]])
    reaches_people: bool = Field(description="false where nothing is connected, or only the outbox page")


class QueueState(BaseModel):
    """How far a queue is behind."""

    name: str
    late: int = Field(description="of the whole installation, counted up to 10,000")
    lag_seconds: float
    is_vital: bool = Field(description="it holds people who may need help")


class InstallationPublic(BaseModel):
    """What runs here: read only, without anything that is secret."""

    version: str
    environment: Literal["development", "test", "production"]
    schema_expected: str | None
    schema_found: str | None
    is_only_community: bool
    providers: list[ProviderState]
    queues: list[QueueState] = Field(description="those that are late, the latest first")
    lanes: list[QueueState] = Field(description="facts on their way to their subscribers")

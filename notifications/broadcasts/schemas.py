"""What is announced to whom, and what staff is told of it."""

import uuid
from datetime import datetime
from typing import Annotated, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.identity.api import Criterion
from notifications.broadcasts.rules import State

LONGEST = 3_500  # bytes of JSON: with what else a push carries it stays within the 4,096 of FCM, APNs and Web Push

BroadcastChannel = Literal["push", "sms", "mail"]
Criteria = Annotated[
    list[Criterion], Field(min_length=1, max_length=10, description="who meets any of them is reached, once")
]


class AnnouncementText(BaseModel):
    """The words in one language; locked screens show them, so they say nothing of anyone's health."""

    model_config = ConfigDict(extra="forbid")

    language: Literal["en", "zh-CN"]
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    body: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]

    @model_validator(mode="after")
    def _fits_into_a_push(self) -> Self:
        if len(orjson.dumps([self.title, self.body])) > LONGEST:
            raise ValueError("the text is too long for a push")
        return self


class BroadcastPreviewMake(BaseModel):
    """An audience to be counted."""

    model_config = ConfigDict(extra="forbid")

    audience: Criteria


class BroadcastPreview(BaseModel):
    """How many people an audience has at the moment."""

    recipients: int = Field(description="counted up to 100,000")
    is_more: bool = Field(description="there are more than were counted")


class BroadcastStart(BroadcastPreviewMake):
    """An announcement; who reads a language that is not given reads the other one."""

    texts: Annotated[list[AnnouncementText], Field(min_length=1, max_length=2)]
    channels: Annotated[list[BroadcastChannel], Field(max_length=3)] = Field(
        default=["push"],
        description="beside the inbox, which everybody gets; the next one is used where the one before reaches nobody",
    )
    urgency: Literal["normal", "high"] = "normal"

    @model_validator(mode="after")
    def _nothing_is_named_twice(self) -> Self:
        languages = [text.language for text in self.texts]
        if len(set(languages)) < len(languages) or len(set(self.channels)) < len(self.channels):
            raise ValueError("a language or a channel is named twice")
        return self


class BroadcastPublic(BaseModel):
    """A broadcast and how far it has come."""

    id: uuid.UUID
    organization_id: uuid.UUID
    only_served: bool = Field(description="it reaches only residents whom the organization serves")
    audience: list[Criterion]
    texts: list[AnnouncementText] = Field(description="empty once they are past their time")
    channels: list[BroadcastChannel]
    urgency: Literal["normal", "high"]
    state: State
    estimated: int | None = Field(description="how many there were to reach when the writing began")
    written: int = Field(description="how many have it in their inbox")
    created_at: datetime
    ended_at: datetime | None = Field(description="when it was all written, or cancelled")

"""What a circle writes and reads."""

import uuid
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.media.api import MediaPublic

MOST_PHOTOS = 10


class MessageWrite(BaseModel):
    """A message: words, photos that were uploaded before, or both."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)] | None = None
    photo_ids: list[uuid.UUID] = Field(default_factory=list, max_length=MOST_PHOTOS)
    client_key: uuid.UUID | None = Field(default=None, description="the app's own id: sent again, it is the same one")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.text is None and not self.photo_ids:
            raise ValueError("a message has words, photos or both")
        if len(set(self.photo_ids)) < len(self.photo_ids):
            raise ValueError("a photo is named twice")
        return self


class MessagePublic(BaseModel):
    """A message of the circle."""

    id: uuid.UUID
    author_id: uuid.UUID
    author_name: str | None
    written_at: datetime
    text: str | None
    photos: list[MediaPublic]
    withdrawn_at: datetime | None


class ReadUpTo(BaseModel):
    """The last message somebody has seen."""

    model_config = ConfigDict(extra="forbid")

    up_to: uuid.UUID


class ReadMark(BaseModel):
    """How far somebody of the circle has read."""

    model_config = ConfigDict(from_attributes=True)

    account_id: uuid.UUID
    name: str | None
    read_up_to: uuid.UUID | None = Field(description="the last message they have seen; empty: none yet")
    unread: int | None = Field(description="how many messages they have not seen, at most 100; of the caller only")

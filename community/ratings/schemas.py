"""What people give, and what is shown of it, to whom."""

import uuid
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from community.ratings.rules import RateState, Tag
from community.scores.schemas import Score

Comment = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class RatingGive(_Given):
    """What somebody gives for work that is done."""

    stars: Annotated[int, Field(ge=1, le=5, strict=True)]
    comment: Comment | None = None
    tags: Annotated[list[Tag], Field(max_length=8)] = []


class RatingModerate(_Given):
    """Whether others may read a comment; if not, why not, as whoever gave it reads it."""

    is_approved: bool
    reason: Words | None = None

    @model_validator(mode="after")
    def _rejecting_has_a_reason(self) -> Self:
        if self.is_approved != (self.reason is None):
            raise ValueError("rejecting has a reason, and approving none")
        return self


class RatingAnswer(_Given):
    """What the provider says to it, for everybody to read."""

    text: Comment


class RatingPublic(BaseModel):
    """A rating as whoever gave it sees it."""

    id: uuid.UUID
    order_id: uuid.UUID
    rated_by: uuid.UUID
    stars: int
    tags: list[Tag]
    comment: str | None
    state: RateState = Field(description="of the comment: others read it once it is approved")
    reject_reason: str | None
    answer: str | None
    created_at: datetime
    version: int


class RatingToModerate(BaseModel):
    """A comment that waits to be looked at."""

    id: uuid.UUID
    organization_id: uuid.UUID
    stars: int
    comment: str
    is_flagged: bool = Field(description="it looks as if it had a phone number or an address in it")
    created_at: datetime


class RatingShown(BaseModel):
    """An approved rating as others see it: not who gave it, nor for which order."""

    id: uuid.UUID
    stars: int
    tags: list[Tag]
    comment: str
    month: str = Field(description="in which it was given, such as 2026-03")
    answer: str | None


class WorkerScore(BaseModel):
    """What somebody who comes was given on average."""

    worker_id: uuid.UUID
    worker: str
    score: Score


class RatingsOf(BaseModel):
    """What a provider was given: on average, with its people, and the approved comments, the latest first."""

    score: Score | None = Field(description="empty while fewer than five residents rated it")
    workers: list[WorkerScore] = Field(description="those whom enough residents rated")
    items: list[RatingShown]
    next: str | None


class MyRatings(BaseModel):
    """What you were given: on average, and the approved comments, the latest first."""

    score: Score | None = Field(description="empty while fewer than five residents rated you")
    items: list[RatingShown]
    next: str | None

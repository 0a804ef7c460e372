"""What the routes about looking on take and answer."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=10, max_length=500, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$"),
]


@dataclass(frozen=True, slots=True)
class Viewing:
    """Somebody of support looks on as a person: who, as whom, and how long yet."""

    id: uuid.UUID
    viewer_id: uuid.UUID
    account_id: uuid.UUID
    name: str
    time_zone: str
    started_at: datetime
    ends_at: datetime


class ViewingBegin(BaseModel):
    """Why somebody of support wants to see what a person sees."""

    reason: Reason = Field(description="the person is told")


class ViewingPublic(BaseModel):
    """Somebody of support looks on as a person."""

    id: uuid.UUID
    account_id: uuid.UUID
    name: str
    started_at: datetime
    ends_at: datetime


class ViewingBegun(ViewingPublic):
    """A viewing that was begun, and the token whose requests are answered as to the person; it can only read."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme's name
    expires_in: int = Field(description="seconds the access token is good")

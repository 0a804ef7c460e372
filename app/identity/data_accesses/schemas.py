"""What a resident is told about who looked at their data."""

import uuid
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field


class DataAccess(BaseModel):
    """Somebody looked at the resident's data, or changed it."""

    id: uuid.UUID
    at: datetime
    actor_kind: Literal["account", "client", "device", "system"]
    actor_id: uuid.UUID
    name: str | None = Field(description="of the person, or of the system of an organization")
    organizations: list[str] = Field(description="whom the person works for now")
    action: str = Field(description="thing:verb, as the trail has it")
    is_reading: bool
    object_id: uuid.UUID | None
    app: str | None = Field(description="the app or the system through which it was done by a token of its own")
    explanation: str = Field(description="one sentence, in the reader's language")
    reason: str | None = Field(default=None, description="why support looked on as the resident, in its own words")

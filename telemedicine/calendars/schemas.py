"""What is said and told of feeds."""

import uuid
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class FeedCreate(BaseModel):
    """Whose appointments a feed has: one's own as a resident, or those one has as a practitioner."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["resident", "practitioner"] = "resident"


class FeedPublic(BaseModel):
    """A feed, without its address."""

    id: uuid.UUID
    kind: Literal["resident", "practitioner"]
    created_at: datetime


class FeedAddress(FeedPublic):
    """A new feed with its address, which is told this once: whoever has it reads the appointments."""

    path: str = Field(description="under this server; to be subscribed to, not to be passed on")

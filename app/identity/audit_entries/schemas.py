"""What is looked for in the trail, and what an operator is told of an entry."""

import uuid
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

ActorKind = Literal["account", "client", "device", "system", "anonymous"]


class AuditEntryPublic(BaseModel):
    """Somebody looked at a person's care data, or changed something; what it says in detail stays sealed."""

    id: uuid.UUID
    at: datetime
    actor_kind: ActorKind
    actor_id: uuid.UUID
    actor: str | None = Field(
        description="the name of a member of staff or of an organization's system; nobody else is named"
    )
    organizations: list[str] = Field(description="whom the member of staff worked for then")
    app: str | None = Field(description="the app or the system through which it was done by a token of its own")
    action: str = Field(description="`thing:verb`, as the trail has it", examples=["alarm:read"])
    is_reading: bool
    resident_id: uuid.UUID | None
    resident: str | None = Field(
        description="named where one resident's entries were asked for and the operator may see their profile"
    )
    object_id: uuid.UUID | None
    request_id: str | None = Field(description="as the logs have it")
    has_details: bool

"""What is told to somebody of what they themselves may see and do."""

import uuid
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field

from app.identity.scopes import ALL

Scope = Annotated[str, Field(json_schema_extra={"enum": sorted(ALL)})]
GroundKind = Literal["self", "consent", "proxy", "break_glass", "role"]


class AccessGround(BaseModel):
    """One reason why the reader may see or do something."""

    kind: GroundKind = Field(description="`role`: one's work, by an agreement of the organization")
    scopes: list[Scope]
    granted_by: str | None = Field(description="who gave a consent or a proxy's rights")
    organization: str | None = Field(description="the organization the role is in")
    organization_kind: str | None
    role: str | None
    alarm_id: uuid.UUID | None = Field(description="the alarm that opened emergency access")
    starts_at: AwareDatetime | None = Field(description="null for oneself")
    expires_at: AwareDatetime | None = Field(description="null while there is no end to it")


class OwnAccess(BaseModel):
    """What the reader may see and do with a resident at this moment, and why."""

    resident_id: uuid.UUID
    account_id: uuid.UUID
    name: str
    time_zone: str
    state: str
    scopes: list[Scope] = Field(description="of all grounds together")
    grounds: list[AccessGround]

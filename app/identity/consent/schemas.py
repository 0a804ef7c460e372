"""What is said and told about grants."""

import uuid
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.core.instants import GivenInstant
from app.identity.consent.rules import GivenKind, GrantKind
from app.identity.scopes import ALL

Scope = Annotated[str, Field(json_schema_extra={"enum": sorted(ALL)})]
GrantState = Literal["upcoming", "in_force", "expired", "revoked"]


class GrantAdd(BaseModel):
    """What a person is to be allowed."""

    model_config = ConfigDict(extra="forbid")

    account_id: uuid.UUID = Field(description="who is to be allowed it: a person of the same community")
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=50)]
    kind: GivenKind = Field(default="consent", description="a `proxy` is proposed with its document, never given here")
    expires_at: GivenInstant | None = None


class GrantChange(BaseModel):
    """What the person is allowed from now on."""

    model_config = ConfigDict(extra="forbid")

    scopes: Annotated[list[Scope], Field(min_length=1, max_length=50)]
    expires_at: GivenInstant | None = None


class GrantParty(BaseModel):
    """A person a grant names; the name is null for what Hearthline did by itself."""

    account_id: uuid.UUID
    name: str | None


class GrantAgreed(BaseModel):
    """What was agreed, in the very words that were shown then, however they are put today."""

    edition: str = Field(description="which edition of the words: others are another one")
    language: str
    text: str
    at: AwareDatetime


class GrantPublic(BaseModel):
    """What a resident lets a person see or do, also in plain words."""

    id: uuid.UUID
    resident_id: uuid.UUID
    grantee: GrantParty
    granted_by: GrantParty = Field(description="the resident, or who recorded it for them")
    kind: GrantKind
    scopes: list[Scope]
    explanation: str = Field(description="in today's words")
    agreed: GrantAgreed | None = Field(description="null for what an alarm opened, and for grants older than the words")
    alarm_id: uuid.UUID | None = Field(description="the alarm that opened emergency access")
    state: GrantState
    starts_at: AwareDatetime
    expires_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    version: int


class GrantEntry(GrantPublic):
    """A grant as other systems keep it: with when it last changed."""

    updated_at: AwareDatetime

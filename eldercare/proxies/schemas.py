"""What people say and are told about proxies."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.core.instants import GivenInstant
from app.media.api import MediaPublic
from eldercare.proxies.rules import Basis, State


class ProxyPropose(BaseModel):
    """Who is to act for a resident, on what that rests, and what they are to see and do."""

    model_config = ConfigDict(extra="forbid")

    account_id: uuid.UUID
    basis: Basis
    document_id: uuid.UUID = Field(description="an upload of the caller's that shows it")
    scopes: list[Annotated[str, Field(max_length=40)]] = Field(min_length=1, max_length=50)
    starts_at: GivenInstant | None = None
    ends_at: GivenInstant | None = None


class ProxyCheck(BaseModel):
    """What the operator found when they looked at the document."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["accept", "refuse"]
    note: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)] | None = None


class ProxyPublic(BaseModel):
    """A proxy."""

    id: uuid.UUID
    resident_id: uuid.UUID
    account_id: uuid.UUID
    name: str | None
    basis: Basis
    document: MediaPublic | None
    scopes: list[str]
    explanation: str = Field(description="what it means, in plain words")
    starts_at: datetime | None
    ends_at: datetime | None
    state: State | Literal["ended"] = Field(description="ended: its time is over")
    proposed_by: uuid.UUID
    checked_by: uuid.UUID | None
    checked_at: datetime | None
    grant_id: uuid.UUID | None
    revoked_at: datetime | None
    note: str | None
    version: int

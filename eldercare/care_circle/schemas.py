"""What people say and are told about care circles."""

import uuid
from datetime import datetime, time
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

MemberState = Literal["invited", "accepted", "declined", "removed"]
Scope = Literal[
    "profile:read",
    "contacts:read",
    "check_ins:read",
    "check_ins:answer",
    "check_ins:manage",
    "alarms:read",
    "alarms:raise",
    "alarms:respond",
    "circle:read",
    "vitals:read",
    "vitals:write",
    "location:read",
    "zones:manage",
    "medication:read",
    "medication:record",
    "appointments:manage",
    "consultations:read",
    "consultations:join",
    "home:activity",
    "home:read",
    "home:control",
    "home:manage",
    "home_services:read",
    "home_services:order",
    "visits:read",
    "visits:manage",
    "messages:read",
    "messages:write",
    "wellbeing:read",
    "wellbeing:manage",
]
USUAL_SCOPES: tuple[Scope, ...] = (
    "profile:read",
    "check_ins:read",
    "check_ins:answer",
    "alarms:read",
    "alarms:respond",
)
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Zone = Annotated[str, StringConstraints(max_length=64)]


class OnCallHours(BaseModel):
    """A weekly window of local time; one that ends at or before its start runs past midnight."""

    weekday: int = Field(ge=0, le=6, description="0 is Monday, the day on which it starts")
    start: time
    end: time

    @model_validator(mode="after")
    def _on_the_wall(self) -> Self:
        if self.start.tzinfo or self.end.tzinfo:
            raise ValueError("give wall times, without an offset")
        return self


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @field_validator("time_zone", check_fields=False)
    @classmethod
    def _known_zone(cls, name: str | None) -> str | None:
        if name is not None:
            try:
                ZoneInfo(name)
            except (OSError, ValueError, LookupError):
                raise ValueError("not an IANA time zone") from None
        return name


class CircleInvite(_Settings):
    """Whom the resident asks, and what they would see and do."""

    phone: str = Field(max_length=32, description="with the country code, or as dialled in the community")
    name: Words = Field(description="what to call somebody who is not known yet")
    relationship: Words
    language: str | None = Field(default=None, max_length=35)
    has_key: bool = False
    on_call: list[OnCallHours] = Field(default_factory=list, max_length=50, description="empty: at any time")
    time_zone: Zone | None = None
    scopes: list[Scope] = Field(default=list(USUAL_SCOPES), min_length=1)


class CircleMemberChange(_Settings):
    """What may change about a member; fields that are left out stay."""

    relationship: Words | None = None
    has_key: bool | None = None
    on_call: list[OnCallHours] | None = Field(default=None, max_length=50)
    time_zone: Zone | None = None


class CircleOrder(BaseModel):
    """The members in the order in which they are called."""

    model_config = ConfigDict(extra="forbid")

    member_ids: list[uuid.UUID] = Field(min_length=1, max_length=100)


class CircleMemberPublic(BaseModel):
    """A member of a care circle."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    resident_id: uuid.UUID
    account_id: uuid.UUID
    name: str = Field(description="their own once they accepted, until then what the resident calls them")
    relationship: str
    position: int
    state: MemberState
    has_key: bool
    time_zone: str
    on_call: list[OnCallHours]
    scopes: list[str]
    answered_at: datetime | None
    version: int


class Invitation(BaseModel):
    """A care circle somebody is asked into, or belongs to."""

    id: uuid.UUID
    resident_id: uuid.UUID
    resident_name: str
    relationship: str
    state: MemberState
    scopes: list[str]
    time_zone: str = Field(description="that the hours are of")
    on_call: list[OnCallHours] = Field(description="when the caller can be called; empty: at any time")

"""What people say and are told about people: profiles, contact points, households, residents."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from app.identity.people import rules

ContactKind = Literal["mobile", "landline", "email", "shared_tablet"]
Capability = Literal["sms", "voice", "email", "app"]
AccessibilityNeed = Literal[
    "hearing",
    "sight",
    "speech",
    "mobility",
    "memory",
    "wheelchair",
    "assistance_animal",
    "large_text",
    "no_voice_calls",
]
ACCESSIBILITY_NEEDS: Final[tuple[AccessibilityNeed, ...]] = get_args(AccessibilityNeed)
ResidentState = Literal["active", "moved_out", "deceased"]
AccountState = Literal["active", "deactivated", "erased"]

Name = Annotated[str, AfterValidator(rules.check_name)]
Language = Annotated[str, AfterValidator(rules.check_language), Field(examples=["zh-CN"], description="BCP 47")]
TimeZone = Annotated[str, AfterValidator(rules.check_time_zone), Field(examples=["Asia/Shanghai"], description="IANA")]
WallTime = Annotated[time, AfterValidator(rules.check_wall_time), Field(examples=["08:00"])]
Notes = Annotated[str, Field(max_length=4_000)]
Reference = Annotated[str, Field(min_length=1, max_length=100, description="the operator's own number")]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
Tags = Annotated[list[Tag], Field(max_length=20, description="the operator's own words for groups of residents")]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


class Change(BaseModel):
    """The fields that are sent are changed, the others stay as they are."""

    model_config = ConfigDict(extra="forbid")


class ContactPointPublic(BaseModel):
    """A way to reach a person."""

    id: uuid.UUID
    kind: ContactKind
    value: str
    capabilities: list[Capability]
    usable_from: time | None
    usable_until: time | None
    verified_at: datetime | None
    position: int
    version: int


class ContactPointAdd(BaseModel):
    """A new way to reach a person; a number without a country code is read as the community's."""

    model_config = ConfigDict(extra="forbid")

    kind: ContactKind
    value: Annotated[str, Field(min_length=3, max_length=254)]
    capabilities: list[Capability] | None = Field(
        default=None, description="all that a thing of this kind can do, unless named"
    )
    usable_from: WallTime | None = None
    usable_until: WallTime | None = None
    position: Annotated[int, Field(ge=0, le=99, description="the lower, the earlier it is tried")] = 0


class ContactPointChange(Change):
    """What changes about a way to reach a person; another value is no longer verified."""

    value: Annotated[str, Field(min_length=3, max_length=254)] = Field(default_factory=str)
    capabilities: list[Capability] = Field(default_factory=list)
    usable_from: WallTime | None = None
    usable_until: WallTime | None = None
    position: Annotated[int, Field(ge=0, le=99)] = Field(default_factory=int)


@dataclass(frozen=True, slots=True)
class PersonPublic:
    """Who somebody is to everyone who deals with them; no model, because a fan-out makes tens of thousands of them."""

    account_id: uuid.UUID
    name: str
    language: str
    time_zone: str
    state: AccountState


class MembershipPublic(BaseModel):
    """A role somebody holds in an organization."""

    organization_id: uuid.UUID
    organization_kind: str
    role: str


class AccountPublic(BaseModel):
    """The signed-in person's own account."""

    account_id: uuid.UUID
    community_id: uuid.UUID
    resident_id: uuid.UUID | None
    name: str
    language: str
    time_zone: str
    memberships: list[MembershipPublic]
    version: int


class AccountChange(Change):
    """What a person changes about their own account."""

    name: Name = Field(default_factory=str)
    language: Language = Field(default_factory=str)
    time_zone: TimeZone = Field(default_factory=str)


class HouseholdAdd(BaseModel):
    """A home."""

    model_config = ConfigDict(extra="forbid")

    address: Annotated[str, Field(min_length=1, max_length=1_000)]
    building: Annotated[str, Field(max_length=100)] | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    reference: Reference | None = None


class HouseholdPublic(BaseModel):
    """Where a resident lives."""

    id: uuid.UUID
    address: str
    building: str | None
    latitude: float | None
    longitude: float | None


class ProfilePublic(BaseModel):
    """What responders and carers must know about a resident."""

    resident_id: uuid.UUID
    account_id: uuid.UUID
    name: str
    birth_date: date | None
    language: str
    time_zone: str
    household: HouseholdPublic | None
    accessibility_needs: list[AccessibilityNeed]
    tags: list[str]
    emergency_notes: str | None
    reference: str | None
    state: ResidentState
    closed_on: date | None
    version: int


class ResidentRecord(BaseModel):
    """Who a resident is, as other systems keep it."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    name: str
    birth_date: date | None
    language: str
    reference: str | None
    state: ResidentState
    version: int
    updated_at: datetime


class ProfileChange(Change):
    """What changes about a resident. Only the community's staff changes the household, the reference and the tags."""

    name: Name = Field(default_factory=str)
    birth_date: date | None = None
    language: Language = Field(default_factory=str)
    time_zone: TimeZone = Field(default_factory=str)
    accessibility_needs: list[AccessibilityNeed] = Field(default_factory=list)
    emergency_notes: Notes | None = None
    household: HouseholdAdd | None = None
    reference: Reference | None = None
    tags: Tags = Field(default_factory=list)


class ResidentCreate(BaseModel):
    """A new resident, in a new household or in one that exists."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    birth_date: date | None = None
    language: Language | None = None
    time_zone: TimeZone | None = None
    household_id: uuid.UUID | None = None
    household: HouseholdAdd | None = None
    accessibility_needs: list[AccessibilityNeed] = Field(default_factory=list)
    emergency_notes: Notes | None = None
    national_id: Annotated[str, Field(min_length=4, max_length=40)] | None = None
    reference: Reference | None = None
    tags: Tags = Field(default_factory=list)
    contact_points: Annotated[list[ContactPointAdd], Field(max_length=10)] = Field(default_factory=list)


class ResidentBrief(BaseModel):
    """A resident in a list."""

    resident_id: uuid.UUID
    account_id: uuid.UUID
    name: str
    birth_date: date | None
    language: str
    building: str | None
    reference: str | None
    state: ResidentState

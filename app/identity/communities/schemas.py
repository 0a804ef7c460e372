"""What people are told about a community and its calendar, and what its operator sets."""

import uuid
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.identity.communities import rules
from app.identity.people.schemas import Change, Language, TimeZone

EmergencyNumbers = Annotated[
    dict[str, Annotated[str, Field(pattern=r"^\+?[0-9]{2,15}$")]],
    Field(max_length=20, examples=[{"medical": "120", "fire": "119", "police": "110"}]),
]
AppVersion = Annotated[str, Field(pattern=r"^\d{1,4}\.\d{1,4}\.\d{1,4}$", examples=["1.4.0"])]
Features = Annotated[dict[str, bool], Field(max_length=100, examples=[{"telemedicine": True}])]


class CommunityPublic(BaseModel):
    """A community with what its domains go by."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    name: str
    country: str
    time_zone: str
    currency: str
    languages: list[str]
    emergency_numbers: dict[str, str]
    desk_phone: str | None
    features: dict[str, bool]
    minimum_app_version: str
    version: int


class CommunityChange(Change):
    """What an operator changes about the community."""

    name: Annotated[str, Field(min_length=1, max_length=200)] = Field(default_factory=str)
    time_zone: TimeZone = Field(default_factory=str)
    languages: Annotated[list[Language], Field(min_length=1, max_length=20)] = Field(default_factory=list)
    emergency_numbers: EmergencyNumbers = Field(default_factory=dict)
    desk_phone: str | None = None
    features: Features = Field(default_factory=dict)
    minimum_app_version: AppVersion = Field(default_factory=str)


class HolidayPublic(BaseModel):
    """A day that is not what its weekday says."""

    model_config = ConfigDict(from_attributes=True)

    day: date
    name: str
    is_workday: bool


class HolidaySet(BaseModel):
    """A public holiday, or a make-up workday on a weekend."""

    model_config = ConfigDict(extra="forbid")

    day: date
    name: Annotated[str, Field(min_length=1, max_length=100)]
    is_workday: bool = False


class HolidayYear(BaseModel):
    """A year's calendar as it is published: it replaces what was known of the year."""

    model_config = ConfigDict(extra="forbid")

    days: Annotated[list[HolidaySet], Field(max_length=200), AfterValidator(rules.check_days_differ)]


class AppConfig(BaseModel):
    """What an app asks at its start, before anybody signs in."""

    community_id: uuid.UUID
    community: str
    minimum_version: str
    features: dict[str, bool]
    emergency_numbers: dict[str, str]
    desk_phone: str | None
    languages: list[str]
    time_zone: str
    country: str
    web_push_key: str | None = Field(description="applicationServerKey of Web Push subscriptions; null: not offered")

"""What callers say and are told about connected homes."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.identity.api import TimeZone

HomeName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")
]
DiscoveryPrefix = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")]
Addressing = Literal["bridged", "direct"]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HomeCreate(_Given):
    """How a home is set up."""

    name: HomeName
    addressing: Addressing = Field(
        default="bridged",
        description="bridged: a broker in the home passes everything on; direct: devices speak to the city's broker",
    )
    discovery_prefix: DiscoveryPrefix = "homeassistant"
    time_zone: TimeZone | None = Field(default=None, description="of the home; the resident's unless it is given")
    lives_alone: bool = Field(default=False, description="nobody else lives there, registered here or not")


class HomePatch(_Given):
    """What of a home is to be another way; what is left out stays."""

    name: HomeName | None = None
    addressing: Addressing | None = None
    discovery_prefix: DiscoveryPrefix | None = None
    time_zone: TimeZone | None = None
    lives_alone: bool | None = None


class HomePublic(BaseModel):
    """A connected home, in a list."""

    id: uuid.UUID
    resident_id: uuid.UUID = Field(description="whose home it is")
    name: str
    state: Literal["waiting", "active", "closed"] = Field(
        description="waiting: not everybody who lives there has agreed, and nothing is collected"
    )
    addressing: Addressing
    discovery_prefix: str
    time_zone: str
    lives_alone: bool
    has_credentials: bool
    provisioned_at: datetime | None = Field(description="since when the broker lets the hub in")
    last_seen_at: datetime | None
    heard_every: timedelta | None = Field(description="how often it is usually heard")
    silent_since: datetime | None
    registry_version: int = Field(description="goes up with each change of its devices, entities and rooms")
    created_at: datetime
    closed_at: datetime | None
    version: int


class HomeResidentPublic(BaseModel):
    """Somebody who lives in the home, and whether they agreed."""

    resident_id: uuid.UUID
    name: str
    is_holder: bool
    asked_at: datetime
    agreed_at: datetime | None


class HomeDetail(HomePublic):
    """A connected home, and who lives there."""

    residents: list[HomeResidentPublic]
    refused: dict[str, int] = Field(description="what was not taken, and how often: cameras, microphones, what is odd")


class HomeCredentials(BaseModel):
    """What the hub signs in with. The secret is shown this once."""

    username: str
    secret: str
    made_at: datetime


class HomeConnection(BaseModel):
    """What is to be typed into a hub."""

    host: str
    port: int
    is_encrypted: bool
    username: str
    topic_prefix: str
    addressing: Addressing
    discovery_prefix: str = Field(description="as it is within the home")
    has_credentials: bool
    provisioned_at: datetime | None
    snippets: dict[str, str] = Field(
        description="ready to be copied, by what they are for: mosquitto, or zigbee2mqtt, esphome, home_assistant"
    )

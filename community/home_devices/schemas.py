"""What callers say and are told about a home's devices, and what the gateway hands over."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from community.homes.views import HomeRow

RoleName = Literal[
    "smoke",
    "gas",
    "carbon_monoxide",
    "water",
    "fall",
    "bed",
    "sos_button",
    "motion",
    "door",
    "window",
    "stove",
    "temperature",
    "humidity",
    "power",
    "energy",
    "light",
    "lock",
    "valve",
    "presence",
    "problem",
    "battery",
    "other",
]
GivenName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")
]


@dataclass(frozen=True, slots=True)
class HeardConfig:
    """A message at a topic that describes something, without the home's prefix."""

    home: HomeRow
    topic: str
    payload: bytes
    is_retained: bool = False


@dataclass(frozen=True, slots=True)
class DeviceFact:
    """What a device said of itself; what it did not say is ``None``. ``battery`` in per cent."""

    device_id: uuid.UUID
    seen_at: datetime
    battery: int | None = None
    link_quality: int | None = None
    sw_version: str | None = None


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


RoomKind = Literal["bedroom", "bathroom", "kitchen", "living_room", "hall", "entrance", "balcony", "other"]


class RoomWrite(_Given):
    """A new room; its kind is told from its name unless it is given."""

    name: GivenName
    kind: RoomKind | None = None


class RoomPatch(_Given):
    """What of a room is to be another way."""

    name: GivenName | None = None
    kind: RoomKind | None = None


class RoomPublic(BaseModel):
    """A room of a home."""

    id: uuid.UUID
    name: str
    kind: RoomKind
    version: int


class DevicePatch(_Given):
    """What people say of a device; what is left out stays, ``null`` takes it back."""

    given_name: GivenName | None = None
    room_id: uuid.UUID | None = None


class EntityPatch(_Given):
    """What people say of an entity; what is left out stays, ``null`` takes it back."""

    given_name: GivenName | None = None
    role: RoleName | None = Field(default=None, description="what care takes it for; null: told from what is known")


class EntityPublic(BaseModel):
    """One thing a device notices or can do; how it stands is told elsewhere, to who may see that."""

    id: uuid.UUID
    device_id: uuid.UUID
    component: str
    name: str | None = Field(description="as people call it, or as its hub does")
    given_name: str | None
    device_class: str | None
    state_class: str | None
    unit: str | None
    category: str | None
    role: RoleName | None
    is_role_given: bool
    expire_after: timedelta | None
    state: Literal["active", "removed"]
    version: int


class DevicePublic(BaseModel):
    """A device of a home."""

    id: uuid.UUID
    name: str | None = Field(description="as people call it, or as its hub does")
    given_name: str | None
    manufacturer: str | None
    model: str | None
    sw_version: str | None
    hw_version: str | None
    room_id: uuid.UUID | None
    via_device_id: uuid.UUID | None = Field(description="the device it speaks through")
    origin: str | None = Field(description="the program that told of it")
    battery: int | None = Field(description="per cent")
    link_quality: int | None
    last_seen_at: datetime | None
    heard_every: timedelta | None
    silent_since: datetime | None
    state: Literal["active", "removed"]
    version: int


class DeviceDetail(DevicePublic):
    """A device and what it notices and can do."""

    identifiers: list[str]
    connections: list[str]
    entities: list[EntityPublic]


class RefusalPublic(BaseModel):
    """A description that was not taken, and why: so that a device that is missing can be put right."""

    topic: str
    code: str
    at: datetime

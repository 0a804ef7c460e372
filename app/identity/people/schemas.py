"""What people say and are told about people: profiles, contact points, residents."""

import uuid
from datetime import datetime, time
from typing import Literal

from pydantic import BaseModel, ConfigDict

ContactKind = Literal["mobile", "landline", "email", "shared_tablet"]
Capability = Literal["sms", "voice", "email", "app"]


class ContactPointPublic(BaseModel):
    """A way to reach a person."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    kind: ContactKind
    value: str
    capabilities: list[Capability]
    usable_from: time | None
    usable_until: time | None
    verified_at: datetime | None
    position: int
    version: int


class PersonPublic(BaseModel):
    """Who somebody is to everyone who deals with them."""

    account_id: uuid.UUID
    name: str
    language: str
    time_zone: str
    state: Literal["active", "deactivated", "erased"]

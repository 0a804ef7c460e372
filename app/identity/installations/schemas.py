"""What the routes about phones take and answer."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

ClientId = Annotated[str, StringConstraints(min_length=8, max_length=128, pattern=r"^[A-Za-z0-9_.:-]+$")]


class InstallationRegister(BaseModel):
    """A phone as it describes itself. Without ``fid`` and ``token`` it can use the app but gets no pushes."""

    platform: Literal["android", "ios", "web"]
    app_version: str = Field(min_length=1, max_length=32, examples=["2.4.1"])
    language: str = Field(min_length=2, max_length=35, description="BCP 47", examples=["zh-CN"])
    fid: ClientId | None = Field(default=None, description="Firebase installation id")
    token: str | None = Field(default=None, min_length=8, max_length=4096, description="older apps: registration token")


class InstallationPublic(BaseModel):
    """A registered phone."""

    id: uuid.UUID
    client_id: str
    platform: str
    app_version: str
    language: str
    last_seen_at: datetime


class DeviceCredentialPublic(BaseModel):
    """A paired phone that can raise an alarm. Its secret is never shown again."""

    id: uuid.UUID
    label: str | None
    created_at: datetime
    last_used_at: datetime | None

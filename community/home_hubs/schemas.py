"""What callers say and are told about hubs that are asked, and what following one needs."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from community.homes.views import HomeRow

HubAddress = Annotated[str, StringConstraints(strip_whitespace=True, min_length=8, max_length=500, pattern=r"^\S+$")]
HubToken = Annotated[str, StringConstraints(strip_whitespace=True, min_length=16, max_length=1000, pattern=r"^[!-~]+$")]


class HomeHubGive(BaseModel):
    """Where a home's Home Assistant is, and a long-lived access token made there for us alone."""

    model_config = ConfigDict(extra="forbid")

    url: HubAddress = Field(examples=["https://home.example.org:8123"])
    token: HubToken = Field(description="never shown again; end it in Home Assistant, below your profile")


class HomeHubPublic(BaseModel):
    """How it goes with a hub that is asked."""

    home_id: uuid.UUID
    host: str
    state: Literal["waiting", "connected", "failing"]
    error: (
        Literal[
            "address_not_allowed", "auth_invalid", "home_not_active", "not_home_assistant", "too_slow", "unreachable"
        ]
        | None
    )
    connected_at: datetime | None = Field(description="since when it is followed, or was the last time")
    next_try_at: datetime | None = Field(description="while it fails")
    software: str | None = Field(description="the version it says it is")


@dataclass(frozen=True, slots=True)
class Asked:
    """What following a hub needs: where it is, with which token, and for which home."""

    id: uuid.UUID
    url: str = field(repr=False)
    token: str = field(repr=False)
    home: HomeRow


class HubFailed(Exception):  # noqa: N818 - says what happened
    """A hub cannot be followed; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

"""What the routes about sessions take and answer."""

import uuid
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field


class Tokens(BaseModel):
    """What a phone holds while somebody is signed in."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme's name
    expires_in: int = Field(description="seconds the access token is good")
    refresh_token: str = Field(description="to be exchanged once, for the next pair")
    refresh_expires_at: datetime
    session_id: uuid.UUID
    account_id: uuid.UUID


class TokenRefresh(BaseModel):
    """A refresh token to be exchanged."""

    refresh_token: str = Field(min_length=1, max_length=128)


class SessionPublic(BaseModel):
    """One of the caller's sessions."""

    id: uuid.UUID
    method: str
    device_label: str | None
    created_at: datetime
    last_seen_at: datetime
    has_second_factor: bool
    is_current: bool


class KeySet(BaseModel):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, Any]]

"""What the routes about API clients take and answer."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from app.identity.scopes import GRANTABLE


def _known(scope: str) -> str:
    if scope not in GRANTABLE:
        raise ValueError("no such scope")
    return scope


Scope = Annotated[str, AfterValidator(_known), Field(examples=["check_ins:read"])]


class ApiClientCreate(BaseModel):
    """A machine that is to act for the organization."""

    name: str = Field(min_length=1, max_length=120)
    scopes: list[Scope] = Field(min_length=1, max_length=len(GRANTABLE))


class ApiKeyRotate(BaseModel):
    """How the client changes over to its next key."""

    overlap_hours: int = Field(default=24, ge=0, le=168, description="how long its present keys stay good")


class ApiKeyPublic(BaseModel):
    """A key, without its secret."""

    id: uuid.UUID
    created_at: datetime
    last_used_at: datetime | None = Field(description="to the hour")
    expires_at: datetime | None


class ApiClientPublic(BaseModel):
    """An API client and its keys that are good."""

    id: uuid.UUID
    name: str
    scopes: list[str]
    created_at: datetime
    keys: list[ApiKeyPublic]
    redirect_uris: list[str] = Field(description="of an app that people agree to; none of a system")
    jwks_uri: str | None
    key_ids: list[str] = Field(description="of the public keys that are registered with it")


class ApiKeyCreated(BaseModel):
    """A new key, shown this once."""

    client_id: uuid.UUID
    key_id: uuid.UUID
    api_key: str = Field(description="send it as bearer credential")

"""The tables of API clients and of their keys."""

import uuid
from datetime import datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.tables import Privacy, Table, jsonb, optional_instant, text_array


class ApiClient(Table, table=True):
    """A machine that acts for an organization, within scopes, on the residents the organization may see.

    With addresses to send people back to it is an app: it acts for whoever agrees to it, never for the organization.
    It shows who it is by keys of its own, registered here or published at an address of its own, or not at all.
    """

    __tablename__ = "identity_api_client"
    privacy: ClassVar[Privacy] = Privacy.none("describes a machine")
    __table_args__ = (sa.Index("ix_identity_api_client_organization_id", "organization_id"),)

    community_id: uuid.UUID = Field(foreign_key="identity_community.id")
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    name: str
    scopes: list[str] = text_array()
    created_by: uuid.UUID = Field(description="the account that made it")
    revoked_at: datetime | None = optional_instant()
    redirect_uris: list[str] = text_array(
        sa_column_kwargs={"server_default": "{}"}, description="where an app has people sent back to"
    )
    jwks: dict[str, Any] | None = jsonb(default=None, nullable=True, description="its public keys (RFC 7517)")
    jwks_uri: str | None = Field(default=None, description="where it publishes its public keys instead")
    keys_set_at: datetime | None = optional_instant(description="when its keys were last registered")


class ApiKey(Table, table=True):
    """A key of an API client, known by its hash. Two may be good at once while the client changes over."""

    __tablename__ = "identity_api_key"
    privacy: ClassVar[Privacy] = Privacy.none("hashes of random values")
    __table_args__ = (sa.Index("ix_identity_api_key_client_id", "client_id"),)

    client_id: uuid.UUID = Field(foreign_key="identity_api_client.id")
    digest: bytes = Field(sa_type=sa.LargeBinary, description="SHA-256 of the secret")
    last_used_at: datetime | None = optional_instant(description="to the hour")
    expires_at: datetime | None = optional_instant(description="set when its successor was made")
    revoked_at: datetime | None = optional_instant()

"""The tables of sessions and of the refresh tokens that keep them alive."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Retention
from app.core.tables import Privacy, Table, instant, optional_instant


class AccountSession(Table, table=True):
    """One sign-in of an account on one device. It ends by revocation, or when its last refresh token expires."""

    __tablename__ = "identity_session"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to keep a person signed in",
        basis=Basis.CONTRACT,
        retention=Retention.by_job("identity.purge_sessions", timedelta(days=90), "revoked_at", "expires_at"),
    )
    __table_args__ = (
        sa.Index("ix_identity_session_account_id", "account_id"),
        sa.Index("ix_identity_session_expires_at", "expires_at"),
        sa.Index("ix_identity_session_revoked_at", "revoked_at", postgresql_where=sa.text("revoked_at IS NOT NULL")),
    )

    account_id: uuid.UUID = Field(foreign_key="identity_account.id")
    community_id: uuid.UUID = Field(foreign_key="identity_community.id")
    method: str = Field(description="how it began: local, firebase, oidc, pairing")
    device_label: str | None = None
    last_seen_at: datetime = instant(description="when it was last refreshed")
    expires_at: datetime = instant(description="when its last refresh token ends")
    second_factor_at: datetime | None = optional_instant()
    revoked_at: datetime | None = optional_instant()
    revoked_reason: str | None = None


class RefreshToken(Table, table=True):
    """A refresh token, known by its hash. Tokens that were exchanged stay a while, so that reuse is noticed."""

    __tablename__ = "identity_refresh_token"
    privacy: ClassVar[Privacy] = Privacy.none("hashes of random values; goes with its session")
    __table_args__ = (
        sa.UniqueConstraint("digest"),
        sa.Index("ix_identity_refresh_token_session_id", "session_id"),
        sa.Index("ix_identity_refresh_token_parent_id", "parent_id"),
        sa.Index("ix_identity_refresh_token_expires_at", "expires_at"),
        sa.Index("ix_identity_refresh_token_used_at", "used_at", postgresql_where=sa.text("used_at IS NOT NULL")),
    )

    session_id: uuid.UUID = Field(foreign_key="identity_session.id", ondelete="CASCADE")
    digest: bytes = Field(sa_type=sa.LargeBinary, description="SHA-256 of the token")
    parent_id: uuid.UUID | None = Field(default=None, description="the token it was exchanged for")
    expires_at: datetime = instant()
    used_at: datetime | None = optional_instant(description="when it was first exchanged")

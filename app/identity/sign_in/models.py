"""The tables of signing in: one-time codes that were asked for, and logins elsewhere that belong to accounts."""

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Retention
from app.core.tables import Privacy, Table, instant, optional_instant, sealed


class SignInChallenge(Table, table=True):
    """A request to sign in by a code. It exists for unknown numbers too; only known ones are sent a code."""

    __tablename__ = "identity_sign_in_challenge"
    privacy: ClassVar[Privacy] = Privacy.none("sealed, deleted a day after it expired; names no account")
    __table_args__ = (
        sa.CheckConstraint("channel IN ('sms', 'email')", name="channel"),
        sa.Index("ix_identity_sign_in_challenge_expires_at", "expires_at"),
    )

    community_id: uuid.UUID = Field(foreign_key="identity_community.id")
    channel: str
    destination: str = sealed(description="E.164 number or mail address")
    destination_index: bytes = Field(sa_type=sa.LargeBinary)
    code: str = sealed(description="six digits")
    expires_at: datetime = instant()
    attempts: int = Field(default=0, description="wrong codes so far")
    used_at: datetime | None = optional_instant()


class ExternalLogin(Table, table=True):
    """A login at another issuer (Firebase, an OpenID Connect provider) that belongs to an account."""

    __tablename__ = "identity_external_login"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to sign in through another issuer",
        basis=Basis.CONTRACT,
        retention=Retention.until_erasure(),
    )
    __table_args__ = (
        sa.UniqueConstraint("issuer", "subject", "account_id"),
        sa.Index("ix_identity_external_login_account_id", "account_id"),
    )

    account_id: uuid.UUID = Field(foreign_key="identity_account.id")
    issuer: str
    subject: str
    last_used_at: datetime = instant()

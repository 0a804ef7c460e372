"""The tables of second factors."""

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Retention
from app.core.tables import Privacy, Table, instant, optional_instant, sealed, text_array


class AuthenticatorApp(Table, table=True):
    """The shared secret of a person's authenticator app (RFC 6238); counts once a code has confirmed it."""

    __tablename__ = "identity_authenticator_app"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="second factor at sign-in",
        basis=Basis.CONTRACT,
        retention=Retention.until_erasure(),
        withheld=("secret",),
    )
    __table_args__ = (sa.UniqueConstraint("account_id"),)

    account_id: uuid.UUID = Field(foreign_key="identity_account.id")
    secret: str = sealed()
    confirmed_at: datetime | None = optional_instant()
    last_counter: int = Field(
        default=0, sa_type=sa.BigInteger, description="the time step of the last code that was accepted"
    )


class RecoveryCode(Table, table=True):
    """A code that stands in once for a lost second factor, known by its hash."""

    __tablename__ = "identity_recovery_code"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="second factor at sign-in",
        basis=Basis.CONTRACT,
        retention=Retention.until_erasure(),
    )
    __table_args__ = (sa.UniqueConstraint("account_id", "digest"),)

    account_id: uuid.UUID = Field(foreign_key="identity_account.id")
    digest: bytes = Field(sa_type=sa.LargeBinary, description="SHA-256 of the code, which has 80 random bits")
    used_at: datetime | None = optional_instant()


class Passkey(Table, table=True):
    """A public key whose private half a person's device or security key holds (WebAuthn)."""

    __tablename__ = "identity_passkey"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="second factor at sign-in",
        basis=Basis.CONTRACT,
        retention=Retention.until_erasure(),
    )
    __table_args__ = (
        sa.UniqueConstraint("credential_id"),
        sa.Index("ix_identity_passkey_account_id", "account_id"),
    )

    account_id: uuid.UUID = Field(foreign_key="identity_account.id")
    credential_id: bytes = Field(sa_type=sa.LargeBinary)
    public_key: bytes = Field(sa_type=sa.LargeBinary)
    sign_count: int = Field(sa_type=sa.BigInteger)
    label: str
    transports: list[str] = text_array()
    last_used_at: datetime | None = optional_instant()


class PasskeyChallenge(Table, table=True):
    """What a passkey has to sign: made for one session and purpose, good once."""

    __tablename__ = "identity_passkey_challenge"
    privacy: ClassVar[Privacy] = Privacy.none("random bytes, deleted within minutes")
    __table_args__ = (
        sa.CheckConstraint("purpose IN ('registration', 'authentication')", name="purpose"),
        sa.UniqueConstraint("session_id", "purpose"),
        sa.Index("ix_identity_passkey_challenge_expires_at", "expires_at"),
    )

    session_id: uuid.UUID = Field(foreign_key="identity_session.id", ondelete="CASCADE")
    purpose: str
    challenge: bytes = Field(sa_type=sa.LargeBinary)
    expires_at: datetime = instant()

"""The tables of phones: where a push goes, and the credentials made when a phone was paired."""

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, Table, instant, optional_instant, sealed

PLATFORMS = ("android", "ios", "web")


class Installation(Table, table=True):
    """The app on one phone, used by one account at a time; it moves with whoever signs in on it."""

    __tablename__ = "identity_installation"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to send pushes to the person's phone",
        basis=Basis.CONTRACT,
        retention=Retention.until_erasure("until sign-out, or until the push service says the app is gone"),
        withheld=("token", "web_push"),
        recipients=(Recipient.PUSH,),
    )
    __table_args__ = (
        sa.CheckConstraint("platform IN ('android', 'ios', 'web')", name="platform"),
        sa.UniqueConstraint("client_id"),
        sa.UniqueConstraint("fid"),
        sa.UniqueConstraint("token_index"),
        sa.UniqueConstraint("web_push_index"),
        sa.Index("ix_identity_installation_account_id", "account_id"),
        sa.Index("ix_identity_installation_session_id", "session_id"),
    )

    account_id: uuid.UUID = Field(foreign_key="identity_account.id")
    session_id: uuid.UUID | None = Field(default=None, description="the session it was registered in")
    client_id: str = Field(max_length=128, description="the name the app gives itself: its fid, or an id it made")
    provider: str | None = Field(default=None, max_length=32, description="the push service; without one, no pushes")
    fid: str | None = Field(default=None, max_length=128, description="Firebase installation id")
    token: str | None = sealed(default=None, description="registration token: of older apps, of other push services")
    token_index: bytes | None = Field(default=None, sa_type=sa.LargeBinary, description="blind index of the token")
    web_push: str | None = sealed(default=None, description="Web Push subscription, as JSON")
    web_push_index: bytes | None = Field(
        default=None, sa_type=sa.LargeBinary, description="blind index of the subscription's endpoint"
    )
    platform: str
    app_version: str
    language: str
    last_seen_at: datetime = instant()
    unconfirmed_since: datetime | None = optional_instant(
        description="when it was sent the first push it did not confirm"
    )


class DeviceCredential(Table, table=True):
    """What lets a paired phone raise an alarm when its session is long gone: known by its hash, revocable."""

    __tablename__ = "identity_device_credential"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="so that a resident's phone can always raise an alarm",
        basis=Basis.CONTRACT,
        retention=Retention.until_erasure(),
    )
    __table_args__ = (
        sa.Index("ix_identity_device_credential_account_id", "account_id"),
        sa.Index("ix_identity_device_credential_resident_id", "resident_id"),
    )

    account_id: uuid.UUID = Field(foreign_key="identity_account.id")
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    digest: bytes = Field(sa_type=sa.LargeBinary, description="SHA-256 of the secret")
    label: str | None = None
    last_used_at: datetime | None = optional_instant(description="to the hour")
    revoked_at: datetime | None = optional_instant()

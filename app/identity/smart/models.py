"""The tables of SMART: assertions that were used, apps that ask, what people agreed to, and the tokens given for it."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.core.lawfulness import Basis, Retention
from app.core.tables import Privacy, Table, instant, optional_instant, text_array


class ClientAssertion(SQLModel, table=True):
    """An assertion that was used, so that it is used once (RFC 7523, 3)."""

    __tablename__ = "identity_client_assertion"
    privacy: ClassVar[Privacy] = Privacy.none("hashes of random values that machines made")
    __table_args__ = (sa.Index("ix_identity_client_assertion_expires_at", "expires_at"),)

    client_id: uuid.UUID = Field(foreign_key="identity_api_client.id", primary_key=True)
    digest: bytes = Field(sa_type=sa.LargeBinary, primary_key=True, description="SHA-256 of its jti")
    expires_at: datetime = instant()


class AppGrant(Table, table=True):
    """What a person agreed to: an app that acts for them, within scopes, with one patient or none."""

    __tablename__ = "identity_app_grant"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to let an app act for a person who agreed to it",
        basis=Basis.CONSENT,
        retention=Retention.by_job("identity.purge_smart", timedelta(hours=1), "ended_at"),
        also=("patient_id",),
    )
    __table_args__ = (
        sa.Index("ix_identity_app_grant_account_id", "account_id"),
        sa.Index("ix_identity_app_grant_client_id", "client_id"),
        sa.Index("ix_identity_app_grant_ended_at", "ended_at"),
        sa.Index("ix_identity_app_grant_patient_id", "patient_id"),
    )

    account_id: uuid.UUID = Field(foreign_key="identity_account.id")
    client_id: uuid.UUID = Field(foreign_key="identity_api_client.id")
    patient_id: uuid.UUID | None = Field(default=None, foreign_key="identity_resident.id")
    scopes: list[str] = text_array()
    fhir_user: str | None = Field(default=None, description="who the person is in FHIR: Patient/…, Practitioner/…")
    last_used_at: datetime | None = optional_instant(description="when tokens were last given")
    ended_at: datetime = instant(description="when it ends: with its last token, or when it was revoked")


class AppAuthorization(Table, table=True):
    """An app that asks a person, from the first page to the code that is exchanged once."""

    __tablename__ = "identity_app_authorization"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to ask a person whether an app may act for them",
        basis=Basis.CONSENT,
        retention=Retention.by_job("identity.purge_smart", timedelta(hours=1), "expires_at"),
        withheld=("browser", "code"),
    )
    __table_args__ = (
        sa.Index("ix_identity_app_authorization_account_id", "account_id"),
        sa.Index("ix_identity_app_authorization_expires_at", "expires_at"),
        sa.Index("ix_identity_app_authorization_grant_id", "grant_id"),
        sa.UniqueConstraint("code"),
    )

    client_id: uuid.UUID = Field(foreign_key="identity_api_client.id")
    redirect_uri: str
    scopes: list[str] = text_array()
    state: str
    nonce: str | None = None
    challenge: str = Field(description="PKCE, S256")
    browser: bytes = Field(sa_type=sa.LargeBinary, description="SHA-256 of the cookie of the browser it began in")
    expires_at: datetime = instant()
    sign_in_id: uuid.UUID | None = Field(default=None, description="the code that was sent to sign in")
    account_id: uuid.UUID | None = Field(default=None, foreign_key="identity_account.id")
    grant_id: uuid.UUID | None = Field(default=None, foreign_key="identity_app_grant.id", ondelete="CASCADE")
    code: bytes | None = Field(default=None, sa_type=sa.LargeBinary, nullable=True, description="SHA-256 of the code")
    code_expires_at: datetime | None = optional_instant()
    code_used_at: datetime | None = optional_instant()


class AppToken(Table, table=True):
    """A token given to an app or a system, known by its hash; refresh tokens stay a while, so that reuse is noticed."""

    __tablename__ = "identity_app_token"
    privacy: ClassVar[Privacy] = Privacy.none("hashes of random values; goes with its grant")
    __table_args__ = (
        sa.CheckConstraint("kind IN ('access', 'refresh')", name="kind"),
        sa.Index("ix_identity_app_token_client_id", "client_id"),
        sa.Index("ix_identity_app_token_expires_at", "expires_at"),
        sa.Index("ix_identity_app_token_grant_id", "grant_id"),
    )

    kind: str = Field(description="access or refresh")
    client_id: uuid.UUID = Field(foreign_key="identity_api_client.id")
    grant_id: uuid.UUID | None = Field(
        default=None, foreign_key="identity_app_grant.id", ondelete="CASCADE", description="none: a system's own"
    )
    key_id: str | None = Field(default=None, description="which of its keys the client showed")
    scopes: list[str] = text_array()
    digest: bytes = Field(sa_type=sa.LargeBinary, description="SHA-256 of the secret")
    expires_at: datetime = instant()
    used_at: datetime | None = optional_instant(description="when a refresh token was exchanged")
    revoked_at: datetime | None = optional_instant()

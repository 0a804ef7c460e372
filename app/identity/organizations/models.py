"""The table of invitations to an organization's staff."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, Table, instant, optional_instant, sealed


class StaffInvitation(Table, table=True):
    """Somebody is asked to work for an organization: a secret they are sent, and the contact it was sent to."""

    __tablename__ = "identity_staff_invitation"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to let staff in",
        basis=Basis.CONTRACT,
        retention=Retention.by_job(
            "identity.forget_invitations", timedelta(days=90), "accepted_at", "revoked_at", "expires_at"
        ),
        withheld=("secret",),
        recipients=(Recipient.EMPLOYER, Recipient.MESSAGES, Recipient.MAIL),
    )
    __table_args__ = (
        sa.UniqueConstraint("digest"),
        sa.Index("ix_identity_staff_invitation_organization_id", "organization_id", "id"),
        sa.Index("ix_identity_staff_invitation_account_id", "account_id"),
        sa.Index("ix_identity_staff_invitation_expires_at", "expires_at"),
    )

    community_id: uuid.UUID = Field(foreign_key="identity_community.id")
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    account_id: uuid.UUID = Field(
        foreign_key="identity_account.id", description="whom the contact reached when it was sent"
    )
    role: str
    contact: str = sealed(description="E.164 number or mail address it is sent to")
    contact_index: bytes = Field(sa_type=sa.LargeBinary)
    digest: bytes = Field(sa_type=sa.LargeBinary, description="SHA-256 of the one-time secret")
    secret: str | None = sealed(
        default=None, description="for the message that carries it; gone once it is used or void"
    )
    invited_by: uuid.UUID
    expires_at: datetime = instant()
    accepted_at: datetime | None = optional_instant()
    revoked_at: datetime | None = optional_instant()

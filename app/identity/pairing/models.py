"""The table of pairing codes."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Retention
from app.core.tables import Privacy, Table, instant, optional_instant


class Pairing(Table, table=True):
    """A code that sets up a resident's phone once. Known by its hash; whoever made it vouches for the phone."""

    __tablename__ = "identity_pairing"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to set up a resident's phone",
        basis=Basis.CONTRACT,
        retention=Retention.by_job("identity.purge_pairings", timedelta(days=1), "expires_at"),
    )
    __table_args__ = (
        sa.UniqueConstraint("digest"),
        sa.Index("ix_identity_pairing_resident_id", "resident_id"),
        sa.Index("ix_identity_pairing_expires_at", "expires_at"),
    )

    community_id: uuid.UUID = Field(foreign_key="identity_community.id")
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    created_by: uuid.UUID = Field(description="the account that made it")
    digest: bytes = Field(sa_type=sa.LargeBinary, description="SHA-256 of the code")
    expires_at: datetime = instant()
    redeemed_at: datetime | None = optional_instant()

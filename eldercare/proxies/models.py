"""The table of proxies: what they rest on, who checked it, and the grant that came of it."""

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Retention, years
from app.core.tables import Privacy, Table, optional_instant, sealed, text_array

NOTE_CONTEXT = "eldercare_proxy.note"


class Proxy(Table, table=True):
    """Somebody asks to act for a resident; they do once the operator has looked at the document it rests on."""

    __tablename__ = "eldercare_proxy"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        also=("account_id",),
        subject_kind="resident",
        purpose="to prove who may act for a resident, and on what it rests",
        erasure="redact",
        redacted=("note",),
        basis=Basis.LEGAL_OBLIGATION,
        retention=Retention.pruned(years(10), "revoked_at", "ends_at"),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('proposed', 'in_force', 'refused', 'revoked')", name="state"),
        sa.CheckConstraint(
            "basis IN ('power_of_attorney', 'court_order', 'guardianship', 'next_of_kin', 'own_wish')", name="basis"
        ),
        sa.CheckConstraint("ends_at IS NULL OR starts_at IS NULL OR ends_at > starts_at", name="period"),
        sa.Index(
            "uq_eldercare_proxy_open",
            "resident_id",
            "account_id",
            unique=True,
            postgresql_where=sa.text("state = 'proposed'"),
        ),
        sa.Index("ix_eldercare_proxy_resident_id", "resident_id", "id"),
        sa.Index("ix_eldercare_proxy_account_id", "account_id"),
        sa.Index("ix_eldercare_proxy_community_id", "community_id", "state", "id"),
        sa.Index("ix_eldercare_proxy_grant_id", "grant_id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID = Field(description="who acts for the resident")
    basis: str = Field(description="what it rests on in law")
    document_id: uuid.UUID = Field(description="the upload that shows it")
    scopes: list[str] = text_array()
    starts_at: datetime | None = optional_instant(description="empty: from when it is checked")
    ends_at: datetime | None = optional_instant(description="empty: until it is revoked")
    state: str = "proposed"
    proposed_by: uuid.UUID
    checked_by: uuid.UUID | None = None
    checked_at: datetime | None = optional_instant()
    grant_id: uuid.UUID | None = None
    revoked_at: datetime | None = optional_instant()
    note: str | None = sealed(default=None, description="what the operator wrote when they checked it")

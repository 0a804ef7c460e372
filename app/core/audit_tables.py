"""The audit trail's tables: entries that are only ever added, seals that chain them, and each person's own key."""

import uuid
from datetime import datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlmodel import Field, SQLModel

from app.core import partitions
from app.core.lawfulness import Basis, Retention, years
from app.core.tables import Privacy, instant, sealed

KEEP = years(10)
MAINTENANCE = "hearthline.maintenance"

# Whoever can write SQL can take a trigger away; it is here against mistakes. Against intent there is the chain.
_APPEND_ONLY = f"""
CREATE OR REPLACE FUNCTION core_audit_entry_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('{MAINTENANCE}', true) = 'on' THEN
        RETURN OLD;  -- a partition made late takes its rows over from the default one
    END IF;
    RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'insufficient_privilege';
END $$
"""
_APPEND_ONLY_TRIGGER = """
CREATE TRIGGER core_audit_entry_append_only BEFORE UPDATE OR DELETE ON core_audit_entry
FOR EACH ROW EXECUTE FUNCTION core_audit_entry_is_append_only()
"""


class Xid8(sa.types.UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the type's name in DDL."""
        return "xid8"


class AuditEntry(SQLModel, table=True):
    """Somebody read another person's care data, or changed something: who, what, about whom, when; ids only."""

    __tablename__ = "core_audit_entry"
    __table_args__ = (
        sa.Index("ix_core_audit_entry_resident", "resident_id", "id"),
        # What somebody did, for the operator who asks: who does little is found among those who do much.
        sa.Index("ix_core_audit_entry_actor", "actor_id", "id"),
        sa.Index("ix_core_audit_entry_community_xid", "community_id", "xid"),
        {"postgresql_partition_by": "RANGE (id)"},
    )
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to show a resident who looked at their data, and to prove it",
        erasure="keep",
        withheld=("details",),
        basis=Basis.LEGAL_OBLIGATION,
        retention=Retention.by_month(KEEP, "at"),
    )

    id: uuid.UUID = Field(primary_key=True)
    at: datetime = instant()
    community_id: uuid.UUID
    actor_kind: str
    actor_id: uuid.UUID
    action: str
    resident_id: uuid.UUID | None = None
    object_id: uuid.UUID | None = None
    request_id: str | None = None
    details: str | None = sealed(default=None, description="sealed with the key of the person it is about")
    app_id: uuid.UUID | None = Field(default=None, description="the app through which a person did it")
    xid: int = Field(sa_column=sa.Column(Xid8, server_default=sa.text("pg_current_xact_id()"), nullable=False))


class AuditSeal(SQLModel, table=True):
    """A link of a community's chain: the hash of its entries whose transaction lies in ``(xid_after, xid_through]``."""

    __tablename__ = "core_audit_seal"
    privacy: ClassVar[Privacy] = Privacy.none("hashes")

    community_id: uuid.UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    xid_after: int = Field(sa_column=sa.Column(Xid8, nullable=False))
    xid_through: int = Field(sa_column=sa.Column(Xid8, nullable=False))
    entries: int
    digest: bytes = Field(sa_type=sa.LargeBinary, description="SHA-256 over the entries' hashes in (xid, id) order")
    chain: bytes = Field(sa_type=sa.LargeBinary, description="SHA-256 over the link before, number and digest")
    sealed_at: datetime = instant()


class PersonKey(SQLModel, table=True):
    """The key that seals what the trail says in detail about one person; deleting it makes the details unreadable."""

    __tablename__ = "core_person_key"
    privacy: ClassVar[Privacy] = Privacy(
        subject="subject_id",
        subject_kind="resident",
        purpose="makes erasure from the audit trail possible",
        withheld=("key",),
        basis=Basis.LEGAL_OBLIGATION,
        retention=Retention.until_erasure(),
    )

    subject_id: uuid.UUID = Field(primary_key=True)
    key: str = sealed()


@event.listens_for(sa.Table, "after_create")
def make_append_only(table: sa.Table, connection: sa.Connection, **_: Any) -> None:
    """Make the trail append-only; runs in ``create_all`` and in a migration's ``create_table`` alike."""
    if table.name == AuditEntry.__tablename__:
        connection.execute(sa.text(_APPEND_ONLY))
        connection.execute(sa.text(_APPEND_ONLY_TRIGGER))


partitions.retain(AuditEntry.__tablename__, KEEP)

"""The tables of exports: what was asked for and how far it is, whom it is about, and which files there are."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, instant, optional_instant, sealed, table_of, text_array
from app.media.api import NAMES_FILES

KEEP: Final = timedelta(days=2)
"""After which an export goes, whether it was finished and fetched or not."""
REQUEST: Final = "fhir_export.request"

State = Literal["running", "completed", "failed"]

# Whatever removes whom an export is about (an erasure, a hand at the database) removes what was written of them.
_WITHDRAW = """
CREATE OR REPLACE FUNCTION fhir_export_withdraw() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM fhir_export WHERE id IN (SELECT export_id FROM gone WHERE is_written);
    RETURN NULL;
END $$
"""
_WITHDRAW_TRIGGER = """
CREATE TRIGGER fhir_export_withdraw AFTER DELETE ON fhir_export_resident
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION fhir_export_withdraw()
"""


class Export(Table, table=True):
    """An export a system asked for: what of it is next, and since when nobody needs to work on it."""

    __tablename__ = "fhir_export"
    __table_args__ = (
        sa.CheckConstraint("state IN ('running', 'completed', 'failed')", name="state"),
        sa.CheckConstraint("(state = 'running') = (lane IS NOT NULL)", name="lane"),
        sa.Index("ix_fhir_export_work_at", "work_at", postgresql_where=sa.text("work_at IS NOT NULL")),
        sa.Index("ix_fhir_export_expires_at", "expires_at"),
        sa.Index("uq_fhir_export_lane", "client_id", "lane", unique=True),
    )
    privacy: ClassVar[Privacy] = Privacy.none(
        "says how far the work of a machine is; fhir_export_resident says on whom"
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID
    client_id: uuid.UUID
    scopes: list[str] = text_array(description="what its credential let the client do when it asked")
    app_scopes: list[str] | None = Field(
        default=None, sa_type=ARRAY(sa.Text), description="SMART: what its token let it do; none of an API key"
    )
    request: str = sealed(description="what was asked for; a filter may name somebody")
    state: str = "running"
    lane: int | None = Field(
        default=None, sa_type=sa.SmallInteger, description="which of the exports a client may have running it is"
    )
    transaction_at: datetime = instant(description="what is in the files is no older than this")
    total: int = Field(default=0, description="residents it is about")
    done: int = Field(default=0, description="residents it is through with")
    kind: int = Field(default=0, sa_type=sa.SmallInteger, description="place of the kind that is next of a resident")
    cursor: str | None = Field(default=None, sa_type=sa.Text, description="place of the page that is next of a kind")
    work_at: datetime | None = optional_instant()
    lease_until: datetime | None = optional_instant()
    fence: int = 0
    failures: int = Field(default=0, sa_type=sa.SmallInteger, description="since it last came further")
    error: str | None = Field(default=None, description="why it failed, in a word")
    expires_at: datetime = instant()


class ExportResident(SQLModel, table=True):
    """A resident an export is about."""

    __tablename__ = "fhir_export_resident"
    __table_args__ = (
        sa.Index("ix_fhir_export_resident_resident_id", "resident_id"),
        sa.Index(
            "ix_fhir_export_resident_waiting", "export_id", "resident_id", postgresql_where=sa.text("NOT is_done")
        ),
    )
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to write what the organizations that serve a resident may know of them, and to take it back",
        basis=Basis.CONTRACT,
        retention=Retention.by_job("fhir.expire_exports", KEEP, "listed_at"),
        sensitive=Sensitive.CARE,
        recipients=(Recipient.SERVING,),
    )

    export_id: uuid.UUID = Field(primary_key=True, foreign_key="fhir_export.id", ondelete="CASCADE")
    resident_id: uuid.UUID = Field(primary_key=True)
    listed_at: datetime = instant()
    is_done: bool = False
    is_written: bool = Field(default=False, description="whether anything of theirs is in the files")


class ExportFile(SQLModel, table=True):
    """A file with resources of one kind: sealed pieces, each of one resident. It goes with its row."""

    __tablename__ = "fhir_export_file"
    __table_args__ = (
        sa.Index("ix_fhir_export_file_export_id", "export_id", "type", "id"),
        {"info": {NAMES_FILES: True}},
    )
    privacy: ClassVar[Privacy] = Privacy.none("sizes of files; fhir_export_resident says whose data is in them")

    id: uuid.UUID = Field(primary_key=True)
    export_id: uuid.UUID = Field(foreign_key="fhir_export.id", ondelete="CASCADE")
    type: str
    resources: int
    size: int = Field(sa_type=sa.BigInteger, description="bytes that count")


EXPORTS = table_of(Export)
RESIDENTS = table_of(ExportResident)
FILES = table_of(ExportFile)


@event.listens_for(sa.Table, "after_create")
def withdraw_exports_of_deleted_residents(table: sa.Table, connection: sa.Connection, **_: Any) -> None:
    """Let exports go with whom they are about; runs in ``create_all`` and in a migration's ``create_table`` alike."""
    if table.name == ExportResident.__tablename__:
        connection.execute(sa.text(_WITHDRAW))
        connection.execute(sa.text(_WITHDRAW_TRIGGER))

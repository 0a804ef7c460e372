"""The table of uploads, and the list of files whose upload is gone."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlmodel import Field, SQLModel

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, optional_instant

RECEIVING, STORED, REJECTED = "receiving", "stored", "rejected"

# Whatever removes a row (an expiry, an erasure, a hand at the database), its file is put down for removal with it.
_DISCARD = """
CREATE OR REPLACE FUNCTION media_upload_discard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO media_discarded (id) VALUES (OLD.id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""
_DISCARD_TRIGGER = """
CREATE TRIGGER {table}_discard AFTER DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION media_upload_discard()
"""
NAMES_FILES: Final = "media_names_files"
"""Marks in a table's ``info`` that its ids are those of files, which go with its rows."""


class Discarded(SQLModel, table=True):
    """A file whose upload is gone."""

    __tablename__ = "media_discarded"
    privacy: ClassVar[Privacy] = Privacy.none("ids of files that are about to be removed")

    id: uuid.UUID = Field(primary_key=True)


class Upload(Table, table=True):
    """A file somebody uploads: first in pieces, then stored, then attached to what it is for."""

    __tablename__ = "media_upload"
    privacy: ClassVar[Privacy] = Privacy(
        subject="about_id",
        purpose="pictures, documents and voice messages that belong to somebody's care or request",
        basis=Basis.CONTRACT,
        retention=Retention.by_job(
            "media.expire_uploads", timedelta(0), "expires_at", why="what is used stays as long as what it belongs to"
        ),
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )
    __table_args__ = (
        sa.CheckConstraint(f"state IN ('{RECEIVING}', '{STORED}', '{REJECTED}')", name="state"),
        sa.CheckConstraint("received BETWEEN 0 AND size", name="received"),
        sa.Index("ix_media_upload_expires_at", "expires_at", postgresql_where=sa.text("expires_at IS NOT NULL")),
        sa.Index("ix_media_upload_owner_id", "owner_id", "state"),
        sa.Index("ix_media_upload_about_id", "about_id"),
        sa.Index("ix_media_upload_attached_id", "attached_id", postgresql_where=sa.text("attached_id IS NOT NULL")),
    )

    community_id: uuid.UUID
    owner_id: uuid.UUID = Field(description="who uploaded it")
    about_id: uuid.UUID = Field(description="whose data it is: the owner's, once attached theirs whom it is about")
    purpose: str
    content_type: str
    size: int = Field(description="bytes that are sent, as declared")
    stored_size: int | None = Field(default=None, description="bytes that are kept")
    sha256: bytes = Field(sa_type=sa.LargeBinary, description="of the bytes that are sent")
    stored_sha256: bytes | None = Field(
        default=None, sa_type=sa.LargeBinary, nullable=True, description="of the bytes that are kept"
    )
    received: int = Field(default=0, description="bytes")
    state: str = RECEIVING
    reason: str | None = Field(default=None, description="the problem's code, when it was rejected")
    attached_kind: str | None = None
    attached_id: uuid.UUID | None = None
    taken_at: datetime | None = optional_instant(description="of a picture, where whoever took it says when")
    expires_at: datetime | None = optional_instant(description="when it is removed unless it is attached before")


@event.listens_for(sa.Table, "after_create")
def discard_files_of_deleted_uploads(table: sa.Table, connection: sa.Connection, **_: Any) -> None:
    """Put down the files of deleted rows; runs in ``create_all`` and in a migration's ``create_table`` alike."""
    if table.name == Upload.__tablename__:
        connection.execute(sa.text(_DISCARD))
    if table.name == Upload.__tablename__ or table.info.get(NAMES_FILES):
        connection.execute(sa.text(_DISCARD_TRIGGER.format(table=table.name)))

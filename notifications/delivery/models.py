"""Deliveries, and the keys that make a recipient get a notice once."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.core import partitions
from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, instant, jsonb, optional_instant, table_of, text_array

KEEP = timedelta(days=92)
MAX_DATA = 1024  # bytes, so that with the longest text a push stays below the 4,096 that its services take
MOST_CHANNELS = 16  # more than there are: the end of a slice of them
_STATES = "'queued', 'sending', 'sent', 'unconfirmed', 'failed', 'expired', 'suppressed', 'parked', 'held', 'digested'"


class Delivery(SQLModel, table=True):
    """One notice to one recipient over one channel, from ``queued`` to its end.

    ``send_at`` is when a worker is to take it up: its time, the time of the next attempt, or, while it is ``sending``,
    the end of the lease after which another worker does; empty once it is settled. ``fence`` counts the leases: only
    the holder of the latest may write the outcome. ``receipt_by`` is when the wait for a receipt ends: without one the
    delivery is ``unconfirmed`` and its next channel is used. A receipt that comes later makes it ``sent`` again.
    ``held`` waits for its digest to be due. ``digested`` is told of in a digest and settled with it: ``error`` is empty
    if that was sent.
    """

    __tablename__ = "notifications_delivery"
    __table_args__ = (
        sa.CheckConstraint(f"state IN ({_STATES})", name="state"),
        sa.CheckConstraint(f"octet_length(data::text) <= {MAX_DATA}", name="data"),
        sa.Index("ix_notifications_delivery_due", "lane", "send_at", postgresql_where=sa.text("send_at IS NOT NULL")),
        # An operator's overview reads its community's, not everybody's.
        sa.Index("ix_notifications_delivery_community_id_id", "community_id", "id"),
        sa.Index(
            "ix_notifications_delivery_community_due",
            "community_id",
            "lane",
            "send_at",
            postgresql_where=sa.text("send_at IS NOT NULL"),
        ),
        sa.Index("ix_notifications_delivery_origin_id", "origin_id", postgresql_where=sa.text("origin_id IS NOT NULL")),
        sa.Index("ix_notifications_delivery_digest_id", "digest_id", postgresql_where=sa.text("digest_id IS NOT NULL")),
        sa.Index("ix_notifications_delivery_notice_id", "notice_id"),
        sa.Index(
            "ix_notifications_delivery_awaited",
            "lane",
            "receipt_by",
            postgresql_where=sa.text("receipt_by IS NOT NULL"),
        ),
        sa.Index("ix_notifications_delivery_parked", "id", postgresql_where=sa.text("state = 'parked'")),
        {"postgresql_partition_by": "RANGE (id)"},
    )
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to send notices and to prove that they were sent",
        basis=Basis.CONTRACT,
        retention=Retention.by_month(KEEP, "id"),
        recipients=(Recipient.PUSH, Recipient.MESSAGES, Recipient.MAIL),
    )

    id: uuid.UUID = Field(primary_key=True)
    notice_id: uuid.UUID = Field(
        description="the notice as this recipient got it: shared by its channels and the inbox item"
    )
    community_id: uuid.UUID
    account_id: uuid.UUID
    about: uuid.UUID | None = Field(default=None, description="the resident it is about")
    contact_point_id: uuid.UUID | None = Field(default=None, description="the only contact point it may use")
    notice_key: str
    category: str
    urgency: str
    lane: int = Field(sa_type=sa.SmallInteger)
    channel: str
    fallbacks: list[str] = text_array(description="the channels to try, in this order, if this one fails for good")
    fallback_of: uuid.UUID | None = Field(default=None, description="the delivery in whose place it was made")
    state: str = "queued"
    send_at: datetime | None = optional_instant()
    expires_at: datetime = instant()
    attempts: int = Field(default=0, sa_type=sa.SmallInteger)
    fence: int = 0
    origin_kind: str | None = None
    origin_id: uuid.UUID | None = None
    digest_id: uuid.UUID | None = Field(default=None, description="the digest it waits for, or waited for last")
    dedupe_key: str
    collapse_key: str
    variables: dict[str, Any] = jsonb(
        nullable=False, description="ids, instants and enumerations; own words are sealed"
    )
    data: dict[str, str] = jsonb(nullable=False, description="what the app gets beside the text: ids only")
    provider_message_id: str | None = None
    error: str | None = Field(default=None, description="code of the last failure, or why it is held")
    settled_at: datetime | None = optional_instant()
    receipt_by: datetime | None = optional_instant(description="until when a receipt is awaited; empty if none is")
    delivered_at: datetime | None = optional_instant(description="when the phone or the provider says it arrived")
    opened_at: datetime | None = optional_instant(
        description="when a person reacted to it: opened it, here or in the inbox, or pressed a key"
    )


class DedupeKey(SQLModel, table=True):
    """That a recipient was given a key: written with the deliveries, unique, so nothing makes a second one."""

    __tablename__ = "notifications_dedupe"
    __table_args__ = (sa.Index("ix_notifications_dedupe_expires_at", "expires_at"),)
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="so that nobody is told the same thing twice",
        basis=Basis.CONTRACT,
        retention=Retention.by_job("notifications.forget_keys", timedelta(0), "expires_at"),
    )

    account_id: uuid.UUID = Field(primary_key=True)
    dedupe_key: str = Field(primary_key=True)
    notice_id: uuid.UUID
    expires_at: datetime = instant()


DELIVERIES = table_of(Delivery)
DEDUPE = table_of(DedupeKey)


partitions.retain(
    "notifications_delivery",
    KEEP,
    unless="EXISTS (SELECT FROM notifications_delivery WHERE id >= :lower AND id < :upper AND send_at IS NOT NULL)",
)

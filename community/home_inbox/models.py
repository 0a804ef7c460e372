"""The table of what a broker may send again: what is stored already, and must not count twice."""

from datetime import datetime, timedelta
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.core.lawfulness import Retention
from app.core.tables import Privacy, instant, table_of

FORGET_RECEIPTS: Final = "community.forget_old_home_receipts"
KEEP_RECEIPTS: Final = timedelta(days=8)
"""A day longer than the longest time a broker keeps for us what we have not acknowledged."""


class HomeReceipt(SQLModel, table=True):
    """That something which happens in a moment is stored: by what the broker calls it in our session, and its digest.

    Written with what it tells of, in the same commit. The broker gives a name again only once it has our word for
    what had it before: whatever comes next under a name takes the place of the row.
    """

    __tablename__ = "community_home_receipt"
    privacy: ClassVar[Privacy] = Privacy(
        subject=None,
        purpose="says which messages were stored, and not whose they are or what they say",
        basis=None,
        retention=Retention.by_job(FORGET_RECEIPTS, KEEP_RECEIPTS, "heard_at"),
        erasure="keep",
    )
    __table_args__ = (
        sa.PrimaryKeyConstraint("session", "packet_id"),
        sa.Index("ix_community_home_receipt_heard_at", "heard_at"),
        # Every row goes soon after it came.
        {"postgresql_with": {"autovacuum_vacuum_scale_factor": 0.01, "autovacuum_vacuum_threshold": 1000}},
    )

    session: str = Field(max_length=128, description="a gateway's name at the broker")
    packet_id: int
    digest: int = Field(sa_type=sa.BigInteger, description="of the topic and the payload")
    heard_at: datetime = instant()


RECEIPTS = table_of(HomeReceipt)

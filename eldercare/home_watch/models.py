"""The table of what homes noticed, so that each of it calls once, in whichever order it is told of."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, optional_instant, table_of

KEPT: Final = timedelta(days=90)


class HomeSign(Table, table=True):
    """Something a home noticed (``incident_id``): how bad it was when it was last told of, and whether it is over."""

    __tablename__ = "eldercare_home_sign"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to call once for what a home notices, and to know what of it is over",
        erasure="delete",
        basis=Basis.VITAL_INTERESTS,
        retention=Retention.pruned(KEPT, "noticed_at", "settled_at"),
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )
    __table_args__ = (
        sa.UniqueConstraint("incident_id"),
        sa.CheckConstraint("severity BETWEEN 1 AND 4", name="severity"),
        sa.CheckConstraint("num_nonnulls(noticed_at, settled_at) > 0", name="something_was_told"),
        sa.Index("ix_eldercare_home_sign_resident_id", "resident_id", "id"),
        sa.Index("ix_eldercare_home_sign_noticed_at", "noticed_at"),
        sa.Index("ix_eldercare_home_sign_settled_at", "settled_at"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    incident_id: uuid.UUID
    kind: str = Field(description="in the words of the home")
    severity: int | None = Field(default=None, sa_type=sa.SmallInteger, description="the worst it was told with")
    is_hint: bool = Field(default=False, description="it was only ever told as what may be nothing")
    noticed_at: datetime | None = optional_instant(description="when it was last noticed; empty: only its end is known")
    settled_at: datetime | None = optional_instant(description="when it was last over, as the home says")


SIGNS: Final = table_of(HomeSign)

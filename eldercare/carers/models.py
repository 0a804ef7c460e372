"""The tables of what an agency knows of its carers: what they can do, from where they set out, and when they work."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, years
from app.core.tables import Privacy, Table, instant, table_of, text_array


def _staffing(retention: Retention) -> Privacy:
    return Privacy(
        "account_id", "to plan who goes to whom", Basis.CONTRACT, retention, recipients=(Recipient.EMPLOYER,)
    )


class CarerProfile(Table, table=True):
    """What an agency's planner must know of a carer: what they can do, and from where they set out."""

    __tablename__ = "eldercare_carer_profile"
    privacy: ClassVar[Privacy] = _staffing(Retention.until_erasure())
    __table_args__ = (
        sa.UniqueConstraint("organization_id", "account_id"),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="place"),
        sa.Index("ix_eldercare_carer_profile_account_id", "account_id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    account_id: uuid.UUID
    skills: list[str] = text_array()
    latitude: float | None = None
    longitude: float | None = None
    buffer: timedelta = Field(default=timedelta(), sa_type=sa.Interval, description="kept free after each visit")
    most_work: timedelta | None = Field(default=None, sa_type=sa.Interval, description="with residents, in a day")


class Shift(Table, table=True):
    """When a carer works for an agency."""

    __tablename__ = "eldercare_shift"
    privacy: ClassVar[Privacy] = _staffing(Retention.pruned(years(3), "ends_at"))
    __table_args__ = (
        # Nobody works twice at once, whatever the agency; see app/reservations for how ids stand in such a constraint.
        ExcludeConstraint(
            (sa.literal_column("uuidrange(account_id, account_id, '[]')"), "&&"),
            (sa.literal_column("tstzrange(starts_at, ends_at, '[)')"), "&&"),
            using="gist",
            name="ex_eldercare_shift_once",
        ),
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        sa.Index("ix_eldercare_shift_account_id", "account_id", "starts_at"),
        sa.Index("ix_eldercare_shift_organization_id", "organization_id", "starts_at", "id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    account_id: uuid.UUID
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    break_length: timedelta | None = Field(default=None, sa_type=sa.Interval)


PROFILES, SHIFTS = table_of(CarerProfile), table_of(Shift)

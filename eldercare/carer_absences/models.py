"""The table of when carers cannot come."""

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, years
from app.core.tables import Privacy, Table, instant, table_of


class CarerAbsence(Table, table=True):
    """When a carer cannot come, to whichever agency; why is not asked. One of a proposal counts once it is accepted."""

    __tablename__ = "eldercare_carer_absence"
    privacy: ClassVar[Privacy] = Privacy(
        "account_id",
        "to send nobody who cannot come",
        Basis.CONTRACT,
        Retention.pruned(years(3), "ends_at"),
        recipients=(Recipient.EMPLOYER,),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('proposed', 'in_force', 'withdrawn')", name="state"),
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        sa.Index(
            "ix_eldercare_carer_absence_account_id",
            "account_id",
            "ends_at",
            postgresql_where=sa.text("state = 'in_force'"),
        ),
        sa.Index("ix_eldercare_carer_absence_organization_id", "organization_id", "starts_at", "id"),
        sa.Index("ix_eldercare_carer_absence_route_plan_id", "route_plan_id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id", description="the agency that said so")
    account_id: uuid.UUID
    state: str = "in_force"
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    route_plan_id: uuid.UUID | None = Field(default=None, description="the proposal of who goes instead")
    created_by: uuid.UUID


CARER_ABSENCES = table_of(CarerAbsence)

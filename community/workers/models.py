"""The tables of workers: who they are to a provider, what they can do, and when they are not there as usual."""

import uuid
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, Table, jsonb, optional_instant, sealed, table_of, text_array

SUSPENSION_REASON: Final = "community_worker.suspension_reason"
CERTIFICATE_NUMBER: Final = "community_worker_skill.certificate_number"
PROOF: Final = "community.worker_skill"
"""What documents that prove a skill are attached to."""


def _staff(purpose: str, **options: Any) -> Privacy:
    return Privacy(
        subject="account_id",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention=Retention.until_erasure(),
        recipients=(Recipient.EMPLOYER,),
        **options,
    )


class Worker(Table, table=True):
    """Somebody who goes to homes for a provider, and the hours of their weeks on the community's wall."""

    __tablename__ = "community_worker"
    privacy: ClassVar[Privacy] = _staff("to send somebody who can do it, and is there")
    __table_args__ = (
        sa.CheckConstraint("sex IN ('female', 'male', 'other')", name="sex"),
        sa.CheckConstraint("vehicle IN ('on_foot', 'bicycle', 'car')", name="vehicle"),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="place"),
        sa.CheckConstraint("buffer >= interval '0' AND most_work > interval '0'", name="durations"),
        sa.CheckConstraint("num_nonnulls(suspended_at, suspended_by, suspension_reason) IN (0, 3)", name="suspension"),
        sa.UniqueConstraint("organization_id", "account_id"),
        sa.Index("ix_community_worker_account_id", "account_id"),
        sa.Index("ix_community_worker_organization_id", "organization_id", "id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    account_id: uuid.UUID = Field(description="never changed: their calendar is this person's")
    calendar_id: uuid.UUID = Field(description="at app.reservations; one for whatever they do, for whomever")
    display_name: str = Field(description="what residents are told of who comes")
    languages: list[str] = text_array(description="BCP 47")
    sex: str | None = None
    vehicle: str = "on_foot"
    latitude: float | None = None
    longitude: float | None = None
    areas: list[dict[str, Any]] = jsonb(default_factory=list, description="empty: wherever the provider comes to")
    hours: list[dict[str, Any]] = jsonb(default_factory=list, description="of each week, in minutes since midnight")
    buffer: timedelta = Field(default=timedelta(), sa_type=sa.Interval, description="kept free after each order")
    most_work: timedelta | None = Field(default=None, sa_type=sa.Interval, description="with residents, in a day")
    is_active: bool = True
    suspended_at: datetime | None = optional_instant()
    suspended_by: uuid.UUID | None = None
    suspension_reason: str | None = sealed(default=None, nullable=True)
    only_operator_lifts: bool = Field(default=False, description="whom the operator suspended no provider sends again")


class WorkerSkill(Table, table=True):
    """Something a worker can do, perhaps with a certificate, until a day."""

    __tablename__ = "community_worker_skill"
    privacy: ClassVar[Privacy] = _staff("to send nobody who may not do it")
    __table_args__ = (
        sa.CheckConstraint("(expires_on IS NULL) = (expires_at IS NULL)", name="expiry"),
        sa.CheckConstraint("expires_on >= issued_on", name="validity"),
        sa.CheckConstraint("num_nonnulls(verified_at, verified_by) IN (0, 2)", name="verification"),
        sa.UniqueConstraint("worker_id", "code"),
        sa.Index("ix_community_worker_skill_account_id", "account_id"),
        sa.Index("ix_community_worker_skill_look_at", "look_at", postgresql_where=sa.text("look_at IS NOT NULL")),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID
    worker_id: uuid.UUID = Field(foreign_key="community_worker.id", ondelete="CASCADE")
    account_id: uuid.UUID
    code: str
    certificate_number: str | None = sealed(default=None, nullable=True)
    issued_on: date | None = None
    expires_on: date | None = Field(default=None, description="the last day on which it counts")
    expires_at: datetime | None = optional_instant(description="the end of that day where the community is")
    look_at: datetime | None = optional_instant(description="when its end is to be told of next")
    proof_id: uuid.UUID | None = Field(default=None, description="the document at app.media")
    verified_at: datetime | None = optional_instant(description="when somebody saw the certificate")
    verified_by: uuid.UUID | None = None


class WorkerException(Table, table=True):
    """Local times at which a worker's hours are others: off, or there beside the weekly ones."""

    __tablename__ = "community_worker_exception"
    privacy: ClassVar[Privacy] = _staff("to send nobody who is off")
    __table_args__ = (
        sa.CheckConstraint("kind IN ('off', 'extra')", name="kind"),
        sa.CheckConstraint("ends_local > starts_local", name="period"),
        sa.Index("ix_community_worker_exception_worker_id", "worker_id", "ends_local", "id"),
        sa.Index("ix_community_worker_exception_account_id", "account_id"),
    )

    community_id: uuid.UUID
    worker_id: uuid.UUID = Field(foreign_key="community_worker.id", ondelete="CASCADE")
    account_id: uuid.UUID
    kind: str
    starts_local: datetime = Field(sa_type=sa.DateTime(timezone=False), description="on the community's wall")
    ends_local: datetime = Field(sa_type=sa.DateTime(timezone=False))
    entered_by: uuid.UUID


WORKERS: Final = table_of(Worker)
SKILLS: Final = table_of(WorkerSkill)
EXCEPTIONS: Final = table_of(WorkerException)

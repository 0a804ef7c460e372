"""The tables of clinics: places, people, rooms, what can be booked of them, and at which hours of the wall."""

import uuid
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, table_of, text_array

_ONE_OWNER: Final = "num_nonnulls(practitioner_id, resource_id)"


def _staff(purpose: str, **options: Any) -> Privacy:
    return Privacy(
        subject="account_id",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention=Retention.until_erasure(),
        recipients=(Recipient.EMPLOYER,),
        **options,
    )


def _ids(**options: Any) -> Any:
    return Field(default_factory=list, sa_type=ARRAY(sa.Uuid), nullable=False, **options)


class Clinic(Table, table=True):
    """What an organization of the kind ``clinic`` says of itself beside its name."""

    __tablename__ = "telemedicine_clinic"
    privacy: ClassVar[Privacy] = Privacy.none("describes an organization")
    __table_args__ = (
        sa.UniqueConstraint("organization_id"),
        sa.CheckConstraint("answer_within > interval '0'", name="answer_within"),
        sa.Index("ix_telemedicine_clinic_community_id", "community_id", "organization_id"),
        sa.Index(
            "ix_telemedicine_clinic_waitlist_look_at",
            "waitlist_look_at",
            postgresql_where=sa.text("waitlist_look_at IS NOT NULL"),
        ),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    time_zone: str
    phone: str | None = Field(default=None, description="E.164")
    owns_diary: bool = Field(default=False, description="what is asked for is booked once the clinic says so")
    answer_within: timedelta = Field(
        default=timedelta(hours=4), sa_type=sa.Interval, description="how long it takes to answer before it is reminded"
    )
    waitlist_look_at: datetime | None = optional_instant(description="when what came free is to be offered")


class Department(Table, table=True):
    """A part of a clinic."""

    __tablename__ = "telemedicine_department"
    privacy: ClassVar[Privacy] = Privacy.none("describes an organization")
    __table_args__ = (sa.Index("ix_telemedicine_department_organization_id", "organization_id", "id"),)

    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    name: dict[str, str] = jsonb(description="by language: en, zh-CN")


class Location(Table, table=True):
    """A place of a clinic at which people are seen."""

    __tablename__ = "telemedicine_location"
    privacy: ClassVar[Privacy] = Privacy.none("the address of an organization")
    __table_args__ = (sa.Index("ix_telemedicine_location_organization_id", "organization_id", "id"),)

    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    name: dict[str, str] = jsonb(description="by language: en, zh-CN")
    address: str
    latitude: float
    longitude: float
    time_zone: str


class Practitioner(Table, table=True):
    """Somebody who sees people for a clinic (FHIR: PractitionerRole), and until when they may."""

    __tablename__ = "telemedicine_practitioner"
    privacy: ClassVar[Privacy] = _staff(
        "to show who can be booked, and that they may practise",
        erasure="redact",
        redacted=("name", "licence_number", "specialties", "languages", "time_zone", "photo_id"),
    )
    __table_args__ = (
        sa.CheckConstraint("sex IN ('female', 'male', 'other', 'unknown')", name="sex"),
        sa.UniqueConstraint("organization_id", "account_id"),
        sa.Index("ix_telemedicine_practitioner_community_id", "community_id", "id"),
        sa.Index("ix_telemedicine_practitioner_organization_id", "organization_id", "id"),
        sa.Index("ix_telemedicine_practitioner_account_id", "account_id"),
        sa.Index("ix_telemedicine_practitioner_calendar_id", "calendar_id"),
        sa.Index(
            "ix_telemedicine_practitioner_licence_look_at",
            "licence_look_at",
            postgresql_where=sa.text("licence_look_at IS NOT NULL"),
        ),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    department_id: uuid.UUID | None = Field(default=None, foreign_key="telemedicine_department.id")
    account_id: uuid.UUID | None = Field(default=None, description="never changed: their calendar is this person's")
    calendar_id: uuid.UUID = Field(description="at app.reservations; one for all clinics they work for")
    name: str
    licence_number: str
    licence_valid_until: date = Field(description="the last day on which it is valid")
    licence_ends_at: datetime = instant(description="the end of that day where they work")
    licence_look_at: datetime | None = optional_instant(description="when its end is to be told")
    specialties: list[str] = text_array(description="codes of the clinic's own, such as SNOMED CT's")
    languages: list[str] = text_array(description="BCP 47")
    sex: str = "unknown"
    photo_id: uuid.UUID | None = None
    time_zone: str | None = Field(default=None, description="empty: the clinic's")
    owns_diary: bool | None = Field(default=None, description="empty: as the clinic does")
    is_active: bool = True


class BookableResource(Table, table=True):
    """A room or an interpreter that a visit needs beside the practitioner."""

    __tablename__ = "telemedicine_resource"
    privacy: ClassVar[Privacy] = _staff(
        "to book an interpreter once", erasure="redact", redacted=("name", "languages", "time_zone")
    )
    __table_args__ = (
        sa.CheckConstraint("kind IN ('room', 'interpreter')", name="kind"),
        sa.Index("ix_telemedicine_resource_organization_id", "organization_id", "id"),
        sa.Index("ix_telemedicine_resource_account_id", "account_id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    account_id: uuid.UUID | None = Field(default=None, description="the interpreter's, never changed")
    calendar_id: uuid.UUID = Field(description="at app.reservations")
    kind: str
    name: str
    location_id: uuid.UUID | None = Field(default=None, foreign_key="telemedicine_location.id")
    languages: list[str] = text_array(description="BCP 47, of an interpreter")
    time_zone: str | None = Field(default=None, description="empty: the clinic's")
    is_active: bool = True


class VisitType(Table, table=True):
    """What can be booked at a clinic (FHIR: HealthcareService): how long, for how much, by whom, how far ahead."""

    __tablename__ = "telemedicine_visit_type"
    privacy: ClassVar[Privacy] = Privacy.none("describes what an organization offers")
    __table_args__ = (
        sa.CheckConstraint("mode IN ('in_person', 'video', 'phone', 'home')", name="mode"),
        sa.CheckConstraint("bookable_by IN ('resident', 'grant', 'clinic')", name="bookable_by"),
        sa.CheckConstraint("duration > interval '0' AND step > interval '0'", name="duration"),
        sa.CheckConstraint("buffer_before >= interval '0' AND buffer_after >= interval '0'", name="buffers"),
        sa.CheckConstraint("lead_time >= interval '0' AND lead_time <= horizon", name="lead_time"),
        sa.CheckConstraint("capacity BETWEEN 1 AND 100", name="capacity"),
        sa.CheckConstraint("price_amount >= 0", name="price"),
        sa.CheckConstraint("notice_period >= interval '0' AND late_fee_amount >= 0", name="late_fee"),
        sa.Index("ix_telemedicine_visit_type_organization_id", "organization_id", "id"),
        sa.Index("ix_telemedicine_visit_type_community_id", "community_id", "id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    department_id: uuid.UUID | None = Field(default=None, foreign_key="telemedicine_department.id")
    name: dict[str, str] = jsonb(description="by language: en, zh-CN")
    preparation: dict[str, str] = jsonb(default_factory=dict, description="by language; empty: nothing to prepare")
    mode: str
    duration: timedelta = Field(sa_type=sa.Interval)
    step: timedelta = Field(sa_type=sa.Interval, description="from one start to the next on the wall")
    buffer_before: timedelta = Field(default=timedelta(), sa_type=sa.Interval)
    buffer_after: timedelta = Field(default=timedelta(), sa_type=sa.Interval)
    lead_time: timedelta = Field(sa_type=sa.Interval, description="the latest it can be booked before it begins")
    horizon: timedelta = Field(sa_type=sa.Interval, description="how far ahead it can be booked")
    price_amount: int = Field(description="minor units")
    price_currency: str = Field(max_length=3)
    notice_period: timedelta = Field(
        default=timedelta(), sa_type=sa.Interval, description="who calls it off later than that before it owes the fee"
    )
    late_fee_amount: int = Field(default=0, description="minor units of the price's currency")
    checklist: list[dict[str, Any]] = jsonb(default_factory=list, description="what the clinic asks before the visit")
    bookable_by: str = "grant"
    specialty: str | None = Field(default=None, description="what the practitioner must have")
    needs: list[str] = text_array(description="one of each: room, interpreter")
    capacity: int = Field(default=1, sa_type=sa.SmallInteger, description="how many take part in one slot")
    is_active: bool = True


class Availability(Table, table=True):
    """Hours of a weekday, on the wall where the practitioner or resource is: minutes since its midnight, up to 30:00.

    An end beyond 24:00 is on the next day, as on the clock of thirty hours: a night shift belongs to its evening.
    """

    __tablename__ = "telemedicine_availability"
    privacy: ClassVar[Privacy] = _staff("to offer hours at which somebody is there")
    __table_args__ = (
        sa.CheckConstraint(f"{_ONE_OWNER} = 1", name="owner"),
        sa.CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday"),
        sa.CheckConstraint(
            "starts_minute BETWEEN 0 AND 1439 AND ends_minute <= 1800"
            " AND ends_minute > starts_minute AND ends_minute - starts_minute <= 1440",
            name="hours",
        ),
        sa.CheckConstraint("valid_until IS NULL OR valid_from IS NULL OR valid_until >= valid_from", name="validity"),
        sa.Index("ix_telemedicine_availability_practitioner_id", "practitioner_id"),
        sa.Index("ix_telemedicine_availability_resource_id", "resource_id"),
        sa.Index("ix_telemedicine_availability_account_id", "account_id"),
    )

    organization_id: uuid.UUID
    practitioner_id: uuid.UUID | None = Field(default=None, foreign_key="telemedicine_practitioner.id")
    resource_id: uuid.UUID | None = Field(default=None, foreign_key="telemedicine_resource.id")
    account_id: uuid.UUID | None = None
    weekday: int = Field(sa_type=sa.SmallInteger, description="ISO 8601: 1 is Monday")
    starts_minute: int = Field(sa_type=sa.SmallInteger)
    ends_minute: int = Field(sa_type=sa.SmallInteger)
    valid_from: date | None = None
    valid_until: date | None = Field(default=None, description="the last day")
    visit_type_ids: list[uuid.UUID] = _ids(description="empty: all the clinic offers")
    location_id: uuid.UUID | None = Field(default=None, foreign_key="telemedicine_location.id")
    on_holidays: bool = False


class AvailabilityException(Table, table=True):
    """Local times at which hours are others: closed, or there beside the weekly hours. Of nobody: the whole clinic's.

    The times are those of the wall where the practitioner, the resource or the clinic is.
    """

    __tablename__ = "telemedicine_availability_exception"
    privacy: ClassVar[Privacy] = _staff("to offer no hours at which somebody is away")
    __table_args__ = (
        sa.CheckConstraint(f"{_ONE_OWNER} <= 1", name="owner"),
        sa.CheckConstraint("kind IN ('closed', 'extra')", name="kind"),
        sa.CheckConstraint(f"kind = 'closed' OR {_ONE_OWNER} = 1", name="a_clinic_only_closes"),
        sa.CheckConstraint("ends_local > starts_local", name="period"),
        sa.Index("ix_telemedicine_availability_exception_organization_id", "organization_id", "ends_local"),
        sa.Index("ix_telemedicine_availability_exception_practitioner_id", "practitioner_id", "ends_local"),
        sa.Index("ix_telemedicine_availability_exception_resource_id", "resource_id", "ends_local"),
        sa.Index("ix_telemedicine_availability_exception_account_id", "account_id"),
    )

    organization_id: uuid.UUID
    practitioner_id: uuid.UUID | None = Field(default=None, foreign_key="telemedicine_practitioner.id")
    resource_id: uuid.UUID | None = Field(default=None, foreign_key="telemedicine_resource.id")
    account_id: uuid.UUID | None = None
    kind: str
    starts_local: datetime = Field(sa_type=sa.DateTime(timezone=False))
    ends_local: datetime = Field(sa_type=sa.DateTime(timezone=False))
    visit_type_ids: list[uuid.UUID] = _ids(description="of extra hours; empty: all the clinic offers")
    location_id: uuid.UUID | None = Field(default=None, foreign_key="telemedicine_location.id")


CLINICS: Final = table_of(Clinic)
DEPARTMENTS: Final = table_of(Department)
LOCATIONS: Final = table_of(Location)
PRACTITIONERS: Final = table_of(Practitioner)
BOOKABLE_RESOURCES: Final = table_of(BookableResource)
VISIT_TYPES: Final = table_of(VisitType)
AVAILABILITIES: Final = table_of(Availability)
EXCEPTIONS: Final = table_of(AvailabilityException)

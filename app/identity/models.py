"""The tables about people and places: communities, accounts, households, residents and how each person is reached."""

import uuid
from datetime import date, datetime, time
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, sealed, text_array


class Community(Table, table=True):
    """A city or community with its operator's rules: time zone, currency, languages, emergency numbers."""

    __tablename__ = "identity_community"
    privacy: ClassVar[Privacy] = Privacy.none("describes a place")

    name: str
    country: str = Field(max_length=2, description="ISO 3166-1: how numbers without a country code are read")
    time_zone: str
    currency: str = Field(max_length=3)
    languages: list[str] = text_array()
    emergency_numbers: dict[str, str] = jsonb(default_factory=dict)
    desk_phone: str | None = None
    features: dict[str, bool] = jsonb(default_factory=dict)
    minimum_app_version: str = "1.0.0"


class Holiday(Table, table=True):
    """A day that is not what its weekday says: a public holiday, or a make-up workday."""

    __tablename__ = "identity_holiday"
    privacy: ClassVar[Privacy] = Privacy.none("a calendar")
    __table_args__ = (sa.UniqueConstraint("community_id", "day"),)

    community_id: uuid.UUID = Field(foreign_key="identity_community.id")
    day: date
    name: str
    is_workday: bool = Field(default=False, description="a make-up workday on a weekend")


class Account(Table, table=True):
    """A person known to a community: a resident, a relative, a member of staff. Not everyone signs in."""

    __tablename__ = "identity_account"
    privacy: ClassVar[Privacy] = Privacy(
        subject="id",
        purpose="to know whom we serve",
        erasure="redact",
        redacted=("name",),
        basis=Basis.CONTRACT,
        retention=Retention.until_erasure(),
        recipients=(Recipient.GRANTED, Recipient.SERVING, Recipient.EMPLOYER),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('active', 'deactivated', 'erased')", name="state"),
        sa.Index("ix_identity_account_name", "community_id", sa.text("lower(name)"), "id"),
        sa.Index("ix_identity_account_community_id", "community_id", "id"),
        sa.Index(
            "ix_identity_account_erase_again_at",
            "erase_again_at",
            postgresql_where=sa.text("erase_again_at IS NOT NULL"),
        ),
    )

    community_id: uuid.UUID = Field(foreign_key="identity_community.id")
    name: str
    language: str = "en"
    time_zone: str
    state: str = "active"
    deactivated_at: datetime | None = optional_instant()
    erase_again_at: datetime | None = optional_instant(description="when what was written during the erasure goes")


class Household(Table, table=True):
    """A home that residents share."""

    __tablename__ = "identity_household"
    privacy: ClassVar[Privacy] = Privacy.none(
        "a place without a person; its address is sealed on the residents' behalf"
    )
    __table_args__ = (sa.UniqueConstraint("community_id", "reference"),)

    community_id: uuid.UUID = Field(foreign_key="identity_community.id")
    reference: str | None = Field(default=None, description="the operator's own number, for repeated imports")
    address: str = sealed()
    building: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class Resident(Table, table=True):
    """A person who lives in the community and is cared for."""

    __tablename__ = "identity_resident"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to know where a resident lives and what responders must know",
        erasure="redact",
        redacted=(
            "birth_date",
            "emergency_notes",
            "national_id",
            "national_id_index",
            "accessibility_needs",
            "tags",
            "household_id",
            "reference",
            "imported_row",
        ),
        basis=Basis.CONTRACT,
        retention=Retention.until_erasure(),
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('active', 'moved_out', 'deceased')", name="state"),
        sa.UniqueConstraint("account_id"),
        sa.UniqueConstraint("community_id", "reference"),
        sa.Index("ix_identity_resident_national_id_index", "national_id_index"),
        sa.Index("ix_identity_resident_left", "account_id", postgresql_where=sa.text("state <> 'active'")),
        sa.Index("ix_identity_resident_tags", "tags", postgresql_using="gin"),
    )

    community_id: uuid.UUID = Field(foreign_key="identity_community.id")
    account_id: uuid.UUID = Field(foreign_key="identity_account.id")
    household_id: uuid.UUID | None = Field(default=None, foreign_key="identity_household.id", index=True)
    reference: str | None = Field(default=None, description="the operator's own number, for repeated imports")
    birth_date: date | None = None
    national_id: str | None = sealed(default=None)
    national_id_index: bytes | None = Field(default=None, sa_type=sa.LargeBinary)
    accessibility_needs: list[str] = text_array()
    tags: list[str] = text_array(description="the operator's own words for groups of residents")
    emergency_notes: str | None = sealed(default=None)
    state: str = "active"
    closed_on: date | None = Field(default=None, description="local day of the death or of the move")
    closed_at: datetime | None = optional_instant(description="when it was recorded")
    imported_row: bytes | None = Field(
        default=None,
        sa_type=sa.LargeBinary,
        description="keyed hash of the operator's row: what is unchanged is skipped",
    )


class ContactPoint(Table, table=True):
    """A way to reach a person: what it is, what it can do, when it may be used. One number may serve several people."""

    __tablename__ = "identity_contact_point"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to reach the person",
        basis=Basis.CONTRACT,
        retention=Retention.until_erasure(),
        recipients=(Recipient.MESSAGES, Recipient.MAIL),
    )
    __table_args__ = (
        sa.CheckConstraint("kind IN ('mobile', 'landline', 'email', 'shared_tablet')", name="kind"),
        sa.UniqueConstraint("account_id", "kind", "value_index"),
        sa.Index("ix_identity_contact_point_value_index", "value_index"),
    )

    account_id: uuid.UUID = Field(foreign_key="identity_account.id")
    kind: str
    value: str = sealed(description="E.164 number or mail address")
    value_index: bytes = Field(sa_type=sa.LargeBinary, description="blind index of the normalized value")
    capabilities: list[str] = text_array(description="of sms, voice, email, app")
    usable_from: time | None = Field(default=None, description="local wall time from which it may be used")
    usable_until: time | None = None
    verified_at: datetime | None = optional_instant()
    is_vouched: bool = Field(default=False, description="staff entered it, who answer for whose it is")
    position: int = Field(default=0, description="the lower, the earlier it is tried")


class Organization(Table, table=True):
    """Who works in a community: its operator, a care agency, a clinic, a provider, an attraction."""

    __tablename__ = "identity_organization"
    privacy: ClassVar[Privacy] = Privacy.none("describes an organization")
    __table_args__ = (
        sa.CheckConstraint("kind IN ('operator', 'care_agency', 'clinic', 'provider', 'attraction')", name="kind"),
        sa.Index("ix_identity_organization_community_id", "community_id"),
    )

    community_id: uuid.UUID = Field(foreign_key="identity_community.id")
    kind: str
    name: str
    requires_second_factor: bool = False


class Membership(Table, table=True):
    """A role an account holds in an organization, until it is ended."""

    __tablename__ = "identity_membership"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="who works for whom",
        erasure="keep",
        basis=Basis.LEGAL_OBLIGATION,
        retention=Retention.pruned(years(10), "ended_at"),
        recipients=(Recipient.EMPLOYER,),
    )
    __table_args__ = (
        sa.Index(
            "uq_identity_membership_current",
            "account_id",
            "organization_id",
            "role",
            unique=True,
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        sa.Index("ix_identity_membership_organization_id", "organization_id"),
    )

    account_id: uuid.UUID = Field(foreign_key="identity_account.id")
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    role: str
    ended_at: datetime | None = optional_instant()


class ServiceAgreement(Table, table=True):
    """What an organization may see of a resident (of all residents if none is named), per data category, and when."""

    __tablename__ = "identity_service_agreement"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="the basis on which an organization saw data",
        erasure="keep",
        basis=Basis.LEGAL_OBLIGATION,
        retention=Retention.pruned(years(10), "ends_at"),
        recipients=(Recipient.SERVING,),
    )
    __table_args__ = (
        sa.CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="period"),
        sa.Index("ix_identity_service_agreement_organization_id", "organization_id", "resident_id"),
        sa.Index("ix_identity_service_agreement_resident_id", "resident_id"),
    )

    community_id: uuid.UUID = Field(foreign_key="identity_community.id")
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    resident_id: uuid.UUID | None = Field(default=None, foreign_key="identity_resident.id")
    scopes: list[str] = text_array()
    basis: str = Field(description="the contract or law it rests on")
    starts_at: datetime = instant()
    ends_at: datetime | None = optional_instant()
    agreed_ends_at: datetime | None = optional_instant(description="the end agreed before a closure ended it early")


class ConsentWording(SQLModel, table=True):
    """A version of the words in which residents are told what a grant allows; never changed once it was used."""

    __tablename__ = "identity_consent_wording"
    privacy: ClassVar[Privacy] = Privacy.none("the words in which everybody is asked")
    __table_args__ = (sa.UniqueConstraint("language", "edition"),)

    id: uuid.UUID = Field(primary_key=True)
    language: str = Field(description="BCP 47")
    edition: str = Field(description="the beginning of the SHA-256 of the content")
    content: dict[str, Any] = jsonb(description="a sentence per kind, the words of each scope, and what joins them")
    first_used_at: datetime = instant()


class Grant(Table, table=True):
    """What a resident lets a person see or do; an alarm's break-glass access is a grant too, and is told."""

    __tablename__ = "identity_grant"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        also=("grantee_account_id",),
        purpose="the resident's consent",
        erasure="keep",
        basis=Basis.LEGAL_OBLIGATION,
        retention=Retention.pruned(years(10), "revoked_at", "expires_at"),
        recipients=(Recipient.GRANTED,),
    )
    __table_args__ = (
        sa.CheckConstraint("kind IN ('consent', 'proxy', 'break_glass')", name="kind"),
        sa.CheckConstraint("expires_at IS NULL OR expires_at > starts_at", name="period"),
        sa.Index(
            "uq_identity_grant_current",
            "resident_id",
            "grantee_account_id",
            "kind",
            "reason_id",
            unique=True,
            postgresql_where=sa.text("revoked_at IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        sa.Index("ix_identity_grant_grantee_account_id", "grantee_account_id", "resident_id"),
        sa.Index("ix_identity_grant_reason_id", "reason_id"),
    )

    community_id: uuid.UUID = Field(foreign_key="identity_community.id")
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    grantee_account_id: uuid.UUID = Field(foreign_key="identity_account.id")
    scopes: list[str] = text_array()
    kind: str = "consent"
    granted_by: uuid.UUID = Field(description="the account that gave it: the resident, or who recorded it for them")
    reason_id: uuid.UUID | None = Field(default=None, description="the alarm that opened a break-glass grant")
    starts_at: datetime = instant()
    expires_at: datetime | None = optional_instant()
    revoked_at: datetime | None = optional_instant()
    wording_id: uuid.UUID | None = Field(
        default=None, foreign_key="identity_consent_wording.id", description="in whose words it was agreed"
    )
    agreed_at: datetime | None = optional_instant(description="when what it allows now was agreed")

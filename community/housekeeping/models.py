"""The tables of help at home: what there is in a community, and what a provider takes for it."""

import uuid
from datetime import timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from app.core.tables import Privacy, Table, jsonb, table_of, text_array

PHOTOS: Final = "community.home_service"
"""What photos of a service are attached to."""

_SHARE: Final = "BETWEEN 0 AND 300"


class HomeService(Table, table=True):
    """A service of the community's catalogue: what is done, what whoever does it must be able to, how long it takes."""

    __tablename__ = "community_home_service"
    privacy: ClassVar[Privacy] = Privacy.none("describes what a community offers")
    __table_args__ = (
        sa.CheckConstraint(
            "category IN ('cleaning', 'repair', 'meals', 'personal_care', 'escort', 'laundry', 'haircut', 'shopping',"
            " 'company', 'other')",
            name="category",
        ),
        sa.CheckConstraint("expected_duration > interval '0'", name="expected_duration"),
        sa.UniqueConstraint("community_id", "code"),
        sa.Index("ix_community_home_service_community_id", "community_id", "id"),
    )

    community_id: uuid.UUID
    code: str
    category: str
    name: dict[str, str] = jsonb(description="by language: en, zh-CN")
    description: dict[str, str] = jsonb(default_factory=dict, description="by language")
    skills: list[str] = text_array(description="codes of what whoever does it must be able to")
    certificates: list[str] = text_array(description="those of the skills that must have been proved")
    expected_duration: timedelta = Field(sa_type=sa.Interval)
    checklist: list[dict[str, Any]] = jsonb(default_factory=list, description="what is to be done, step by step")
    photo_ids: list[uuid.UUID] = Field(
        default_factory=list, sa_type=ARRAY(sa.Uuid), nullable=False, description="in the order they are shown"
    )
    is_active: bool = True


class ServiceOffer(Table, table=True):
    """What a provider takes for a service. Its version is the price's: who ordered at another is asked again."""

    __tablename__ = "community_service_offer"
    privacy: ClassVar[Privacy] = Privacy.none("the prices of an organization")
    __table_args__ = (
        sa.CheckConstraint("unit IN ('visit', 'hour')", name="unit"),
        sa.CheckConstraint("amount >= 0 AND minimum_amount >= 0", name="amounts"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        sa.CheckConstraint("step > interval '0' AND shortest > interval '0' AND longest >= shortest", name="durations"),
        sa.CheckConstraint("unit = 'hour' OR longest = shortest", name="a_visit_has_one_duration"),
        sa.CheckConstraint(f"weekend_percent {_SHARE} AND holiday_percent {_SHARE}", name="surcharges"),
        sa.CheckConstraint(
            "notice_period >= interval '0' AND late_percent BETWEEN 0 AND 100", name="what_calling_off_costs"
        ),
        sa.CheckConstraint("dispatch IN ('assign', 'offer') AND answer_within > interval '0'", name="dispatch"),
        sa.UniqueConstraint("organization_id", "service_id"),
        sa.Index("ix_community_service_offer_service_id", "service_id", "id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    service_id: uuid.UUID = Field(foreign_key="community_home_service.id")
    unit: str
    amount: int = Field(sa_type=sa.BigInteger, description="minor units, for each visit or hour")
    currency: str = Field(max_length=3, description="ISO 4217")
    shortest: timedelta = Field(sa_type=sa.Interval, description="by the visit: how long it takes")
    longest: timedelta = Field(sa_type=sa.Interval)
    step: timedelta = Field(sa_type=sa.Interval, description="by the hour: from one duration to the next")
    minimum_amount: int = Field(default=0, sa_type=sa.BigInteger)
    weekend_percent: int = Field(default=0, sa_type=sa.SmallInteger)
    holiday_percent: int = Field(default=0, sa_type=sa.SmallInteger)
    notice_period: timedelta = Field(
        default=timedelta(hours=24),
        sa_type=sa.Interval,
        description="how long before its start it is called off freely",
    )
    late_percent: int = Field(
        default=0, sa_type=sa.SmallInteger, description="hundredths of the price that calling off later costs"
    )
    dispatch: str = Field(default="assign", description="whoever suits best is sent, or several are asked")
    answer_within: timedelta = Field(
        default=timedelta(minutes=15), sa_type=sa.Interval, description="how long those who are asked may answer"
    )
    areas: list[dict[str, Any]] = jsonb(description="where the provider comes to, and what that adds")
    options: list[dict[str, Any]] = jsonb(default_factory=list, description="what more can be wanted")
    is_active: bool = True


SERVICES: Final = table_of(HomeService)
OFFERS: Final = table_of(ServiceOffer)

"""The tables of series: what recurs and what was agreed on it, what is different on single days, and pauses."""

import uuid
from datetime import date, datetime, time, timedelta
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, sealed, table_of, text_array

INSTRUCTIONS: Final = "community_order_series.instructions"
DOOR_CODE: Final = "community_order_series.door_code"

_TROUBLES: Final = "('price', 'offer', 'home', 'card', 'orderer', 'taken')"


def _help(purpose: str, retention: Retention) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention=retention,
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        erasure="delete",
    )


class OrderSeries(Table, table=True):
    """Help at home that a resident has again and again: when, what, by whom, and what was agreed that it may cost."""

    __tablename__ = "community_order_series"
    privacy: ClassVar[Privacy] = _help("to order the same help again and again", Retention.pruned(years(3), "ended_at"))
    __table_args__ = (
        sa.CheckConstraint("state IN ('active', 'ended')", name="state"),
        sa.CheckConstraint("holidays IN ('ignore', 'skip', 'move')", name="holidays"),
        sa.CheckConstraint("payment_method IN ('card', 'provider')", name="payment_method"),
        sa.CheckConstraint("(payment_method = 'card') = (payment_method_id IS NOT NULL)", name="a_card_is_named"),
        sa.CheckConstraint("wished_sex IN ('female', 'male')", name="wished_sex"),
        sa.CheckConstraint("late_percent BETWEEN 0 AND 100", name="late_percent"),
        sa.CheckConstraint(f"trouble IN {_TROUBLES}", name="trouble"),
        sa.CheckConstraint("end_reason IN ('ended', 'over', 'split', 'closed')", name="end_reason"),
        # One that goes on has a moment at which it is gone through, and no other has one.
        sa.CheckConstraint("(plan_at IS NOT NULL) = (state = 'active')", name="one_active_is_planned"),
        sa.CheckConstraint(
            "(state = 'ended') = (ended_at IS NOT NULL) AND (state = 'ended') = (end_reason IS NOT NULL)",
            name="ending_has_a_reason",
        ),
        sa.Index("ix_community_order_series_resident_id", "resident_id", "id"),
        sa.Index("ix_community_order_series_plan_at", "plan_at", postgresql_where=sa.text("plan_at IS NOT NULL")),
        sa.Index(
            "ix_community_order_series_community_id",
            "community_id",
            postgresql_where=sa.text("state = 'active' AND holidays <> 'ignore'"),
        ),
        {"postgresql_with": {"fillfactor": 80}},
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID = Field(description="of the resident")
    ordered_by: uuid.UUID = Field(description="the account that agreed on it last, and pays: theirs, or who may order")
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    offer_id: uuid.UUID = Field(foreign_key="community_service_offer.id")
    follows_id: uuid.UUID | None = Field(default=None, description="the series it goes on from, where that was split")
    state: str = "active"

    rrule: str = Field(description="RFC 5545, over days")
    begins: time = Field(sa_type=sa.Time)
    time_zone: str = Field(description="on whose wall")
    starts_on: date = Field(description="the first local day")
    counts_from: date = Field(description="from where the rule counts: earlier, where it goes on from another series")
    ends_on: date | None = Field(default=None, description="the last local day")
    holidays: str = "ignore"

    duration: timedelta | None = Field(default=None, sa_type=sa.Interval, description="by the hour")
    options: dict[str, int] = jsonb(description="what more is wanted, how often")
    flexibility: timedelta = Field(sa_type=sa.Interval)
    wished_worker_id: uuid.UUID | None = Field(default=None, description="who should come: it stays so if others must")
    keeps_worker: bool = Field(description="whether whoever came first becomes who should come")
    wished_languages: list[str] = text_array(description="BCP 47, the best first")
    wished_sex: str | None = None
    instructions: str | None = sealed(default=None)
    door_code: str | None = sealed(default=None)
    payment_method: str
    payment_method_id: uuid.UUID | None = None

    agreed_totals: dict[str, int] = jsonb(description="minor units: what it may cost on each kind of day")
    currency: str = Field(max_length=3)
    notice_period: timedelta = Field(sa_type=sa.Interval, description="the longest that was agreed")
    late_percent: int = Field(sa_type=sa.SmallInteger, description="the most that was agreed")

    plan_at: datetime | None = optional_instant(description="when it is gone through again")
    trouble: str | None = Field(default=None, description="why something of it is not ordered")
    ended_at: datetime | None = optional_instant()
    end_reason: str | None = None


class OrderDay(Table, table=True):
    """A day of a series that is not as the others: skipped, changed, or not ordered, and why."""

    __tablename__ = "community_order_day"
    privacy: ClassVar[Privacy] = _help(
        "to leave out or change single days of help that recurs", Retention.with_row("community_order_series")
    )
    __table_args__ = (
        sa.UniqueConstraint("series_id", "day"),
        sa.CheckConstraint(f"trouble IN {_TROUBLES}", name="trouble"),
        sa.Index("ix_community_order_day_resident_id", "resident_id"),
    )

    series_id: uuid.UUID = Field(foreign_key="community_order_series.id")
    resident_id: uuid.UUID
    day: date = Field(description="the rule's")
    is_skipped: bool = False
    starts_at: datetime | None = optional_instant(description="when it begins instead")
    duration: timedelta | None = Field(default=None, sa_type=sa.Interval, description="how long instead")
    options: dict[str, int] | None = Field(
        default=None, sa_type=JSONB(none_as_null=True), description="what more instead"
    )
    wished_worker_id: uuid.UUID | None = Field(default=None, description="who should come instead")
    agreed_total: int | None = Field(
        default=None, sa_type=sa.BigInteger, description="minor units: what it may cost as it was changed"
    )
    trouble: str | None = Field(default=None, description="why it is not ordered")


class OrderPause(Table, table=True):
    """A time in which nothing of a series takes place; of an absence: nothing of any series of the resident."""

    __tablename__ = "community_order_pause"
    privacy: ClassVar[Privacy] = _help(
        "to send nobody while a resident does not want anybody, or is away",
        Retention.pruned(years(3), "until_at"),
    )
    __table_args__ = (
        sa.CheckConstraint("until_at > since_at", name="period"),
        sa.CheckConstraint("(series_id IS NULL) = (absence_id IS NOT NULL)", name="of_a_series_or_an_absence"),
        sa.Index("ix_community_order_pause_resident_id", "resident_id", "id"),
        sa.Index("ix_community_order_pause_series_id", "series_id", postgresql_where=sa.text("series_id IS NOT NULL")),
        sa.Index(
            "uq_community_order_pause_absence",
            "absence_id",
            unique=True,
            postgresql_where=sa.text("absence_id IS NOT NULL"),
        ),
    )

    resident_id: uuid.UUID
    series_id: uuid.UUID | None = Field(default=None, foreign_key="community_order_series.id")
    absence_id: uuid.UUID | None = Field(default=None, description="the stay away from home it follows")
    since_at: datetime = instant()
    until_at: datetime | None = optional_instant(description="empty: until it is ended")


SERIES, DAYS, PAUSES = table_of(OrderSeries), table_of(OrderDay), table_of(OrderPause)

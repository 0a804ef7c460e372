"""The tables of medication: regimens and their versions, doses, stock, and when the resident eats."""

import uuid
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.sealing import blind_index
from app.core.tables import Privacy, Table, instant, optional_instant, sealed, table_of

DRUG_CONTEXT = "eldercare_regimen_version.drug"
NOTE_CONTEXT = "eldercare_dose.note"
DRUG_INDEX = "eldercare_regimen.drug"

IS_AWAITED: sa.ColumnElement[bool] = sa.literal_column("state IN ('scheduled', 'reminded')", sa.Boolean)
_IN_FORCE = sa.text("state IN ('draft', 'active', 'paused')")
_AMOUNT = sa.Numeric(12, 4)


def _care(purpose: str, **options: Any) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONTRACT,
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        erasure="delete",
        **options,
    )


class MealTimes(Table, table=True):
    """When a resident usually eats: wall times of the zone they live in."""

    __tablename__ = "eldercare_meal_times"
    privacy: ClassVar[Privacy] = _care("to plan what is taken with meals", retention=Retention.until_erasure())
    __table_args__ = (
        sa.CheckConstraint("breakfast < lunch AND lunch < dinner", name="in_order"),
        sa.UniqueConstraint("resident_id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    breakfast: time
    lunch: time
    dinner: time


class Regimen(Table, table=True):
    """One drug a resident takes by a plan. What it says is in its versions."""

    __tablename__ = "eldercare_regimen"
    privacy: ClassVar[Privacy] = _care(
        "to remind a resident of what they take", retention=Retention.pruned(years(3), "stopped_at")
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('draft', 'active', 'paused', 'stopped')", name="state"),
        sa.CheckConstraint("plan_at IS NULL OR state = 'active'", name="only_an_active_one_is_planned"),
        sa.Index("ix_eldercare_regimen_plan_at", "plan_at", postgresql_where=sa.text("plan_at IS NOT NULL")),
        sa.Index("ix_eldercare_regimen_resident_id", "resident_id", "id"),
        sa.Index("ix_eldercare_regimen_in_force", "resident_id", "drug_index", postgresql_where=_IN_FORCE),
        sa.CheckConstraint("num_nonnulls(prescription_id, prescription_version) IN (0, 2)", name="prescription"),
        sa.Index(
            "uq_eldercare_regimen_prescription_id",
            "prescription_id",
            unique=True,
            postgresql_where=sa.text("prescription_id IS NOT NULL"),
        ),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID = Field(description="of the resident: whom a reminder goes to")
    state: str = "draft"
    version_id: uuid.UUID = Field(description="the version in force")
    drug_index: bytes = Field(sa_type=sa.LargeBinary, description="finds the same name without showing it")
    code_index: bytes | None = Field(default=None, sa_type=sa.LargeBinary, description="the same of its code")
    planned_until: datetime | None = optional_instant(description="doses before it exist")
    plan_at: datetime | None = optional_instant(description="when it must be planned further")
    stopped_at: datetime | None = optional_instant()
    stopped_by: uuid.UUID | None = None
    resumes_as: str | None = Field(default=None, description="its state before the resident was closed")
    prescription_id: uuid.UUID | None = Field(default=None, description="which it follows, once somebody confirmed it")
    prescription_version: int | None = None


class RegimenVersion(SQLModel, table=True):
    """What a regimen said from ``valid_from`` on. Never changed: a dose is judged by the one it was planned from."""

    __tablename__ = "eldercare_regimen_version"
    privacy: ClassVar[Privacy] = _care(
        "to remind a resident of what they take, and to show what was agreed",
        retention=Retention.with_row("eldercare_regimen"),
    )
    __table_args__ = (
        sa.UniqueConstraint("regimen_id", "number"),
        sa.CheckConstraint("timing IN ('times', 'meals', 'as_needed')", name="timing"),
        sa.CheckConstraint("quantity > 0", name="quantity"),
        sa.CheckConstraint("dose_window > interval '0'", name="dose_window"),
        sa.CheckConstraint(
            "(timing = 'as_needed') = (cardinality(times) = 0 AND cardinality(meals) = 0)", name="times_or_meals"
        ),
        sa.CheckConstraint("(timing = 'as_needed') = (min_interval IS NOT NULL)", name="as_needed_has_an_interval"),
        sa.CheckConstraint("(timing = 'as_needed') = (daily_maximum IS NOT NULL)", name="as_needed_has_a_maximum"),
    )

    id: uuid.UUID = Field(primary_key=True)
    regimen_id: uuid.UUID = Field(foreign_key="eldercare_regimen.id")
    resident_id: uuid.UUID
    number: int
    valid_from: datetime = instant()
    created_by: uuid.UUID
    drug: str = sealed(description="JSON: name, system, code, strength, form, route, prescriber, instructions")
    quantity: Decimal = Field(sa_type=_AMOUNT, description="of one dose")
    unit: str = Field(description="UCUM")
    timing: str
    times: list[time] = Field(sa_type=ARRAY(sa.Time), nullable=False)
    meals: list[str] = Field(sa_type=ARRAY(sa.Text), nullable=False)
    meal_offset: timedelta = Field(sa_type=sa.Interval, description="after the meal; negative: before it")
    weekdays: list[int] = Field(sa_type=ARRAY(sa.SmallInteger), nullable=False)
    rrule: str | None = None
    starts_on: date
    ends_on: date | None = None
    time_zone: str | None = Field(default=None, description="empty: wherever the resident lives")
    min_interval: timedelta | None = Field(default=None, sa_type=sa.Interval)
    daily_maximum: Decimal | None = Field(default=None, sa_type=_AMOUNT, description="within any 24 hours")
    dose_window: timedelta = Field(sa_type=sa.Interval, description="how long a dose is waited for")
    reminds: bool = Field(default=True, description="whether the resident is reminded")
    reminders: list[timedelta] = Field(sa_type=ARRAY(sa.Interval), nullable=False, description="after the first one")
    critical: bool = False
    told: list[uuid.UUID] | None = Field(
        default=None, sa_type=ARRAY(sa.Uuid), description="who of the circle is told of misses; empty: all who may"
    )


class Dose(Table, table=True):
    """One dose: planned for a moment or taken as needed, and what came of it."""

    __tablename__ = "eldercare_dose"
    privacy: ClassVar[Privacy] = _care(
        "to know whether a resident took what they take", retention=Retention.pruned(years(3), "due_at")
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('scheduled', 'reminded', 'taken', 'skipped', 'missed', 'excused')", name="state"),
        sa.CheckConstraint("kind IN ('planned', 'as_needed', 'extra')", name="kind"),
        sa.CheckConstraint("(taken_at IS NULL) = (state <> 'taken')", name="what_is_taken_was_taken"),
        sa.CheckConstraint("(skip_reason IS NULL) = (state <> 'skipped')", name="a_skip_has_a_reason"),
        sa.CheckConstraint(
            "num_nonnulls(remind_at, close_at) = 0 OR state IN ('scheduled', 'reminded')", name="only_awaited_ones_wait"
        ),
        sa.CheckConstraint(
            "num_nonnulls(remind_at, close_at) > 0 OR state NOT IN ('scheduled', 'reminded')",
            name="an_awaited_one_has_a_deadline",
        ),
        # Exactly one planned dose per regimen and moment; the same index serves a resident's list.
        sa.UniqueConstraint("resident_id", "due_at", "regimen_id", "kind"),
        *(
            sa.Index(f"ix_eldercare_dose_{column}", column, postgresql_where=sa.text(f"{column} IS NOT NULL"))
            for column in ("remind_at", "close_at")
        ),
        sa.Index("ix_eldercare_dose_regimen_id", "regimen_id"),
        # What was missed today, of everybody at once.
        sa.Index("ix_eldercare_dose_missed", "community_id", "closed_at", postgresql_where=sa.text("state = 'missed'")),
        # What counts against intervals and maxima, and who is to be stood down for.
        sa.Index("ix_eldercare_dose_taken", "regimen_id", "taken_at", postgresql_where=sa.text("state = 'taken'")),
        # What a timeline tells of, at the instant it happened.
        *(
            sa.Index(
                f"ix_eldercare_dose_told_{state}",
                "resident_id",
                column,
                "id",
                postgresql_where=sa.text(f"state = '{state}'"),
            )
            for state, column in (("taken", "taken_at"), ("skipped", "recorded_at"), ("missed", "closed_at"))
        ),
        {"postgresql_with": {"fillfactor": 70}},
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    account_id: uuid.UUID
    regimen_id: uuid.UUID = Field(foreign_key="eldercare_regimen.id")
    version_id: uuid.UUID
    kind: str = "planned"
    due_at: datetime = instant(description="when it is planned for; of others, when it was taken")
    local_date: date = Field(description="the resident's day it belongs to")
    state: str = "scheduled"
    critical: bool = False
    reminds: bool = True
    quantity: Decimal = Field(sa_type=_AMOUNT, description="planned, or taken where that differs")
    unit: str

    window_ends_at: datetime = instant(description="until when it is waited for")
    remind_at: datetime | None = optional_instant(description="when the resident is to be reminded (again)")
    close_at: datetime | None = optional_instant(description="when it is given up")
    opened_at: datetime | None = optional_instant(
        description="since when it is waited for: from the due time, or from a reprieve"
    )
    reminders_sent: int = Field(default=0, sa_type=sa.SmallInteger)
    reminded_at: datetime | None = optional_instant(description="when a reminder first reached a channel of theirs")
    reprieves: int = Field(default=0, sa_type=sa.SmallInteger, description="how often outages of ours moved its end")
    closed_at: datetime | None = optional_instant(description="when it became missed or excused")
    excuse: str | None = Field(default=None, description="why it was not waited for: away, hospital, paused, …")

    taken_at: datetime | None = optional_instant(description="when it was taken, as the caller says")
    recorded_at: datetime | None = optional_instant(description="when that, or that it was skipped, reached us")
    recorded_by: uuid.UUID | None = None
    how: str | None = Field(default=None, description="self, or how somebody else knows: gave, saw, told")
    late: bool = Field(default=False, description="it was taken after its window")
    confirmed: bool = Field(default=False, description="recorded although the caller was warned")
    skip_reason: str | None = None
    note: str | None = sealed(default=None, description="own words of whoever recorded it")


class MedicationStock(Table, table=True):
    """What is left of a regimen's drug."""

    __tablename__ = "eldercare_medication_stock"
    privacy: ClassVar[Privacy] = _care(
        "to remind people of a refill in time", retention=Retention.with_row("eldercare_regimen")
    )
    __table_args__ = (
        sa.CheckConstraint("on_hand >= 0", name="on_hand"),
        sa.UniqueConstraint("regimen_id"),
        sa.Index(
            "ix_eldercare_medication_stock_check_at", "check_at", postgresql_where=sa.text("check_at IS NOT NULL")
        ),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    regimen_id: uuid.UUID = Field(foreign_key="eldercare_regimen.id")
    on_hand: Decimal = Field(sa_type=_AMOUNT)
    unit: str
    remind_days: int = Field(sa_type=sa.SmallInteger, description="how many days before it runs out people are told")
    check_at: datetime | None = optional_instant(description="when it is projected again")
    round: int = Field(default=1, description="counts refills and counts: each running low is told once")


class StockEntry(SQLModel, table=True):
    """A refill, or a count that set things right. What was taken is in the doses."""

    __tablename__ = "eldercare_stock_entry"
    privacy: ClassVar[Privacy] = _care(
        "to show who brought how much", retention=Retention.with_row("eldercare_regimen")
    )
    __table_args__ = (
        sa.CheckConstraint("kind IN ('refill', 'count')", name="kind"),
        sa.Index("ix_eldercare_stock_entry_regimen_id", "regimen_id", "id"),
    )

    id: uuid.UUID = Field(primary_key=True)
    regimen_id: uuid.UUID = Field(foreign_key="eldercare_regimen.id")
    resident_id: uuid.UUID
    kind: str
    quantity: Decimal = Field(sa_type=_AMOUNT, description="brought, or counted")
    on_hand: Decimal = Field(sa_type=_AMOUNT, description="there afterwards")
    unit: str
    recorded_at: datetime = instant()
    recorded_by: uuid.UUID


MEALS, REGIMENS, VERSIONS = table_of(MealTimes), table_of(Regimen), table_of(RegimenVersion)
DOSES, STOCKS, STOCK_ENTRIES = table_of(Dose), table_of(MedicationStock), table_of(StockEntry)


def code_index(system: str, code: str) -> bytes:
    """Return what finds a drug's code without showing it."""
    return blind_index(DRUG_INDEX, f"{system}|{code}")

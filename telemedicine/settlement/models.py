"""The tables of settlement: prices, bills, what insurers are asked, and the local insurer's own books."""

import uuid
from datetime import date, datetime
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, sealed, table_of

REASON: Final = "telemedicine_bill.reason"
CHANGE_REASON: Final = "telemedicine_bill_change.reason"
ASKED: Final = "telemedicine_insurer_request.asked"
DISPOSITION: Final = "telemedicine_insurer_request.disposition"

_BILL, _REQUEST, _YEAR = "telemedicine_bill", "telemedicine_insurer_request", "telemedicine_local_insurance_year"
_STATES: Final = "('draft', 'issued', 'claimed', 'approved', 'partial', 'denied', 'due', 'settled', 'void')"
_REASONS: Final = "('covered', 'within_deductible', 'excluded', 'exempt', 'over_cap')"
_BOOKS: Final = Retention.unlimited("books are kept as the law asks; after an erasure the amounts are about nobody")


def _books(purpose: str, *recipients: Recipient, redacted: tuple[str, ...] = ()) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.LEGAL_OBLIGATION,
        sensitive=Sensitive.CARE,
        retention=_BOOKS,
        erasure="redact" if redacted else "keep",
        redacted=redacted,
        recipients=(Recipient.GRANTED, Recipient.SERVING, *recipients),
    )


class BillingTerms(Table, table=True):
    """What of a clinic decides over its bills: where it is, which tier of the health system, how long it waits."""

    __tablename__ = "telemedicine_billing_terms"
    privacy: ClassVar[Privacy] = Privacy.none("says on which terms an organization bills")
    __table_args__ = (
        sa.UniqueConstraint("organization_id"),
        sa.CheckConstraint("tier IN ('community', 'secondary', 'tertiary')", name="tier"),
        sa.CheckConstraint("payment_days BETWEEN 1 AND 365", name="payment_days"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    city: str
    tier: str
    currency: str = Field(max_length=3)
    payment_days: int = Field(sa_type=sa.SmallInteger, description="from when an own share is known until it is due")


class ChargeItem(Table, table=True):
    """What a clinic asks for a service from an instant on, until there is another price for its code."""

    __tablename__ = "telemedicine_charge_item"
    privacy: ClassVar[Privacy] = Privacy.none("describes what an organization asks")
    __table_args__ = (
        sa.CheckConstraint("amount >= 0", name="amount"),
        sa.CheckConstraint("valid_until IS NULL OR valid_until > valid_from", name="validity"),
        sa.UniqueConstraint("organization_id", "code", "valid_from"),
        sa.Index("ix_telemedicine_charge_item_valid_until", "organization_id", "valid_until"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    code: str
    name: dict[str, str] = jsonb(description="by language: en, zh-CN")
    visit_type_id: uuid.UUID | None = Field(default=None, description="billed by itself for visits of this type")
    amount: int = Field(sa_type=sa.BigInteger, description="minor units")
    currency: str = Field(max_length=3, description="the clinic's when it was set")
    valid_from: datetime = instant()
    valid_until: datetime | None = optional_instant()
    set_by: uuid.UUID


class Bill(Table, table=True):
    """What a clinic asks for a visit. Once it is issued nothing of it changes but how it is settled."""

    __tablename__ = _BILL
    privacy: ClassVar[Privacy] = _books("to bill what was done", redacted=("reason",))
    __table_args__ = (
        sa.CheckConstraint(f"state IN {_STATES}", name="state"),
        sa.CheckConstraint("decision IN ('approved', 'partial', 'denied')", name="decision"),
        sa.CheckConstraint("origin_kind IN ('appointment', 'consultation', 'encounter')", name="origin_kind"),
        sa.CheckConstraint("total_amount >= 0", name="total_amount"),
        sa.CheckConstraint("insured_amount BETWEEN 0 AND total_amount", name="insured_amount"),
        sa.CheckConstraint("state IN ('draft', 'void') OR issued_at IS NOT NULL", name="issued"),
        sa.CheckConstraint("num_nonnulls(issued_at, issued_by) IN (0, 2)", name="issuer"),
        sa.CheckConstraint("(state = 'due') <= (due_at IS NOT NULL)", name="due"),
        # A visit is billed once; what was taken back may have a successor.
        sa.Index(
            "uq_telemedicine_bill_origin_id", "origin_id", unique=True, postgresql_where=sa.text("state <> 'void'")
        ),
        sa.Index("ix_telemedicine_bill_resident_id", "resident_id", "id"),
        sa.Index("ix_telemedicine_bill_organization_id", "organization_id", "id"),
        sa.Index("ix_telemedicine_bill_state", "organization_id", "state", "id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID = Field(description="of the resident")
    origin_kind: str
    origin_id: uuid.UUID = Field(description="the appointment, video visit or encounter")
    served_at: datetime = instant()
    state: str = "draft"
    currency: str = Field(max_length=3)
    total_amount: int = Field(default=0, sa_type=sa.BigInteger, description="minor units")
    insured_amount: int = Field(default=0, sa_type=sa.BigInteger, description="what the insurer pays of it")
    decision: str | None = Field(default=None, description="approved, partial or denied")
    away: bool | None = Field(
        default=None, description="treated outside the insurance's city: whether with a registration; empty: at home"
    )
    replaces_id: uuid.UUID | None = Field(default=None, description="the bill that was taken back for this one")
    issued_at: datetime | None = optional_instant()
    issued_by: uuid.UUID | None = None
    due_at: datetime | None = optional_instant(description="by when the own share is to be paid")
    reason: str | None = sealed(default=None, description="why it was taken back")


class BillLine(Table, table=True):
    """A line of a bill: the price is the one that was in force on the day of the visit."""

    __tablename__ = "telemedicine_bill_line"
    privacy: ClassVar[Privacy] = _books("to bill what was done", redacted=("code", "name"))
    __table_args__ = (
        sa.CheckConstraint("quantity BETWEEN 1 AND 999", name="quantity"),
        sa.CheckConstraint("amount = quantity * unit_amount", name="amount"),
        sa.CheckConstraint("insured_amount BETWEEN 0 AND amount", name="insured_amount"),
        sa.CheckConstraint(f"insured_reason IN {_REASONS}", name="insured_reason"),
        sa.UniqueConstraint("bill_id", "sequence"),
        sa.Index("ix_telemedicine_bill_line_resident_id", "resident_id"),
    )

    bill_id: uuid.UUID = Field(foreign_key=f"{_BILL}.id")
    resident_id: uuid.UUID
    sequence: int = Field(sa_type=sa.SmallInteger)
    charge_item_id: uuid.UUID
    code: str | None = None
    name: dict[str, str] | None = jsonb(default=None, nullable=True, description="by language")
    quantity: int = Field(sa_type=sa.SmallInteger)
    unit_amount: int = Field(sa_type=sa.BigInteger)
    amount: int = Field(sa_type=sa.BigInteger)
    insured_amount: int | None = Field(
        default=None, sa_type=sa.BigInteger, description="empty until it is known, and where only the sum was said"
    )
    insured_reason: str | None = Field(
        default=None, description="why the insurer pays that much, if it said so in code"
    )


class BillChange(Table, table=True):
    """That a bill went on to another state, and who saw to it."""

    __tablename__ = "telemedicine_bill_change"
    privacy: ClassVar[Privacy] = _books("to show who did what with a bill", redacted=("reason",))
    __table_args__ = (
        sa.CheckConstraint(f"state IN {_STATES}", name="state"),
        sa.Index("ix_telemedicine_bill_change_bill_id", "bill_id", "id"),
        sa.Index("ix_telemedicine_bill_change_resident_id", "resident_id"),
    )

    bill_id: uuid.UUID = Field(foreign_key=f"{_BILL}.id")
    resident_id: uuid.UUID
    state: str
    changed_by: uuid.UUID | None = Field(default=None, description="empty: Hearthline itself, as an answer came")
    reason: str | None = sealed(default=None)


class InsurerRequest(Table, table=True):
    """What an insurer is asked: written with what it is for, carried out by the worker, answered later.

    ``ask_at`` is when the insurer is asked (again), ``remind_at`` when the clinic hears that there is no answer.
    """

    __tablename__ = _REQUEST
    privacy: ClassVar[Privacy] = _books(
        "to settle a bill with the insurer", Recipient.INSURER, redacted=("asked", "disposition", "reference")
    )
    __table_args__ = (
        sa.CheckConstraint("kind IN ('eligibility', 'claim', 'reversal')", name="kind"),
        sa.CheckConstraint("state IN ('queued', 'pending', 'complete', 'error', 'cancelled')", name="state"),
        sa.CheckConstraint("decision IN ('approved', 'partial', 'denied')", name="decision"),
        sa.CheckConstraint("(state IN ('queued', 'pending')) = (ask_at IS NOT NULL)", name="asked_while_open"),
        sa.CheckConstraint("(ask_at IS NULL) = (remind_at IS NULL)", name="reminded_while_open"),
        sa.Index("ix_telemedicine_insurer_request_bill_id", "bill_id", "id"),
        sa.Index("ix_telemedicine_insurer_request_resident_id", "resident_id", "id"),
        sa.Index("ix_telemedicine_insurer_request_organization_id", "organization_id", "id"),
        sa.Index("ix_telemedicine_insurer_request_ask_at", "ask_at", postgresql_where=sa.text("ask_at IS NOT NULL")),
        sa.Index(
            "ix_telemedicine_insurer_request_remind_at", "remind_at", postgresql_where=sa.text("remind_at IS NOT NULL")
        ),
        # One claim of a bill at a time.
        sa.Index(
            "uq_telemedicine_insurer_request_claim",
            "bill_id",
            unique=True,
            postgresql_where=sa.text("kind = 'claim' AND ask_at IS NOT NULL"),
        ),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID
    resident_id: uuid.UUID
    bill_id: uuid.UUID = Field(foreign_key=f"{_BILL}.id")
    kind: str
    state: str = "queued"
    insurer: str = Field(description="by its key in the settings, or of a published scheme")
    coverage_id: uuid.UUID = Field(description="the health record that says so")
    about_id: uuid.UUID | None = Field(default=None, description="the claim it takes back, or appeals against")
    registered: bool = False
    referral_id: uuid.UUID | None = None
    asked: str | None = sealed(default=None, description="JSON: the same in every attempt")
    requested_by: uuid.UUID
    ask_at: datetime | None = optional_instant()
    remind_at: datetime | None = optional_instant()
    attempts: int = 0
    failure: str | None = Field(default=None, description="why there is no answer yet, or why it cannot be taken")
    lease_until: datetime | None = optional_instant()
    fence: int = 0
    answered_at: datetime | None = optional_instant()
    reference: str | None = Field(default=None, description="the insurer's")
    decision: str | None = None
    in_force: bool | None = Field(default=None, description="of eligibility")
    insured_amount: int | None = Field(default=None, sa_type=sa.BigInteger)
    deductible_amount: int | None = Field(default=None, sa_type=sa.BigInteger)
    disposition: str | None = sealed(default=None, description="the insurer's words")


def _local(purpose: str, **more: Any) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONTRACT,
        sensitive=Sensitive.CARE,
        retention=Retention.until_erasure("the local insurer is for demonstration and development"),
        **more,
    )


class LocalInsuranceYear(Table, table=True):
    """What the local insurer has paid for somebody in a year, and what of the deductible is used up."""

    __tablename__ = _YEAR
    privacy: ClassVar[Privacy] = _local("to split demonstration bills as an insurer does")
    __table_args__ = (
        sa.UniqueConstraint("resident_id", "insurer", "year"),
        # Two claims at the end of a year cannot both have what is left.
        sa.CheckConstraint("paid_amount BETWEEN 0 AND cap_amount", name="cap"),
        sa.CheckConstraint("deductible_used >= 0", name="deductible"),
    )

    resident_id: uuid.UUID
    insurer: str
    year: int = Field(sa_type=sa.SmallInteger)
    cap_amount: int = Field(sa_type=sa.BigInteger)
    paid_amount: int = Field(default=0, sa_type=sa.BigInteger)
    deductible_used: int = Field(default=0, sa_type=sa.BigInteger)


class LocalInsuranceClaim(Table, table=True):
    """What the local insurer decided about a claim: asked again it says the same. Its id is the claim's."""

    __tablename__ = "telemedicine_local_insurance_claim"
    privacy: ClassVar[Privacy] = _local("to answer the same when asked again")
    __table_args__ = (sa.Index("ix_telemedicine_local_insurance_claim_resident_id", "resident_id"),)

    resident_id: uuid.UUID
    year_id: uuid.UUID = Field(
        sa_column=sa.Column(sa.Uuid, sa.ForeignKey(f"{_YEAR}.id", ondelete="CASCADE"), nullable=False)
    )
    served_on: date
    insured_amount: int = Field(sa_type=sa.BigInteger)
    deductible_amount: int = Field(sa_type=sa.BigInteger)
    answer: dict[str, Any] = jsonb(description="as it was given")
    reversed_at: datetime | None = optional_instant()


TERMS: Final = table_of(BillingTerms)
ITEMS: Final = table_of(ChargeItem)
BILLS: Final = table_of(Bill)
LINES: Final = table_of(BillLine)
CHANGES: Final = table_of(BillChange)
REQUESTS: Final = table_of(InsurerRequest)
LOCAL_YEARS: Final = table_of(LocalInsuranceYear)
LOCAL_CLAIMS: Final = table_of(LocalInsuranceClaim)

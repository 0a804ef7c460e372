"""The tables of orders: what was agreed, what became of it, where whoever comes is, and what was found."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, sealed, table_of, text_array

PLACE: Final = "community_order.place"
INSTRUCTIONS: Final = "community_order.instructions"
DOOR_CODE: Final = "community_order.door_code"
START_CODE: Final = "community_order.start_code"
UNDONE: Final = "community_order.undone"
CANCEL_NOTE: Final = "community_order.cancel_note"
CHANGE_NOTE: Final = "community_order_change.note"
FIX: Final = "community_order_position.fix"
EXTRA_REASON: Final = "community_order_extra.reason"
NOTE_TEXT: Final = "community_order_note.text"

_STATES: Final = (
    "('held', 'placed', 'assigned', 'on_the_way', 'started', 'finished', 'closed', 'expired', 'cancelled', 'no_access')"
)
_AHEAD: Final = "state IN ('placed', 'assigned', 'on_the_way')"
_WITH_WORKER: Final = "state IN ('assigned', 'on_the_way', 'started')"
_DEADLINES: Final = ("hold_until", "authorize_at", "staff_by", "late_at", "miss_at", "overdue_at", "unpaid_at")


def _help(purpose: str, retention: Retention, **options: Any) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention=retention,
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        **options,
    )


class Order(Table, table=True):
    """Help at home that a resident ordered: what, when, where, by whom, for how much, and how it stands."""

    __tablename__ = "community_order"
    privacy: ClassVar[Privacy] = _help(
        "to come to the home and do what was ordered",
        Retention.pruned(years(3), "ends_at"),
        erasure="redact",
        redacted=(
            *("place", "instructions", "door_code", "start_code", "undone", "cancel_note"),
            *("start_digest", "skills", "certificates", "wished_languages", "done"),
        ),
    )
    __table_args__ = (
        sa.CheckConstraint(f"state IN {_STATES}", name="state"),
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        # Whoever plans may shift it as far as was agreed, and no further.
        sa.CheckConstraint(
            "starts_at BETWEEN wanted_at - flexibility AND wanted_at + flexibility", name="within_its_window"
        ),
        sa.CheckConstraint("payment_method IN ('card', 'provider')", name="payment_method"),
        sa.CheckConstraint("(payment_method = 'card') = (payment_method_id IS NOT NULL)", name="a_card_is_named"),
        sa.CheckConstraint("total_amount >= 0 AND extra_amount >= 0 AND fee_amount >= 0", name="amounts"),
        sa.CheckConstraint("late_percent BETWEEN 0 AND 100", name="late_percent"),
        sa.CheckConstraint("wished_sex IN ('female', 'male')", name="wished_sex"),
        sa.CheckConstraint("(series_id IS NULL) = (occurrence_at IS NULL)", name="occurrence"),
        sa.CheckConstraint("cancelled_by IN ('resident', 'provider', 'operator', 'hearthline')", name="cancelled_by"),
        sa.CheckConstraint("(state = 'cancelled') = (cancel_reason IS NOT NULL)", name="cancelling_has_a_reason"),
        sa.CheckConstraint("fee_amount = 0 OR state IN ('cancelled', 'no_access')", name="fee"),
        # Somebody's time is taken exactly as long as they are to come or are there.
        sa.CheckConstraint(
            f"({_WITH_WORKER}) = (reservation_id IS NOT NULL) AND (reservation_id IS NULL OR worker_id IS NOT NULL)",
            name="a_worker_has_the_time",
        ),
        # Every open order has a moment at which somebody looks after it, and no other has one.
        sa.CheckConstraint("(hold_until IS NOT NULL) = (state = 'held')", name="one_held_has_a_deadline"),
        sa.CheckConstraint(f"(miss_at IS NOT NULL) = ({_AHEAD})", name="one_ahead_has_a_deadline"),
        sa.CheckConstraint("(overdue_at IS NOT NULL) = (state = 'started')", name="one_under_way_has_a_deadline"),
        sa.CheckConstraint("(unpaid_at IS NOT NULL) = (state = 'finished')", name="one_to_be_paid_has_a_deadline"),
        sa.CheckConstraint("staff_by IS NULL OR state = 'placed'", name="only_a_placed_one_is_staffed"),
        sa.CheckConstraint(f"late_at IS NULL OR {_AHEAD}", name="only_one_ahead_is_late"),
        sa.CheckConstraint(f"authorize_at IS NULL OR {_AHEAD}", name="only_one_ahead_is_authorized"),
        *(
            sa.Index(f"ix_community_order_{column}", column, postgresql_where=sa.text(f"{column} IS NOT NULL"))
            for column in _DEADLINES
        ),
        # However often it is sent, the same help is ordered once.
        sa.Index(
            "uq_community_order_once",
            "resident_id",
            "offer_id",
            "wanted_at",
            unique=True,
            postgresql_where=sa.text("state NOT IN ('expired', 'cancelled', 'no_access')"),
        ),
        sa.Index(
            "uq_community_order_occurrence",
            "series_id",
            "occurrence_at",
            unique=True,
            # What a change of the series or an absence called off can be ordered again.
            postgresql_where=sa.text(
                "series_id IS NOT NULL AND (cancel_reason IS NULL OR cancel_reason NOT IN ('series', 'away'))"
            ),
        ),
        sa.Index("ix_community_order_resident_id", "resident_id", "starts_at", "id"),
        sa.Index("ix_community_order_organization_id", "organization_id", "starts_at", "id"),
        sa.Index(
            "ix_community_order_worker_id",
            "worker_id",
            "starts_at",
            "id",
            postgresql_where=sa.text("worker_id IS NOT NULL"),
        ),
        sa.Index(
            "ix_community_order_placed",
            "community_id",
            "starts_at",
            "id",
            postgresql_where=sa.text("state = 'placed'"),
        ),
        sa.Index("ix_community_order_ends_at", "ends_at"),
        {"postgresql_with": {"fillfactor": 80}},
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID = Field(description="of the resident")
    ordered_by: uuid.UUID = Field(description="the account that ordered: theirs, or of whoever may order for them")
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    offer_id: uuid.UUID = Field(foreign_key="community_service_offer.id")
    offer_version: int = Field(description="of the price, as agreed")
    service_id: uuid.UUID = Field(foreign_key="community_home_service.id")
    category: str
    series_id: uuid.UUID | None = None
    occurrence_at: datetime | None = optional_instant(description="when the series has it")
    rework_of: uuid.UUID | None = Field(default=None, description="the order that was paid, of which this is done anew")
    state: str = "held"

    wanted_at: datetime = instant(description="when it was ordered for")
    flexibility: timedelta = Field(sa_type=sa.Interval, description="how much earlier or later it may be planned")
    starts_at: datetime = instant(description="as planned")
    ends_at: datetime = instant()
    time_zone: str = Field(description="on whose wall it is")
    place: str | None = sealed(default=None, description="JSON: address, building, latitude, longitude, as ordered")
    options: dict[str, int] = jsonb(description="what more was wanted, how often")
    skills: list[str] = text_array(description="codes of what whoever comes must be able to")
    certificates: list[str] = text_array(description="those of the skills that must have been proved")
    wished_worker_id: uuid.UUID | None = None
    wished_languages: list[str] = text_array(description="BCP 47, the best first")
    wished_sex: str | None = None
    instructions: str | None = sealed(default=None)
    door_code: str | None = sealed(default=None)
    start_code: str | None = sealed(default=None, description="what the resident tells whoever comes")
    start_digest: bytes | None = Field(
        default=None, sa_type=sa.LargeBinary, description="the keyed digest it is compared by"
    )
    wrong_codes: int = Field(default=0, sa_type=sa.SmallInteger)

    lines: list[dict[str, Any]] = jsonb(description="the price, line by line, as agreed")
    total_amount: int = Field(sa_type=sa.BigInteger, description="minor units: the sum of the lines")
    currency: str = Field(max_length=3)
    payment_method: str
    payment_method_id: uuid.UUID | None = None
    notice_period: timedelta = Field(sa_type=sa.Interval, description="as agreed")
    late_percent: int = Field(sa_type=sa.SmallInteger, description="hundredths of the total, as agreed")
    extra_duration: timedelta = Field(default=timedelta(), sa_type=sa.Interval, description="agreed while it went on")
    extra_amount: int = Field(default=0, sa_type=sa.BigInteger)
    fee_amount: int = Field(default=0, sa_type=sa.BigInteger, description="for calling off late, or a closed door")

    worker_id: uuid.UUID | None = Field(default=None, description="the account of whoever comes, or came")
    reservation_id: uuid.UUID | None = None

    hold_until: datetime | None = optional_instant(description="when what is not paid for is let go")
    authorize_at: datetime | None = optional_instant(description="when its money is asked for, where that can wait")
    staff_by: datetime | None = optional_instant(description="when somebody hears that nobody is assigned yet")
    late_at: datetime | None = optional_instant(description="when everybody hears that nobody has come yet")
    miss_at: datetime | None = optional_instant(description="when it counts as not kept")
    overdue_at: datetime | None = optional_instant(description="when somebody looks after whoever has not finished")
    overdue_step: int = Field(default=0, sa_type=sa.SmallInteger)
    unpaid_at: datetime | None = optional_instant(description="when the provider hears that it is not paid")

    placed_at: datetime | None = optional_instant()
    assigned_at: datetime | None = optional_instant()
    on_the_way_at: datetime | None = optional_instant()
    started_at: datetime | None = optional_instant()
    finished_at: datetime | None = optional_instant()
    closed_at: datetime | None = optional_instant(description="when it was over, however it ended")
    cancelled_by: str | None = None
    cancel_reason: str | None = None
    cancel_note: str | None = sealed(default=None)
    checklist: list[dict[str, Any]] = jsonb(description="what is to be done, as it was ordered")
    done: list[str] = text_array(description="codes of the checklist that were ticked")
    undone: str | None = sealed(default=None, description="why the rest was left")


class OrderChange(Table, table=True):
    """A change of an order's state: written once, never changed."""

    __tablename__ = "community_order_change"
    privacy: ClassVar[Privacy] = _help(
        "to show who changed an order, and when",
        Retention.with_row("community_order"),
        erasure="redact",
        redacted=("note",),
        also=("worker_id",),
    )
    __table_args__ = (
        sa.CheckConstraint(f"to_state IN {_STATES}", name="to_state"),
        sa.CheckConstraint("who IN ('resident', 'worker', 'provider', 'operator', 'hearthline')", name="who"),
        sa.Index("ix_community_order_change_order_id", "order_id", "id"),
        sa.Index("ix_community_order_change_resident_id", "resident_id"),
        sa.Index("ix_community_order_change_worker_id", "worker_id", postgresql_where=sa.text("worker_id IS NOT NULL")),
    )

    order_id: uuid.UUID = Field(foreign_key="community_order.id")
    resident_id: uuid.UUID
    transition: str = Field(description="as the table of them is called; order: how it began")
    from_state: str | None = None
    to_state: str
    who: str
    changed_by: uuid.UUID | None = Field(default=None, description="empty: Hearthline itself")
    worker_id: uuid.UUID | None = Field(default=None, description="whom it concerns of those who come")
    reason: str | None = Field(default=None, description="a code")
    note: str | None = sealed(default=None)
    occurred_at: datetime | None = optional_instant(description="when it was done, where the phone said so itself")


class OrderPosition(Table, table=True):
    """Where whoever is on the way is now: one row for each order, and none once they are there."""

    __tablename__ = "community_order_position"
    privacy: ClassVar[Privacy] = Privacy(
        subject="worker_id",
        purpose="to show who waits when somebody comes",
        basis=Basis.CONTRACT,
        retention=Retention.with_row("community_order"),
        recipients=(Recipient.GRANTED, Recipient.EMPLOYER),
    )
    __table_args__ = (
        sa.UniqueConstraint("order_id"),
        sa.Index("ix_community_order_position_worker_id", "worker_id"),
    )

    order_id: uuid.UUID = Field(foreign_key="community_order.id")
    worker_id: uuid.UUID
    fix: str = sealed(description="JSON: latitude, longitude, accuracy in metres")
    measured_at: datetime = instant()


class OrderExtra(Table, table=True):
    """More time that whoever is there asked for, what it costs, and what the resident said."""

    __tablename__ = "community_order_extra"
    privacy: ClassVar[Privacy] = _help("to agree on more time", Retention.with_row("community_order"))
    __table_args__ = (
        sa.CheckConstraint("state IN ('asked', 'approved', 'declined', 'lapsed')", name="state"),
        sa.CheckConstraint("duration > interval '0' AND amount >= 0", name="extra"),
        sa.CheckConstraint("(answer_by IS NOT NULL) = (state = 'asked')", name="one_asked_has_a_deadline"),
        sa.Index(
            "uq_community_order_extra_asked", "order_id", unique=True, postgresql_where=sa.text("state = 'asked'")
        ),
        sa.Index("ix_community_order_extra_order_id", "order_id", "id"),
        sa.Index("ix_community_order_extra_resident_id", "resident_id"),
        sa.Index("ix_community_order_extra_answer_by", "answer_by", postgresql_where=sa.text("answer_by IS NOT NULL")),
    )

    order_id: uuid.UUID = Field(foreign_key="community_order.id")
    resident_id: uuid.UUID
    asked_by: uuid.UUID
    duration: timedelta = Field(sa_type=sa.Interval)
    amount: int = Field(sa_type=sa.BigInteger, description="minor units")
    reason: str | None = sealed(default=None)
    state: str = "asked"
    answer_by: datetime | None = optional_instant(description="when silence is a no")
    answered_by: uuid.UUID | None = None
    answered_at: datetime | None = optional_instant()


class OrderNote(Table, table=True):
    """What whoever was there wrote down, and whether the resident seemed unwell."""

    __tablename__ = "community_order_note"
    privacy: ClassVar[Privacy] = _help("to tell what was found at the home", Retention.with_row("community_order"))
    __table_args__ = (
        sa.Index("ix_community_order_note_order_id", "order_id", "id"),
        sa.Index("ix_community_order_note_resident_id", "resident_id", "id"),
    )

    order_id: uuid.UUID = Field(foreign_key="community_order.id")
    resident_id: uuid.UUID
    author_id: uuid.UUID
    text: str = sealed()
    is_resident_unwell: bool = False
    written_at: datetime | None = optional_instant(description="when it was, where the phone said so itself")


ORDERS, CHANGES, POSITIONS = table_of(Order), table_of(OrderChange), table_of(OrderPosition)
EXTRAS, NOTES = table_of(OrderExtra), table_of(OrderNote)

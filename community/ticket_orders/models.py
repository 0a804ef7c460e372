"""The tables of tickets: what was bought together, each ticket of it, and how much of something somebody has a day."""

import uuid
from datetime import date, datetime
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, years
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, sealed, table_of

HOLDER: Final = "community_ticket.holder"

_STATES: Final = "('held', 'valid', 'admitted', 'refunded', 'cancelled', 'expired')"


def _visit(purpose: str, retention: Retention, **options: Any) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention=retention,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        **options,
    )


class TicketOrder(Table, table=True):
    """What was bought of one organization in one go, as a part of a cart; whoever buys at a desk need be no resident.

    ``lines`` is the price as it was agreed, ``terms`` by attraction what giving back and moving come to.
    """

    __tablename__ = "community_ticket_order"
    privacy: ClassVar[Privacy] = _visit(
        "to sell tickets and to give money back by what was agreed",
        Retention.pruned(years(3), "ends_at"),
        erasure="redact",
        redacted=("lines",),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('held', 'confirmed', 'expired', 'cancelled')", name="state"),
        sa.CheckConstraint("channel IN ('online', 'office', 'reseller', 'trip')", name="channel"),
        sa.CheckConstraint("payment_method IN ('card', 'provider', 'none')", name="payment_method"),
        sa.CheckConstraint("(payment_method = 'card') = (payment_method_id IS NOT NULL)", name="a_card_is_named"),
        sa.CheckConstraint("total_amount >= 0 AND discount_amount >= 0", name="amounts"),
        sa.CheckConstraint("refunded_amount BETWEEN 0 AND total_amount", name="nothing_is_given_back_twice"),
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        sa.CheckConstraint("(hold_until IS NOT NULL) = (state = 'held')", name="one_held_has_a_deadline"),
        sa.CheckConstraint("give_back_at IS NULL OR state IN ('held', 'confirmed')", name="only_a_live_one_gives_back"),
        sa.CheckConstraint("(closed_at IS NOT NULL) = (state IN ('expired', 'cancelled'))", name="closed"),
        # However often it is sent, the same is bought once; whoever wants the same again says so.
        sa.Index(
            "uq_community_ticket_order_once",
            "resident_id",
            "digest",
            unique=True,
            postgresql_where=sa.text("state IN ('held', 'confirmed') AND digest IS NOT NULL"),
        ),
        sa.Index(
            "ix_community_ticket_order_hold_until", "hold_until", postgresql_where=sa.text("hold_until IS NOT NULL")
        ),
        sa.Index(
            "ix_community_ticket_order_give_back_at",
            "give_back_at",
            postgresql_where=sa.text("give_back_at IS NOT NULL"),
        ),
        sa.Index("ix_community_ticket_order_cart_id", "cart_id"),
        sa.Index("ix_community_ticket_order_resident_id", "resident_id", "starts_at", "id"),
        sa.Index("ix_community_ticket_order_organization_id", "organization_id", "starts_at", "id"),
        sa.Index("ix_community_ticket_order_ends_at", "ends_at"),
        {"postgresql_with": {"fillfactor": 80}},
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    cart_id: uuid.UUID = Field(description="what was bought in one go, perhaps of several organizations")
    resident_id: uuid.UUID | None = Field(default=None, foreign_key="identity_resident.id")
    account_id: uuid.UUID | None = Field(default=None, description="of the resident")
    buyer_id: uuid.UUID | None = Field(
        default=None, description="the account that bought: theirs, of whoever may for them, or who sold it"
    )
    channel: str = "online"
    state: str = "held"
    digest: bytes | None = Field(default=None, sa_type=sa.LargeBinary, description="of what is wanted once")
    hold_until: datetime | None = optional_instant(description="when what is not paid for is let go")
    give_back_at: datetime | None = optional_instant(description="when tickets of slots that are called off go back")
    starts_at: datetime = instant(description="of the first slot")
    ends_at: datetime = instant(description="of the last slot")
    total_amount: int = Field(sa_type=sa.BigInteger, description="minor units: the sum of its tickets")
    discount_amount: int = Field(default=0, sa_type=sa.BigInteger, description="what a voucher took off")
    refunded_amount: int = Field(default=0, sa_type=sa.BigInteger)
    currency: str = Field(max_length=3)
    payment_method: str
    payment_method_id: uuid.UUID | None = None
    voucher_id: uuid.UUID | None = None
    lines: list[dict[str, Any]] = jsonb(description="the price, line by line, as agreed")
    terms: dict[str, Any] = jsonb(description="by attraction: what giving back and moving come to, as agreed")
    confirmed_at: datetime | None = optional_instant()
    closed_at: datetime | None = optional_instant(description="when all of it was over without a visit")
    close_reason: str | None = None


class Ticket(Table, table=True):
    """One ticket for one slot: ``persons`` may come in by it, once, or again the same day where ``reentry`` says so.

    Its ``revision`` goes up with every change of what its code says; codes of earlier ones do not count any more.
    """

    __tablename__ = "community_ticket"
    privacy: ClassVar[Privacy] = _visit(
        "to let in whoever has bought a ticket",
        Retention.with_row("community_ticket_order"),
        erasure="redact",
        redacted=("holder",),
    )
    __table_args__ = (
        sa.CheckConstraint(f"state IN {_STATES}", name="state"),
        sa.CheckConstraint("persons BETWEEN 1 AND 255", name="persons"),
        sa.CheckConstraint("revision BETWEEN 1 AND 255", name="revision"),
        sa.CheckConstraint("price_amount >= 0 AND list_amount >= 0", name="amounts"),
        sa.CheckConstraint("refunded_amount BETWEEN 0 AND price_amount", name="refund"),
        sa.CheckConstraint("valid_until > valid_from", name="period"),
        sa.CheckConstraint("reentry IN ('none', 'same_day')", name="reentry"),
        sa.CheckConstraint("(admitted_at IS NOT NULL) = (state = 'admitted')", name="admitted"),
        sa.Index("ix_community_ticket_order_id", "order_id", "id"),
        sa.Index("ix_community_ticket_slot_id", "slot_id", "state"),
        sa.Index("ix_community_ticket_attraction_id", "attraction_id", "valid_from"),
        sa.Index("ix_community_ticket_resident_id", "resident_id", "valid_from"),
        {"postgresql_with": {"fillfactor": 80}},
    )

    order_id: uuid.UUID = Field(foreign_key="community_ticket_order.id")
    community_id: uuid.UUID
    organization_id: uuid.UUID
    attraction_id: uuid.UUID
    slot_id: uuid.UUID
    product_id: uuid.UUID
    resident_id: uuid.UUID | None = Field(default=None, description="whose day it is")
    holder: str | None = sealed(default=None, description="JSON: name and the document's last characters")
    card_id: uuid.UUID | None = Field(default=None, description="the citizen card by which it was had")
    persons: int = Field(default=1, sa_type=sa.SmallInteger)
    list_amount: int = Field(sa_type=sa.BigInteger, description="minor units, before any voucher, without its extras")
    price_amount: int = Field(sa_type=sa.BigInteger, description="minor units: what is paid for it, extras included")
    addons: list[dict[str, Any]] = jsonb(default_factory=list, description="extras: id, name, quantity, amount")
    valid_from: datetime = instant()
    valid_until: datetime = instant()
    revision: int = Field(default=1, sa_type=sa.SmallInteger)
    state: str = "held"
    is_named: bool = Field(default=False, description="the name is checked at the gate")
    needs_entitlement: str | None = Field(default=None, description="what must be shown at the gate")
    counted_on: date | None = Field(default=None, description="the day for whose allowance it counts, if it does")
    reentry: str = "none"
    admitted_at: datetime | None = optional_instant()
    refunded_amount: int = Field(default=0, sa_type=sa.BigInteger)
    closed_at: datetime | None = optional_instant(description="when it was let go, given back or called off")
    close_reason: str | None = None


class TicketAllowance(Table, table=True):
    """How many tickets of a product a resident has for one day: no sale goes beyond ``most``."""

    __tablename__ = "community_ticket_allowance"
    privacy: ClassVar[Privacy] = _visit(
        "to leave something for everybody: so many a person and day",
        Retention.pruned(years(1), "ends_at"),
    )
    __table_args__ = (
        sa.CheckConstraint("taken BETWEEN 0 AND most", name="taken"),
        sa.UniqueConstraint("resident_id", "product_id", "day"),
        sa.Index("ix_community_ticket_allowance_ends_at", "ends_at"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    product_id: uuid.UUID
    day: date
    taken: int
    most: int
    ends_at: datetime = instant(description="when the day is over")


ORDERS, TICKETS, ALLOWANCES = table_of(TicketOrder), table_of(Ticket), table_of(TicketAllowance)

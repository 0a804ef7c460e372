"""The tables of who is looked for: how the search for an order stands, and who was asked to take it."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, instant, optional_instant, table_of, text_array


def _help(purpose: str, *, also: tuple[str, ...] = ()) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention=Retention.with_row("community_order"),
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        also=also,
    )


class OrderSearch(Table, table=True):
    """How the search for somebody who carries out an order stands: one row for each order that was ever placed."""

    __tablename__ = "community_order_search"
    privacy: ClassVar[Privacy] = _help("to find somebody in time, and to say so when nobody is found")
    __table_args__ = (
        sa.CheckConstraint("state IN ('looking', 'offered', 'unfilled', 'over')", name="state"),
        sa.CheckConstraint("mode IN ('assign', 'offer')", name="mode"),
        # A search that is not over is looked after again; one that is, is not.
        sa.CheckConstraint("(look_at IS NULL) = (state = 'over')", name="one_that_goes_on_has_a_deadline"),
        sa.CheckConstraint("(reason IS NOT NULL) = (state = 'unfilled')", name="nobody_is_found_for_a_reason"),
        sa.UniqueConstraint("order_id"),
        sa.Index("ix_community_order_search_look_at", "look_at", postgresql_where=sa.text("look_at IS NOT NULL")),
        sa.Index("ix_community_order_search_resident_id", "resident_id"),
        {"postgresql_with": {"fillfactor": 80}},
    )

    order_id: uuid.UUID = Field(foreign_key="community_order.id")
    resident_id: uuid.UUID
    state: str = "looking"
    mode: str | None = Field(default=None, description="as the provider chose for this order; empty: as it offers it")
    begun_at: datetime = instant(description="who was asked before may be asked again")
    wave: int = Field(default=0, sa_type=sa.SmallInteger, description="how often several were asked")
    look_at: datetime | None = optional_instant(description="when it is looked for somebody again")
    reason: str | None = Field(default=None, description="a code: why nobody was found")
    skills: list[str] = text_array(description="those that too few people have")
    told_at: datetime | None = optional_instant(description="when the resident heard that nobody is found yet")


class OrderOffer(Table, table=True):
    """An order that somebody may take, if they are the first to say so."""

    __tablename__ = "community_order_offer"
    privacy: ClassVar[Privacy] = _help("to ask who takes an order", also=("worker_id",))
    __table_args__ = (
        sa.CheckConstraint("state IN ('offered', 'accepted', 'declined', 'lapsed', 'withdrawn')", name="state"),
        sa.CheckConstraint("(answered_at IS NULL) = (state = 'offered')", name="one_that_is_open_has_no_answer"),
        # Nobody is asked twice at once, and an order is never two people's, whatever code thinks.
        sa.Index(
            "uq_community_order_offer_open",
            "order_id",
            "worker_id",
            unique=True,
            postgresql_where=sa.text("state = 'offered'"),
        ),
        sa.Index(
            "uq_community_order_offer_accepted",
            "order_id",
            unique=True,
            postgresql_where=sa.text("state = 'accepted'"),
        ),
        sa.Index("ix_community_order_offer_order_id", "order_id", "id"),
        sa.Index(
            "ix_community_order_offer_worker_id",
            "worker_id",
            "answer_by",
            "id",
        ),
        sa.Index("ix_community_order_offer_resident_id", "resident_id"),
    )

    order_id: uuid.UUID = Field(foreign_key="community_order.id")
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    worker_id: uuid.UUID = Field(description="the account of whoever is asked")
    state: str = "offered"
    offered_at: datetime = instant()
    answer_by: datetime = instant(description="when silence is a no")
    answered_at: datetime | None = optional_instant(description="by them, by the clock, or because somebody was faster")


SEARCHES: Final = table_of(OrderSearch)
OFFERS: Final = table_of(OrderOffer)

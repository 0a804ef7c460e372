"""The tables of itineraries: what was asked and planned, each stop of it, and who comes along."""

import uuid
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, sealed, table_of

ASKED: Final = "community_itinerary.asked"
PAUSES: Final = "community_itinerary_stop.pauses"


def _outing(purpose: str, retention: Retention, **options: Any) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention=retention,
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED,),
        erasure="delete",
        **options,
    )


class Itinerary(Table, table=True):
    """Days out of a resident: what was wished for and needed, and what was planned of it.

    ``days`` is how each day ends: on which day, when one is back, and how. ``look_at`` is when somebody looks next
    whether all goes as planned.
    """

    __tablename__ = "community_itinerary"
    privacy: ClassVar[Privacy] = _outing(
        "to plan days out that suit a resident, and to help on the way", Retention.pruned(years(1), "ends_at")
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('open', 'over', 'dropped')", name="state"),
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        sa.CheckConstraint("price_amount >= 0", name="price_amount"),
        sa.CheckConstraint("(look_at IS NOT NULL) = (state = 'open')", name="one_open_is_looked_after"),
        sa.Index("ix_community_itinerary_resident_id", "resident_id", "starts_at", "id"),
        sa.Index("ix_community_itinerary_look_at", "look_at", postgresql_where=sa.text("look_at IS NOT NULL")),
        sa.Index("ix_community_itinerary_ends_at", "ends_at"),
        {"postgresql_with": {"fillfactor": 80}},
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID = Field(description="of the resident")
    planned_by: uuid.UUID = Field(description="the account that planned it: theirs, or of whoever may for them")
    state: str = "open"
    time_zone: str = Field(description="on whose wall the days are")
    starts_at: datetime = instant(description="of the first day, as it was asked for")
    ends_at: datetime = instant(description="of the last day, as it was asked for")
    asked: str = sealed(description="JSON: days, from where, wishes, needs, budget")
    days: list[dict[str, Any]] = jsonb(description="each day with a stop: number, day, back_at, way_back, mode_back")
    left_out: list[dict[str, Any]] = jsonb(description="attraction_id and why, a code")
    price_amount: int = Field(sa_type=sa.BigInteger, description="minor units, as planned")
    currency: str = Field(max_length=3)
    is_exact: bool = Field(description="there is no better plan")
    look_at: datetime | None = optional_instant(description="when somebody looks whether all goes as planned")
    hinted: list[str] = jsonb(default_factory=list, description="what people were told of it on the way")


class ItineraryStop(Table, table=True):
    """A visit of an itinerary, as planned, whether it is booked, and whether they were there."""

    __tablename__ = "community_itinerary_stop"
    privacy: ClassVar[Privacy] = _outing(
        "to show where a day out leads and when", Retention.with_row("community_itinerary")
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('ahead', 'arrived', 'left', 'skipped', 'off')", name="state"),
        sa.CheckConstraint("booking IN ('none', 'held', 'booked', 'lost')", name="booking"),
        sa.CheckConstraint("(booking IN ('held', 'booked')) <= (order_id IS NOT NULL)", name="booked_by_an_order"),
        sa.CheckConstraint("slot_id IS NOT NULL OR booking = 'none'", name="only_a_slot_is_booked"),
        sa.CheckConstraint("mode IN ('stay', 'foot', 'ride')", name="mode"),
        sa.CheckConstraint("leaves_at > enters_at AND enters_at >= arrives_at", name="period"),
        sa.UniqueConstraint("itinerary_id", "position"),
        sa.Index("ix_community_itinerary_stop_resident_id", "resident_id"),
        sa.Index("ix_community_itinerary_stop_attraction_id", "attraction_id", "enters_at"),
        sa.Index("ix_community_itinerary_stop_slot_id", "slot_id", postgresql_where=sa.text("slot_id IS NOT NULL")),
        sa.Index("ix_community_itinerary_stop_order_id", "order_id", postgresql_where=sa.text("order_id IS NOT NULL")),
    )

    itinerary_id: uuid.UUID = Field(foreign_key="community_itinerary.id", ondelete="CASCADE")
    resident_id: uuid.UUID
    attraction_id: uuid.UUID
    position: int = Field(sa_type=sa.SmallInteger, description="from 0, over all days")
    day: date = Field(description="on the itinerary's wall")
    slot_id: uuid.UUID | None = None
    items: list[dict[str, Any]] = jsonb(description="what is booked of the slot: product_id, quantity")
    persons: int = Field(sa_type=sa.SmallInteger)
    price_amount: int = Field(sa_type=sa.BigInteger, description="minor units, for all, as planned")
    leaves_for_at: datetime = instant(description="when to set out from where one is before")
    way: timedelta = Field(sa_type=sa.Interval)
    mode: str
    arrives_at: datetime = instant()
    enters_at: datetime = instant()
    enter_until: datetime = instant(description="when it is too late to go in")
    leaves_at: datetime = instant()
    pauses: str | None = sealed(default=None, description="JSON: when to sit down, and what for")
    why: str = Field(description="a code: why then")
    state: str = "ahead"
    checked_at: datetime | None = optional_instant(description="when they said where they are")
    booking: str = "none"
    order_id: uuid.UUID | None = Field(default=None, description="of the tickets")


class ItineraryCompanion(Table, table=True):
    """Somebody who comes along, and sees where the day leads until it is over."""

    __tablename__ = "community_itinerary_companion"
    privacy: ClassVar[Privacy] = _outing(
        "to let whoever comes along know where and when",
        Retention.with_row("community_itinerary"),
        also=("account_id",),
    )
    __table_args__ = (
        sa.UniqueConstraint("itinerary_id", "account_id"),
        sa.Index("ix_community_itinerary_companion_resident_id", "resident_id"),
        sa.Index("ix_community_itinerary_companion_account_id", "account_id"),
    )

    itinerary_id: uuid.UUID = Field(foreign_key="community_itinerary.id", ondelete="CASCADE")
    resident_id: uuid.UUID
    account_id: uuid.UUID
    added_by: uuid.UUID = Field(description="the account that let them")


ITINERARIES, STOPS, COMPANIONS = table_of(Itinerary), table_of(ItineraryStop), table_of(ItineraryCompanion)

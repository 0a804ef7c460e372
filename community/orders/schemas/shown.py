"""What people see of orders: each side what it needs, and no more."""

import uuid
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, Field

from app.media.api import MediaPublic
from community.housekeeping.rules import Category
from community.housekeeping.schemas import OptionWanted, QuoteLine, QuotePublic, Step
from community.orders.rules import CancelReason, Method, Sex, Side, State, Who


class SubsidyShare(BaseModel):
    """What a programme would pay of a price."""

    programme_id: uuid.UUID
    amount: int = Field(description="minor units")


class HomeOrderQuotePublic(QuotePublic):
    """What help would cost at a resident's home, and what is left to them of it; nothing is held by asking."""

    subsidies: list[SubsidyShare] = Field(description="what programmes would pay as of now, the first one first")
    own_amount: int = Field(description="minor units: what the resident would pay")


class OrderPublic(BaseModel):
    """An order as everybody sees it who may know of it."""

    id: uuid.UUID
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    provider: str = Field(description="what the provider is called")
    service_id: uuid.UUID
    category: Category
    series_id: uuid.UUID | None
    rework_of: uuid.UUID | None = Field(description="the order of which this is done anew, for nothing")
    state: State
    wanted_at: datetime = Field(description="when it was ordered for")
    flexibility: timedelta
    starts_at: datetime = Field(description="as planned")
    ends_at: datetime = Field(description="with what was agreed while it went on")
    time_zone: str
    is_late: bool = Field(description="somebody should be there by now, and nobody is")
    worker_id: uuid.UUID | None
    worker: str | None = Field(description="what whoever comes is called")
    total: int = Field(description="minor units, with the time that was added")
    currency: str
    payment_method: Method
    free_until: datetime = Field(description="until when it is called off freely")
    late_fee: int = Field(description="minor units: what calling off later, or a closed door, costs")
    fee: int = Field(description="minor units that were owed for that")
    version: int


class OrderChangePublic(BaseModel):
    """A change of an order's state."""

    at: datetime
    told_at: datetime | None = Field(description="when we heard of it, where whoever did it had no network")
    transition: str
    state: State
    who: Who
    changed_by: uuid.UUID | None
    worker_id: uuid.UUID | None
    reason: str | None
    note: str | None


class OrderExtraPublic(BaseModel):
    """More time that was asked for."""

    id: uuid.UUID
    duration: timedelta
    amount: int = Field(description="minor units")
    reason: str | None
    state: Literal["asked", "approved", "declined", "lapsed"]
    answer_by: datetime | None


class OrderNotePublic(BaseModel):
    """What whoever was there wrote down."""

    id: uuid.UUID
    at: datetime
    told_at: datetime | None = Field(description="when we heard of it, where whoever wrote it had no network")
    text: str
    is_resident_unwell: bool


class OrderPayment(BaseModel):
    """How an order is paid: how its authorization stands, and what is owed and paid."""

    authorization: str | None = Field(description="state of the authorization; empty: there is none")
    authorized: int = Field(description="minor units")
    authorization_id: uuid.UUID | None = Field(description="by which the payer's app answers what their bank asks")
    charged: int | None = Field(description="minor units that are owed in all, once it is done")
    paid: int | None


class OrderDetail(OrderPublic):
    """An order with all that the reader's side may see of it."""

    sides: list[Side]
    ordered_by: uuid.UUID
    lines: list[QuoteLine]
    options: list[OptionWanted]
    payment: OrderPayment | None = Field(description="for who pays, and for the provider")
    payment_method_id: uuid.UUID | None
    wished_worker_id: uuid.UUID | None
    wished_languages: list[str]
    wished_sex: Sex | None
    address: str | None = Field(description="for the provider, and for whoever comes")
    building: str | None
    latitude: float | None
    longitude: float | None
    instructions: str | None
    start_code: str | None = Field(description="for the resident alone, when they look: they tell it at the door")
    checklist: list[Step]
    done: list[str]
    undone_reason: str | None
    hold_until: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    cancelled_by: Who | None
    cancel_reason: CancelReason | None
    cancel_note: str | None
    extras: list[OrderExtraPublic]
    notes: list[OrderNotePublic]
    photos: list[MediaPublic]
    history: list[OrderChangePublic]


class StopPublic(OrderPublic):
    """An order in the day of whoever carries it out."""

    name: str = Field(description="whom they go to")
    language: str
    address: str | None
    building: str | None
    latitude: float | None
    longitude: float | None
    shows_door: bool = Field(description="how to get in can be asked for now")


class DoorPublic(BaseModel):
    """How to get in; whoever sees it is on record."""

    door_code: str | None
    instructions: str | None
    until: datetime


class OrderPositionPublic(BaseModel):
    """Where whoever is on the way was last."""

    latitude: float
    longitude: float
    accuracy: float = Field(description="metres")
    measured_at: datetime

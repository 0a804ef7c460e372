"""What is shown and said while somebody is looked for."""

import uuid
from datetime import date, datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from community.housekeeping.rules import Category
from community.order_dispatch.rules import Mode, OfferState, Why
from community.orders.schemas.shown import OrderPositionPublic, OrderPublic
from community.workers.rules import Kind, Vehicle


class DispatchBegin(BaseModel):
    """How somebody is to be found for an order."""

    model_config = ConfigDict(extra="forbid")

    mode: Mode = Field(description="assign: whoever suits best is sent; offer: several are asked, the first one goes")


class CandidatePublic(BaseModel):
    """Somebody who is looked at for an order."""

    account_id: uuid.UUID
    worker: str = Field(description="what residents are told of who comes")
    points: int = Field(description="more: the order suits them better")
    reasons: list[str] = Field(description="where the points come from, each in one sentence")
    obstacles: list[str] = Field(description="why they are not sent by Hearthline, each in one sentence")


class OrderOfferPublic(BaseModel):
    """Somebody who was asked to take an order."""

    id: uuid.UUID
    worker_id: uuid.UUID
    state: OfferState
    offered_at: datetime
    answer_by: datetime
    answered_at: datetime | None


class MyOrderOfferPublic(BaseModel):
    """An order that the reader may take: when it is and what it is, and how far; not yet whose home it is."""

    id: uuid.UUID
    order_id: uuid.UUID
    organization_id: uuid.UUID
    category: Category
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    skills: list[str]
    wished_languages: list[str]
    distance: int | None = Field(description="metres from where the reader sets out, to the next 500")
    answer_by: datetime = Field(description="when silence is a no")


class UnfilledOrderPublic(OrderPublic):
    """An order that nobody carries out yet."""

    remaining: timedelta = Field(description="until it begins; less than nothing: it should have begun")
    asked: int = Field(description="how many may still take it")
    why: Why | None = Field(description="why nobody was found; empty: it is still looked for somebody")
    explanation: str | None = Field(description="the same in one sentence")
    missing_skills: list[str] = Field(description="those that too few people have")
    resident_told_at: datetime | None = Field(description="when the resident heard that nobody is found yet")
    looked_again_at: datetime | None


class BoardOrderPublic(OrderPublic):
    """An order as its provider's desk sees it beside the others: for whom and where it is, and who is looked for."""

    name: str | None = Field(description="whom it is for")
    language: str | None
    address: str | None
    building: str | None
    latitude: float | None
    longitude: float | None
    asked: int = Field(description="how many may still take it")
    why: Why | None = Field(description="why nobody was found; empty: nobody has yet been looked for in vain")
    explanation: str | None = Field(description="the same in one sentence")
    missing_skills: list[str] = Field(description="those that too few people have")
    resident_told_at: datetime | None = Field(description="when the resident heard that nobody is found yet")
    looked_again_at: datetime | None
    position: OrderPositionPublic | None = Field(description="where whoever comes was last, while they are on the way")


class OrderCustomerPublic(BaseModel):
    """Whom an order is for."""

    name: str
    language: str


class SpanPublic(BaseModel):
    """From when to when."""

    starts_at: datetime
    ends_at: datetime


class DayExceptionPublic(BaseModel):
    """Local times of a day at which somebody's hours are others."""

    kind: Kind
    starts: datetime
    ends: datetime


class WorkerTaskPublic(SpanPublic):
    """Something somebody is to do on a day, and the way there from what is before it."""

    order_id: uuid.UUID | None = Field(description="empty: something else, such as a care visit")
    way: timedelta | None = Field(description="how long it takes there; empty: where either is is not known")
    is_late: bool = Field(description="less time is left between than the way takes, or the two are at once")
    is_outside_hours: bool


class WorkerDayPublic(BaseModel):
    """A worker's day: when they are there, what they are to do, and the ways between."""

    worker_id: uuid.UUID
    account_id: uuid.UUID
    worker: str = Field(description="what residents are told of who comes")
    vehicle: Vehicle
    latitude: float | None = Field(description="from where they set out")
    longitude: float | None
    is_sent: bool = Field(description="they are given work: neither put aside nor suspended")
    hours: list[SpanPublic] = Field(description="empty: they are not there that day")
    exceptions: list[DayExceptionPublic]
    tasks: list[WorkerTaskPublic]


class WorkerDaysPublic(BaseModel):
    """A day of a provider's people."""

    organization_id: uuid.UUID
    provider: str = Field(description="what the provider is called")
    day: date
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    items: list[WorkerDayPublic]

"""What is shown and said while somebody is looked for."""

import uuid
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from community.housekeeping.rules import Category
from community.order_dispatch.rules import Mode, OfferState, Why
from community.orders.schemas.shown import OrderPublic


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

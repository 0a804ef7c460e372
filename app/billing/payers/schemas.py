"""Payers as they are asked, as they answer, and what they see."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.billing.charges.rules import LARGEST

State = Literal["offered", "accepted", "declined", "ended"]
Limit = Annotated[int, Field(gt=0, le=LARGEST, strict=True, description="minor units of the community's currency")]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PayerInvite(_Given):
    """Somebody is asked to pay for a resident."""

    account_id: uuid.UUID
    month_limit: Limit | None = Field(default=None, description="at most so much for what is done in one month")


class PayerAnswer(_Given):
    """What somebody says who was asked to pay; they may set the limit they want."""

    accept: bool
    month_limit: Limit | None = Field(default=None, description="instead of the one that was proposed")


class PayerPublic(BaseModel):
    """Who pays for a resident, or was asked to."""

    id: uuid.UUID
    account_id: uuid.UUID
    name: str
    state: State
    month_limit: int | None
    created_at: datetime
    accepted_at: datetime | None
    ended_at: datetime | None


class PaidForPublic(BaseModel):
    """For whom somebody pays, or was asked to."""

    id: uuid.UUID
    resident_id: uuid.UUID
    resident_name: str
    state: State
    month_limit: int | None
    created_at: datetime
    accepted_at: datetime | None
    ended_at: datetime | None

"""Payouts as they are shown, and the terms they are made on."""

import uuid
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.billing.charges.rules import LARGEST
from app.billing.payouts.rules import AccountState, Cadence, TransferState

LAST_DAYS = {"weekly": 7, "monthly": 28}


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Onboarding(_Given):
    """In which country an organization has its account."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", examples=["IE"], description="ISO 3166-1")]


class OnboardingLink(BaseModel):
    """Where the organization says what the gateway wants to know; it opens once, and soon."""

    url: str


class PayoutAccountPublic(BaseModel):
    """An organization's account at the gateway."""

    id: uuid.UUID
    gateway: str
    country: str
    state: AccountState
    wanting: list[str] = Field(description="what the gateway still wants to know, in its words")
    failure: str | None
    version: int


class TermsGiven(_Given):
    """When an organization is paid out, and what of."""

    cadence: Cadence
    day: Annotated[int, Field(ge=1, le=28, strict=True, description="ISO weekday, or day of the month")]
    minimum_amount: Annotated[int, Field(ge=1, le=LARGEST, strict=True, description="minor units")]
    hold_days: Annotated[int, Field(ge=0, le=90, strict=True)]

    @model_validator(mode="after")
    def _has_that_day(self) -> Self:
        if self.day > LAST_DAYS[self.cadence]:
            raise ValueError("a week has seven days")
        return self


class TermsPublic(BaseModel):
    """When an organization is paid out: at midnight where its community is, the next time at ``cut_off_at``."""

    cadence: Cadence
    day: int
    minimum_amount: int
    hold_days: int
    cut_off_at: datetime
    version: int


class FeeGiven(_Given):
    """What the platform keeps of what it collects."""

    rate: Annotated[int, Field(ge=0, le=5_000, strict=True, description="ten-thousandths")]


class FeePublic(BaseModel):
    """What the platform keeps of what it collects for an organization, of what is charged from now on."""

    rate: int = Field(description="ten-thousandths")


class PayoutBalance(BaseModel):
    """What an organization is still to be paid out, in minor units; ``payable`` is the sum of the four others.

    ``available`` is what would be paid out now; below zero it was paid out too much, which is carried over.
    """

    currency: str
    payable: int
    on_its_way: int = Field(description="to be sent, or asked for")
    frozen: int = Field(description="must stay until a dispute or complaint is decided")
    waiting: int = Field(description="not paid by the resident yet, or not long enough ago")
    available: int


class TransferPublic(BaseModel):
    """Money paid out to an organization, or taken back from it (``reverses_id``)."""

    id: uuid.UUID
    organization_id: uuid.UUID
    reverses_id: uuid.UUID | None
    cut_off_at: datetime | None
    amount: int = Field(description="minor units")
    reversed_amount: int
    currency: str
    state: TransferState
    failure: str | None
    created_at: datetime
    ended_at: datetime | None


class TransferItemPublic(BaseModel):
    """What of a transfer is for one charge; below zero: it was paid out too much before."""

    charge_id: uuid.UUID
    reference_kind: str
    reference_id: uuid.UUID
    amount: int


class TransferDetail(TransferPublic):
    """A transfer with what it is for: the items add up to its amount."""

    items: list[TransferItemPublic]


class Reversing(_Given):
    """How much is taken back of a transfer."""

    amount: Annotated[int, Field(gt=0, le=LARGEST, strict=True, description="minor units")]

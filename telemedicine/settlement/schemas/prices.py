"""A clinic's terms and prices, as they are given and shown."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.core.instants import GivenInstant
from telemedicine.clinics.schemas.clinics import Name
from telemedicine.settlement.rules.splitting import Tier

City = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40, examples=["shanghai"])]
ItemCode = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$", examples=["video-visit"])]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class BillingTermsWrite(_Given):
    """On which terms a clinic bills."""

    city: City = Field(description="as insurers' schemes name it")
    tier: Tier = Field(description="community clinic, secondary or tertiary hospital")
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["CNY"])]
    payment_days: int = Field(default=30, ge=1, le=365, description="from when an own share is known until it is due")


class BillingTermsPublic(BaseModel):
    """On which terms a clinic bills."""

    model_config = ConfigDict(from_attributes=True)

    organization_id: uuid.UUID
    city: str
    tier: Tier
    currency: str
    payment_days: int
    version: int


class ChargeItemWrite(_Given):
    """The price of a service from an instant on; it takes the place of the code's price before it."""

    code: ItemCode
    name: Name
    visit_type_id: uuid.UUID | None = Field(default=None, description="billed by itself for visits of this type")
    amount: int = Field(ge=0, le=100_000_000, strict=True, description="minor units of the clinic's currency")
    valid_from: GivenInstant | None = Field(default=None, description="now unless said")
    valid_until: GivenInstant | None = Field(default=None, description="if it is known when it ends")


class ChargeItemPublic(BaseModel):
    """The price of a service from an instant on."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    organization_id: uuid.UUID
    code: str
    name: dict[str, str]
    visit_type_id: uuid.UUID | None
    amount: int
    currency: str
    valid_from: datetime
    valid_until: datetime | None

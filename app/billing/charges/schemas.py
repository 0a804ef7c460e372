"""Charges and payments as they are recorded and shown."""

import uuid
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.billing.charges.rules import LARGEST, ChargeState, Collector, DeskKind, PaymentKind, PlatformKind
from app.core.instants import GivenInstant

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Slip = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Amount = Annotated[int, Field(gt=0, le=LARGEST, strict=True, description="minor units: cents, fen")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["CNY"], description="ISO 4217")]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PaymentRecord(_Given):
    """Money the desk took, all of what is owed or a part of it."""

    kind: DeskKind
    amount: Amount
    currency: Currency
    received_at: GivenInstant | None = Field(default=None, description="now unless said")
    reference: Slip | None = Field(default=None, description="of the transfer, or the terminal's slip: counted once")

    @model_validator(mode="after")
    def _can_be_traced(self) -> Self:
        if self.kind != "cash" and self.reference is None:
            raise ValueError("a transfer or a terminal's payment has a reference")
        return self


class PlatformPaymentRecord(_Given):
    """Money that arrived at the platform for a charge: a transfer, or what a sponsor sent."""

    kind: PlatformKind
    amount: Amount
    currency: Currency
    received_at: GivenInstant | None = Field(default=None, description="now unless said")
    reference: Slip = Field(description="of the transfer: counted once for a charge, and may pay several")


class RefundRecord(_Given):
    """Money given back of a payment, in the way it came."""

    amount: Amount
    reason: Words


class PaymentPublic(BaseModel):
    """A payment, or what was given back of one (``refunds_id``): what a receipt is made from."""

    id: uuid.UUID
    charge_id: uuid.UUID
    kind: PaymentKind
    amount: int
    refunded_amount: int
    currency: str
    received_at: datetime
    taken_by: Collector = Field(description="who has the money: the organization itself, or the platform")
    recorded_by: uuid.UUID
    reference: str | None
    refunds_id: uuid.UUID | None
    reason: str | None


class ChargePublic(BaseModel):
    """What somebody owes an organization, and what of it is paid."""

    id: uuid.UUID
    payer_id: uuid.UUID
    organization_id: uuid.UUID
    amount: int
    paid_amount: int
    credited_amount: int = Field(description="of the amount, waived later: it is not owed")
    collected_by: Collector
    currency: str
    reference_kind: str
    reference_id: uuid.UUID
    due_at: datetime
    state: ChargeState
    created_at: datetime
    closed_at: datetime | None
    version: int


class ChargeDetail(ChargePublic):
    """A charge with its payments, the first one first."""

    payments: list[PaymentPublic]

"""Saved cards as their owner sees them."""

import uuid
from datetime import datetime

from pydantic import BaseModel, Field

from app.billing.wallet.rules import State


class PaymentMethodPublic(BaseModel):
    """A card that is saved, or about to be."""

    id: uuid.UUID
    state: State
    gateway: str = Field(description="stripe, or local")
    brand: str | None
    last4: str | None
    expires_month: int | None
    expires_year: int | None
    saved_at: datetime | None


class SetupBegun(BaseModel):
    """A card that is being saved; the app goes on at the gateway with ``client_secret``, which is kept nowhere."""

    payment_method: PaymentMethodPublic
    client_secret: str

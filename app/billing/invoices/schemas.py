"""Invoices, credit notes and statements as they are shown."""

import uuid
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class IssuerWrite(BaseModel):
    """How an organization is named on what it issues from now on."""

    model_config = ConfigDict(extra="forbid")

    name: Line = Field(description="as it is registered")
    address: Line
    tax_number: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)] | None = None


class IssuerPublic(BaseModel):
    """How an organization is named on what it issues."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    address: str
    tax_number: str | None
    version: int


class InvoicePublic(BaseModel):
    """An invoice, or a credit note for what of it was waived; the document itself is its PDF."""

    id: uuid.UUID
    organization_id: uuid.UUID
    resident_id: uuid.UUID
    charge_id: uuid.UUID
    kind: Literal["invoice", "credit_note"]
    number: str = Field(description="without a gap, by organization, kind and year", examples=["2026-000017"])
    issued_on: date
    issued_at: datetime
    currency: str
    amount: int = Field(description="minor units, with the tax in it")
    tax_amount: int


class StatementLine(BaseModel):
    """What was owed or paid at a moment; what was paid is negative."""

    at: datetime
    kind: str
    how: str | None = Field(description="how it was paid, if it was")
    amount: int


class ResidentStatement(BaseModel):
    """A month of a resident's account with the platform: from what was owed at its beginning to what is at its end."""

    month: date
    currency: str
    opening: int
    lines: list[StatementLine]
    closing: int


class ProviderStatement(BaseModel):
    """A month between the platform and a provider, in minor units.

    ``opening + gross - cancelled - refunds - fees + fees_back - taken + taken_back - paid_out + paid_back + other``
    is ``closing``: what is still payable.
    """

    month: date
    currency: str
    opening: int
    gross: int = Field(description="services charged")
    cancelled: int
    refunds: int = Field(description="waived by credit notes")
    fees: int
    fees_back: int = Field(description="of what was waived or cancelled")
    taken: int = Field(description="at the provider's own desk")
    taken_back: int = Field(description="given back there")
    paid_out: int
    paid_back: int
    other: int = Field(description="disputes and corrections")
    closing: int
    subsidies: int = Field(description="of the payments: what programmes paid, less what they got back")

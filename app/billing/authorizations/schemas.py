"""Authorizations as packages above ask for them, and as they are shown."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from app.billing.authorizations.rules import Method, State


@dataclass(frozen=True, slots=True)
class Authorizing:
    """What is to be paid for something that is still to be done, in minor units.

    ``payer_account_id`` is who pays the resident's part, with ``payment_method_id`` (a saved card of theirs) or to the
    provider itself: the resident, ``ordered_by``, or somebody who agreed to pay for the resident. ``is_present``: the
    payer is there and can prove who they are to their bank.
    """

    community_id: uuid.UUID
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    payer_account_id: uuid.UUID
    amount: int
    currency: str
    category: str
    reference_kind: str
    reference_id: uuid.UUID
    service_at: datetime
    payment_method_id: uuid.UUID | None = None
    is_present: bool = True
    ordered_by: uuid.UUID | None = None

    @property
    def method(self) -> Method:
        """Return how the resident's part is paid."""
        return "provider" if self.payment_method_id is None else "card"


@dataclass(frozen=True, slots=True)
class Line:
    """A part of what something came to: ``amount`` with its tax in it, ``tax_rate`` in ten-thousandths."""

    code: str
    name: Mapping[str, str]
    quantity: int
    amount: int
    tax_rate: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the line as a charge keeps it."""
        return {
            "code": self.code,
            "name": dict(self.name),
            "quantity": self.quantity,
            "amount": self.amount,
            "tax_rate": self.tax_rate,
        }


@dataclass(frozen=True, slots=True)
class Settling:
    """What something came to in the end. ``takes_fee``: the platform keeps its part of it, as of most."""

    lines: Sequence[Line]
    due_at: datetime
    takes_fee: bool = True

    @property
    def amount(self) -> int:
        """Return the sum of the lines."""
        return sum(line.amount for line in self.lines)


class AuthorizationPublic(BaseModel):
    """Money that is promised for something: all of it, what programmes pay of it, and how it stands."""

    id: uuid.UUID
    state: State
    method: Method
    amount: int = Field(description="minor units")
    subsidy_amount: int = Field(description="what programmes pay of it")
    currency: str
    payer_account_id: uuid.UUID
    failure: str | None = Field(description="the gateway's code of why it failed")
    authorized_at: datetime | None


class ActionNeeded(BaseModel):
    """What the payer's app needs so that they prove to their bank who they are (3-D Secure); for them alone."""

    gateway: str = Field(description="stripe, or local")
    client_secret: str
    redirect_url: str | None = Field(
        description="the page to open in a browser, which leads back to the portal; empty: only an app goes on"
    )
    amount: int = Field(description="minor units: what is to be held")
    currency: str


class AuthorizationOfPayer(BaseModel):
    """How money stands that you promised for something: what it is for, and your own part of it."""

    id: uuid.UUID
    state: State
    method: Method
    reference_kind: str = Field(description="home_order, ticket_order, or another kind of thing that is paid for")
    reference_id: uuid.UUID
    service_at: datetime
    amount: int = Field(description="minor units: of what programmes leave of it")
    currency: str
    failure: str | None = Field(description="the gateway's code of why it failed")


class PaidForOther(BaseModel):
    """What somebody pays for a resident: how much, when and for which kind of service; nothing else of it."""

    id: uuid.UUID
    resident_id: uuid.UUID
    category: str
    service_at: datetime
    state: State
    amount: int = Field(description="minor units: what they promised, of what programmes leave of it")
    currency: str

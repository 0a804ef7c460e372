"""Disputes as they are shown and answered."""

import datetime as dt
import uuid
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.billing.disputes.rules import State
from app.billing.gateways.port import Evidence

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]


class EvidenceGivenIn(BaseModel):
    """What is said against a dispute: given once, and for good. It is sent to the payer's bank."""

    model_config = ConfigDict(extra="forbid")

    explanation: Words = Field(description="why the money was owed")
    what_was_done: Words | None = None
    done_on: dt.date | None = None
    file: Annotated[str, Field(pattern=r"^file_[A-Za-z0-9_]{1,64}$")] | None = Field(
        default=None, description="the gateway's id of a file that was uploaded to it"
    )

    def as_asked(self) -> Evidence:
        """Return it as the gateway is asked."""
        done_on = None if self.done_on is None else self.done_on.isoformat()
        return Evidence(self.explanation, self.what_was_done, done_on, self.file)


class DisputePublic(BaseModel):
    """A dispute of what was paid on a card; ``frozen_amount`` of it is not paid out for now."""

    id: uuid.UUID
    organization_id: uuid.UUID
    charge_id: uuid.UUID | None
    amount: int = Field(description="minor units")
    frozen_amount: int
    currency: str
    reason: str = Field(description="the gateway's word for it")
    state: State
    evidence_due_at: datetime | None
    has_evidence: bool = Field(description="whether evidence was given")
    submitted_at: datetime | None = Field(description="when the bank had it")
    failure: str | None
    created_at: datetime
    closed_at: datetime | None
    version: int

"""A proposal as it is made of a prescription, shown, confirmed and rejected."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from eldercare.check_ins.schemas import WallTime
from eldercare.medication.schemas.amounts import Shown
from eldercare.medication.schemas.regimens import RegimenPlan
from eldercare.regimen_proposals.rules import Standing, State


class PrescribedTiming(BaseModel):
    """When it is taken, as far as the prescription has that structured."""

    frequency: int | None = None
    period_days: int = 1
    times_of_day: list[str] = []
    as_needed: bool = False


class PrescribedDose(BaseModel):
    """How much is taken at a time."""

    value: float
    unit: str


class Prescribed(BaseModel):
    """What a prescription says that whoever plans the doses needs: nothing of why it was prescribed."""

    name: str
    system: str | None = None
    code: str | None = None
    dosage: str
    timing: PrescribedTiming | None = None
    dose: PrescribedDose | None = None
    starts_on: date | None = None
    valid_until: date | None = None
    prescriber: str | None = None


@dataclass(frozen=True, slots=True)
class Prescription:
    """A prescription as it stands, for whoever follows it. ``replaces`` are those before it, the nearest first.

    ``last_day`` is the last one for which there is something to take, once no more is handed out.
    """

    id: uuid.UUID
    version: int
    community_id: uuid.UUID
    resident_id: uuid.UUID
    standing: Standing
    is_urgent: bool
    says: Prescribed
    last_day: date | None
    replaces: Sequence[uuid.UUID]


class RegimenSuggestion(BaseModel):
    """What the structured timing of a prescription suggests; nothing of it holds until somebody confirms it."""

    timing: Literal["times", "as_needed"]
    times: list[WallTime]
    rrule: str | None
    quantity: Shown | None
    unit: str | None
    starts_on: date | None


class RegimenProposalPublic(BaseModel):
    """A prescription that is to become a regimen. ``dosage`` are the prescriber's words, as they stand there."""

    id: uuid.UUID
    resident_id: uuid.UUID
    state: State
    prescription_id: uuid.UUID
    prescription_version: int
    prescribed: Prescribed
    suggestion: RegimenSuggestion | None
    is_urgent: bool
    replaces_id: uuid.UUID | None = Field(description="the regimen that ends when this one begins")
    regimen_id: uuid.UUID | None
    begins_at: datetime | None = Field(description="when a confirmed one takes the place of the old")
    ends_at: datetime | None = Field(description="when what was prescribed is used up")
    next_step_at: datetime | None = Field(description="when people hear of it again, unless it is answered")
    created_at: datetime
    answered_at: datetime | None
    answered_by: uuid.UUID | None
    reason: str | None
    version: int


class ProposalConfirmation(RegimenPlan):
    """When and how much the resident takes, as somebody confirms it; the drug is the prescription's."""

    allow_overlap: bool = Field(default=False, description="although there is another regimen of the same drug")


class ProposalRejection(BaseModel):
    """Why it is not taken up: whoever prescribed it is told."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]

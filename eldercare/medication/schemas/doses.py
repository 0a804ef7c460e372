"""What is shown and recorded of doses, and how they are counted."""

import uuid
from datetime import date, datetime
from typing import Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from app.core.instants import GivenInstant
from eldercare.medication.rules import (
    How,
    Outcome,
    SkipReason,
    State,
)
from eldercare.medication.schemas.amounts import Amount, Note, Shown

Excuse = Literal["away", "hospital", "paused", "stopped", "closed"]
DoseKind = Literal["planned", "as_needed", "extra"]


class DosePublic(BaseModel):
    """A dose; ``due_at`` of one that was not planned is when it was taken."""

    id: uuid.UUID
    resident_id: uuid.UUID
    regimen_id: uuid.UUID
    kind: DoseKind
    drug_name: str
    drug_strength: str | None
    quantity: Shown
    unit: str
    due_at: datetime
    local_date: date
    state: State
    critical: bool
    window_ends_at: datetime
    excuse: Excuse | None
    taken_at: datetime | None
    recorded_at: datetime | None
    recorded_by: uuid.UUID | None
    how: How | None
    late: bool
    confirmed: bool
    skip_reason: SkipReason | None
    note: str | None
    version: int


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")

    taken_at: GivenInstant | None = Field(default=None, description="without it: now")
    quantity: Amount | None = Field(default=None, description="where it differs from what was planned")
    how: Literal["gave", "saw", "told"] | None = Field(
        default=None, description="needed when somebody records it for the resident: gave it, saw it, was told"
    )
    note: Note | None = None
    confirmed: bool = Field(default=False, description="record it although a warning was answered")


class DoseRecord(_Record):
    """What came of a planned dose."""

    status: Outcome
    skip_reason: SkipReason | None = Field(default=None, description="needed with `skipped`")

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if (self.skip_reason is None) == (self.status == "skipped"):
            raise ValueError("a skipped dose has a skip_reason, a taken one has none")
        if self.status == "skipped" and (self.taken_at is not None or self.quantity is not None):
            raise ValueError("what was skipped has neither taken_at nor quantity")
        return self


class AsNeededDose(_Record):
    """A dose that was taken because it was needed."""


class WeekOfRegimen(BaseModel):
    """What came of a regimen's planned doses in a week, counted as FHIR's MedicationAdministration states it.

    Excused doses (in hospital, away, paused) and doses that are still awaited are not counted.
    """

    regimen_id: uuid.UUID
    drug_name: str
    week: date = Field(description="its Monday")
    completed: int
    not_done: int = Field(description="skipped, with a reason")
    unknown: int = Field(description="nobody recorded anything")
    percent: int | None = Field(description="completed of a hundred, rounded down")


class Adherence(BaseModel):
    """What came of planned doses, week by week, the latest week first."""

    first_week: date
    weeks: list[WeekOfRegimen]

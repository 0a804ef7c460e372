"""A prescription as it is drafted, checked, signed, asked for again and shown."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from app.core.instants import GivenDay
from telemedicine.prescriptions.rules import Code, Dispensing, Status, Warned
from telemedicine.records.schemas.parts import CodeableConcept, Coding, LongText, Part, Quantity, Words

_WallTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


def _times(texts: list[str]) -> list[str]:
    if len(set(texts)) != len(texts):
        raise ValueError("each only once")
    return sorted(texts)


class DosageTiming(Part):
    """When it is taken, as far as that is structured (FHIR: Timing, asNeededBoolean). Words alone never become this."""

    frequency: int | None = Field(default=None, ge=1, le=12, description="so many times in the period")
    period_days: int = Field(default=1, ge=1, le=31)
    times_of_day: Annotated[list[_WallTime], AfterValidator(_times)] = Field(
        default=[], max_length=12, examples=[["08:00", "20:00"]]
    )
    as_needed: bool = False

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if self.frequency is None and not self.times_of_day and not self.as_needed:
            raise ValueError("give a frequency, times_of_day or as_needed")
        if self.times_of_day and self.frequency not in (None, len(self.times_of_day)):
            raise ValueError("frequency is another number than there are times_of_day")
        return self


class PrescriptionContent(Part):
    """What is prescribed (FHIR: MedicationRequest, intent ``order``)."""

    medication: CodeableConcept
    ingredients: list[Coding] = Field(default=[], max_length=10, description="what it consists of, to be checked by")
    dosage: Words = Field(description="as it stands on the label")
    timing: DosageTiming | None = None
    dose: Quantity | None = Field(default=None, description="how much is taken at a time")
    dispense: Quantity | None = Field(default=None, description="how much is handed out at a time")
    supply_days: int | None = Field(default=None, ge=1, le=366, description="how long that lasts")
    repeats: int = Field(default=0, ge=0, le=12, description="how often it can be handed out after the first time")
    priority: Literal["routine", "urgent", "asap", "stat"] = "routine"
    starts_on: GivenDay | None = None
    valid_until: GivenDay | None = Field(default=None, description="the last day on which it can be dispensed")
    reason: CodeableConcept | None = None
    note: LongText | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.starts_on is not None and self.valid_until is not None and self.valid_until < self.starts_on:
            raise ValueError("valid_until lies before starts_on")
        return self

    def codes(self) -> frozenset[Code]:
        """Return the codes it is checked by."""
        return frozenset((coding.system, coding.code) for coding in [*self.ingredients, *self.medication.codings])


class PrescriptionDraft(Part):
    """A draft, whole."""

    content: PrescriptionContent
    replaces_id: uuid.UUID | None = Field(default=None, description="stopped when this one is signed")
    encounter_id: uuid.UUID | None = Field(default=None, description="the video visit or encounter it is made in")
    organization_id: uuid.UUID | None = Field(
        default=None, description="for which clinic, said by who treats the resident at several; it stays"
    )


class PrescriptionWarning(BaseModel):
    """Something in the resident's record that shares a code with what is prescribed."""

    kind: Warned
    id: uuid.UUID = Field(description="of the allergy's health record, or of the other prescription")
    code: Coding = Field(description="the code both have")


class PrescriptionCheck(BaseModel):
    """What an exact comparison of codes found. It is no decision aid: nothing found does not mean that it is safe."""

    basis: Literal["exact_codes"] = Field(
        default="exact_codes",
        description="only codes that are equal are found: no classes, no interactions, nothing that stands in words",
    )
    has_codes: bool = Field(description="false: what is prescribed has no code, so nothing could be compared")
    uncoded_allergies: int = Field(description="allergies that stand in words alone, to be read by a person")
    warnings: list[PrescriptionWarning]


class WarningAcknowledgement(Part):
    """That a warning was seen, and why it is signed in spite of it."""

    kind: Warned
    id: uuid.UUID
    reason: Words


class PrescriptionSign(Part):
    """The signature: with a word on each warning."""

    acknowledged: list[WarningAcknowledgement] = Field(default=[], max_length=100)


class PrescriptionEnd(Part):
    """Why it ends."""

    reason: Words


class Objection(BaseModel):
    """That whoever keeps the medication plan does not take it up, and why."""

    at: datetime
    by: uuid.UUID
    reason: str


class PrescriptionPublic(BaseModel):
    """A prescription."""

    id: uuid.UUID
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    status: Status
    content: PrescriptionContent
    author_id: uuid.UUID
    author_name: str | None
    practitioner_id: uuid.UUID | None = Field(description="whoever signed it, or drafted it, in the clinic's directory")
    created_at: datetime
    encounter_id: uuid.UUID | None
    replaces_id: uuid.UUID | None
    signed_at: datetime | None
    signed_by: uuid.UUID | None
    signer_name: str | None
    licence_number: str | None
    acknowledged: list[WarningAcknowledgement]
    dispensed: int = Field(description="how often it was handed out")
    dispenses_allowed: int = Field(description="once and the repeats")
    dispensing: Dispensing
    taken_until: date | None = Field(description="the last day for which what was handed out counts")
    objection: Objection | None
    updated_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    version: int


class RenewalRequest(Part):
    """What is said with asking for it again."""

    note: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)] | None = None


class RenewalAnswer(Part):
    """Whether it is prescribed again: then a draft of the same is made, which is still to be signed."""

    granted: bool
    reason: Words | None = None


class RenewalPublic(BaseModel):
    """A request for a prescription again."""

    id: uuid.UUID
    resident_id: uuid.UUID
    prescription_id: uuid.UUID
    state: Literal["requested", "granted", "declined"]
    requested_by: uuid.UUID
    created_at: datetime
    note: str | None
    next_step_at: datetime | None = Field(description="when others of the clinic hear of it, unless it is answered")
    answered_at: datetime | None
    answer: str | None
    draft_id: uuid.UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescriptionQuery:
    """Which prescriptions of a resident's are meant, of those one may see: nothing given, all."""

    ids: Collection[uuid.UUID] | None = None
    statuses: Collection[str] | None = None
    codes: Collection[Code] | None = None
    practitioner_ids: Collection[uuid.UUID] | None = None
    encounter_ids: Collection[uuid.UUID] | None = None
    authored_since: datetime | None = None
    authored_before: datetime | None = None
    updated_since: datetime | None = None
    updated_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class PrescriptionStanding:
    """A signed prescription as it stands, for what follows from it elsewhere.

    ``is_replaced``: another one was signed in its place; ``replaces`` are those before it, the nearest first.
    """

    id: uuid.UUID
    version: int
    community_id: uuid.UUID
    resident_id: uuid.UUID
    status: Status
    content: PrescriptionContent
    signer_name: str | None
    taken_until: date | None
    is_replaced: bool
    replaces: Sequence[uuid.UUID]

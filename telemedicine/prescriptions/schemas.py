"""A prescription as it is drafted, checked, signed, asked for again and shown."""

import uuid
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from app.core.instants import GivenDay
from telemedicine.prescriptions.rules import Code, Status, Warned
from telemedicine.records.schemas.parts import CodeableConcept, Coding, LongText, Part, Quantity, Words


class PrescriptionContent(Part):
    """What is prescribed (FHIR: MedicationRequest, intent ``order``)."""

    medication: CodeableConcept
    ingredients: list[Coding] = Field(default=[], max_length=10, description="what it consists of, to be checked by")
    dosage: Words = Field(description="as it stands on the label")
    dispense: Quantity | None = Field(default=None, description="how much is handed out at a time")
    repeats: int = Field(default=0, ge=0, le=12)
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

    def is_valid_on(self, day: date) -> bool:
        """Say whether it can be dispensed on a day, or later."""
        return self.valid_until is None or day <= self.valid_until

    def codes(self) -> frozenset[Code]:
        """Return the codes it is checked by."""
        return frozenset((coding.system, coding.code) for coding in [*self.ingredients, *self.medication.codings])


class PrescriptionDraft(Part):
    """A draft, whole."""

    content: PrescriptionContent
    replaces_id: uuid.UUID | None = Field(default=None, description="stopped when this one is signed")
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


class PrescriptionPublic(BaseModel):
    """A prescription."""

    id: uuid.UUID
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    status: Status
    content: PrescriptionContent
    author_id: uuid.UUID
    author_name: str | None
    created_at: datetime
    replaces_id: uuid.UUID | None
    signed_at: datetime | None
    signed_by: uuid.UUID | None
    signer_name: str | None
    licence_number: str | None
    acknowledged: list[WarningAcknowledgement]
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
    answered_at: datetime | None
    answer: str | None
    draft_id: uuid.UUID | None

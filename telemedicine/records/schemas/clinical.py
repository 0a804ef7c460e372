"""Conditions, allergies, immunizations and observations, with the value sets of FHIR R4 (4.0.1)."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from app.core.instants import GivenInstant
from telemedicine.records.rules import When
from telemedicine.records.schemas.parts import (
    CodeableConcept,
    Coding,
    Content,
    Day,
    LongText,
    Name,
    Part,
    Quantity,
    ReferenceRange,
    known,
    ordered,
)


class ConditionContent(Content):
    """A problem or diagnosis (FHIR: Condition)."""

    kind: Literal["condition"]
    clinical_status: Literal["active", "recurrence", "relapse", "inactive", "remission", "resolved"]
    verification_status: Literal["unconfirmed", "provisional", "differential", "confirmed", "refuted"]
    category: Literal["problem-list-item", "encounter-diagnosis"] = "problem-list-item"
    severity: Literal["mild", "moderate", "severe"] | None = None
    code: CodeableConcept
    onset: Day | None = None
    abatement: Day | None = None

    @model_validator(mode="after")
    def _has_abated_or_not(self) -> Self:
        # FHIR R4, invariant con-4.
        if self.abatement is not None and self.clinical_status not in ("inactive", "remission", "resolved"):
            raise ValueError("what has abated is inactive, in remission or resolved")
        return self

    def stated_status(self) -> str:
        """Return the clinical status."""
        return self.clinical_status

    def stated_codes(self) -> list[Coding]:
        """Return what it is."""
        return self.code.codings

    def stated_categories(self) -> list[str]:
        """Return whether it is a problem or a diagnosis."""
        return [self.category]

    def effective(self) -> When | None:
        """Return when it began."""
        return self.onset

    def happened(self) -> Iterator[tuple[str, When]]:
        """Yield begin and end."""
        yield from known(("onset", self.onset), ("abatement", self.abatement))

    def in_order(self) -> Iterator[tuple[str, When, When]]:
        """Yield begin and end."""
        yield from ordered("abatement", self.onset, self.abatement)


class AllergyReaction(Part):
    """How somebody reacted (FHIR: AllergyIntolerance.reaction)."""

    manifestations: list[CodeableConcept] = Field(min_length=1, max_length=5)
    severity: Literal["mild", "moderate", "severe"] | None = None
    onset: Day | None = None


class AllergyContent(Content):
    """What somebody does not tolerate (FHIR: AllergyIntolerance)."""

    kind: Literal["allergy"]
    clinical_status: Literal["active", "inactive", "resolved"]
    verification_status: Literal["unconfirmed", "confirmed", "refuted"]
    type: Literal["allergy", "intolerance"] | None = None
    categories: list[Literal["food", "medication", "environment", "biologic"]] = Field(default=[], max_length=4)
    criticality: Literal["low", "high", "unable-to-assess"] | None = None
    code: CodeableConcept
    onset: Day | None = None
    last_occurrence: Day | None = None
    reactions: list[AllergyReaction] = Field(default=[], max_length=10)

    def stated_status(self) -> str:
        """Return the clinical status."""
        return self.clinical_status

    def stated_codes(self) -> list[Coding]:
        """Return what is not tolerated."""
        return self.code.codings

    def stated_categories(self) -> list[str]:
        """Return what sort of things it is."""
        return [*self.categories]

    def effective(self) -> When | None:
        """Return when it began."""
        return self.onset

    def happened(self) -> Iterator[tuple[str, When]]:
        """Yield begin, last time and each reaction."""
        yield from known(
            ("onset", self.onset),
            ("last_occurrence", self.last_occurrence),
            *((f"reactions/{place}/onset", reaction.onset) for place, reaction in enumerate(self.reactions)),
        )

    def in_order(self) -> Iterator[tuple[str, When, When]]:
        """Yield begin and last time."""
        yield from ordered("last_occurrence", self.onset, self.last_occurrence)


class ImmunizationContent(Content):
    """A vaccine that was given, or was not (FHIR: Immunization)."""

    kind: Literal["immunization"]
    status: Literal["completed", "not-done"]
    status_reason: CodeableConcept | None = Field(default=None, description="why it was not given")
    vaccine: CodeableConcept
    occurrence: Day
    lot_number: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)] | None = None
    expires: Day | None = None
    performer: Name | None = None
    series: Name | None = None
    dose_number: int | None = Field(default=None, ge=1, le=20)

    @model_validator(mode="after")
    def _has_a_reason_not_to(self) -> Self:
        if self.status_reason is not None and self.status != "not-done":
            raise ValueError("only what was not given has a reason not to be")
        return self

    def stated_status(self) -> str:
        """Return whether it was given."""
        return self.status

    def stated_codes(self) -> list[Coding]:
        """Return the vaccine."""
        return self.vaccine.codings

    def effective(self) -> When | None:
        """Return when it was given."""
        return self.occurrence

    def happened(self) -> Iterator[tuple[str, When]]:
        """Yield when it was given."""
        yield "occurrence", self.occurrence


class ObservationContent(Content):
    """Something that was measured or found (FHIR: Observation). Vital signs have an API of their own."""

    kind: Literal["observation"]
    status: Literal["registered", "preliminary", "final", "amended", "corrected", "cancelled", "unknown"]
    category: Literal[
        "social-history", "imaging", "laboratory", "procedure", "survey", "exam", "therapy", "activity"
    ] = "laboratory"
    code: CodeableConcept
    effective_at: GivenInstant
    quantity: Quantity | None = None
    concept: CodeableConcept | None = None
    text: LongText | None = None
    data_absent_reason: (
        Literal[
            "unknown",
            "asked-unknown",
            "temp-unknown",
            "not-asked",
            "asked-declined",
            "masked",
            "not-applicable",
            "unsupported",
            "as-text",
            "error",
            "not-a-number",
            "negative-infinity",
            "positive-infinity",
            "not-performed",
            "not-permitted",
        ]
        | None
    ) = None
    interpretation: Literal["LL", "L", "N", "H", "HH", "A", "AA"] | None = None
    reference_range: ReferenceRange | None = None
    device: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")] | None = Field(
        default=None, description="what measured it"
    )

    @model_validator(mode="after")
    def _has_one_value(self) -> Self:
        values = [value for value in (self.quantity, self.concept, self.text) if value is not None]
        if len(values) > 1:
            raise ValueError("one of quantity, concept and text")
        # FHIR R4, invariant obs-6.
        if values and self.data_absent_reason is not None:
            raise ValueError("a value, or the reason why there is none")
        if not values and self.data_absent_reason is None and self.status not in ("registered", "cancelled"):
            raise ValueError("without a value it says why there is none")
        if self.reference_range is not None and self.quantity is None:
            raise ValueError("only a quantity has usual values")
        return self

    def stated_status(self) -> str:
        """Return how final it is."""
        return self.status

    def stated_codes(self) -> list[Coding]:
        """Return what was observed."""
        return self.code.codings

    def stated_categories(self) -> list[str]:
        """Return what sort of observation it is."""
        return [self.category]

    def effective(self) -> When | None:
        """Return when it was so."""
        return self.effective_at

    def happened(self) -> Iterator[tuple[str, When]]:
        """Yield when it was so."""
        yield "effective_at", self.effective_at

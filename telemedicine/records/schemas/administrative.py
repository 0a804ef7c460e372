"""Documents, encounters, care plans and coverage, with the value sets of FHIR R4 (4.0.1)."""

import uuid
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from app.core.instants import GivenDay, GivenInstant
from telemedicine.records.rules import When
from telemedicine.records.schemas.parts import (
    CodeableConcept,
    Coding,
    Content,
    LongText,
    Name,
    Part,
    Words,
    known,
    ordered,
)


class DocumentContent(Content):
    """A paper or picture about the resident (FHIR: DocumentReference): an upload for the purpose ``document``.

    A letter that is nothing but words has them as its note.
    """

    kind: Literal["document"]
    status: Literal["current", "superseded"] = "current"
    doc_status: Literal["preliminary", "final", "amended"] | None = None
    type: CodeableConcept | None = None
    title: Name
    written_at: GivenInstant | None = None
    media_id: uuid.UUID | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.media_id is None and self.note is None:
            raise ValueError("a file, or words in the note")
        return self

    def stated_status(self) -> str:
        """Return whether it still counts."""
        return self.status

    def stated_codes(self) -> list[Coding]:
        """Return what sort of document it is."""
        return self.type.codings if self.type else []

    def effective(self) -> When | None:
        """Return when it was written."""
        return self.written_at

    def happened(self) -> Iterator[tuple[str, When]]:
        """Yield when it was written."""
        yield from known(("written_at", self.written_at))

    def file_id(self) -> uuid.UUID | None:
        """Return its file."""
        return self.media_id


class EncounterContent(Content):
    """A contact with a clinic (FHIR: Encounter). Those that happen here are written by Hearthline itself."""

    kind: Literal["encounter"]
    status: Literal["planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled", "unknown"]
    encounter_class: Literal["AMB", "VR", "HH"] = Field(
        description="v3-ActCode: at the clinic, at a distance, at the resident's home"
    )
    starts_at: GivenInstant
    ends_at: GivenInstant | None = None
    reason: CodeableConcept | None = None

    def stated_status(self) -> str:
        """Return how far it is."""
        return self.status

    def stated_codes(self) -> list[Coding]:
        """Return what it was for."""
        return self.reason.codings if self.reason else []

    def stated_categories(self) -> list[str]:
        """Return where it was."""
        return [self.encounter_class]

    def effective(self) -> When | None:
        """Return when it began."""
        return self.starts_at

    def happened(self) -> Iterator[tuple[str, When]]:
        """Yield begin and end, unless it lies ahead or was called off."""
        if self.status not in ("planned", "cancelled"):
            yield from known(("starts_at", self.starts_at), ("ends_at", self.ends_at))

    def in_order(self) -> Iterator[tuple[str, When, When]]:
        """Yield begin and end."""
        yield from ordered("ends_at", self.starts_at, self.ends_at)


class ClinicalPlanActivity(Part):
    """What is to be done (FHIR: CarePlan.activity.detail)."""

    status: Literal[
        "not-started", "scheduled", "in-progress", "on-hold", "completed", "cancelled", "stopped", "unknown"
    ]
    code: CodeableConcept | None = None
    description: Words


class ClinicalPlanContent(Content):
    """What a clinic means to do (FHIR: CarePlan)."""

    kind: Literal["care_plan"]
    status: Literal["draft", "active", "on-hold", "revoked", "completed", "unknown"]
    intent: Literal["proposal", "plan", "order", "option"] = "plan"
    category: CodeableConcept | None = None
    title: Name
    description: LongText | None = None
    starts_on: GivenDay | None = None
    ends_on: GivenDay | None = None
    activities: list[ClinicalPlanActivity] = Field(default=[], max_length=30)

    def stated_status(self) -> str:
        """Return whether it is followed."""
        return self.status

    def stated_codes(self) -> list[Coding]:
        """Return its category."""
        return self.category.codings if self.category else []

    def effective(self) -> When | None:
        """Return its first day."""
        return self.starts_on

    def in_order(self) -> Iterator[tuple[str, When, When]]:
        """Yield its days."""
        yield from ordered("ends_on", self.starts_on, self.ends_on)


class CoverageContent(Content):
    """Who pays (FHIR: Coverage)."""

    kind: Literal["coverage"]
    status: Literal["active", "cancelled", "draft"]
    type: CodeableConcept | None = None
    insurer: Name
    member_number: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    relationship: Literal["self", "spouse", "child", "parent", "common", "other", "injured"] = Field(
        default="self", description="of the resident to whose insurance it is"
    )
    starts_on: GivenDay | None = None
    ends_on: GivenDay | None = Field(default=None, description="the last day on which it is valid")

    def stated_status(self) -> str:
        """Return whether it is in force."""
        return self.status

    def stated_codes(self) -> list[Coding]:
        """Return its type."""
        return self.type.codings if self.type else []

    def effective(self) -> When | None:
        """Return its first day."""
        return self.starts_on

    def in_order(self) -> Iterator[tuple[str, When, When]]:
        """Yield its days."""
        yield from ordered("ends_on", self.starts_on, self.ends_on)

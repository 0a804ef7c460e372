"""A health record as it is entered, corrected, looked for and shown."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from app.media.api import MediaPublic
from telemedicine.records.rules import Kind, Source
from telemedicine.records.schemas.administrative import (
    ClinicalPlanContent,
    CoverageContent,
    DocumentContent,
    EncounterContent,
)
from telemedicine.records.schemas.clinical import (
    AllergyContent,
    ConditionContent,
    ImmunizationContent,
    ObservationContent,
)
from telemedicine.records.schemas.parts import Coding, Words

AnyContent = Annotated[
    ConditionContent
    | AllergyContent
    | ImmunizationContent
    | ObservationContent
    | DocumentContent
    | EncounterContent
    | ClinicalPlanContent
    | CoverageContent,
    Field(discriminator="kind"),
]
CONTENTS: Final[TypeAdapter[AnyContent]] = TypeAdapter(AnyContent)


class HealthRecordEnter(BaseModel):
    """Something that is to be kept of a resident's health."""

    model_config = ConfigDict(extra="forbid")

    content: AnyContent
    organization_id: uuid.UUID | None = Field(
        default=None, description="for which clinic, said by who treats the resident at several"
    )


class HealthRecordCorrect(BaseModel):
    """What is right instead, whole: it becomes the record's next version."""

    model_config = ConfigDict(extra="forbid")

    content: AnyContent
    reason: Words | None = None


class HealthRecordError(BaseModel):
    """Why what was said should never have been."""

    model_config = ConfigDict(extra="forbid")

    reason: Words


class HealthRecordOrigin(BaseModel):
    """What an encounter was that happened here."""

    kind: Literal["consultation", "appointment"]
    id: uuid.UUID


class HealthRecordPublic(BaseModel):
    """One version of a record, the last one unless versions are asked for."""

    id: uuid.UUID
    resident_id: uuid.UUID
    kind: Kind
    version: int
    is_last: bool
    status: str = Field(description="of the kind's value set in FHIR R4; `entered-in-error`: do not rely on it")
    source: Source = Field(description="`resident`: they, or who speaks for them, say so; no clinician vouches for it")
    organization_id: uuid.UUID | None = Field(description="the clinic that answers for it")
    author_id: uuid.UUID | None = Field(description="empty: Hearthline itself wrote it down")
    author_name: str | None
    recorded_at: datetime = Field(description="this version")
    created_at: datetime = Field(description="the first version")
    reason: str | None = Field(description="why it is other than the version before")
    origin: HealthRecordOrigin | None
    content: AnyContent
    file: MediaPublic | None = Field(description="of a document")
    file_sha256: str | None = Field(description="of the file as it was attached, in lower-case hex")


@dataclass(frozen=True, slots=True)
class HealthRecordQuery:
    """Which records are wanted: of a kind, with a status or code, of a time; all of a resident's without any."""

    kind: Kind | None = None
    status: str | None = None
    code: Coding | None = None
    first: datetime | None = None
    end: datetime | None = None
    with_errors: bool = False

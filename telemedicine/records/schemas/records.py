"""A health record as it is entered, corrected, looked for and shown."""

import uuid
from collections.abc import Collection
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
    practitioner_id: uuid.UUID | None = Field(description="the author, as the clinic's directory knows them")
    is_own: bool = Field(description="the resident themselves wrote it")
    recorded_at: datetime = Field(description="this version")
    created_at: datetime = Field(description="the first version")
    reason: str | None = Field(description="why it is other than the version before")
    origin: HealthRecordOrigin | None
    content: AnyContent
    file: MediaPublic | None = Field(description="of a document")
    file_sha256: str | None = Field(description="of the file as it was attached, in lower-case hex")


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRecordQuery:
    """Which records are wanted, and in which order; all of a resident's that count, those entered last first, without.

    ``statuses``, ``codes``, ``categories``, ``ids``, ``practitioner_ids`` (who said it last) and ``organization_ids``
    (the clinic that answers for it): any of them. ``first`` to before ``end`` is when it was so, or began. In order of
    that time only those are listed of which it is known.
    """

    kind: Kind | None = None
    statuses: Collection[str] | None = None
    codes: Collection[Coding] | None = None
    categories: Collection[str] | None = None
    ids: Collection[uuid.UUID] | None = None
    practitioner_ids: Collection[uuid.UUID] | None = None
    organization_ids: Collection[uuid.UUID] | None = None
    first: datetime | None = None
    end: datetime | None = None
    entered_since: datetime | None = None
    entered_before: datetime | None = None
    updated_since: datetime | None = None
    updated_before: datetime | None = None
    with_errors: bool = False
    with_consultations: bool = True
    by_time: bool = False
    ascending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRecordVersionQuery:
    """Which versions are wanted of a resident's records, or of those of ``record_ids``: when they were recorded, by
    whom. ``by_resident``: by the resident themselves."""

    ids: Collection[uuid.UUID] | None = None
    record_ids: Collection[uuid.UUID] | None = None
    kinds: Collection[Kind] | None = None
    practitioner_ids: Collection[uuid.UUID] | None = None
    organization_ids: Collection[uuid.UUID] | None = None
    by_resident: bool = False
    since: datetime | None = None
    before: datetime | None = None
    ascending: bool = False


class HealthRecordVersionEntry(BaseModel):
    """That a version of a record was written: by whom and when, without what it says."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    record_id: uuid.UUID
    resident_id: uuid.UUID
    kind: Kind
    number: int
    status: str
    recorded_at: datetime
    source: Source
    organization_id: uuid.UUID | None
    author_id: uuid.UUID | None
    author_name: str | None
    practitioner_id: uuid.UUID | None
    is_own: bool
    reason: str | None

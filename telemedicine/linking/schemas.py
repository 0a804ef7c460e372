"""What is said of patient numbers."""

import re
import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from telemedicine.linking.rules import Evidence, Side

_OURS = "urn:hearthline:"


def _not_ours(system: str) -> str:
    if system.lower().startswith(_OURS):
        raise ValueError("this system is Hearthline's own")
    return system


System = Annotated[
    str,
    StringConstraints(pattern=re.compile(r"^[A-Za-z][A-Za-z0-9+.-]{0,31}:[^\s|<>\"{}^`\\]{1,255}$")),
    AfterValidator(_not_ours),
    Field(description="URI", examples=["https://clinic.example/patients"]),
]
"""Under which system a clinic's numbers are, as an absolute URI."""
Value = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=re.compile(r"^[^\s\x00-\x1f\x7f](.{0,98}\S)?$"))
]


def _each_once(kinds: list[Evidence]) -> list[Evidence]:
    if len(set(kinds)) != len(kinds):
        raise ValueError("each only once")
    return kinds


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PatientNumber(_Given):
    """The number a clinic knows one of its patients by (FHIR: Identifier)."""

    system: System
    value: Value


class LinkByCode(PatientNumber):
    """The number, and the code that the resident reads out."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=40)] = Field(examples=["123 456 789"])


class LinkByCheck(PatientNumber):
    """The number, whose it is, and which documents were seen: their kinds, not what stands on them."""

    resident_id: uuid.UUID
    evidence: Annotated[list[Evidence], Field(min_length=1, max_length=6), AfterValidator(_each_once)]


class LinkCodePublic(BaseModel):
    """A code to read out to a clinic, good once; it is shown this once."""

    code: str = Field(examples=["123 456 789"])
    expires_at: datetime


class PatientLinkPublic(BaseModel):
    """That a clinic knows a resident by a number of its own."""

    id: uuid.UUID
    organization_id: uuid.UUID
    resident_id: uuid.UUID
    system: str
    value: str
    how: Literal["code", "staff_check"]
    evidence: list[Evidence]
    given_by: uuid.UUID | None = Field(description="the account that made the code")
    linked_by: uuid.UUID = Field(description="the member of staff, or the clinic's system")
    linked_by_kind: Literal["account", "client"]
    linked_at: datetime
    ended_at: datetime | None
    ended_by: uuid.UUID | None
    ended_side: Side | None = Field(description="who ended it")

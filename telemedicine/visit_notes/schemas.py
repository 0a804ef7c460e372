"""A note as it is written and shown."""

import uuid
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from telemedicine.records.schemas.parts import Name
from telemedicine.visit_notes.rules import MOST, PARTS

_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MOST)]


class VisitNoteContent(BaseModel):
    """A note in the order of the problem-oriented record."""

    model_config = ConfigDict(extra="forbid")

    subjective: _Text = ""
    objective: _Text = ""
    assessment: _Text = ""
    plan: _Text = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if sum(len(getattr(self, name)) for name in PARTS) > MOST:
            raise ValueError(f"all parts together have {MOST} characters at most")
        return self


class VisitNoteWrite(BaseModel):
    """A draft, whole."""

    model_config = ConfigDict(extra="forbid")

    content: VisitNoteContent
    organization_id: uuid.UUID | None = Field(
        default=None, description="for which clinic, said by who treats the resident at several"
    )


class VisitNoteSign(BaseModel):
    """The signature: what the document is called that the note becomes."""

    model_config = ConfigDict(extra="forbid")

    title: Name = "Visit note"
    content: VisitNoteContent | None = Field(default=None, description="what is signed; the draft without")
    organization_id: uuid.UUID | None = None


class VisitNotePublic(BaseModel):
    """A draft, which only its author sees."""

    organization_id: uuid.UUID
    content: VisitNoteContent
    version: int = Field(description="0: nothing is written yet")
    updated_at: datetime | None

"""What is written about a video visit."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=8000)]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8000)]


class ConsultationNoteContent(BaseModel):
    """A note in the order of the problem-oriented record (SOAP, Weed 1968), and what the resident is told."""

    model_config = ConfigDict(extra="forbid")

    subjective: Text = ""
    objective: Text = ""
    assessment: Text = ""
    plan: Text = ""
    instructions: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = Field(
        default="", description="in plain words, for the resident: sent to them when the note is signed"
    )
    follow_up_reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""


class ConsultationNoteWrite(ConsultationNoteContent):
    """A draft, whole."""

    follow_up_days: int | None = Field(default=None, ge=1, le=730, description="when they should meet again")


class AddendumWrite(BaseModel):
    """What is added to a note that is signed."""

    model_config = ConfigDict(extra="forbid")

    text: Said


class ConsultationNotePublic(BaseModel):
    """A note or an addendum; without a content it was erased."""

    id: uuid.UUID
    consultation_id: uuid.UUID
    kind: Literal["soap", "addendum"]
    author_id: uuid.UUID
    author_name: str | None
    signed_at: datetime | None = Field(description="empty: a draft, which only its author sees")
    content: ConsultationNoteContent | None
    text: str | None = Field(description="of an addendum")
    follow_up_days: int | None
    version: int

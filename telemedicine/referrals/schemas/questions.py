"""A question of one clinic's clinicians to another's, as it is asked, answered and shown."""

import uuid
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from telemedicine.records.schemas.parts import CodeableConcept, LongText, Part
from telemedicine.referrals.rules.states import QuestionState, Urgency
from telemedicine.referrals.schemas.parts import RecordSelection, SharedRecordPublic


class QuestionContent(Part):
    """Of which specialty something is asked."""

    specialty: CodeableConcept


class QuestionAsk(Part):
    """A question, to a clinic or to a colleague there. It names nobody: the resident is known by age alone."""

    specialty: CodeableConcept
    text: LongText
    urgency: Urgency = "routine"
    to_organization_id: uuid.UUID
    colleague_id: uuid.UUID | None = Field(default=None, description="a clinician there")
    selection: RecordSelection = RecordSelection()
    organization_id: uuid.UUID | None = Field(default=None, description="for which clinic, of several")


class QuestionText(Part):
    """What is answered, or asked once more."""

    text: LongText


class QuestionMessagePublic(BaseModel):
    """What was asked or answered."""

    id: uuid.UUID
    kind: Literal["question", "answer"]
    author_id: uuid.UUID
    author_name: str | None
    organization_id: uuid.UUID
    at: datetime
    text: str


class QuestionPublic(BaseModel):
    """A question. Who is asked sees no name and no id of the resident, but their age."""

    id: uuid.UUID
    resident_id: uuid.UUID | None
    age: int | None = Field(description="in years, of who was born on a day that is known; in a list always null")
    from_organization_id: uuid.UUID
    to_organization_id: uuid.UUID
    colleague_id: uuid.UUID | None
    state: QuestionState
    urgency: Urgency
    specialty: CodeableConcept | None
    created_at: datetime
    due_at: datetime | None
    step: int
    acknowledged_at: datetime | None
    closed_at: datetime | None
    version: int


class QuestionDetail(QuestionPublic):
    """A question with what was said, and what goes with it."""

    messages: list[QuestionMessagePublic]
    health_records: list[SharedRecordPublic]
    prescriptions: list[uuid.UUID]

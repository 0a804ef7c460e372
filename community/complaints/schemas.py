"""What the sides of a complaint say, and what they see."""

import uuid
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.core.instants import GivenInstant
from app.media.api import MediaPublic
from community.complaints.rules import ComplaintKind, ComplaintState, Outcome, Party, Severity, Wish

Statement = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ComplaintOpen(_Given):
    """What was wrong, how bad it was, and what the resident wishes."""

    kind: ComplaintKind
    severity: Severity
    wish: Wish
    statement: Statement


class ComplaintAnswer(_Given):
    """What the provider says to it."""

    statement: Statement


class ComplaintEvidence(_Given):
    """More that a side says, a file it uploaded, or both."""

    statement: Statement | None = None
    upload_id: uuid.UUID | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.statement is None and self.upload_id is None:
            raise ValueError("a statement, or a file")
        return self


class ComplaintAccept(_Given):
    """The provider does what the resident wishes; what is done anew begins then."""

    starts_at: GivenInstant | None = None


class ComplaintDecide(_Given):
    """How it ends, and why. A refund is by kind and severity; what is done anew begins at an instant."""

    outcome: Outcome
    severity: Severity | None = Field(default=None, description="if it is another than the resident says")
    starts_at: GivenInstant | None = Field(default=None, description="of what is done anew")
    reason: Statement

    @model_validator(mode="after")
    def _what_is_done_anew_begins(self) -> Self:
        if (self.outcome == "rework") != (self.starts_at is not None):
            raise ValueError("what is done anew has a start, and nothing else has")
        return self


class ComplaintPublic(BaseModel):
    """A complaint, and how it stands."""

    id: uuid.UUID
    order_id: uuid.UUID
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    kind: ComplaintKind
    severity: Severity
    wish: Wish
    state: ComplaintState
    answer_by: datetime | None
    evidence_by: datetime
    decide_by: datetime | None
    outcome: Outcome | None
    decided_as: Party | None
    refund_amount: int = Field(description="minor units")
    currency: str
    rework_id: uuid.UUID | None = Field(description="the order by which it is done anew")
    created_at: datetime
    version: int


class ComplaintStep(BaseModel):
    """What one side said or did."""

    at: datetime
    transition: str
    state: ComplaintState
    who: Party
    changed_by: uuid.UUID | None
    text: str | None
    media_id: uuid.UUID | None


class ComplaintDetail(ComplaintPublic):
    """A complaint with all that was said and added."""

    statement: str | None
    files: list[MediaPublic]
    history: list[ComplaintStep]

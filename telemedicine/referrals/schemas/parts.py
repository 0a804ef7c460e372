"""What referrals and questions are made of: what goes with them, by when they are due, who was told."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from app.core.instants import GivenInstant
from telemedicine.records.rules import Kind
from telemedicine.records.schemas.parts import Part, Words
from telemedicine.referrals.rules.deadlines import LONGEST, SHORTEST, Audience, Stage
from telemedicine.referrals.rules.states import Urgency

MOST_SHARED = 100


class SharedRecord(Part):
    """A health record as it was said in one version."""

    id: uuid.UUID
    version: Annotated[int, Field(ge=1, le=1000)]


class SharedRecordPublic(SharedRecord):
    """A health record that goes with something, and of which kind it is."""

    kind: Kind


class VitalsWindow(Part):
    """A time whose readings go with it; without an end, up to now."""

    first: GivenInstant
    end: GivenInstant | None = None

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.end is not None and self.end <= self.first:
            raise ValueError("end is after first")
        return self


class RecordSelection(Part):
    """What the clinic that is asked is to see: these and no others."""

    health_records: list[SharedRecord] = Field(default=[], max_length=MOST_SHARED)
    prescriptions: list[uuid.UUID] = Field(default=[], max_length=MOST_SHARED)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        records = [one.id for one in self.health_records]
        if len(set(records)) < len(records) or len(set(self.prescriptions)) < len(self.prescriptions):
            raise ValueError("each once")
        return self


class Selection(RecordSelection):
    """What the clinic that is asked is to see, with the readings of a time."""

    vitals: VitalsWindow | None = None


class Said(Part):
    """Why, in a word or two."""

    reason: Words


class ClimbStepPublic(BaseModel):
    """That somebody was told of what is late."""

    number: int
    stage: Stage
    audience: Audience
    due_at: datetime
    fired_at: datetime
    late_seconds: int = Field(description="how much later than due; a server that was away says so")
    told: int = Field(description="how many people")


class ReferralTermWrite(Part):
    """How long something may take at a clinic."""

    stage: Stage
    urgency: Urgency
    within: Annotated[timedelta, Field(ge=SHORTEST, le=LONGEST, examples=["PT4H"])]


class ReferralTermsWrite(Part):
    """What a clinic says of its times; for what it does not name the usual ones count."""

    terms: Annotated[list[ReferralTermWrite], Field(max_length=12)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({(one.stage, one.urgency) for one in self.terms}) < len(self.terms):
            raise ValueError("each stage and urgency once")
        return self


class ReferralTermPublic(BaseModel):
    """How long something may take; ``is_own``: the clinic has said so itself."""

    stage: Stage
    urgency: Urgency
    within: timedelta
    is_own: bool


class ReferralTermsPublic(BaseModel):
    """How long each thing may take at a clinic."""

    terms: list[ReferralTermPublic]

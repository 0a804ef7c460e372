"""What is said and told of when carers cannot come."""

import uuid
from datetime import datetime, timedelta
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.core.instants import GivenInstant

LONGEST_ABSENCE: Final = timedelta(days=366)


class CarerAbsenceCreate(BaseModel):
    """When a carer cannot come."""

    model_config = ConfigDict(extra="forbid")

    account_id: uuid.UUID
    starts_at: GivenInstant
    ends_at: GivenInstant

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not timedelta() < self.ends_at - self.starts_at <= LONGEST_ABSENCE:
            raise ValueError("an absence ends after it begins, within a year")
        return self


class CarerAbsencePublic(BaseModel):
    """When a carer cannot come: nobody sends them anywhere then."""

    id: uuid.UUID
    organization_id: uuid.UUID = Field(description="the agency that said so")
    account_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime

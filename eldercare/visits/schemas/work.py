"""What carers say at work, and what they are told of their day."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from app.core.instants import GivenInstant
from eldercare.visits.rules import CarerState, State
from eldercare.visits.schemas.visits import NotePublic, TaskPublic
from eldercare.visits.schemas.words import Given, Latitude, Longitude, LongWords, NoteKind, Words


class TagProof(Given):
    """What was read from the tag or the printed code at the door."""

    how: Literal["tag", "qr"]
    code: Annotated[str, StringConstraints(strip_whitespace=True, min_length=8, max_length=100)]


class PositionProof(Given):
    """Where the phone says it is."""

    how: Literal["gps"]
    latitude: Latitude
    longitude: Longitude
    accuracy: float = Field(ge=0, le=100_000, description="metres")


class ManualProof(Given):
    """By hand, and why."""

    how: Literal["manual"]
    reason: Words


_WHEN: Final = "when it was, if the phone had no network: at most a day back; without it: now"


class EnRouteGive(Given):
    """A carer sets out."""

    occurred_at: GivenInstant | None = Field(default=None, description=_WHEN)


Proof = Annotated[TagProof | PositionProof | ManualProof, Field(discriminator="how")]


class ArrivalGive(Given):
    """A carer arrives."""

    proof: Proof
    occurred_at: GivenInstant | None = Field(default=None, description=_WHEN)


class DepartureGive(ArrivalGive):
    """A carer leaves."""

    unfinished_reason: Words | None = Field(
        default=None, description="why tasks are left undone that were not ticked one by one"
    )


class TickGive(Given):
    """What became of a task."""

    task_id: uuid.UUID
    is_done: bool = True
    reason: Words | None = None
    occurred_at: GivenInstant | None = Field(default=None, description=_WHEN)
    confirmed: bool = Field(default=False, description="it counts although a colleague said otherwise meanwhile")

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if not self.is_done and self.reason is None:
            raise ValueError("what is not done says why")
        return self


class NoteGive(Given):
    """Something to be remembered, or for whoever comes next."""

    kind: NoteKind = "note"
    text: LongWords
    occurred_at: GivenInstant | None = Field(default=None, description=_WHEN)


class PhotoGive(Given):
    """A photo that was uploaded."""

    upload_id: uuid.UUID
    occurred_at: GivenInstant | None = Field(default=None, description=_WHEN)


class StopPublic(BaseModel):
    """A visit in a carer's day: to whom, where, what for, and how to get there."""

    visit_id: uuid.UUID
    resident_id: uuid.UUID
    name: str
    language: str
    address: str | None
    building: str | None
    latitude: float | None
    longitude: float | None
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    state: State
    own_state: CarerState
    is_critical: bool
    together_with: list[str]
    travel: timedelta | None = Field(description="from the stop before, as far as both are on the map")
    tasks: list[TaskPublic]
    handover: NotePublic | None = Field(description="what whoever was there before left to be known")

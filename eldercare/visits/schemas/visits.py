"""What callers say and are told about visits."""

import uuid
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from app.core.instants import GivenInstant
from app.media.api import MediaPublic
from eldercare.medication.schemas.doses import DosePublic
from eldercare.visits.rules import LONGEST, SHORTEST, CarerState, How, State
from eldercare.visits.schemas.plans import ItemPublic
from eldercare.visits.schemas.words import Accounts, CancelReason, Given, NoteKind, Skills, Words, each_once


class VisitCreate(Given):
    """An extra visit."""

    care_plan_id: uuid.UUID
    starts_at: GivenInstant
    duration: timedelta = Field(ge=SHORTEST, le=LONGEST)
    flexibility: timedelta = Field(default=timedelta(), ge=timedelta(), le=timedelta(hours=4))
    carers: Literal[1, 2] = 1
    is_critical: bool = False
    skills: Skills = Field(default_factory=list)
    preferred: Accounts = Field(default_factory=list)
    task_ids: Annotated[list[uuid.UUID], Field(max_length=40), AfterValidator(each_once)] = Field(default_factory=list)


class VisitMove(Given):
    """Another time for a visit; without a duration it stays as long as it is."""

    starts_at: GivenInstant
    duration: timedelta | None = Field(default=None, ge=SHORTEST, le=LONGEST)


class VisitCancel(Given):
    """Why a visit is cancelled, in own words."""

    note: Words | None = None


Obstacle = Literal["skill", "hours", "rest", "too_much", "travel", "busy"]


class CarerAssign(Given):
    """A carer of the agency."""

    account_id: uuid.UUID
    despite: Annotated[list[Obstacle], Field(max_length=6), AfterValidator(each_once)] = Field(
        default=[], description="which rules may speak against them, as `carer_unsuitable` names them: it is on record"
    )


class CarerRemove(Given):
    """Why a carer does not make a visit, in own words."""

    note: Words | None = None


class VisitComplete(Given):
    """How a visit ended that nobody checked out of."""

    ended_at: GivenInstant
    reason: Words


class VisitCarerPublic(BaseModel):
    """Who makes a visit, and whether they are there."""

    account_id: uuid.UUID
    name: str
    state: CarerState
    arrived_at: datetime | None
    arrival_how: How | None
    departed_at: datetime | None
    departure_how: How | None


class VisitPublic(BaseModel):
    """A visit, in a list."""

    id: uuid.UUID
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    care_plan_id: uuid.UUID
    template_id: uuid.UUID | None
    local_date: date
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    state: State
    carers_needed: int
    needs_replacement: bool = Field(
        description="a carer of it cannot come, as another agency said: it is to be decided who goes instead"
    )
    is_critical: bool
    started_at: datetime | None
    completed_at: datetime | None
    cancel_reason: CancelReason | None
    version: int
    carers: list[VisitCarerPublic]


class TaskPublic(ItemPublic):
    """A task of a visit, and what became of it; ``is_done`` is empty while nobody said."""

    is_done: bool | None
    reason: str | None
    ticked_at: datetime | None
    ticked_by: uuid.UUID | None


class NotePublic(BaseModel):
    """What a carer wrote."""

    id: uuid.UUID
    kind: NoteKind
    text: str
    author_id: uuid.UUID
    written_at: datetime


class VisitDetail(VisitPublic):
    """A visit with what was to be done, what was done, and what was written."""

    skills: list[str]
    tasks: list[TaskPublic]
    doses: list[DosePublic] | None = Field(
        description="what is to be taken in its time, and what came of it, whoever said so; null: not yours to see"
    )
    notes: list[NotePublic]
    photos: list[MediaPublic]
    cancel_note: str | None


class DoorTagCreate(Given):
    """A tag or a printed code for a resident's door."""

    kind: Literal["tag", "qr"]


class DoorTagPublic(BaseModel):
    """A tag or code at a resident's door."""

    id: uuid.UUID
    kind: Literal["tag", "qr"]
    created_at: datetime
    revoked_at: datetime | None


class DoorTagCreated(DoorTagPublic):
    """A new tag with what is to be written on it: it is shown once."""

    code: str

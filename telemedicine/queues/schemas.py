"""What is said and told of numbers."""

import uuid
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from telemedicine.queues.rules import State

Room = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=30, pattern=r"^[^\x00-\x1f\x7f]*$")
]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TicketTake(_Given):
    """Which line, and for whom."""

    department_id: uuid.UUID | None = None
    resident_id: uuid.UUID | None = None


class CallNext(_Given):
    """Which line calls its next, and where to."""

    department_id: uuid.UUID | None = None
    room: Room | None = Field(default=None, description="shown on screens: never a name")


class CallOne(_Given):
    """Where a number is called to."""

    room: Room | None = Field(default=None, description="default: as before")
    again: bool = Field(default=False, description="it was called, and nobody came: it is shown anew")


class TicketTransfer(_Given):
    """To which line a number goes."""

    department_id: uuid.UUID | None = None


class TicketOutcome(_Given):
    """What became of somebody who was called."""

    state: Literal["done", "skipped"]


class TicketPublic(BaseModel):
    """A number; ``wait`` is an estimate from how the line has moved today, and 0 for whoever is called."""

    id: uuid.UUID
    organization_id: uuid.UUID
    department_id: uuid.UUID | None
    resident_id: uuid.UUID
    local_date: date
    number: int
    state: State
    ahead: int
    wait: timedelta
    called_at: datetime | None
    room: str | None = Field(description="where to go, once it is called")


class DeskTicket(TicketPublic):
    """A number as the clinic's desk sees it."""

    resident_name: str | None


class BoardCall(BaseModel):
    """A number that is called, and where to."""

    number: int
    room: str | None
    called_at: datetime


class BoardLine(BaseModel):
    """A line of the board; without a name, the clinic's as a whole."""

    name: dict[str, str] | None = Field(description="of the department, by language: en, zh-CN")
    called: list[BoardCall] = Field(description="the last one first")
    next: list[int] = Field(description="the numbers that are called next")
    waiting: int


class QueueBoard(BaseModel):
    """What hangs on a clinic's wall: numbers and rooms, and nothing of whose they are."""

    clinic: str
    time_zone: str
    local_date: date
    lines: list[BoardLine]


class DisplayCreate(_Given):
    """A screen that is put up."""

    name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$")
    ]


class DisplayPublic(BaseModel):
    """A screen of a clinic."""

    id: uuid.UUID
    name: str
    created_at: datetime


class DisplayAddress(DisplayPublic):
    """A screen with the secret it is opened with, which is told this once."""

    secret: str
    path: str = Field(description="where its board is read without signing in")

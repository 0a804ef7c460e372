"""What is said and told of numbers."""

import uuid
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from telemedicine.queues.rules import State


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TicketTake(_Given):
    """Which line, and for whom."""

    department_id: uuid.UUID | None = None
    resident_id: uuid.UUID | None = None


class CallNext(_Given):
    """Which line calls its next."""

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

"""What is told of the states of a home's devices: changes to those who notice, states and charts to those who look."""

import uuid
from datetime import datetime
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, Field

from community.home_states.rules.changes import StateChange

__all__ = ["HistoryPoint", "HistoryPublic", "HomeStatePublic", "HomeStatisticPublic", "StateChange", "StoodAt"]


class HomeStatePublic(BaseModel):
    """How an entity of a home stands."""

    entity_id: uuid.UUID
    state: str | None = Field(description="as Home Assistant has it: on, off, 21.5, locked …; null: it does not know")
    number: float | None
    attributes: dict[str, Any] = Field(description="brightness, position, … by name")
    is_available: bool = Field(description="false: it cannot be reached, and the state is the last it told")
    changed_at: datetime = Field(description="since when it is in this state")
    reported_at: datetime = Field(description="when it was last heard, to the minute")


class HistoryPoint(BaseModel):
    """A moment, or a stretch of time, of a chart."""

    at: datetime
    state: str | None = Field(default=None, description="of a reading; null: it was gone from here on")
    number: float | None = Field(default=None, description="of a stretch: its mean")
    minimum: float | None = None
    maximum: float | None = None


class HistoryPublic(BaseModel):
    """What an entity said in a time, in no more points than were asked for.

    Of up to a day these are readings, the lowest and the highest of each stretch if there are too many; of more than a
    day they are hours, of more than a month days, both of numbers only and once they are over.
    """

    source: Literal["readings", "hours", "days"]
    unit: str | None
    points: list[HistoryPoint]


class HomeStatisticPublic(BaseModel):
    """An hour (UTC) or a day (the home's own) of an entity's numbers."""

    starts_at: datetime
    mean: float = Field(description="each value weighted by how long it stood")
    minimum: float
    maximum: float
    sum: float | None = Field(description="of a meter: by how much it grew, resets left out")
    count: int = Field(description="readings; 0: one value stood all the time")


class StoodAt(NamedTuple):
    """A reading, for whoever looks at what was."""

    entity_id: uuid.UUID
    at: datetime
    state: str | None
    number: float | None

"""What is told of everybody at a glance."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from eldercare.alarms.models import SeverityName
from eldercare.alarms.schemas import KindName, StateName
from eldercare.overview.rules import Group, Reason

NameSought = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
]


class OpenAlarm(BaseModel):
    """The worst alarm that is open about somebody."""

    id: uuid.UUID
    kind: KindName
    severity: SeverityName
    state: StateName


class EndedAlarm(BaseModel):
    """The alarm about somebody that ended last today."""

    id: uuid.UUID
    ended_at: datetime
    outcome: str | None


class PersonToday(BaseModel):
    """How somebody is today: the one reason that decides it, as far as the reader may know."""

    resident_id: uuid.UUID
    name: str
    age: int | None = Field(description="in years; empty if it is not known, or not shown to the reader")
    building: str | None = Field(description="where they live; empty if it is not known, or not shown to the reader")
    group: Group
    reason: Reason
    at: datetime | None = Field(description="since when it is so; of who is asked later, when that is")
    until: datetime | None = Field(description="by when an answer is awaited, or until when they are away")
    alarm: OpenAlarm | None
    ended: EndedAlarm | None = Field(description="while no other is open; empty if none ended today, or is not shown")
    phone: str | None = Field(
        description="E.164; empty if there is none, they want no calls, or it is not shown to the reader"
    )


class GroupToday(BaseModel):
    """Those who stand alike."""

    group: Group
    count: int
    items: list[PersonToday] = Field(
        description="the first of them, the most urgent first; none where they are many and nobody need look"
    )
    next: str | None = Field(description="the cursor of the page after these in the list of the group")


class CareOverview(BaseModel):
    """Everybody the reader looks after, themselves not among them: who needs somebody first."""

    count: int
    groups: list[GroupToday] = Field(description="every group, also one with nobody in it")

"""What is told of how help comes."""

import uuid
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from eldercare.alarms.schemas import AlarmPublic, Explanation, StateName
from eldercare.progress.rules import Act, CameOfIt, Reach

Part = Literal["open", "past"]
WhoKind = Literal["me", "resident", "circle", "desk", "organization"]


class Who(BaseModel):
    """Somebody who helps, as far as the reader may know who that is."""

    account_id: uuid.UUID
    kind: WhoKind
    name: str | None = Field(description="empty: the reader does not see the circle, and they have not answered")
    relationship: str | None = Field(description="to the resident, of a member of the circle")
    has_key: bool | None = Field(description="to the home, of a member of the circle")


class Reached(BaseModel):
    """How far one message got. Never to which number or address."""

    model_config = ConfigDict(from_attributes=True)

    channel: str | None = Field(description="empty: no way to them is known")
    state: Reach
    at: datetime | None


class Told(BaseModel):
    """Somebody who was told at a step, over which channels, and what came of it."""

    who: Who
    round: int
    step: int
    told_at: datetime
    is_beside: bool = Field(description="told besides, as somebody who is busy with another alarm of the resident")
    came_of_it: CameOfIt
    channels: list[Reached]


class NextStep(BaseModel):
    """What happens at the alarm's deadline if nobody does anything."""

    at: datetime | None = Field(description="empty: the desk has to look at it")
    kind: Literal["tell", "lapse"] = Field(description="`lapse`: the answer that is there ends, and people are called")
    whom: Literal["circle", "circle_member", "organization", "duty_desk"] | None
    who: list[Who] = Field(description="of the circle, as on call now; empty where nobody of it is next")


class AlarmProgress(BaseModel):
    """How help comes to an alarm."""

    alarm_id: uuid.UUID
    resident_id: uuid.UUID
    resident_name: str | None
    state: StateName
    version: int
    acts: list[Act] = Field(description="what the reader can do now, in the order of the way there")
    holder: Who | None = Field(description="who has it")
    held_since: datetime | None
    told: list[Told]
    next: NextStep | None
    people: list[Who] = Field(description="everybody the alarm's timeline names, the resident among them")


class AlarmLogItem(AlarmPublic):
    """An alarm in the list of all that the reader may see."""

    model_config = ConfigDict(from_attributes=True)

    resident_name: str | None
    holder_name: str | None = Field(description="of who has it, or had it last")
    explanation: Explanation = Field(description="what is behind it, all signals in one sentence, by language")

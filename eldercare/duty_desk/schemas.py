"""What people at the desk say and are told."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from eldercare.alarms.schemas import AlarmDetail, AlarmPublic, Explanation, KindName
from eldercare.duty_desk.rules import HandoverState

ScriptLanguage = Literal["en", "zh-CN"]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Show = Literal["all", "unclaimed", "mine"]


class Colleague(BaseModel):
    """A person, by account and name."""

    account_id: uuid.UUID
    name: str | None


class ToldNow(Colleague):
    """Somebody who is being told of an alarm at this step of its ladder, over one channel."""

    told_at: datetime
    channel: str | None
    outcome: str


class HandoverPending(BaseModel):
    """To whom an alarm is being handed over."""

    id: uuid.UUID
    to: Colleague
    offered_at: datetime


class QueueItem(AlarmPublic):
    """An open alarm as the desk sees it."""

    resident_name: str | None
    desk_queued_at: datetime | None = Field(description="when it first reached the desk; empty: not yet")
    claimed_by: Colleague | None
    claim_ends_at: datetime | None = Field(description="by when something must follow, or the ladder goes on")
    explanation: Explanation = Field(description="what is behind it, all signals in one sentence, by language")
    told_now: list[ToldNow]
    handover: HandoverPending | None


class QueueLeft(BaseModel):
    """An alarm that is in the queue no more: it ended, or is not shown to the reader any longer."""

    id: uuid.UUID


class DeskWaiting(BaseModel):
    """What nobody has: at the desk, and before it gets there."""

    alarms: list[uuid.UUID] = Field(description="that have reached the desk, the worst first")
    with_circle: int = Field(description="of how many others is being called")
    told_by: datetime | None = Field(description="by when the desk is told of the first of these, if nobody takes it")


class QueueOrder(BaseModel):
    """What is in the queue."""

    alarms: list[uuid.UUID] = Field(description="the worst first, then the oldest")


class ScriptPublic(BaseModel):
    """What to ask and do at an alarm of a kind, each in order."""

    kind: KindName
    language: ScriptLanguage
    number: int = Field(description="of the version; 0 is the one that comes with Hearthline")
    asks: list[str]
    does: list[str]
    written_by: uuid.UUID | None
    written_at: datetime | None


class ScriptWrite(BaseModel):
    """A new version of a script."""

    model_config = ConfigDict(extra="forbid")

    kind: KindName
    language: ScriptLanguage
    replaces: int = Field(ge=0, description="the number of the version that is in force, as the writer knows it")
    asks: list[Line] = Field(max_length=30)
    does: list[Line] = Field(min_length=1, max_length=30)


class HandoverOffer(BaseModel):
    """To whom an alarm is to go, and what they must know."""

    model_config = ConfigDict(extra="forbid")

    account_id: uuid.UUID = Field(description="a colleague at the desk")
    note: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class HandoverPublic(BaseModel):
    """A hand-over."""

    id: uuid.UUID
    alarm_id: uuid.UUID
    giver: Colleague
    taker: Colleague
    state: HandoverState
    note: str | None
    offered_at: datetime
    answered_at: datetime | None


class DeskHelper(Colleague):
    """Somebody of the resident's circle whom the desk can call or send."""

    relationship: str
    has_key: bool
    is_on_call: bool
    numbers: list[str] = Field(description="E.164, the first to try first; of who hears no calls there are none")


class DeskAlarm(BaseModel):
    """An alarm with what the desk asks and does, whom it can send, and who handed it to whom."""

    alarm: AlarmDetail
    script: ScriptPublic
    helpers: list[DeskHelper] | None = Field(
        description="the resident's circle while the alarm is open, who has a key first; null once it is over, and "
        "where the desk may not read the circle"
    )
    handovers: list[HandoverPublic]

"""What people say and are told about alarms."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from eldercare.alarms.models import SeverityName

StateName = Literal["raised", "acknowledged", "en_route", "on_scene", "resolved", "cancelled"]
KindName = Literal[
    "sos",
    "check_in_missed",
    "check_in_unreachable",
    "check_in_help",
    "concern",
    "fall",
    "inactivity",
    "smoke",
    "water",
    "intrusion",
    "wandering",
    "vital_sign",
    "medication",
    "device_silent",
    "visit_missed",
    "position_unknown",
    "low_activity",
    "visit_late",
    "check_out_overdue",
    "found_unwell",
    "no_answer_at_door",
    "missing_on_trip",
    "gas",
    "carbon_monoxide",
    "bathroom_stay",
    "stove",
    "cold",
    "heat",
    "bed_exit",
    "door_at_night",
]
Explanation = dict[Literal["en", "zh-CN"], str]
"""The sentence that names every signal behind an alarm and the rules they came by, by language."""
GivenKind = Literal["concern", "fall", "inactivity", "smoke", "water", "intrusion", "wandering"]
Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class PlacePublic(BaseModel):
    """A place in degrees (WGS 84), its accuracy in metres."""

    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    accuracy: float | None = Field(default=None, ge=0, le=100_000)


class SignalGive(BaseModel):
    """Something that is wrong, as somebody reports it."""

    model_config = ConfigDict(extra="forbid")

    kind: GivenKind = "concern"
    severity: SeverityName = "high"
    occurred_at: datetime | None = Field(default=None, description="at most a day back; otherwise ignored")
    place: PlacePublic | None = None
    note: Note | None = None


class AlarmRaise(SignalGive):
    """An alarm for a resident."""

    is_test: bool = Field(default=False, description="an exercise: told as such, and kept out of all figures")


class AlarmPublic(BaseModel):
    """An alarm."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    resident_id: uuid.UUID
    kind: KindName
    severity: SeverityName
    state: StateName
    is_test: bool
    raised_at: datetime
    raised_by: uuid.UUID | None
    pressed_at: datetime | None = Field(
        description="when its latest call for help was pressed, where that arrived only later; `raised_at` says when"
    )
    countdown_until: datetime | None
    step: int = Field(description="of the ladder, told last; 0 while nobody was")
    round: int
    next_step_at: datetime | None = Field(description="when the next people are told, or an answer lapses")
    acknowledged_by: uuid.UUID | None
    acknowledged_at: datetime | None
    en_route_at: datetime | None
    on_scene_at: datetime | None
    closed_at: datetime | None
    closed_by: uuid.UUID | None
    outcome: str | None
    version: int


class RulePublic(BaseModel):
    """What somebody agreed that calls for help: a plan of check-ins or visits, a regimen, a limit, a safe zone."""

    kind: str
    id: uuid.UUID


class SignalPublic(BaseModel):
    """One of the reasons for an alarm."""

    id: uuid.UUID
    kind: KindName
    severity: SeverityName
    is_hint: bool = Field(description="by itself it would have called nobody")
    occurred_at: datetime
    received_at: datetime
    rule: RulePublic | None = Field(description="by which it came; empty for what nobody agreed, as an SOS")
    evidence: dict[str, Any] | None


class EntryPublic(BaseModel):
    """One line of an alarm's timeline."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    at: datetime
    kind: str
    actor_id: uuid.UUID | None
    data: dict[str, Any]


class NoticePublic(BaseModel):
    """Who was told, and what came of it."""

    model_config = ConfigDict(from_attributes=True)

    account_id: uuid.UUID
    round: int
    step: int
    told_at: datetime
    channel: str | None
    outcome: Literal[
        "pending", "sent", "delivered", "unconfirmed", "failed", "expired", "suppressed", "unreachable"
    ] = Field(description="`sent`: a provider took it; `unconfirmed`: the phone did not say in time that it arrived")
    settled_at: datetime | None


class AlarmDetail(AlarmPublic):
    """An alarm with everything that happened."""

    explanation: Explanation = Field(description="what is behind it, all signals in one sentence, by language")
    rules: list[RulePublic] = Field(description="by which its signals came, each once: all of them answer for it")
    place: PlacePublic | None
    place_at: datetime | None = Field(description="as of when the place is; it may be older than the alarm")
    note: str | None
    signals: list[SignalPublic]
    timeline: list[EntryPublic]
    notices: list[NoticePublic]

"""What people say and are told about escalation plans."""

import uuid
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

TargetKind = Literal["circle", "circle_member", "organization", "duty_desk"]
Channel = Literal["push", "sms", "voice", "mail", "inbox"]
OutgoingChannel = Literal["push", "sms", "voice", "mail"]


class StepData(BaseModel):
    """Who is told, over which channels, and how long they have to answer before the next are told."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    target_kind: TargetKind
    target_id: uuid.UUID | None = Field(default=None, description="the circle member or the organization")
    target_order: int | None = Field(default=None, ge=1, le=50, description="the n-th circle member on call")
    target_role: Literal["coordinator", "carer", "dispatcher", "operator"] | None = None
    wait_seconds: int = Field(default=60, ge=15, le=3600)
    channels: list[Channel] = Field(default=["push", "sms", "inbox"], min_length=1, max_length=5)


class PlanMake(BaseModel):
    """A new version of a plan."""

    model_config = ConfigDict(extra="forbid")

    steps: list[StepData] = Field(min_length=1, max_length=12)


class EscalationPlanPublic(BaseModel):
    """A version of an escalation plan."""

    id: uuid.UUID
    resident_id: uuid.UUID | None
    state: Literal["draft", "active", "retired"]
    steps: list[StepData]
    tested_at: datetime | None
    activated_at: datetime | None
    retired_at: datetime | None


class DeskTestMake(BaseModel):
    """A test of the duty desk."""

    model_config = ConfigDict(extra="forbid")

    channels: list[OutgoingChannel] = Field(default=["push", "sms"], min_length=1, max_length=4)


class DeskTestPublic(BaseModel):
    """A test of the duty desk, and who answered it."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    channels: list[str]
    sent_at: datetime
    answered_at: datetime | None
    answered_by: uuid.UUID | None

"""A video visit as it is planned, shown and entered."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from telemedicine.consultations.rules import LONGEST, Role, Standing, State

Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9]\d{5,14}$")]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ConsultationOpen(BaseModel):
    """A video visit that a clinic plans with a resident."""

    model_config = ConfigDict(extra="forbid")

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    clinician_id: uuid.UUID | None = Field(default=None, description="whose visit it is; the caller's unless named")
    phone: Phone | None = Field(default=None, description="E.164: where to telephone instead; the desk's unless given")

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if not self.starts_at < self.ends_at <= self.starts_at + LONGEST:
            raise ValueError("ends_at is after starts_at, by four hours at most")
        return self


class ConsultationPublic(BaseModel):
    """A video visit."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    clinician_id: uuid.UUID
    clinician_name: str | None
    interpreter_id: uuid.UUID | None = Field(description="the account of who was booked to interpret")
    appointment_id: uuid.UUID | None = Field(description="whose visit it is, where it was booked")
    state: State
    starts_at: datetime
    ends_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    phone: str | None
    version: int
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultationQuery:
    """Which of a resident's visits are wanted: all without.

    ``standings`` are states, of those that are over ``held`` or ``not_held`` instead; ``first`` to before ``end`` is
    when a visit began, or is to begin.
    """

    ids: Collection[uuid.UUID] | None = None
    standings: Collection[str] | None = None
    organization_ids: Collection[uuid.UUID] | None = None
    first: datetime | None = None
    end: datetime | None = None
    updated_since: datetime | None = None
    updated_before: datetime | None = None


class ParticipantPublic(BaseModel):
    """Somebody who takes part."""

    id: uuid.UUID
    role: Role
    name: str | None
    is_guest: bool
    state: Standing
    is_present: bool
    wishes_phone: bool
    seconds: int = Field(description="how long they were in the visit, waiting included")


class ConsultationDetail(ConsultationPublic):
    """A video visit with who takes part."""

    participants: list[ParticipantPublic]


class GuestInvite(BaseModel):
    """Somebody without an account who is to take part: a relative, or who interprets."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["family", "interpreter"]
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


class ClinicianInvite(BaseModel):
    """A clinician of another clinic who is to take part."""

    model_config = ConfigDict(extra="forbid")

    organization_id: uuid.UUID = Field(description="their clinic")
    clinician_id: uuid.UUID = Field(description="their account")


class JoinLinkMade(BaseModel):
    """A link that lets one person in, once; it is shown here and nowhere else."""

    participant_id: uuid.UUID
    url: str
    expires_at: datetime


class LinkRedeem(BaseModel):
    """What stands behind the number sign of a link."""

    model_config = ConfigDict(extra="forbid")

    link: Secret


class Pass(BaseModel):
    """What a used link is exchanged for: it lets its page back in until the visit is over."""

    consultation_id: uuid.UUID
    participant_id: uuid.UUID
    role: Role
    secret: str = Field(alias="pass", serialization_alias="pass")

    model_config = ConfigDict(populate_by_name=True)

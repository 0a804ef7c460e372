"""What is said and told about organizations, their staff and their agreements."""

import uuid
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from app.core.instants import GivenInstant
from app.identity.organizations import rules
from app.identity.people.schemas import Change, Name

OrganizationKind = Literal["operator", "care_agency", "clinic", "provider", "attraction"]
Role = Literal["operator", "dispatcher", "coordinator", "carer", "clinician", "worker"]
Scopes = Annotated[list[str], Field(min_length=1, max_length=50), AfterValidator(rules.check_scopes)]


class OrganizationAdd(BaseModel):
    """A new organization."""

    model_config = ConfigDict(extra="forbid")

    kind: OrganizationKind
    name: Name
    requires_second_factor: bool = False


class OrganizationChange(Change):
    """What changes about an organization."""

    name: Name = Field(default_factory=str)
    requires_second_factor: bool = Field(default_factory=bool)


class OrganizationPublic(BaseModel):
    """Who works in the community."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    kind: OrganizationKind
    name: str
    requires_second_factor: bool
    version: int


class MemberPublic(BaseModel):
    """Somebody who works for an organization."""

    account_id: uuid.UUID
    name: str
    roles: list[str]
    state: Literal["active", "deactivated", "erased"]


class AgreementAdd(BaseModel):
    """What an organization may see, of one resident or of everyone, from when until when."""

    model_config = ConfigDict(extra="forbid")

    resident_id: uuid.UUID | None = Field(default=None, description="everyone in the community unless named")
    scopes: Scopes
    basis: Annotated[str, Field(min_length=1, max_length=500, description="the contract or law it rests on")]
    starts_at: GivenInstant | None = Field(default=None, description="now unless named")
    ends_at: GivenInstant | None = None


class AgreementChange(Change):
    """What changes about an agreement that has not ended; an end in the past ends it now."""

    scopes: Scopes = Field(default_factory=list)
    basis: Annotated[str, Field(min_length=1, max_length=500)] = Field(default_factory=str)
    ends_at: GivenInstant | None = None


class AgreementPublic(BaseModel):
    """What an organization may see, and on which basis."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    organization_id: uuid.UUID
    resident_id: uuid.UUID | None
    scopes: list[str]
    basis: str
    starts_at: datetime
    ends_at: datetime | None
    version: int


class InvitationAdd(BaseModel):
    """Whom to invite: by phone or by mail."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    role: Role
    phone: Annotated[str, Field(max_length=40)] | None = None
    email: Annotated[str, Field(max_length=254)] | None = None

    @model_validator(mode="after")
    def _one_contact(self) -> Self:
        if (self.phone is None) == (self.email is None):
            raise ValueError("name either a phone or a mail address")
        return self


class InvitationPublic(BaseModel):
    """An invitation to an organization's staff; its secret is only in the message that carries it."""

    id: uuid.UUID
    organization_id: uuid.UUID
    organization: str
    role: Role
    contact: str
    state: Literal["open", "accepted", "revoked", "expired"]
    expires_at: datetime
    version: int


class InvitationAccept(BaseModel):
    """The secret from the message."""

    model_config = ConfigDict(extra="forbid")

    secret: Annotated[str, Field(min_length=20, max_length=100)]

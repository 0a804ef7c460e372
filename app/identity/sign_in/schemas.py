"""What the routes of signing in take and answer."""

import uuid
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

DeviceLabel = Annotated[str, Field(max_length=80, description="how the person knows this phone", examples=["Pixel 9"])]


class CodeRequest(BaseModel):
    """Where a code is to be sent: a phone number or a mail address."""

    community_id: uuid.UUID
    phone: str | None = Field(
        default=None, max_length=40, description="E.164, or as dialled in the community's country"
    )
    email: str | None = Field(default=None, max_length=254)

    @model_validator(mode="after")
    def _one_destination(self) -> Self:
        if (self.phone is None) == (self.email is None):
            raise ValueError("give either phone or email")
        return self


class CodeRequested(BaseModel):
    """The answer to every request for a code, whether or not anybody is known there."""

    challenge_id: uuid.UUID
    expires_in: int = Field(description="seconds the code is good")


class CodeSignIn(BaseModel):
    """The code that arrived."""

    challenge_id: uuid.UUID
    code: str = Field(pattern=r"^[0-9]{6}$")
    account_id: uuid.UUID | None = Field(default=None, description="who, if several people share the number")
    device_label: DeviceLabel | None = None


class FirebaseSignIn(BaseModel):
    """An ID token of the community's Firebase project."""

    community_id: uuid.UUID
    id_token: str = Field(min_length=1, max_length=8192)
    account_id: uuid.UUID | None = Field(default=None, description="who, if several people share the number")
    device_label: DeviceLabel | None = None


class OidcSignIn(BaseModel):
    """An ID token of an OpenID Connect issuer that is accepted here."""

    community_id: uuid.UUID
    id_token: str = Field(min_length=1, max_length=8192)
    nonce: str | None = Field(default=None, max_length=256, description="the nonce the app sent to the issuer")
    account_id: uuid.UUID | None = Field(default=None, description="who, if several people share the address")
    device_label: DeviceLabel | None = None


class Candidate(BaseModel):
    """One of the people who share the number."""

    account_id: uuid.UUID
    name: str


class AccountChoice(BaseModel):
    """Several people share the number: send the same once more with the ``account_id`` of one of them."""

    choose: list[Candidate]

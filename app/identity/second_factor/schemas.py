"""What the routes about second factors take and answer."""

import uuid
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field, model_validator


class PasskeyPublic(BaseModel):
    """A registered passkey."""

    id: uuid.UUID
    label: str
    created_at: datetime
    last_used_at: datetime | None


class SecondFactorState(BaseModel):
    """What the caller has set up, and whether this session has shown it."""

    is_shown: bool
    is_asked_for: bool = Field(description="an organization the caller works for lets nobody in without one")
    has_authenticator_app: bool
    recovery_codes_left: int
    passkeys: list[PasskeyPublic]


class AuthenticatorAppSetup(BaseModel):
    """What an authenticator app reads; it counts once a code has confirmed it."""

    secret: str
    uri: str
    qr_svg: str = Field(description="the QR code as an SVG document")


class AppCode(BaseModel):
    """A code the authenticator app shows."""

    code: str = Field(pattern=r"^[0-9]{6}$")


class RecoveryCodes(BaseModel):
    """Ten codes, shown this once; each stands in once for a lost second factor."""

    codes: list[str]


class SecondFactorShow(BaseModel):
    """A code of the authenticator app, or a recovery code."""

    code: str | None = Field(default=None, pattern=r"^[0-9]{6}$")
    recovery_code: str | None = Field(default=None, min_length=16, max_length=40)

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.code is None) == (self.recovery_code is None):
            raise ValueError("give either code or recovery_code")
        return self


class PasskeyOptions(BaseModel):
    """What is handed to the device's passkey API, as WebAuthn's JSON."""

    public_key: dict[str, Any]


class PasskeyRegister(BaseModel):
    """What the device answered when a passkey was made, as WebAuthn's JSON."""

    label: str = Field(min_length=1, max_length=80)
    credential: dict[str, Any]


class PasskeyShow(BaseModel):
    """What the device answered when a passkey was asked for, as WebAuthn's JSON."""

    credential: dict[str, Any]

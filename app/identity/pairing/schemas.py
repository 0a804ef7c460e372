"""What the routes of pairing take and answer."""

import uuid
from datetime import datetime

from pydantic import BaseModel, Field

from app.identity.sessions.schemas import Tokens


class PairingCreated(BaseModel):
    """A pairing code, shown once."""

    id: uuid.UUID
    code: str = Field(description="what the phone redeems")
    uri: str = Field(description="what the QR code says")
    qr_svg: str = Field(description="the QR code as an SVG document")
    expires_at: datetime


class PairingRedeem(BaseModel):
    """The code a phone has read."""

    code: str = Field(min_length=16, max_length=128)
    device_label: str | None = Field(default=None, max_length=80)


class PairedPhone(BaseModel):
    """What a phone holds once it is paired: a session, and the credential that can always raise an alarm."""

    tokens: Tokens
    device_credential: str = Field(description="keep it safe; send it as bearer or X-Device-Credential with an SOS")
    resident_id: uuid.UUID

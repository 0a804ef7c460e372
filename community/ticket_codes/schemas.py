"""What is said of the keys that sign tickets, and what scanners see of them."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class TicketKeyChange(BaseModel):
    """Why another key is to sign from now on."""

    model_config = ConfigDict(extra="forbid")

    is_compromised: Annotated[
        bool, Field(description="the key so far may be in wrong hands: what it signed is refused from now on")
    ] = False


class TicketKeyPublic(BaseModel):
    """A key that verifies codes of tickets."""

    number: int
    public: Annotated[str, Field(description="the 32 bytes of an Ed25519 public key (RFC 8032), base64url")]
    valid_from: datetime
    valid_until: Annotated[
        datetime | None, Field(description="when the last code it signed is over; null while it signs")
    ]


class TicketKeysPublic(BaseModel):
    """What a scanner needs to tell whether a code is a ticket of this community."""

    keys: list[TicketKeyPublic]

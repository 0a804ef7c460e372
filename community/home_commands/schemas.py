"""Commands as they are given and shown, and what a gateway needs to send one."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, Field, StringConstraints

from app.home_assistant.api import Publication

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Scalar = bool | int | float | Annotated[str, StringConstraints(max_length=255)]
State = Literal["awaiting_confirmation", "queued", "sending", "uncertain", "sent", "confirmed", "expired", "failed"]


class HomeCommandCreate(BaseModel):
    """What a thing in a home is to do, now. Which commands it knows, and with which arguments, is shown with it."""

    command: Name = Field(examples=["turn_on"], description="by Home Assistant's name of the service")
    arguments: dict[Name, Scalar | Annotated[list[Scalar], Field(max_length=10)]] = Field(
        default={}, max_length=20, examples=[{"brightness": 128}]
    )
    valid_for: timedelta | None = Field(
        default=None,
        ge=timedelta(seconds=5),
        le=timedelta(minutes=10),
        description="what is not sent by then is not sent at all; half a minute unless said otherwise",
    )


class HomeCommandPublic(BaseModel):
    """A command and what became of it."""

    id: uuid.UUID
    home_id: uuid.UUID
    entity_id: uuid.UUID
    given_by: uuid.UUID | None = Field(description="the account; null: an automation")
    origin: Literal["person", "scene", "automation", "panel"]
    command: str
    arguments: dict[str, Any]
    risk: Literal["safer", "plain", "riskier"]
    state: State = Field(
        description="`awaiting_confirmation`: confirm it, or it is forgotten; `uncertain`: it may have been sent, or "
        "not; `sent`: the home has not said anything yet; `confirmed`: the home says so"
    )
    reason: str | None = Field(
        description="a code. Failed: `unavailable`, `home_silent`, `home_closed`, `entity_removed`, `not_possible`, "
        "`no_longer_allowed`, `riskier_now`, `refused` (by the hub); "
        "expired: `not_confirmed`, `not_sent`, `not_reported`, "
        "`overtaken` (by the way back); confirmed: "
        "`handed_over` (it leaves nothing to be reported), `stood_so` (it did not have to change)"
    )
    confirm_by: datetime | None
    expires_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Parcel:
    """A command that was taken to be sent: for which home, until when, and what exactly goes out."""

    id: uuid.UUID
    home_id: uuid.UUID
    key: str
    fence: uuid.UUID
    sending_at: datetime
    expires_at: datetime
    publication: Publication
    is_riskier: bool


class NotHandedOver(Exception):  # noqa: N818 - it is no error: it can be tried again
    """The way to a home is not open, and nothing has left."""


class Refused(Exception):  # noqa: N818 - says what happened
    """The hub refused a command: surely nothing was done, and asking again changes nothing."""


class Way(Protocol):
    """How commands get to a home's hub. The ordinary one is MQTT, over the city's broker."""

    def publication(
        self, component: str, config: Mapping[str, Any], command: str, arguments: Mapping[str, Any]
    ) -> Publication:
        """Return what is sent for a command; raises ``NotPossible``."""
        ...

    async def send(self, parcel: Parcel, *, expires_in: timedelta) -> None:
        """Hand a command over, good for ``expires_in`` and never longer. Raises ``NotHandedOver`` if surely nothing
        left, ``Refused`` if the hub does not want it; after anything else it raises nobody knows.
        """
        ...

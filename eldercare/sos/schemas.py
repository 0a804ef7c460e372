"""What an SOS may say, and what is answered."""

import uuid
from datetime import datetime

from pydantic import BaseModel, Field

from eldercare.alarms.schemas import AlarmPublic, PlacePublic


class Sos(BaseModel):
    """A call for help. Every field is optional, and one that makes no sense is ignored, never refused."""

    sos_id: uuid.UUID | None = Field(default=None, description="the app's own id: the same one again is the same SOS")
    countdown_seconds: float = Field(default=10, ge=0, le=30, description="how long it can be taken back")
    occurred_at: datetime | None = Field(
        default=None,
        description="when it was pressed, however long ago; ahead of us, or more than a year back, it counts as now",
    )
    place: PlacePublic | None = None
    is_over: bool = Field(
        default=False,
        description="it is about to be taken back, and stored so that it is known if it comes later: where somebody is "
        "called for the person already, they are not called once more",
    )


class Numbers(BaseModel):
    """Whom to phone when nothing else works."""

    desk_phone: str | None
    emergency_numbers: dict[str, str]


class SosPublic(AlarmPublic):
    """The alarm an SOS raised, or the SOS it joined, and whom to phone besides."""

    desk_phone: str | None
    emergency_numbers: dict[str, str]

"""What is said and told of feeds, and of calendars that are read elsewhere."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, HttpUrl

from telemedicine.calendars.rules.fetching import Fault

_WEBCAL = "webcal://"


class FeedCreate(BaseModel):
    """Whose appointments a feed has: one's own as a resident, or those one has as a practitioner."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["resident", "practitioner"] = "resident"


class FeedPublic(BaseModel):
    """A feed, without its address."""

    id: uuid.UUID
    kind: Literal["resident", "practitioner"]
    created_at: datetime


class FeedAddress(FeedPublic):
    """A new feed with its address, which is told this once: whoever has it reads the appointments."""

    path: str = Field(description="under this server; to be subscribed to, not to be passed on")


def _as_https(url: object) -> object:
    """Return the address that a calendar's program means by ``webcal``."""
    is_webcal = isinstance(url, str) and url.lower().startswith(_WEBCAL)
    return f"https://{url[len(_WEBCAL) :]}" if isinstance(url, str) and is_webcal else url


def _plain(url: HttpUrl) -> HttpUrl:
    if url.username or url.password:
        raise ValueError("an address without user and password is wanted")
    return url


class BusyCalendarCreate(BaseModel):
    """A calendar elsewhere that says when the practitioner is busy: its private iCalendar address."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[
        HttpUrl,
        BeforeValidator(_as_https),
        AfterValidator(_plain),
        Field(examples=["https://calendar.example.org/private-1f3a/basic.ics"]),
    ]


class BusyConflict(BaseModel):
    """What is held or booked at a time that is busy elsewhere. It stays so until somebody moves it."""

    reservation_id: uuid.UUID
    state: Literal["held", "booked"]
    origin_kind: str
    origin_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime


class BusyCalendarPublic(BaseModel):
    """A calendar that is read, and how that goes; of its address no more is told than the host."""

    id: uuid.UUID
    host: str
    created_at: datetime
    fetched_at: datetime | None = Field(description="when it was last asked for")
    imported_at: datetime | None = Field(description="when what it says was last read in full")
    error: Fault | None = Field(description="why it cannot be read now; what it said last still holds")
    failing_since: datetime | None
    skipped: int = Field(description="events that could not be read, all the others were")
    busy: int = Field(description="stretches of time that are blocked and not over")
    conflicts: list[BusyConflict]

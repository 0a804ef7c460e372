"""What everybody sees of attractions."""

import uuid
from datetime import date, datetime

from pydantic import BaseModel, Field

from community.attraction_search.rules import Level
from community.attractions.rules import Kind
from community.attractions.schemas import Access, AttractionClosingPublic, HoursRule, OpeningNow


class CrowdNow(BaseModel):
    """How crowded it is at present, by those who went in and out."""

    level: Level = Field(description="by thirds of what it holds")
    as_of: datetime


class AttractionSummary(Access):
    """What is told of an attraction in lists."""

    id: uuid.UUID
    organization_id: uuid.UUID
    name: dict[str, str]
    summary: dict[str, str]
    kind: Kind
    tags: list[str]
    latitude: float
    longitude: float
    time_zone: str
    has_quiet_hours: bool
    photos: list[str] = Field(description="addresses, which stay as they are")
    opening: OpeningNow
    crowd: CrowdNow | None = Field(description="null: it is closed, or nobody counts")
    distance: int | None = Field(default=None, description="metres from where was asked about")


class AttractionPublic(AttractionSummary):
    """What everybody sees of an attraction."""

    description: dict[str, str]
    access_note: dict[str, str]
    capacity: int | None
    hours: list[HoursRule]
    quiet_hours: list[HoursRule]
    closing: AttractionClosingPublic | None = Field(description="why it is shut at present, and until when")


class Spell(BaseModel):
    """From one instant to another."""

    starts_at: datetime
    ends_at: datetime


class OpeningDay(BaseModel):
    """When it is open on a day of its own wall."""

    day: date
    open: list[Spell]
    quiet: list[Spell] = Field(description="when it is open and kept quiet")
    reason: dict[str, str] = Field(description="why the day is not as usual, by language")

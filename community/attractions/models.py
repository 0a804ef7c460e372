"""The tables of attractions: what they are, when they are open, when they are not as usual, how crowded they are."""

import uuid
from datetime import date, datetime
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, table_of, text_array

PHOTOS: Final = "community.attraction"
"""What photos of an attraction are attached to."""

_NOBODY: Final = Privacy.none("describes a place that everybody may visit")


class Attraction(Table, table=True):
    """A place to visit. What is not known of it (is there a step?) is null, which is neither yes nor no."""

    __tablename__ = "community_attraction"
    privacy: ClassVar[Privacy] = _NOBODY
    __table_args__ = (
        sa.CheckConstraint(
            "kind IN ('museum', 'gallery', 'park', 'garden', 'historic', 'religious', 'theatre', 'zoo', 'aquarium',"
            " 'viewpoint', 'theme_park', 'nature', 'market', 'other')",
            name="kind",
        ),
        sa.CheckConstraint("state IN ('draft', 'published', 'withdrawn')", name="state"),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="place"),
        sa.CheckConstraint("capacity > 0", name="capacity"),
        sa.CheckConstraint("seating_distance >= 0", name="seating_distance"),
        sa.UniqueConstraint("organization_id", "reference"),
        sa.Index("ix_community_attraction_organization_id", "organization_id", "id"),
        sa.Index("ix_community_attraction_community_id", "community_id", "state", "id"),
        sa.Index("ix_community_attraction_latitude", "community_id", "latitude", "longitude"),
        sa.Index("ix_community_attraction_search_grams", "search_grams", postgresql_using="gin"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    reference: str | None = Field(default=None, description="what it is called where it was imported from")
    name: dict[str, str] = jsonb(description="by language: en, zh-CN; in both once it is published")
    summary: dict[str, str] = jsonb(default_factory=dict, description="by language")
    description: dict[str, str] = jsonb(default_factory=dict, description="by language")
    kind: str
    tags: list[str] = text_array()
    latitude: float
    longitude: float
    time_zone: str = Field(description="IANA; on whose wall its hours are")
    capacity: int | None = Field(default=None, description="how many can be inside at a time")
    state: str = "draft"
    step_free: bool | None = None
    accessible_toilet: bool | None = None
    wheelchair_loan: bool | None = None
    audio_guide: bool | None = None
    defibrillator: bool | None = None
    seating_distance: int | None = Field(default=None, description="metres from one seat to the next, at most")
    access_note: dict[str, str] = jsonb(default_factory=dict, description="by language: where the ramp is")
    hours: list[dict[str, Any]] = jsonb(default_factory=list, description="rules by which it is open")
    quiet_hours: list[dict[str, Any]] = jsonb(default_factory=list, description="rules by which it is kept quiet")
    photo_ids: list[uuid.UUID] = Field(
        default_factory=list, sa_type=ARRAY(sa.Uuid), nullable=False, description="in the order they are shown"
    )
    search_name: str = Field(default="", description="its names, normalized")
    search_text: str = Field(default="", description="all its texts and tags, normalized")
    search_grams: list[str] = text_array(description="each letter of search_text, and each two that follow each other")


class AttractionException(Table, table=True):
    """Days on which other hours stand in place of the rules; none: it is closed."""

    __tablename__ = "community_attraction_exception"
    privacy: ClassVar[Privacy] = _NOBODY
    __table_args__ = (
        sa.CheckConstraint("last_day >= first_day", name="days"),
        sa.Index("ix_community_attraction_exception_attraction_id", "attraction_id", "last_day", "id"),
    )

    community_id: uuid.UUID
    attraction_id: uuid.UUID = Field(foreign_key="community_attraction.id", ondelete="CASCADE")
    first_day: date
    last_day: date
    hours: list[dict[str, int]] = jsonb(default_factory=list, description="in minutes since midnight on the wall")
    reason: dict[str, str] = jsonb(default_factory=dict, description="by language")


class AttractionClosing(Table, table=True):
    """A while in which it is closed although nobody had planned so."""

    __tablename__ = "community_attraction_closing"
    privacy: ClassVar[Privacy] = _NOBODY
    __table_args__ = (
        sa.CheckConstraint("ends_at >= starts_at", name="period"),
        sa.Index("ix_community_attraction_closing_attraction_id", "attraction_id", "ends_at", "id"),
    )

    community_id: uuid.UUID
    attraction_id: uuid.UUID = Field(foreign_key="community_attraction.id", ondelete="CASCADE")
    starts_at: datetime = instant()
    ends_at: datetime = instant(description="earlier than was said if it was opened again before")
    reason: dict[str, str] = jsonb(default_factory=dict, description="by language")


class AttractionCrowd(Table, table=True):
    """How an attraction stands at present: open until when, or opening when; and how many are inside.

    ``opens_at`` to ``closes_at`` is when it is open now, or will be next: derived of its hours, so that "open now" is a
    comparison. ``inside`` are those who went in and did not come out again; what happened up to ``counts_from`` counts
    no more: who was not seen leaving is not inside on the next day. A row of its own, because it changes with every
    scan, and what an attraction is found by does not.
    """

    __tablename__ = "community_attraction_crowd"
    privacy: ClassVar[Privacy] = Privacy.none("counts people, and knows none of them")
    __table_args__ = (
        sa.CheckConstraint("opens_at < closes_at", name="opening"),
        sa.CheckConstraint("(opens_at IS NULL) = (closes_at IS NULL)", name="opening_has_an_end"),
        sa.UniqueConstraint("attraction_id"),
        sa.Index("ix_community_attraction_crowd_look_at", "look_at", postgresql_where=sa.text("look_at IS NOT NULL")),
    )

    attraction_id: uuid.UUID = Field(foreign_key="community_attraction.id", ondelete="CASCADE")
    inside: int = Field(default=0, description="below zero while those who left are told of before those who came")
    as_of: datetime | None = optional_instant(description="of the latest entry or exit that is counted")
    counts_from: datetime = instant()
    opens_at: datetime | None = optional_instant()
    closes_at: datetime | None = optional_instant()
    look_at: datetime | None = optional_instant(description="when that is to be derived anew")


ATTRACTIONS: Final = table_of(Attraction)
EXCEPTIONS: Final = table_of(AttractionException)
CLOSINGS: Final = table_of(AttractionClosing)
CROWDS: Final = table_of(AttractionCrowd)

"""The tables of what a home has: devices, their entities, the configurations heard, and those that were refused."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, table_of, text_array

ROLES: Final = (
    "smoke",
    "gas",
    "carbon_monoxide",
    "water",
    "fall",
    "bed",
    "sos_button",
    "motion",
    "door",
    "window",
    "stove",
    "temperature",
    "humidity",
    "power",
    "energy",
    "light",
    "lock",
    "valve",
    "presence",
    "problem",
    "battery",
    "other",
)
"""What care rules take an entity for."""


def _of_the_home(purpose: str, **options: Any) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONSENT,
        retention=Retention.with_row("community_home"),
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        **options,
    )


class HomeDevice(Table, table=True):
    """A device of a home: one thing, however many topics tell of it."""

    __tablename__ = "community_home_device"
    privacy: ClassVar[Privacy] = _of_the_home("to know what a home has and whether it works")
    __table_args__ = (
        sa.CheckConstraint("state IN ('active', 'removed')", name="state"),
        sa.CheckConstraint("(state = 'removed') = (removed_at IS NOT NULL)", name="a_removed_one_has_an_end"),
        sa.CheckConstraint("battery BETWEEN 0 AND 100", name="battery"),
        sa.Index(
            "ix_community_home_device_removed_at", "removed_at", postgresql_where=sa.text("removed_at IS NOT NULL")
        ),
        sa.Index("ix_community_home_device_home_id", "home_id", "id"),
        sa.Index("ix_community_home_device_resident_id", "resident_id"),
        sa.Index("ix_community_home_device_room_id", "room_id", postgresql_where=sa.text("room_id IS NOT NULL")),
        {"postgresql_with": {"fillfactor": 80}},
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    home_id: uuid.UUID = Field(foreign_key="community_home.id", ondelete="CASCADE")
    identifiers: list[str] = text_array()
    connections: list[str] = text_array(description="kind and address: mac:aa:bb:cc:dd:ee:ff")
    name: str | None = None
    given_name: str | None = Field(default=None, max_length=80, description="by who manages the home")
    manufacturer: str | None = None
    model: str | None = None
    sw_version: str | None = None
    hw_version: str | None = None
    room_id: uuid.UUID | None = Field(default=None, foreign_key="community_home_room.id")
    is_room_given: bool = Field(default=False, description="who manages the home said where it is")
    via: str | None = Field(default=None, description="an identifier of the device it speaks through")
    via_device_id: uuid.UUID | None = None
    origin: str | None = Field(default=None, description="the program that told of it")
    battery: int | None = Field(default=None, sa_type=sa.SmallInteger, description="per cent")
    battery_told_at: datetime | None = optional_instant(description="when it was told that it is low, until replaced")
    link_quality: int | None = Field(default=None, sa_type=sa.SmallInteger)
    last_seen_at: datetime | None = optional_instant()
    heard_every: timedelta | None = Field(default=None, sa_type=sa.Interval)
    silent_since: datetime | None = optional_instant()
    state: str = "active"
    removed_at: datetime | None = optional_instant()


class HomeEntity(Table, table=True):
    """One thing a device notices or can do. A removed one keeps its id, so that it is the same when it comes back."""

    __tablename__ = "community_home_entity"
    privacy: ClassVar[Privacy] = _of_the_home("to understand what a home notices and to operate it")
    __table_args__ = (
        sa.UniqueConstraint("home_id", "component", "key"),
        sa.CheckConstraint("state IN ('active', 'removed')", name="state"),
        sa.CheckConstraint("(state = 'removed') = (removed_at IS NOT NULL)", name="a_removed_one_has_an_end"),
        sa.CheckConstraint(f"role IN ({', '.join(repr(role) for role in ROLES)})", name="role"),
        sa.Index(
            "ix_community_home_entity_removed_at", "removed_at", postgresql_where=sa.text("removed_at IS NOT NULL")
        ),
        sa.Index("ix_community_home_entity_device_id", "device_id"),
        sa.Index("ix_community_home_entity_discovery_topic", "home_id", "discovery_topic"),
        sa.Index("ix_community_home_entity_resident_id", "resident_id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    home_id: uuid.UUID = Field(foreign_key="community_home.id", ondelete="CASCADE")
    device_id: uuid.UUID = Field(foreign_key="community_home_device.id", ondelete="CASCADE")
    component: str
    key: str = Field(description="what it is known by within the home and the component, whatever its topic is")
    unique_id: str | None = None
    name: str | None = None
    given_name: str | None = Field(default=None, max_length=80, description="by who manages the home")
    device_class: str | None = None
    state_class: str | None = None
    unit: str | None = None
    category: str | None = None
    config: dict[str, Any] = jsonb(default_factory=dict, description="written out, topics as the home says them")
    discovery_topic: str
    object_id: str = Field(default="", description="which of those it is that are described at one topic")
    role: str | None = None
    is_role_given: bool = Field(default=False, description="who manages the home said it")
    expire_after: timedelta | None = Field(default=None, sa_type=sa.Interval)
    state: str = "active"
    removed_at: datetime | None = optional_instant()


class HomeConfig(SQLModel, table=True):
    """The latest configuration heard on a discovery topic: a digest tells whether it is another one."""

    __tablename__ = "community_home_config"
    privacy: ClassVar[Privacy] = _of_the_home("to read a hub's description of a device only when it changed")
    __table_args__ = (
        sa.CheckConstraint("state IN ('taken', 'migrating', 'duplicate', 'refused')", name="state"),
        sa.CheckConstraint("(state = 'duplicate') = (payload IS NOT NULL)", name="a_duplicate_is_kept"),
        sa.Index("ix_community_home_config_resident_id", "resident_id"),
    )

    home_id: uuid.UUID = Field(primary_key=True, foreign_key="community_home.id", ondelete="CASCADE")
    topic: str = Field(primary_key=True, description="without the home's prefix")
    resident_id: uuid.UUID
    digest: bytes = Field(sa_type=sa.LargeBinary)
    device_id: uuid.UUID | None = None
    state: str = "taken"
    payload: bytes | None = Field(
        default=None, sa_type=sa.LargeBinary, description="of one that waits until another lets go of what it names"
    )
    heard_at: datetime = instant(description="when this content was first heard")


class HomeRefusal(SQLModel, table=True):
    """A description of a device that was not taken, and why: so that whoever installs it sees why it is missing."""

    __tablename__ = "community_home_refusal"
    privacy: ClassVar[Privacy] = _of_the_home("to say why a device does not appear")
    __table_args__ = (
        sa.Index("ix_community_home_refusal_at", "home_id", "at"),
        sa.Index("ix_community_home_refusal_resident_id", "resident_id"),
    )

    home_id: uuid.UUID = Field(primary_key=True, foreign_key="community_home.id", ondelete="CASCADE")
    topic: str = Field(primary_key=True)
    resident_id: uuid.UUID
    code: str
    at: datetime = instant()


DEVICES, ENTITIES = table_of(HomeDevice), table_of(HomeEntity)
CONFIGS, REFUSALS = table_of(HomeConfig), table_of(HomeRefusal)

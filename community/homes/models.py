"""The tables of connected homes: the home and its way to the broker, who lives there and agreed, its rooms."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, sealed, table_of

HUB_KEY: Final = "community_home.secret"
HUB_CHECK: Final = "community_home.password_line"
KEPT: Final = timedelta(days=30)
"""What a closed home noticed is gone after a month: long enough to say what happened, and no longer."""


def _of_the_home(purpose: str, retention: Retention, **options: Any) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONSENT,
        retention=retention,
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        **options,
    )


class Home(Table, table=True):
    """A home that is connected: under which key its hub speaks to the broker, and how that stands.

    It waits while somebody who lives there has not agreed; then its hub is not let in, and nothing is collected.
    """

    __tablename__ = "community_home"
    privacy: ClassVar[Privacy] = _of_the_home(
        "to connect the devices of a home",
        Retention.pruned(KEPT, "closed_at"),
        # What is left says to the broker whose hub it lets in no more, and which panels leave the wall.
        erasure="redact",
        redacted=("name", "building", "household_id", "refused", "set_up_by", "last_seen_at", "heard_every"),
        withheld=("secret", "password_line", "key"),
    )
    __table_args__ = (
        sa.UniqueConstraint("key"),
        sa.CheckConstraint("key ~ '^[a-z2-7]{16}$'", name="key"),
        sa.CheckConstraint("addressing IN ('bridged', 'direct')", name="addressing"),
        sa.CheckConstraint("state IN ('waiting', 'active', 'closed')", name="state"),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="a_closed_one_has_an_end"),
        sa.CheckConstraint("state <> 'closed' OR secret IS NULL", name="a_closed_one_has_no_secret"),
        sa.Index(
            "ix_community_home_provision_at", "provision_at", postgresql_where=sa.text("provision_at IS NOT NULL")
        ),
        sa.Index("ix_community_home_follow_at", "follow_at", postgresql_where=sa.text("follow_at IS NOT NULL")),
        sa.Index("ix_community_home_resident_id", "resident_id", "id"),
        sa.Index(
            "ix_community_home_household_id", "household_id", postgresql_where=sa.text("household_id IS NOT NULL")
        ),
        sa.Index(
            "ix_community_home_building",
            "community_id",
            "building",
            postgresql_where=sa.text("building IS NOT NULL AND state = 'active'"),
        ),
        {"postgresql_with": {"fillfactor": 80}},
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id", description="whose home it is: the holder")
    key: str = Field(max_length=16, description="the hub's user name at the broker, and the prefix of its topics")
    name: str = Field(max_length=80)
    addressing: str = Field(default="bridged", description="whether topics inside payloads are local or whole")
    discovery_prefix: str = Field(default="homeassistant", max_length=64)
    time_zone: str
    lives_alone: bool = Field(default=False, description="nobody else lives there, whom a sensor could mean")
    state: str = "active"
    secret: str | None = sealed(default=None, description="until the broker knows it")
    password_line: str | None = sealed(default=None, description="what the broker checks it by: salt and PBKDF2 hash")
    provision_at: datetime | None = optional_instant(description="when the broker is to be told of a change")
    provision_tries: int = Field(default=0, sa_type=sa.SmallInteger)
    provisioned_at: datetime | None = optional_instant(description="since when the broker knows what is so now")
    secret_at: datetime | None = optional_instant(description="when the secret was made; empty: there is none")
    last_seen_at: datetime | None = optional_instant()
    heard_every: timedelta | None = Field(default=None, sa_type=sa.Interval)
    silent_since: datetime | None = optional_instant()
    building: str | None = Field(default=None, description="of the household")
    household_id: uuid.UUID | None = None
    refused: dict[str, int] = jsonb(default_factory=dict, description="what was not taken, and how often: by reason")
    registry_version: int = Field(default=1, description="goes up with each change of devices, entities and rooms")
    full_told_at: datetime | None = optional_instant(description="when it was told that there is no room for more")
    follow_at: datetime | None = optional_instant(description="when it is looked who lives there")
    set_up_by: uuid.UUID | None = Field(default=None, description="the account")
    closed_at: datetime | None = optional_instant()
    close_reason: str | None = Field(default=None, description="closed, or ended: the resident moved out or died")


class HomeResident(Table, table=True):
    """Somebody who lives in a connected home, the holder among them, and whether they agreed to what it notices."""

    __tablename__ = "community_home_resident"
    privacy: ClassVar[Privacy] = _of_the_home(
        "to collect nothing of a home before all agree who live there", Retention.with_row("community_home")
    )
    __table_args__ = (
        sa.UniqueConstraint("home_id", "resident_id"),
        sa.CheckConstraint("(agreed_at IS NULL) = (agreed_by IS NULL)", name="somebody_agreed"),
        sa.Index("ix_community_home_resident_resident_id", "resident_id", "home_id"),
    )

    home_id: uuid.UUID = Field(foreign_key="community_home.id", ondelete="CASCADE")
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    asked_at: datetime = instant()
    agreed_at: datetime | None = optional_instant()
    agreed_by: uuid.UUID | None = Field(default=None, description="the account: theirs, or of who may agree for them")


class HomeRoom(Table, table=True):
    """A room of a connected home."""

    __tablename__ = "community_home_room"
    privacy: ClassVar[Privacy] = _of_the_home(
        "to say where in the home something was noticed", Retention.with_row("community_home")
    )
    __table_args__ = (
        sa.CheckConstraint(
            "kind IN ('bedroom', 'bathroom', 'kitchen', 'living_room', 'hall', 'entrance', 'balcony', 'other')",
            name="kind",
        ),
        sa.UniqueConstraint("home_id", "name"),
        sa.Index("ix_community_home_room_resident_id", "resident_id"),
    )

    home_id: uuid.UUID = Field(foreign_key="community_home.id", ondelete="CASCADE")
    resident_id: uuid.UUID
    name: str = Field(max_length=80)
    kind: str = "other"


HOMES, RESIDENTS, ROOMS = table_of(Home), table_of(HomeResident), table_of(HomeRoom)

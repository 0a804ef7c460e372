"""The table of hubs that are asked: where each is, with which token, and how following it goes."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, optional_instant, sealed, table_of

HUB_URL: Final = "community_home_hub.url"
HUB_TOKEN: Final = "community_home_hub.token"  # noqa: S105 - the name of a column


class HomeHub(Table, table=True):
    """A home's Home Assistant that is asked over its WebSocket, and what came of it.

    ``next_try_at`` has passed for as long as it is followed: who holds the lease is connected, and when that ends
    another gateway takes over.
    """

    __tablename__ = "community_home_hub"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to hear of the devices of a home whose hub speaks to no broker",
        basis=Basis.CONSENT,
        retention=Retention.with_row("community_home"),
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        withheld=("url", "token"),
    )
    __table_args__ = (
        sa.UniqueConstraint("home_id"),
        sa.CheckConstraint("state IN ('waiting', 'connected', 'failing')", name="state"),
        sa.CheckConstraint("(state = 'failing') = (error IS NOT NULL)", name="a_failing_one_says_why"),
        sa.Index("ix_community_home_hub_next_try_at", "next_try_at"),
        sa.Index("ix_community_home_hub_resident_id", "resident_id"),
        {"postgresql_with": {"fillfactor": 80}},
    )

    community_id: uuid.UUID
    home_id: uuid.UUID = Field(foreign_key="community_home.id", ondelete="CASCADE")
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id", description="the home's holder")
    url: str = sealed()
    host: str = Field(max_length=255, description="of the address: all that is ever shown of it")
    token: str = sealed(description="a long-lived access token: whoever has it has the home")
    state: str = "waiting"
    error: str | None = Field(default=None, description="a code: why it could not be followed the last time")
    failures: int = Field(default=0, description="in a row")
    next_try_at: datetime | None = optional_instant()
    lease_until: datetime | None = optional_instant()
    fence: int = 0
    connected_at: datetime | None = optional_instant(description="since when it is followed, or was the last time")
    software: str | None = Field(default=None, max_length=32, description="the version it says it is")


HUBS = table_of(HomeHub)

"""The table of the keys a community signs its tickets' codes with."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.tables import Privacy, Table, instant, optional_instant, sealed, table_of

PRIVATE: Final = "community_ticket_key.private"


class TicketKey(Table, table=True):
    """An Ed25519 key (RFC 8032): one at a time signs, and each verifies until the last code it signed is over."""

    __tablename__ = "community_ticket_key"
    privacy: ClassVar[Privacy] = Privacy.none("a key of a community, not of a person")
    __table_args__ = (
        sa.CheckConstraint("number BETWEEN 0 AND 255", name="number"),
        sa.CheckConstraint("octet_length(public) = 32", name="public"),
        sa.CheckConstraint("NOT is_compromised OR retired_at IS NOT NULL", name="a_compromised_one_signs_no_more"),
        sa.UniqueConstraint("community_id", "number"),
        sa.Index(
            "uq_community_ticket_key_signing",
            "community_id",
            unique=True,
            postgresql_where=sa.text("retired_at IS NULL"),
        ),
    )

    community_id: uuid.UUID = Field(foreign_key="identity_community.id")
    number: int = Field(sa_type=sa.SmallInteger, description="as codes name it, in one byte")
    private: str = sealed(description="the seed of RFC 8032, in base64")
    public: bytes = Field(sa_type=sa.LargeBinary)
    valid_from: datetime = instant()
    retired_at: datetime | None = optional_instant(description="since when another one signs")
    signed_until: datetime = instant(description="when the last code it signed is over")
    is_compromised: bool = Field(default=False, description="what it signed is worth nothing")


TICKET_KEYS: Final = table_of(TicketKey)

"""The SQL that reads the keys of ticket codes."""

import base64
import uuid
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from community.ticket_codes.models import TICKET_KEYS
from community.ticket_codes.schemas import TicketKeyPublic

_VERIFYING: Final[sa.Select[Any]] = (
    sa.select(
        TICKET_KEYS.c.number,
        TICKET_KEYS.c.public,
        TICKET_KEYS.c.valid_from,
        TICKET_KEYS.c.retired_at,
        TICKET_KEYS.c.signed_until,
    )
    .where(
        TICKET_KEYS.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        sa.not_(TICKET_KEYS.c.is_compromised),
        sa.or_(
            TICKET_KEYS.c.retired_at.is_(None),
            TICKET_KEYS.c.signed_until > sa.bindparam("at", type_=sa.DateTime(timezone=True)),
        ),
    )
    .order_by(TICKET_KEYS.c.number)
)


async def verifying_keys(connection: AsyncConnection, community_id: uuid.UUID, at: datetime) -> list[TicketKeyPublic]:
    """Return the keys that verify a community's codes at an instant: the one that signs, and those of tickets ahead."""
    rows = await connection.execute(_VERIFYING, {"community_id": community_id, "at": at})
    return [_public(row) for row in rows]


async def public_keys(connection: AsyncConnection, community_id: uuid.UUID, at: datetime) -> dict[int, bytes]:
    """Return the same keys' 32 bytes by number."""
    rows = await connection.execute(_VERIFYING, {"community_id": community_id, "at": at})
    return {row.number: row.public for row in rows}


def _public(row: sa.Row[Any]) -> TicketKeyPublic:
    return TicketKeyPublic(
        number=row.number,
        public=base64.urlsafe_b64encode(row.public).decode().rstrip("="),
        valid_from=row.valid_from,
        valid_until=row.signed_until if row.retired_at else None,
    )

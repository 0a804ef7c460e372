"""The SQL that tells gates, and whoever plans a day, which tickets there are."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from community.ticket_orders.models import TICKETS
from community.ticket_orders.rules import TicketState


@dataclass(frozen=True, slots=True)
class TicketAt:
    """A ticket as a gate knows it: whose it is says its id, or the card it was bought with."""

    id: uuid.UUID
    state: TicketState
    revision: int
    valid_from: datetime
    valid_until: datetime
    persons: int
    reentry: str
    card_id: uuid.UUID | None
    resident_id: uuid.UUID | None
    community_id: uuid.UUID
    organization_id: uuid.UUID
    attraction_id: uuid.UUID
    slot_id: uuid.UUID
    product_id: uuid.UUID
    order_id: uuid.UUID
    is_named: bool
    needs_entitlement: str | None
    admitted_at: datetime | None
    updated_at: datetime


_COLUMNS: Final = sa.select(*(TICKETS.c[name] for name in TicketAt.__dataclass_fields__))
_AT: Final = _COLUMNS.where(
    TICKETS.c.attraction_id == sa.bindparam("attraction_id", type_=sa.Uuid),
    TICKETS.c.valid_from < sa.bindparam("until", type_=sa.DateTime(timezone=True)),
    TICKETS.c.valid_until > sa.bindparam("since", type_=sa.DateTime(timezone=True)),
    # No slot is longer than a week: the index leads past what is over.
    TICKETS.c.valid_from > sa.bindparam("since", type_=sa.DateTime(timezone=True)) - sa.text("interval '7 days'"),
    TICKETS.c.state != sa.literal_column("'held'", sa.Text),
).order_by(TICKETS.c.valid_from, TICKETS.c.id)
_SOME: Final = _COLUMNS.where(TICKETS.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))


async def tickets_at(
    connection: AsyncConnection, attraction_id: uuid.UUID, start: datetime, end: datetime
) -> list[TicketAt]:
    """Return the tickets that let in at an attraction in a stretch of time, and those that do no more, in order.

    What is only held is left out: it is nobody's yet.
    """
    binds = {"attraction_id": attraction_id, "since": start, "until": end}
    return [TicketAt(*row) for row in await connection.execute(_AT, binds)]


async def tickets_for(connection: AsyncConnection, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, TicketAt]:
    """Return tickets by id, whoever asks; unknown ids are left out."""
    return {row.id: TicketAt(*row) for row in await connection.execute(_SOME, {"ids": list(ids)})}

"""The SQL that says what is known of tickets, cards and passes when scans are brought."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from community.gates.models import SCANS
from community.ticket_orders.models import TICKETS

_INSTANT: Final = sa.DateTime(timezone=True)
_ids = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_attraction = sa.bindparam("attraction_id", type_=sa.Uuid)
_since = sa.bindparam("since", type_=_INSTANT)
_until = sa.bindparam("until", type_=_INSTANT)

_ANSWERED: Final[sa.Select[Any]] = sa.select(
    *(SCANS.c[name] for name in ("id", "nonce", "outcome", "reason")),
    # It was asked for and is not in, as far as we were told.
    sa.and_(
        SCANS.c.direction == sa.literal_column("'entry'", sa.Text),
        SCANS.c.decision.is_(None),
        SCANS.c.overridden_by.is_(None),
        sa.not_(SCANS.c.is_through),
    ).label("is_turned_away"),
).where(SCANS.c.gate_id == sa.bindparam("gate_id", type_=sa.Uuid), SCANS.c.nonce == sa.any_(_ids))
_PASSES: Final[sa.Select[Any]] = sa.select(
    *(
        SCANS.c[name]
        for name in ("id", "ticket_id", "card_id", "scanned_at", "direction", "persons", "is_through", "fault")
    ),
    SCANS.c.overridden_by.is_not(None).label("is_waived"),
).where(SCANS.c.attraction_id == _attraction)
_OF_TICKETS: Final = _PASSES.where(SCANS.c.ticket_id == sa.any_(_ids))
_OF_CARDS: Final = _PASSES.where(
    SCANS.c.card_id == sa.any_(_ids), SCANS.c.scanned_at > _since, SCANS.c.scanned_at < _until
)
_OF_RESIDENTS: Final[sa.Select[Any]] = (
    sa.select(*(TICKETS.c[name] for name in ("id", "resident_id", "card_id", "state", "valid_from", "valid_until")))
    .where(
        TICKETS.c.resident_id == sa.any_(_ids),
        TICKETS.c.attraction_id == _attraction,
        TICKETS.c.valid_from < _until,
        TICKETS.c.valid_until > _since,
        TICKETS.c.state.in_([sa.literal_column(f"'{state}'", sa.Text) for state in ("valid", "admitted")]),
    )
    .order_by(TICKETS.c.valid_from, TICKETS.c.id)
)
_WITH_TICKETS: Final = (
    sa.select(TICKETS.c.resident_id)
    .where(TICKETS.c.attraction_id == _attraction, TICKETS.c.valid_from > _since, TICKETS.c.resident_id.is_not(None))
    .distinct()
)


async def answered(
    connection: AsyncConnection, gate_id: uuid.UUID, nonces: Collection[uuid.UUID]
) -> dict[uuid.UUID, sa.Row[Any]]:
    """Return what was answered to scans of a gate that were brought before, by their nonces."""
    rows = await connection.execute(_ANSWERED, {"gate_id": gate_id, "ids": list(nonces)})
    return {row.nonce: row for row in rows}


async def passes_of_tickets(
    connection: AsyncConnection, attraction_id: uuid.UUID, ticket_ids: Collection[uuid.UUID]
) -> list[sa.Row[Any]]:
    """Return all scans of tickets at an attraction."""
    return list(await connection.execute(_OF_TICKETS, {"attraction_id": attraction_id, "ids": list(ticket_ids)}))


async def passes_of_cards(
    connection: AsyncConnection,
    attraction_id: uuid.UUID,
    card_ids: Collection[uuid.UUID],
    since: datetime,
    until: datetime,
) -> list[sa.Row[Any]]:
    """Return the scans of cards that opened without a ticket, at an attraction, in a stretch of time."""
    binds = {"attraction_id": attraction_id, "ids": list(card_ids), "since": since, "until": until}
    return list(await connection.execute(_OF_CARDS, binds))


async def tickets_of_residents(
    connection: AsyncConnection,
    attraction_id: uuid.UUID,
    resident_ids: Collection[uuid.UUID],
    since: datetime,
    until: datetime,
) -> Sequence[sa.Row[Any]]:
    """Return the tickets of residents that open an attraction in a stretch of time, the earliest first."""
    binds = {"attraction_id": attraction_id, "ids": list(resident_ids), "since": since, "until": until}
    return list(await connection.execute(_OF_RESIDENTS, binds))


async def residents_with_tickets(
    connection: AsyncConnection, attraction_id: uuid.UUID, since: datetime
) -> list[uuid.UUID]:
    """Return the residents who have, or had, tickets of an attraction that begin after an instant."""
    return list(await connection.scalars(_WITH_TICKETS, {"attraction_id": attraction_id, "since": since}))

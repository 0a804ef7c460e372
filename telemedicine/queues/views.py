"""The SQL that reads numbers, with how many are before each and how fast the line moves."""

import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.core.wall_time import zone
from telemedicine.queues import rules
from telemedicine.queues.models import TICKETS
from telemedicine.queues.schemas import TicketPublic

_before = TICKETS.alias("before")
_calls = TICKETS.alias("calls")
_SAME_LINE = sa.and_(_before.c.line_id == TICKETS.c.line_id, _before.c.local_date == TICKETS.c.local_date)
_AHEAD = (
    sa.select(sa.func.count())
    .select_from(_before)
    .where(_SAME_LINE, _before.c.state == sa.literal("waiting", sa.Text), _before.c.number < TICKETS.c.number)
    .correlate(TICKETS)
    .scalar_subquery()
)
_CALLS = (
    sa.select(sa.func.array_agg(_calls.c.called_at))
    .select_from(_calls)
    .where(
        _calls.c.line_id == TICKETS.c.line_id,
        _calls.c.local_date == TICKETS.c.local_date,
        _calls.c.called_at.is_not(None),
    )
    .correlate(TICKETS)
    .scalar_subquery()
)
_SHOWN = sa.select(TICKETS, _AHEAD.label("ahead"), _CALLS.label("calls"))
_IS_OPEN = TICKETS.c.state.in_([sa.literal("waiting", sa.Text), sa.literal("called", sa.Text)])
_ONE = _SHOWN.where(TICKETS.c.id == sa.bindparam("ticket_id", type_=sa.Uuid))
_OF_RESIDENT = (
    _SHOWN.where(
        TICKETS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        TICKETS.c.local_date >= sa.bindparam("since", type_=sa.Date),
        _IS_OPEN,
    )
    .order_by(TICKETS.c.id)
    .limit(100)
)
_OF_DAY = audit.traced_each(
    _SHOWN.where(
        TICKETS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
        TICKETS.c.local_date == sa.bindparam("local_date", type_=sa.Date),
        _IS_OPEN,
    )
    .order_by(TICKETS.c.line_id, TICKETS.c.number)
    .limit(500),
    "queue:list_day",
)


async def ticket(connection: AsyncConnection, ticket_id: uuid.UUID) -> TicketPublic:
    """Return a number whose reader's rights were checked; raises ``NotFound``."""
    row = (await connection.execute(_ONE, {"ticket_id": ticket_id})).one_or_none()
    if row is None:
        raise NotFound
    return _public(row)


async def of_resident(connection: AsyncConnection, resident_id: uuid.UUID, time_zone: str) -> list[TicketPublic]:
    """Return the numbers somebody has today."""
    today = clock.now().astimezone(zone(time_zone)).date()
    rows = await connection.execute(_OF_RESIDENT, {"resident_id": resident_id, "since": today})
    return [_public(row) for row in rows]


async def of_day(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, day: date
) -> Sequence[TicketPublic]:
    """Return who waits or was called at a clinic today, line by line."""
    binds = {
        "organization_id": organization_id,
        "local_date": day,
        **audit.trace_each_binds(actor, shown=500, object_id=organization_id),
    }
    return [_public(row) for row in await connection.execute(_OF_DAY, binds)]


def _public(row: Any) -> TicketPublic:
    waits = row.state == "waiting"
    given = TicketPublic.model_fields.keys() - {"ahead", "wait"}
    ahead = row.ahead if waits else 0
    calls = list(row.calls or ())
    return TicketPublic(
        **{name: getattr(row, name) for name in given},
        ahead=ahead,
        wait=rules.wait(ahead, calls, clock.now()) if waits else timedelta(),
    )

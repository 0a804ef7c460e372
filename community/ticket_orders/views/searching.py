"""The SQL that looks for an order as somebody at the counter does: by its code, its number, or a name on a ticket.

Names lie sealed: they are read ticket by ticket, within some weeks, and so many at once.
"""

import re
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.paging import after
from app.core.sealing import unseal
from community.ticket_codes.rules import ticket_named
from community.ticket_orders import rules
from community.ticket_orders.models import HOLDER, ORDERS, TICKETS
from community.ticket_orders.schemas.given import TicketOrderSearch
from community.ticket_orders.schemas.shown import TicketOrderPublic, TicketOrdersFound
from community.ticket_orders.views.orders import with_tickets

MOST: Final = 20
"""So many orders are shown; whoever finds more says it more exactly."""
_BATCH: Final = 1_000
_MOST_READ: Final = 10_000
_BACK: Final = timedelta(days=7)
_LONGEST: Final = timedelta(days=62)
_AROUND: Final = timedelta(days=400)
_STANDS_THERE: Final = timedelta(hours=12)
"""Who is before a counter has a visit that begins about now."""
_INSTANT: Final = sa.DateTime(timezone=True)
_ORGANIZATION: Final = sa.bindparam("organization_id", type_=sa.Uuid)
_SINCE: Final = sa.bindparam("since", type_=_INSTANT)
_UNTIL: Final = sa.bindparam("until", type_=_INSTANT)
_END: Final = re.compile(r"[0-9a-f]{4,32}")

_FOUND: Final = audit.traced_each(
    sa.select(ORDERS)
    .where(ORDERS.c.organization_id == _ORGANIZATION, ORDERS.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
    .order_by(ORDERS.c.starts_at.desc(), ORDERS.c.id.desc())
    .limit(MOST + 1),
    "ticket_orders:search",
)
_plain: Final = sa.func.replace(sa.cast(ORDERS.c.id, sa.Text), "-", "")
_BY_END: Final = (
    sa.select(ORDERS.c.id)
    .where(
        ORDERS.c.organization_id == _ORGANIZATION,
        ORDERS.c.starts_at > _SINCE,
        ORDERS.c.starts_at < _UNTIL,
        sa.func.right(_plain, sa.func.length(sa.bindparam("ending", type_=sa.Text)))
        == sa.bindparam("ending", type_=sa.Text),
    )
    .order_by(ORDERS.c.starts_at.desc(), ORDERS.c.id.desc())
    .limit(MOST + 1)
)
_BY_TICKET: Final = sa.select(TICKETS.c.order_id).where(
    TICKETS.c.id == sa.bindparam("ticket_id", type_=sa.Uuid), TICKETS.c.organization_id == _ORGANIZATION
)
_place = (ORDERS.c.starts_at, TICKETS.c.id)
_named: Final = (
    sa.select(TICKETS.c.id, TICKETS.c.order_id, TICKETS.c.holder, ORDERS.c.starts_at)
    .join_from(ORDERS, TICKETS, TICKETS.c.order_id == ORDERS.c.id)
    .where(
        ORDERS.c.organization_id == _ORGANIZATION,
        ORDERS.c.starts_at >= _SINCE,
        ORDERS.c.starts_at < _UNTIL,
        TICKETS.c.holder.is_not(None),
    )
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_AHEAD: Final = _named.where(after(_place, ("after_at", "after_id"))).order_by(*_place)
_BEHIND: Final = _named.where(after(_place, ("after_at", "after_id"), descending=True)).order_by(
    *(one.desc() for one in _place)
)


async def search(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, data: TicketOrderSearch
) -> TicketOrdersFound:
    """Return the orders of an organization that are meant, the latest visit first; what is shown is on record."""
    now = clock.now()
    if data.code is not None:
        ids, is_cut = await _by_code(connection, organization_id, data.code, now), False
    else:
        since = data.since or now - _BACK
        until = min(data.until or since + _LONGEST, since + _LONGEST)
        ids, is_cut = await _by_name(connection, organization_id, data.name or "", (since, until), now)
    if not ids:
        return TicketOrdersFound(items=[], is_cut=is_cut)
    binds: dict[str, Any] = {"organization_id": organization_id, "ids": ids}
    binds |= audit.trace_each_binds(actor, shown=MOST, object_id=organization_id)
    rows = list(await connection.execute(_FOUND, binds))
    items: list[TicketOrderPublic] = await with_tickets(connection, rows[:MOST])
    return TicketOrdersFound(items=items, is_cut=is_cut or len(rows) > MOST)


async def _by_code(connection: AsyncConnection, organization_id: uuid.UUID, code: str, now: datetime) -> list[Any]:
    ticket_id = ticket_named(code)
    plain = re.sub(r"[\s…-]", "", code).lower()
    if ticket_id is None and re.fullmatch(r"[0-9a-f]{32}", plain):
        ticket_id = uuid.UUID(plain)
    found: list[Any] = []
    if ticket_id is not None:
        binds = {"ticket_id": ticket_id, "organization_id": organization_id}
        found = [*(await connection.scalars(_BY_TICKET, binds)), ticket_id]
    elif _END.fullmatch(plain):
        span = {"since": now - _AROUND, "until": now + _AROUND}
        named = {"organization_id": organization_id, "ending": plain}
        found = list(await connection.scalars(_BY_END, span | named))
    return found


async def _by_name(
    connection: AsyncConnection,
    organization_id: uuid.UUID,
    name: str,
    span: tuple[datetime, datetime],
    now: datetime,
) -> tuple[list[uuid.UUID], bool]:
    """Return the orders with a ticket in such a name, and whether there may be more than were read.

    Whoever asks has most often somebody before them: what is read begins there, and goes on to both sides.
    """
    wanted = rules.plain_name(name)
    found: dict[uuid.UUID, None] = {}
    is_cut = False
    middle = max(span[0], min(now - _STANDS_THERE, span[1]))
    for statement, since, until in ((_AHEAD, middle, span[1]), (_BEHIND, span[0], middle)):
        binds = {"organization_id": organization_id, "since": since, "until": until, "limit": _BATCH}
        position: dict[str, Any] = {"after_at": None, "after_id": None}
        for _ in range(0, _MOST_READ // 2, _BATCH):
            rows: Sequence[Any] = (await connection.execute(statement, binds | position)).all()
            for row in rows:
                if wanted in rules.plain_name(str(orjson.loads(unseal(row.holder, HOLDER))["name"])):
                    found[row.order_id] = None
            if len(found) > MOST:
                return list(found), True
            if len(rows) < _BATCH:
                break
            position = {"after_at": rows[-1].starts_at, "after_id": rows[-1].id}
        else:
            is_cut = True
    return list(found), is_cut

"""The SQL that reads who waits for what."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.identity.api import ResidentSubject, trace_read
from community.ticket_waitlist.models import WAITS
from community.ticket_waitlist.schemas import TicketWaitPublic

_KIND: Final = "community.ticket_waits"
_OWN: Final = TicketWaitPublic.model_fields.keys()
_LIST: Final = (
    sa.select(WAITS)
    .where(
        WAITS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        after((WAITS.c.id,), ("after_id",), descending=True),
    )
    .order_by(WAITS.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def of_resident(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest
) -> Page[TicketWaitPublic]:
    """Return a page of what a resident waits for or waited for, the latest first."""
    await trace_read(connection, actor, subject, "ticket_waits:list")
    (after_id,) = decode_cursor(_KIND, page.cursor) if page.cursor else (None,)
    binds = {"resident_id": subject.resident_id, "after_id": after_id, "limit": page.limit + 1}
    rows = list(await connection.execute(_LIST, binds))
    return Page(items=[shown(row) for row in rows[: page.limit]], next=next_cursor(_KIND, rows, page.limit, ["id"]))


def shown(row: Any) -> TicketWaitPublic:
    """Return an entry as it is shown."""
    return TicketWaitPublic(**{name: getattr(row, name) for name in _OWN})

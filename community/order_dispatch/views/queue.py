"""The SQL that reads which orders have nobody: what begins next comes first, with why, for whoever sees to it."""

import uuid
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from community.order_dispatch import rules
from community.order_dispatch.models import OFFERS, SEARCHES
from community.order_dispatch.schemas import UnfilledOrderPublic
from community.orders.models import ORDERS
from community.orders.views.orders import SHOWN, publics

_KIND: Final = "community.unfilled_orders"

_asked = (
    sa.select(sa.func.count())
    .where(
        OFFERS.c.order_id == ORDERS.c.id,
        OFFERS.c.state == sa.literal("offered", sa.Text),
        OFFERS.c.answer_by > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
    )
    .scalar_subquery()
)
WITH_SEARCH: Final = SHOWN.add_columns(
    SEARCHES.c.reason.label("why"),
    SEARCHES.c.skills.label("missing_skills"),
    SEARCHES.c.told_at.label("resident_told_at"),
    SEARCHES.c.look_at.label("looked_again_at"),
    _asked.label("asked"),
).outerjoin(SEARCHES, SEARCHES.c.order_id == ORDERS.c.id)
"""An order with what whoever comes is called, and how the search for somebody stands; binds ``now``."""
_QUEUE: Final = audit.traced_each(
    WITH_SEARCH.where(
        ORDERS.c.community_id == sa.bindparam("community_id", type_=sa.Uuid),
        ORDERS.c.state == sa.literal("placed", sa.Text),
        after((ORDERS.c.starts_at, ORDERS.c.id), ("after_starts_at", "after_id")),
    )
    .order_by(ORDERS.c.starts_at, ORDERS.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer)),
    "orders:list_unfilled",
)
_MORE: Final = ("asked", "why", "missing_skills", "resident_told_at", "looked_again_at")


async def unfilled(
    connection: AsyncConnection, actor: Actor, page: PageRequest, language: str
) -> Page[UnfilledOrderPublic]:
    """Return a page of the community's orders that nobody carries out; reading them is on record."""
    starts_at, last_id = decode_cursor(_KIND, page.cursor) if page.cursor else (None, None)
    now = clock.now()
    binds = {
        "community_id": actor.community_id,
        "now": now,
        "limit": page.limit + 1,
        "after_starts_at": datetime.fromisoformat(starts_at) if starts_at else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
        **audit.trace_each_binds(actor, shown=page.limit),
    }
    rows = list(await connection.execute(_QUEUE, binds))
    shown = await publics(connection, rows[: page.limit])
    items = [
        UnfilledOrderPublic(**public.model_dump(), **search_of(row, language), remaining=row.starts_at - now)
        for row, public in zip(rows, shown, strict=False)
    ]
    return Page(items=items, next=next_cursor(_KIND, rows, page.limit, ["starts_at", "id"]))


def search_of(row: Any, language: str) -> dict[str, Any]:
    """Return how the search for somebody stands, with a sentence in ``language``."""
    return {
        **{name: getattr(row, name) for name in _MORE if name != "missing_skills"},
        "missing_skills": row.missing_skills or [],
        "explanation": rules.speaks_against(language, row.why) if row.why else None,
    }

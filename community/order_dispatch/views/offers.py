"""The SQL that reads who is asked to take an order, for them and for whoever answers for it."""

import uuid
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.dispatch.api import Place, distance
from community.order_dispatch.models import OFFERS
from community.order_dispatch.schemas import MyOrderOfferPublic, OrderOfferPublic
from community.orders.access import Subject
from community.orders.models import ORDERS
from community.orders.service.assigning import place_of
from community.workers.models import WORKERS

_KIND: Final = "community.order_offers"
_ROUNDED: Final = 500
_own_account = sa.bindparam("own_account", type_=sa.Uuid)

_OWN: Final = sa.select(OFFERS).where(
    OFFERS.c.id == sa.bindparam("offer_id", type_=sa.Uuid), OFFERS.c.worker_id == _own_account
)
_MINE: Final = (
    sa.select(
        OFFERS.c.id,
        OFFERS.c.answer_by,
        *(ORDERS.c[name] for name in ("organization_id", "category", "starts_at", "ends_at", "time_zone", "skills")),
        ORDERS.c.id.label("order_id"),
        ORDERS.c.wished_languages,
        ORDERS.c.place,
        WORKERS.c.latitude,
        WORKERS.c.longitude,
    )
    .join(ORDERS, ORDERS.c.id == OFFERS.c.order_id)
    .join(WORKERS, sa.and_(WORKERS.c.organization_id == OFFERS.c.organization_id, WORKERS.c.account_id == _own_account))
    .where(
        OFFERS.c.worker_id == _own_account,
        OFFERS.c.state == sa.literal("offered", sa.Text),
        OFFERS.c.answer_by > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
        ORDERS.c.state == sa.literal("placed", sa.Text),
        after((OFFERS.c.answer_by, OFFERS.c.id), ("after_answer_by", "after_id")),
    )
    .order_by(OFFERS.c.answer_by, OFFERS.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_OF_ORDER: Final = audit.traced(
    sa.select(OFFERS).where(OFFERS.c.order_id == sa.bindparam("order_id", type_=sa.Uuid)).order_by(OFFERS.c.id),
    "order:offers",
)


async def require_own(connection: AsyncConnection, actor: Actor, offer_id: uuid.UUID) -> sa.Row[Any]:
    """Return an offer to the actor; raises ``NotFound``, also for somebody else's."""
    row = (await connection.execute(_OWN, {"offer_id": offer_id, "own_account": actor.id})).one_or_none()
    if row is None:
        raise NotFound
    return row


async def mine(connection: AsyncConnection, actor: Actor, page: PageRequest) -> Page[MyOrderOfferPublic]:
    """Return a page of what the actor may take, what is over first comes first."""
    answer_by, last_id = decode_cursor(_KIND, page.cursor) if page.cursor else (None, None)
    binds = {
        "own_account": actor.id,
        "now": clock.now(),
        "limit": page.limit + 1,
        "after_answer_by": datetime.fromisoformat(answer_by) if answer_by else None,
        "after_id": uuid.UUID(last_id) if last_id else None,
    }
    rows = list(await connection.execute(_MINE, binds))
    items = [
        MyOrderOfferPublic.model_validate({**row._mapping, "distance": _distance(row)})  # noqa: SLF001
        for row in rows[: page.limit]
    ]
    return Page(items=items, next=next_cursor(_KIND, rows, page.limit, ["answer_by", "id"]))


def _distance(row: Any) -> int | None:
    place = place_of(row)
    if place is None or row.latitude is None:
        return None
    return round(distance(Place(row.latitude, row.longitude), place) / _ROUNDED) * _ROUNDED


async def of_order(connection: AsyncConnection, actor: Actor, subject: Subject) -> list[OrderOfferPublic]:
    """Return who was asked to take an order, the first first; reading it is on record."""
    traced = audit.trace_binds(actor, resident_id=subject.resident_id, object_id=subject.id)
    rows = await connection.execute(_OF_ORDER, {"order_id": subject.id, **traced})
    return [OrderOfferPublic.model_validate(dict(row._mapping)) for row in rows]  # noqa: SLF001

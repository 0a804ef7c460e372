"""The SQL that reads what is printed: the tickets of an order that are still good, with all that stands on them."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.problems import NotFound
from community.attractions.models import ATTRACTIONS
from community.ticket_office.models import SALES
from community.ticket_orders.models import ORDERS, TICKETS
from community.ticketing.models import PRODUCTS, SLOTS

_SOLD: Final[sa.Select[Any]] = sa.select(SALES.c.id, SALES.c.community_id).where(
    SALES.c.order_id == sa.bindparam("order_id", type_=sa.Uuid),
    SALES.c.kind == "sale",
    sa.or_(
        SALES.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
        SALES.c.seller_id == sa.bindparam("organization_id", type_=sa.Uuid),
    ),
)
_TICKETS: Final = (
    sa.select(
        TICKETS,
        ORDERS.c.currency,
        ATTRACTIONS.c.name.label("attraction"),
        ATTRACTIONS.c.time_zone,
        PRODUCTS.c.name.label("product"),
        SLOTS.c.starts_at,
        SLOTS.c.entry_until,
        SLOTS.c.language,
    )
    .join(ORDERS, ORDERS.c.id == TICKETS.c.order_id)
    .join(ATTRACTIONS, ATTRACTIONS.c.id == TICKETS.c.attraction_id)
    .join(PRODUCTS, PRODUCTS.c.id == TICKETS.c.product_id)
    .join(SLOTS, SLOTS.c.id == TICKETS.c.slot_id)
    .where(
        TICKETS.c.order_id == sa.bindparam("order_id", type_=sa.Uuid),
        TICKETS.c.state.in_([sa.literal_column("'valid'"), sa.literal_column("'admitted'")]),
    )
    .order_by(TICKETS.c.id)
)


async def sold_by(
    connection: AsyncConnection, organization_id: uuid.UUID, order_id: uuid.UUID
) -> tuple[sa.Row[Any], Sequence[sa.Row[Any]]]:
    """Return the sale of an order at an organization's counter, or by it as a reseller, with the tickets still good.

    Raises ``NotFound``, also where none is left.
    """
    binds = {"order_id": order_id, "organization_id": organization_id}
    sold = (await connection.execute(_SOLD, binds)).first()
    rows = (await connection.execute(_TICKETS, {"order_id": order_id})).all()
    if sold is None or not rows:
        raise NotFound
    return sold, rows

"""The SQL that reads orders with their tickets: a resident's, an organization's, one."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.access import Actor
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.problems import NotFound
from app.core.sealing import unseal
from app.identity.api import ResidentSubject, trace_read
from community.ticket_orders import rules
from community.ticket_orders.access import Subject
from community.ticket_orders.models import HOLDER, ORDERS, TICKETS
from community.ticket_orders.schemas.shown import (
    CalledOff,
    CartPublic,
    HolderPublic,
    TicketAddonPublic,
    TicketOrderPublic,
    TicketPublic,
)
from community.ticketing.models import SLOTS
from community.ticketing.rules import Terms

_LIST_KIND: Final = "community.ticket_orders"
_DAY_KIND: Final = "community.ticket_orders_of_day"
_INSTANT = sa.DateTime(timezone=True)
_POSITION: Final = ((ORDERS.c.starts_at, ORDERS.c.id), ("after_starts_at", "after_id"))
_limit = sa.bindparam("limit", type_=sa.Integer)
_LIST: Final = (
    sa.select(ORDERS)
    .where(ORDERS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid), after(*_POSITION, descending=True))
    .order_by(ORDERS.c.starts_at.desc(), ORDERS.c.id.desc())
    .limit(_limit)
)
_DAY: Final = audit.traced_each(
    sa.select(ORDERS)
    .where(
        ORDERS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
        ORDERS.c.starts_at > sa.bindparam("since", type_=_INSTANT) - sa.bindparam("longest", type_=sa.Interval),
        ORDERS.c.starts_at < sa.bindparam("until", type_=_INSTANT),
        ORDERS.c.ends_at > sa.bindparam("since", type_=_INSTANT),
        after(*_POSITION),
    )
    .order_by(ORDERS.c.starts_at, ORDERS.c.id)
    .limit(_limit),
    "ticket_orders:list_day",
)
_SOME: Final = (
    sa.select(ORDERS).where(ORDERS.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))).order_by(ORDERS.c.id)
)
_CART: Final = sa.select(ORDERS).where(ORDERS.c.cart_id == sa.bindparam("cart_id", type_=sa.Uuid)).order_by(ORDERS.c.id)
_TICKETS: Final = (
    sa.select(TICKETS, SLOTS.c.cancelled_reason, SLOTS.c.cancelled_message)
    .join_from(TICKETS, SLOTS, SLOTS.c.id == TICKETS.c.slot_id, isouter=True)
    .where(TICKETS.c.order_id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
    .order_by(TICKETS.c.id)
)


async def of_resident(
    connection: AsyncConnection, actor: Actor, subject: ResidentSubject, page: PageRequest
) -> Page[TicketOrderPublic]:
    """Return a page of what was bought for a resident, the latest visit (and those ahead) first."""
    await trace_read(connection, actor, subject, "ticket_orders:list")
    binds = {"resident_id": subject.resident_id, **_paging(_LIST_KIND, page)}
    return await _page(connection, _LIST_KIND, list(await connection.execute(_LIST, binds)), page)


async def of_organization(
    connection: AsyncConnection,
    actor: Actor,
    organization_id: uuid.UUID,
    span: tuple[datetime, datetime],
    page: PageRequest,
) -> Page[TicketOrderPublic]:
    """Return a page of what was sold for visits in a stretch of time, in order; reading it is on record."""
    binds = {
        "organization_id": organization_id,
        "since": span[0],
        "until": span[1],
        "longest": rules.LONGEST,
        **_paging(_DAY_KIND, page),
        **audit.trace_each_binds(actor, shown=page.limit, object_id=organization_id),
    }
    return await _page(connection, _DAY_KIND, list(await connection.execute(_DAY, binds)), page)


async def detail(connection: AsyncConnection, actor: Actor, subject: Subject) -> TicketOrderPublic:
    """Return an order with its tickets; a read by others than the resident is on record."""
    if subject.resident_id is not None and subject.resident_id != actor.resident_id:
        await audit.record(
            connection,
            actor,
            "ticket_order:read",
            resident_id=subject.resident_id,
            object_id=subject.id,
            community_id=subject.community_id,
        )
    return await after_change(connection, subject.id)


async def after_change(connection: AsyncConnection, order_id: uuid.UUID) -> TicketOrderPublic:
    """Return an order as it is now, to whoever has just changed it; raises ``NotFound``."""
    rows = list(await connection.execute(_SOME, {"ids": [order_id]}))
    if not rows:
        raise NotFound
    return (await with_tickets(connection, rows))[0]


async def cart(connection: AsyncConnection, cart_id: uuid.UUID) -> CartPublic:
    """Return a cart, whoever asks."""
    rows = list(await connection.execute(_CART, {"cart_id": cart_id}))
    return cart_of(await with_tickets(connection, rows))


def cart_of(orders: Sequence[TicketOrderPublic]) -> CartPublic:
    """Return what was bought in one go."""
    open_ones = [one for one in orders if one.state in ("held", "confirmed")]
    first = (open_ones or list(orders))[0]
    return CartPublic(
        cart_id=first.cart_id,
        state=first.state,
        hold_until=first.hold_until,
        total=sum(one.total for one in orders),
        currency=first.currency,
        orders=list(orders),
    )


def shown(order: Mapping[Any, Any], tickets: Sequence[Mapping[Any, Any]]) -> TicketOrderPublic:
    """Return an order with its tickets, of the values of their columns."""
    now, state = clock.now(), order["state"]
    if state == "held" and order["hold_until"] <= now:
        state = "expired"  # the worker comes to it
    return TicketOrderPublic(
        id=order["id"],
        cart_id=order["cart_id"],
        organization_id=order["organization_id"],
        resident_id=order["resident_id"],
        buyer_id=order["buyer_id"],
        channel=order["channel"],
        state=state,
        hold_until=order["hold_until"],
        starts_at=order["starts_at"],
        ends_at=order["ends_at"],
        total=order["total_amount"],
        discount=order["discount_amount"],
        refunded=order["refunded_amount"],
        currency=order["currency"],
        payment_method=order["payment_method"],
        close_reason=order["close_reason"],
        tickets=[_ticket(one, order["terms"], now) for one in tickets],
    )


def terms_of(kept: Mapping[str, Any], attraction_id: uuid.UUID) -> Terms:
    """Return the terms of an attraction as an order keeps them."""
    of_it = kept[str(attraction_id)]
    return Terms(
        refunds=tuple((hours, percent) for hours, percent in of_it["refunds"]),
        may_change=of_it["may_change"],
        change_notice=timedelta(seconds=of_it["change_notice"]),
    )


def refundable(ticket: Mapping[Any, Any], terms: Mapping[str, Any], now: datetime) -> int:
    """Return what is given back of a ticket to who gives it back now, in minor units."""
    if ticket["state"] != "valid":
        return 0
    percent = terms_of(terms, ticket["attraction_id"]).refund_percent(ticket["valid_from"], now)
    return rules.refund_amount(ticket["price_amount"], percent)


def _ticket(row: Mapping[Any, Any], terms: Mapping[str, Any], now: datetime) -> TicketPublic:
    reason = row.get("cancelled_reason")  # a sale has no word of it
    holder = HolderPublic(**orjson.loads(unseal(row["holder"], HOLDER))) if row["holder"] else None
    return TicketPublic(
        id=row["id"],
        order_id=row["order_id"],
        attraction_id=row["attraction_id"],
        slot_id=row["slot_id"],
        product_id=row["product_id"],
        state=row["state"],
        persons=row["persons"],
        price=row["price_amount"],
        refunded=row["refunded_amount"],
        refundable=refundable(row, terms, now),
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        revision=row["revision"],
        is_named=row["is_named"],
        holder=holder,
        needs_entitlement=row["needs_entitlement"],
        addons=[TicketAddonPublic(**one) for one in row["addons"]],
        admitted_at=row["admitted_at"],
        called_off=CalledOff(reason=reason, message=row["cancelled_message"] or {}) if reason else None,
    )


def _paging(kind: str, page: PageRequest) -> dict[str, Any]:
    starts_at, row_id = decode_cursor(kind, page.cursor) if page.cursor else (None, None)
    return {
        "after_starts_at": datetime.fromisoformat(starts_at) if starts_at else None,
        "after_id": row_id,
        "limit": page.limit + 1,
    }


async def _page(
    connection: AsyncConnection, kind: str, rows: Sequence[Any], page: PageRequest
) -> Page[TicketOrderPublic]:
    items = await with_tickets(connection, rows[: page.limit])
    return Page(items=items, next=next_cursor(kind, rows, page.limit, ["starts_at", "id"]))


async def with_tickets(connection: AsyncConnection, rows: Sequence[Any]) -> list[TicketOrderPublic]:
    """Return rows of orders with their tickets, whoever asks."""
    by_order: dict[uuid.UUID, list[Mapping[Any, Any]]] = {row.id: [] for row in rows}
    for ticket in await connection.execute(_TICKETS, {"ids": list(by_order)}):
        by_order[ticket.order_id].append(ticket._mapping)  # noqa: SLF001 - SQLAlchemy's public name of it
    return [shown(row._mapping, by_order[row.id]) for row in rows]  # noqa: SLF001

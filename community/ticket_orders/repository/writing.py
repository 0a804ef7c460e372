"""The SQL that writes down what is bought: an order, its tickets, the fact and the record of it in one statement."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.database import connection_of
from app.core.events import EmittingStatement
from app.core.statements import HotStatement
from community.events import TicketOrderConfirmed
from community.ticket_orders.models import ORDERS, TICKETS

_ACTION: Final = "ticket_order:place"
_INSTANT = sa.DateTime(timezone=True)
_FROM_ORDER: Final = ("community_id", "organization_id", "resident_id")
_FROM_TICKET: Final = (
    *("id", "attraction_id", "slot_id", "product_id", "holder", "card_id", "persons", "list_amount", "price_amount"),
    *("addons", "valid_from", "valid_until", "is_named", "needs_entitlement", "counted_on", "reentry"),
)
_given = sa.func.jsonb_to_recordset(sa.bindparam("tickets", type_=JSONB)).table_valued(
    *(sa.column(name, TICKETS.c[name].type) for name in _FROM_TICKET)
)
_tickets = _given.render_derived(name="given", with_types=True)


def _adding() -> Any:
    """Return the INSERT of an order that is not there yet, with what its fact says."""
    payload: list[Any] = []
    for name in ("organization_id", "cart_id", "resident_id"):
        payload += [sa.literal_column(f"'{name}'"), ORDERS.c[name]]
    return (
        insert(ORDERS)
        .values({column.name: sa.bindparam(f"given_{column.name}", type_=column.type) for column in ORDERS.c})
        .on_conflict_do_nothing(
            index_elements=["resident_id", "digest"],
            index_where=sa.text("state IN ('held', 'confirmed') AND digest IS NOT NULL"),
        )
        .returning(
            ORDERS.c.id.label("aggregate_id"),
            ORDERS.c.created_at,
            *(ORDERS.c[name] for name in _FROM_ORDER),
            sa.func.jsonb_build_object(*payload, type_=JSONB).label("payload"),
        )
    )


def _with_tickets(changed: sa.CTE) -> sa.Select[Any]:
    names = ["created_at", "updated_at", "version", "revision", "refunded_amount", "state", "order_id"]
    rows = sa.select(
        changed.c.created_at,
        changed.c.created_at,
        sa.literal_column("1"),
        sa.literal_column("1"),
        sa.literal_column("0"),
        sa.bindparam("ticket_state", type_=sa.Text),
        changed.c.aggregate_id,
        *(changed.c[name] for name in _FROM_ORDER),
        *(_tickets.c[name] for name in _FROM_TICKET),
    ).select_from(changed.join(_tickets, sa.true()))
    entered = sa.insert(TICKETS).from_select([*names, *_FROM_ORDER, *_FROM_TICKET], rows).cte("entered")
    return audit.traced(sa.select(changed.c.aggregate_id).add_cte(entered), _ACTION)


_CONFIRMED: Final = EmittingStatement(TicketOrderConfirmed, _adding(), _with_tickets)
_HELD: Final = HotStatement(_with_tickets(_adding().cte("changed")))
_NEW: Final[Mapping[str, Any]] = dict.fromkeys(f"given_{column.name}" for column in ORDERS.c) | {
    "given_version": 1,
    "given_refunded_amount": 0,
}
_SAME: Final = sa.select(ORDERS.c.cart_id).where(
    ORDERS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    ORDERS.c.digest == sa.bindparam("digest", type_=sa.LargeBinary),
    ORDERS.c.state.in_([sa.literal("held", sa.Text), sa.literal("confirmed", sa.Text)]),
)
# What is beyond ``most`` is not counted, and so not among what is returned. In one order: two who buy the same at once
# would each wait for the other.
_COUNT: Final = HotStatement(
    sa.text("""
    INSERT INTO community_ticket_allowance AS a (
        id, created_at, updated_at, version, community_id, resident_id, product_id, day, taken, most, ends_at)
    SELECT w.id, :now, :now, 1, :community_id, :resident_id, w.product_id, w.day, w.taken, w.most, w.ends_at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:product_ids AS uuid[]), CAST(:days AS date[]), CAST(:takens AS int[]),
                CAST(:mosts AS int[]), CAST(:ends AS timestamptz[]))
        AS w (id, product_id, day, taken, most, ends_at)
    WHERE w.taken <= w.most
    ORDER BY w.product_id, w.day
    ON CONFLICT (resident_id, product_id, day) DO UPDATE
        SET taken = a.taken + excluded.taken, most = excluded.most, updated_at = excluded.updated_at,
            ends_at = greatest(a.ends_at, excluded.ends_at), version = a.version + 1
        WHERE a.taken + excluded.taken <= excluded.most
    RETURNING product_id, day""").bindparams(
        sa.bindparam("ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("product_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("days", type_=ARRAY(sa.Date)),
        sa.bindparam("takens", type_=ARRAY(sa.Integer)),
        sa.bindparam("mosts", type_=ARRAY(sa.Integer)),
        sa.bindparam("ends", type_=ARRAY(_INSTANT)),
        sa.bindparam("now", type_=_INSTANT),
        sa.bindparam("community_id", type_=sa.Uuid),
        sa.bindparam("resident_id", type_=sa.Uuid),
    )
)


class Limit(NamedTuple):
    """How many of a product somebody is to have on a day, at most how many, and when the day is over."""

    product_id: uuid.UUID
    day: date
    taken: int
    most: int
    ends_at: datetime


async def add(
    session: AsyncSession, actor: Actor, order: Mapping[str, Any], tickets: Sequence[Mapping[str, Any]]
) -> uuid.UUID | None:
    """Write down an order, held or confirmed as it says, and its tickets; return the cart of the same, if there is one.

    ``order`` and ``tickets`` are values of columns; what they leave out is empty.
    """
    now = clock.now()
    given = {f"given_{name}": value for name, value in order.items()}
    is_held = order["state"] == "held"
    binds = {
        **_NEW,
        **given,
        "given_created_at": now,
        "given_updated_at": now,
        "tickets": list(tickets),
        "ticket_state": "held" if is_held else "valid",
        **audit.trace_binds(
            actor, resident_id=order["resident_id"], object_id=order["id"], community_id=order["community_id"]
        ),
    }
    if is_held:
        row = await _HELD.row(connection_of(session), binds)
    else:
        row = await _CONFIRMED.row(session, binds)
    if row is not None:
        return None
    same = {"resident_id": order["resident_id"], "digest": order["digest"]}
    found: uuid.UUID = (await session.execute(_SAME, same)).scalars().first() or order["cart_id"]
    return found


async def count(
    connection: AsyncConnection, community_id: uuid.UUID, resident_id: uuid.UUID, wanted: Sequence[Limit]
) -> list[Limit]:
    """Count what a resident has of products on days; return what was not, as it is more than they can have.

    Whoever counts the same meanwhile waits: nobody gets more than there is for one.
    """
    binds = {
        "ids": [clock.new_id() for _ in wanted],
        "product_ids": [one.product_id for one in wanted],
        "days": [one.day for one in wanted],
        "takens": [one.taken for one in wanted],
        "mosts": [one.most for one in wanted],
        "ends": [one.ends_at for one in wanted],
        "now": clock.now(),
        "community_id": community_id,
        "resident_id": resident_id,
    }
    counted = {(row.product_id, row.day) for row in await _COUNT.rows(connection, binds)}
    return [one for one in wanted if (one.product_id, one.day) not in counted]

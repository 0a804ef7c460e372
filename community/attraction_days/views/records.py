"""What became of one order: what was paid and given back, and where its tickets were scanned."""

import uuid
from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.billing import api as billing
from app.core import audit
from app.core.access import Actor
from app.core.problems import NotFound
from community.attraction_days.schemas import TicketOrderPayment, TicketOrderRecord, TicketOrderScan
from community.gates.models import GATES, SCANS
from community.ticket_office.models import SALES
from community.ticket_orders.models import ORDERS, TICKETS
from community.ticket_orders.rules import REFERENCE

_ORDER_ID: Final = sa.bindparam("order_id", type_=sa.Uuid)
_ORDER: Final = sa.select(ORDERS).where(
    ORDERS.c.id == _ORDER_ID, ORDERS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid)
)
_SCANS: Final = (
    sa.select(SCANS, GATES.c.name.label("gate"))
    .join_from(TICKETS, SCANS, SCANS.c.ticket_id == TICKETS.c.id)
    .join(GATES, GATES.c.id == SCANS.c.gate_id)
    .where(TICKETS.c.order_id == _ORDER_ID)
    .order_by(SCANS.c.scanned_at, SCANS.c.id)
    .limit(500)
)
_SALES: Final = sa.select(SALES).where(SALES.c.order_id == _ORDER_ID).order_by(SALES.c.sold_at, SALES.c.id)


async def of_order(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, order_id: uuid.UUID
) -> TicketOrderRecord:
    """Return what became of an order of the organization; raises ``NotFound``; reading it is on record."""
    binds = {"order_id": order_id, "organization_id": organization_id}
    order = (await connection.execute(_ORDER, binds)).one_or_none()
    if order is None:
        raise NotFound
    if order.resident_id is not None:
        await audit.record(
            connection,
            actor,
            "ticket_order:read_record",
            resident_id=order.resident_id,
            object_id=order_id,
            community_id=order.community_id,
        )
    sales = [row for row in await connection.execute(_SALES, binds) if row.kind in ("sale", "refund")]
    payments = [*(_at_the_counter(row) for row in sales), *await _by_account(connection, order)]
    handed_back = sum(row.amount for row in sales if row.kind == "refund")
    scans = await connection.execute(_SCANS, binds)
    return TicketOrderRecord(
        payments=sorted(payments, key=lambda one: one.at),
        to_hand_back=max(order.refunded_amount - handed_back, 0) if order.channel == "office" else 0,
        scans=[TicketOrderScan(**{name: getattr(row, name) for name in TicketOrderScan.model_fields}) for row in scans],
    )


def _at_the_counter(row: sa.Row[Any]) -> TicketOrderPayment:
    return TicketOrderPayment(
        kind="paid" if row.kind == "sale" else "given_back",
        method=row.method,
        amount=row.amount,
        currency=row.currency,
        at=row.sold_at,
    )


async def _by_account(connection: AsyncConnection, order: Any) -> Iterable[TicketOrderPayment]:
    """Return what billing knows: what was paid of what is owed, or that it is promised and not taken yet."""
    charges = await billing.charges_for(connection, REFERENCE, [order.id])
    found = [
        TicketOrderPayment(
            kind="given_back" if one.refunds_id else "paid",
            method=one.kind,
            amount=one.amount,
            currency=one.currency,
            at=one.received_at,
        )
        for charge in charges.values()
        for one in charge.payments
    ]
    for charge in charges.values():
        owed = charge.amount - charge.paid_amount - charge.credited_amount
        if charge.state == "open" and owed > 0:
            at, currency = charge.created_at, charge.currency
            found.append(TicketOrderPayment(kind="owed", method="desk", amount=owed, currency=currency, at=at))
    known = (await billing.authorizations_for(connection, REFERENCE, [order.id])).get(order.id)
    if known is not None and known.state == "authorized" and known.authorized_at is not None and not charges:
        at, currency = known.authorized_at, known.currency
        found.append(
            TicketOrderPayment(kind="promised", method=known.method, amount=known.amount, currency=currency, at=at)
        )
    return found

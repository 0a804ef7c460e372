"""Who is told what of tickets: whose day it is, and whoever bought them and may still know of it."""

import uuid
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.identity.api import granted_accounts
from community.ticket_orders import notices
from community.ticket_orders.access import READ, Subject
from community.ticket_orders.models import TICKETS, TicketOrder
from community.ticket_orders.problems import NobodyToTell, TicketsNotOpen
from notifications.api import Notice, Value, send

_granted = granted_accounts(READ).subquery("granted")
_MAY_STILL: Final = sa.select(_granted.c.account_id).where(
    _granted.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    _granted.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
)
_HAS_GOOD: Final = sa.select(
    sa.exists().where(
        TICKETS.c.order_id == sa.bindparam("order_id", type_=sa.Uuid),
        TICKETS.c.valid_until > sa.bindparam("at", type_=sa.DateTime(timezone=True)),
        TICKETS.c.state.in_(("valid", "admitted")),
    )
)


async def tell(session: AsyncSession, notice: Notice, row: Any, occasion: str, **more: Value) -> None:
    """Write ``notice`` about an order; under one ``occasion`` each gets it once. Who is no resident is told nothing.

    ``more`` are further variables, or another ``starts_at`` than the order's first.
    """
    if row.resident_id is None or row.account_id is None:
        return
    accounts: list[uuid.UUID] = [row.account_id]
    if row.buyer_id is not None and row.buyer_id != row.account_id:
        binds = {"resident_id": row.resident_id, "account_id": row.buyer_id, "granted_at": clock.now()}
        accounts += list(await session.scalars(_MAY_STILL, binds))
    await send(
        session,
        notice,
        list(dict.fromkeys(accounts)),
        community_id=row.community_id,
        dedupe_key=f"ticket_order:{row.id}:{occasion}",
        variables={"resident": row.resident_id, "starts_at": row.starts_at} | more,
        about=row.resident_id,
        data={"ticket_order_id": str(row.id), "resident_id": str(row.resident_id)},
    )


async def send_again(session: AsyncSession, actor: Actor, subject: Subject) -> None:
    """Tell once more that tickets are good and where they are; however often it is pressed, once in five minutes.

    Raises ``Forbidden`` for who may only see it, ``TicketsNotOpen`` where none is good, ``NobodyToTell`` for what was
    sold at a counter.
    """
    subject.acting()
    row = await session.get(TicketOrder, subject.id)
    binds = {"order_id": subject.id, "at": clock.now()}
    if row is None or row.state != "confirmed" or not await session.scalar(_HAS_GOOD, binds):
        raise TicketsNotOpen(tickets=[])
    if row.account_id is None or row.resident_id is None:
        raise NobodyToTell
    await tell(session, notices.CONFIRMED, row, f"again:{int(clock.now().timestamp()) // 300}")
    await audit.record(
        session,
        actor,
        "ticket_order:send_again",
        resident_id=subject.resident_id,
        object_id=subject.id,
        community_id=subject.community_id,
    )

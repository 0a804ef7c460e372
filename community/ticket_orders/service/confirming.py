"""The one way tickets become valid that waited for their money."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import emit
from app.reservations.api import HoldOver, allocated_for, confirm_allocations
from community.events import TicketOrderConfirmed
from community.ticket_orders import rules
from community.ticket_orders.models import TicketOrder
from community.ticket_orders.repository import tickets


async def confirm(session: AsyncSession, rows: Sequence[TicketOrder]) -> bool:
    """Make all tickets of a cart valid, whose orders are locked and held; say whether its places were still there.

    Of a hold that has been over for long some may be gone already, whatever is left of it.
    """
    now = clock.now()
    if any(row.hold_until is None or now >= row.hold_until + rules.GRACE / 2 for row in rows):
        return False
    live = await tickets.live_locked(session, [row.id for row in rows])
    origins = [*(one.id for one in live), *(row.id for row in rows)]
    held = await allocated_for(await session.connection(), rules.ORIGIN, origins)
    try:
        async with session.begin_nested():
            await session.connection()  # the savepoint is set by the first use of it
            await confirm_allocations(session, [one.id for one in held])
    except HoldOver:
        return False
    for row in rows:
        row.state, row.hold_until, row.confirmed_at = "confirmed", None, now
    await session.flush()
    await tickets.make_valid(session, [row.id for row in rows])
    for row in rows:
        await emit(session, TicketOrderConfirmed(**about(row)))
    return True


def about(row: TicketOrder) -> dict[str, Any]:
    """Return what the facts of an order say of it."""
    known: dict[str, uuid.UUID | None] = {
        "aggregate_id": row.id,
        "community_id": row.community_id,
        "organization_id": row.organization_id,
        "cart_id": row.cart_id,
        "resident_id": row.resident_id,
    }
    return known

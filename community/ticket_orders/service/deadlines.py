"""What happens when a moment passes: no money, or a slot that does not take place."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from community.ticket_orders import notices
from community.ticket_orders.repository import tickets
from community.ticket_orders.service.ending import end, let_go
from community.ticket_orders.service.telling import tell


async def expire(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Let go of carts whose money did not come in time; what is authorized later is given back."""
    for rows in (await tickets.carts_locked(session, ids)).values():
        await let_go(session, rows, "unpaid")
        await tell(session, notices.EXPIRED, rows[0], "expired")


async def give_back(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Give back tickets of slots that do not take place, all that was paid for them, and tell whoever has them.

    What waits for its money is let go, with all of its cart. Each batch is a unit of work, in which a ticket ends and
    its money goes back, or neither: a batch that was cut off is worked off again, and what is given back already is not
    found again.
    """
    rows = await tickets.some_locked(session, ids)
    chosen = await tickets.called_off_locked(session, ids)
    for row in rows:
        row.give_back_at = None
    concerned = {one.order_id for one in chosen}
    waiting = [row.id for row in rows if row.id in concerned and row.state == "held"]
    for cart in (await tickets.carts_locked(session, waiting)).values():
        await let_go(session, cart, "slot_cancelled")
    for row in rows:
        mine = [one for one in chosen if one.order_id == row.id]
        if row.state == "confirmed":
            ends = [(one, one.price_amount) for one in mine]
            await end(session, [row], ends, "cancelled", "slot_cancelled", is_offered=False)
        if mine:
            first = min(one.valid_from for one in mine)
            await tell(session, notices.CANCELLED, row, f"cancelled:{first.isoformat()}", starts_at=first)
    await session.flush()

"""The one way tickets end before they were used: their places go back, and to whoever waited for them."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import emit
from app.reservations.api import allocated_for, release_allocations
from community.events import TicketOrderCancelled, TicketsRefunded
from community.ticket_orders import rules
from community.ticket_orders.models import TicketOrder
from community.ticket_orders.repository import tickets
from community.ticket_orders.service import paying
from community.ticket_orders.service.confirming import about
from community.ticket_orders.views.orders import refundable
from community.ticket_waitlist.service.offering import offer
from community.ticketing.views import slots_for


async def end(
    session: AsyncSession,
    rows: Sequence[TicketOrder],
    ends: Sequence[tuple[Any, int]],
    state: rules.TicketState,
    reason: rules.CloseReason,
    *,
    by: uuid.UUID | None = None,
    is_offered: bool = True,
) -> None:
    """Have locked tickets of locked orders end in a state, with the amount that is given back of each.

    Money is given back as it was paid. An order of which nothing is left is over. What comes free goes to who waits,
    unless nobody can have it (not ``is_offered``).
    """
    if not ends:
        return
    await tickets.end(session, [(ticket.id, amount) for ticket, amount in ends], state, reason)
    live = await tickets.still_live(session, [row.id for row in rows])
    over = [row for row in rows if row.id not in live]
    now = clock.now()
    for row in rows:
        mine = [(ticket, amount) for ticket, amount in ends if ticket.order_id == row.id]
        amount = sum(given for _, given in mine)
        row.refunded_amount += amount
        was_held = row.state == "held"
        if row in over:
            row.state = "expired" if state == "expired" else "cancelled"
            row.hold_until, row.give_back_at = None, None
            row.closed_at, row.close_reason = now, reason
        await session.flush()
        if was_held:
            await paying.void(session, [row])
        else:
            await paying.give_back(session, by, row, amount, reason)
            ids = [ticket.id for ticket, _ in mine]
            await emit(session, TicketsRefunded(**about(row), ticket_ids=ids, reason=reason))
        if row in over:
            await emit(session, TicketOrderCancelled(**about(row), reason=reason))
    origins = [*(ticket.id for ticket, _ in ends), *(row.id for row in over)]
    taken = await allocated_for(await session.connection(), rules.ORIGIN, origins)
    await release_allocations(session, [one.id for one in taken])
    if is_offered:
        await offer(session, sorted({ticket.slot_id for ticket, _ in ends}))


async def by_rule(session: AsyncSession, rows: Iterable[TicketOrder], chosen: Sequence[Any]) -> list[tuple[Any, int]]:
    """Return what is given back now of locked, valid tickets of orders by what was agreed.

    That is all of it where the slot does not take place, although the worker has not come to it yet.
    """
    terms, now = {row.id: row.terms for row in rows}, clock.now()
    slots = await slots_for(await session.connection(), {one.slot_id for one in chosen})
    return [
        (
            one,
            one.price_amount
            if slots[one.slot_id].state == "cancelled"
            else refundable(one._mapping, terms[one.order_id], now),  # noqa: SLF001 - SQLAlchemy's public name of it
        )
        for one in chosen
    ]


async def let_go(session: AsyncSession, rows: Sequence[TicketOrder], reason: rules.CloseReason) -> None:
    """Let go of locked orders that wait for their money; what is promised later is let go when it arrives."""
    held = [row for row in rows if row.state == "held"]
    live = await tickets.live_locked(session, [row.id for row in held])
    state: rules.TicketState = "cancelled" if reason in ("changed_mind", "slot_cancelled") else "expired"
    await end(session, held, [(one, 0) for one in live], state, reason)

"""What tickets do when something happens elsewhere: money comes or does not, a slot is called off, somebody leaves."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.events import (
    AuthorizationFailed,
    AuthorizationNeedsAction,
    AuthorizationSucceeded,
)
from app.core.events import emit
from community.events import SlotMoved, TicketOrderConfirmed, TicketsRefunded
from community.ticket_orders import notices, rules
from community.ticket_orders.models import TicketOrder
from community.ticket_orders.repository import tickets
from community.ticket_orders.service import paying
from community.ticket_orders.service.confirming import confirm
from community.ticket_orders.service.ending import by_rule, end, let_go
from community.ticket_orders.service.moving import moved
from community.ticket_orders.service.telling import tell

OfMoney = AuthorizationSucceeded | AuthorizationNeedsAction | AuthorizationFailed


async def follow_money(session: AsyncSession, events: Sequence[OfMoney]) -> None:
    """Confirm carts of which all is promised, let go of those of which something is refused, void what comes late."""
    ours = [event for event in events if event.reference_kind == rules.REFERENCE]
    carts = await tickets.carts_locked(session, [event.reference_id for event in ours])
    by_order = {row.id: rows for rows in carts.values() for row in rows}
    for event in sorted(ours, key=lambda one: (one.occurred_at, one.id)):
        if event.reference_id in by_order:
            await _follow(session, by_order[event.reference_id], event)


async def _follow(session: AsyncSession, rows: Sequence[TicketOrder], event: OfMoney) -> None:
    row = next(one for one in rows if one.id == event.reference_id)
    match event:
        case AuthorizationSucceeded() if row.state == "held":
            # What was there in time counts, however late it is told; any other hold ends by itself.
            in_time = row.hold_until is not None and event.occurred_at <= row.hold_until
            if in_time and await paying.are_promised(session, rows) and not await confirm(session, rows):
                await let_go(session, rows, "unpaid")
                await tell(session, notices.EXPIRED, row, "expired")
        case AuthorizationSucceeded() if row.state in ("expired", "cancelled"):
            await paying.void(session, [row])
        case AuthorizationNeedsAction() if row.state == "held":
            await tell(session, notices.PAYMENT_ACTION, row, f"action:{event.id}")
        case AuthorizationFailed() if row.state == "held":
            await let_go(session, rows, "payment_failed")
            await tell(session, notices.EXPIRED, row, "expired")


async def follow_confirmed(session: AsyncSession, events: Sequence[TicketOrderConfirmed]) -> None:
    """Take the money of tickets that are valid now, or say that it is owed at the desk; tell that they are."""
    for row in await tickets.some_locked(session, [event.aggregate_id for event in events]):
        if row.state == "confirmed":
            await paying.settle(session, row)
            await tell(session, notices.CONFIRMED, row, "confirmed")


async def follow_refunds(session: AsyncSession, events: Sequence[TicketsRefunded]) -> None:
    """Tell of tickets that were given back; of a slot that was called off, who calls it off tells."""
    given = {event.aggregate_id: event for event in events if event.reason != "slot_cancelled"}
    for row in await tickets.some_locked(session, given):
        await tell(session, notices.REFUNDED, row, f"refunded:{given[row.id].id}")


async def call_off_slots(session: AsyncSession, slot_ids: Sequence[uuid.UUID]) -> None:
    """Have all tickets of slots that do not take place be given back, batch by batch; nobody can buy one any more."""
    await tickets.mark_due(session, slot_ids)


async def follow_moved(session: AsyncSession, events: Sequence[SlotMoved]) -> None:
    """Have tickets say when their slot takes place now, and tell whoever has them; codes of before do not count."""
    for event in events:
        rows = await tickets.some_locked(session, await tickets.orders_of_slot(session, event.aggregate_id))
        changed = await tickets.follow_slot(session, event.aggregate_id)
        for ticket in changed:
            await emit(session, moved(ticket, ticket.slot_id))
        concerned = {ticket.order_id: ticket.valid_from for ticket in changed}
        for row in (one for one in rows if one.id in concerned):
            row.starts_at, row.ends_at = await tickets.span_of(session, row.id)
            await session.flush()
            if row.state == "confirmed":
                times = {"starts_at": concerned[row.id], "was_at": event.was_starts_at}
                await tell(session, notices.MOVED, row, f"slot_moved:{event.id}", **times)


async def close_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Give back what lies ahead of residents who are here no more, by what was agreed."""
    ahead = await tickets.ahead_of_residents(session, resident_ids)
    if not ahead:
        return
    carts = await tickets.carts_locked(session, {order_id for _, order_id in ahead})
    rows = [row for some in carts.values() for row in some]
    await let_go(session, rows, "resident_left")
    chosen = await tickets.tickets_locked(session, [ticket_id for ticket_id, _ in ahead])
    ends = await by_rule(session, rows, [one for one in chosen if one.state == "valid"])
    known = {one.order_id for one, _ in ends}
    await end(session, [row for row in rows if row.id in known], ends, "refunded", "resident_left")

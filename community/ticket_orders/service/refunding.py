"""Giving tickets back: by whoever bought or sells them, by what was agreed; by the organization, in full."""

import uuid
from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit
from app.core.access import Actor
from app.core.problems import NotFound
from community.ticket_orders import rules
from community.ticket_orders.access import Subject, require_buyer
from community.ticket_orders.problems import CompanionAlone, RefundChanged, TicketsNotOpen
from community.ticket_orders.repository import tickets
from community.ticket_orders.schemas.given import RefundAsk
from community.ticket_orders.service.ending import by_rule, end, let_go


async def refund(session: AsyncSession, actor: Actor, subject: Subject, data: RefundAsk) -> None:
    """Give tickets of an order back for the side the actor stands on: the buyer's first.

    A ticket that was used at the same moment is not given back, and one that is given back lets nobody in. Of what
    still waits for its money the whole cart is let go. Raises ``Forbidden`` for who may only see it, ``NotFound`` for a
    ticket of another order, ``TicketsNotOpen``, ``RefundChanged`` where something else is given back than was shown,
    ``CompanionAlone`` where only a companion would be left.
    """
    side = subject.acting()
    if side == "resident" and subject.resident_id is not None:
        await require_buyer(await session.connection(), actor, subject.resident_id)
    carts = await tickets.carts_locked(session, [subject.id])
    (rows,) = carts.values()
    row = next(one for one in rows if one.id == subject.id)
    chosen = await tickets.tickets_locked(session, data.ticket_ids)
    _require_all([one.id for one in chosen if one.order_id == row.id], data.ticket_ids)
    if row.state == "held":
        if data.amount:
            raise RefundChanged(amount=0)
        await let_go(session, rows, "changed_mind")
    else:
        odd = [{"ticket_id": str(one.id), "state": one.state} for one in chosen if one.state != "valid"]
        if odd:
            raise TicketsNotOpen(tickets=odd)
        is_goodwill = side in ("organization", "operator") and not data.by_rule
        ends = [(one, one.price_amount) for one in chosen] if is_goodwill else await by_rule(session, rows, chosen)
        alone = None if is_goodwill else await tickets.left_alone(session, row, [one.id for one in chosen])
        if alone is not None:
            raise CompanionAlone(slot_id=str(alone))
        total = sum(amount for _, amount in ends)
        if total != data.amount:
            raise RefundChanged(amount=total)
        reason: rules.CloseReason = "organization" if is_goodwill else "changed_mind"
        await end(session, [row], ends, "refunded", reason, by=actor.id)
    await audit.record(
        session,
        actor,
        "ticket_order:refund",
        resident_id=subject.resident_id,
        object_id=subject.id,
        community_id=subject.community_id,
        details={"reason": data.reason} if data.reason and side != "resident" else None,
    )


def _require_all(found: Collection[uuid.UUID], wanted: Collection[uuid.UUID]) -> None:
    if set(found) != set(wanted):
        raise NotFound("the order has no such ticket")

"""A ticket for another slot, or in another name: codes of it from before do not count any more."""

import uuid
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import StaleVersion
from app.core.sealing import seal
from app.reservations.api import Portion, allocated_for, move_allocations
from community.events import TicketMoved
from community.ticket_orders import notices, rules
from community.ticket_orders.access import Subject, require_buyer
from community.ticket_orders.models import HOLDER, TicketOrder
from community.ticket_orders.problems import LimitReached, MoveNotAllowed, TicketsNotOpen
from community.ticket_orders.repository import offers, tickets, writing
from community.ticket_orders.schemas.given import CartItem, HolderGive
from community.ticket_orders.service.composing import Buyer, compose
from community.ticket_orders.service.telling import tell
from community.ticket_orders.views.orders import terms_of
from community.ticket_waitlist.service.offering import offer


async def move(session: AsyncSession, actor: Actor, subject: Subject, ticket_id: uuid.UUID, slot_id: uuid.UUID) -> None:
    """Have a ticket be for another slot of its attraction, all its places or none.

    Whoever bought it does so as long as was agreed, the organization always. Raises ``Forbidden``, ``TicketsNotOpen``,
    ``MoveNotAllowed``, ``PoolExhausted``, ``LimitReached``, and what ``compose`` does.
    """
    row, ticket = await _changed(session, actor, subject, ticket_id)
    terms = terms_of(row.terms, ticket.attraction_id)
    if subject.acting() == "resident" and not terms.lets_change(ticket.valid_from, clock.now()):
        raise MoveNotAllowed(reason="too_late")
    if slot_id == ticket.slot_id:
        return
    connection = await session.connection()
    cards = {} if ticket.needs_entitlement is None else {ticket.needs_entitlement: ticket.card_id}
    buyer = Buyer(row.community_id, row.resident_id, cards, is_online=False, has_ticket=True)
    composed = await compose(connection, buyer, [CartItem(slot_id=slot_id, product_id=ticket.product_id)])
    (draft,) = composed.tickets
    if draft.list_amount != ticket.list_amount:
        raise MoveNotAllowed(reason="other_price", price=draft.list_amount)
    kept = {one.pool_id for one in (await offers.addons(connection, _addon_ids(ticket))).values()}
    taken = await allocated_for(connection, rules.ORIGIN, [ticket.id])
    places = [one.id for one in taken if one.pool_id not in kept]
    # As it was sold, whatever its product is by now: so many persons, who may come back or not.
    portions = [Portion(pool_id, ticket.persons, ticket.id) for pool_id in draft.offer.pool_ids]
    until = draft.offer.ends_at if ticket.reentry == "same_day" else draft.offer.entry_until
    await tickets.uncount(session, [ticket.id])
    await tickets.place_at(session, ticket.id, slot_id, draft.offer.starts_at, until)
    limits = composed.limits()
    if limits and row.resident_id is not None:
        beyond = await writing.count(connection, row.community_id, row.resident_id, limits)
        if beyond:
            raise LimitReached(product_id=str(beyond[0].product_id), most=beyond[0].most)
    await move_allocations(session, places, portions, origin_kind=rules.ORIGIN)
    row.starts_at, row.ends_at = await tickets.span_of(session, row.id)
    await session.flush()
    await emit(session, moved(ticket, slot_id))
    times = {"starts_at": draft.offer.starts_at, "was_at": ticket.valid_from}
    await tell(session, notices.MOVED, row, f"moved:{ticket.id}:{ticket.revision + 1}", **times)
    await _record(session, actor, "ticket:move", row, ticket.id)
    await offer(session, [ticket.slot_id])


async def rename(
    session: AsyncSession,
    actor: Actor,
    subject: Subject,
    ticket_id: uuid.UUID,
    data: HolderGive,
    if_match: int | None = None,
) -> None:
    """Have a ticket be in another name, as long as tickets may be changed.

    Raises as ``move`` does, and ``StaleVersion`` if ``if_match`` is not the ticket's revision.
    """
    row, ticket = await _changed(session, actor, subject, ticket_id)
    if if_match not in (None, ticket.revision):
        raise StaleVersion
    terms = terms_of(row.terms, ticket.attraction_id)
    if subject.acting() == "resident" and not terms.lets_change(ticket.valid_from, clock.now()):
        raise MoveNotAllowed(reason="too_late")
    holder = seal(orjson.dumps(data.model_dump(mode="json")).decode(), HOLDER)
    await tickets.name(session, ticket.id, holder)
    await emit(session, moved(ticket, ticket.slot_id))
    await _record(session, actor, "ticket:rename", row, ticket.id)


def moved(ticket: Any, slot_id: uuid.UUID) -> TicketMoved:
    """Return the fact that a ticket says something else than before."""
    return TicketMoved(
        aggregate_id=ticket.id,
        community_id=ticket.community_id,
        order_id=ticket.order_id,
        slot_id=slot_id,
        resident_id=ticket.resident_id,
    )


async def _changed(
    session: AsyncSession, actor: Actor, subject: Subject, ticket_id: uuid.UUID
) -> tuple[TicketOrder, Any]:
    """Return an order and a valid ticket of it, locked for whoever may change it."""
    if subject.acting() == "resident" and subject.resident_id is not None:
        await require_buyer(await session.connection(), actor, subject.resident_id)
    row = await tickets.locked(session, subject.id)
    (ticket,) = await tickets.tickets_locked(session, [ticket_id])
    if ticket.state != "valid" or ticket.revision >= rules.MOST_REVISIONS:
        raise TicketsNotOpen(tickets=[{"ticket_id": str(ticket.id), "state": ticket.state}])
    return row, ticket


def _addon_ids(ticket: Any) -> list[uuid.UUID]:
    return [uuid.UUID(one["addon_id"]) for one in ticket.addons]


async def _record(session: AsyncSession, actor: Actor, action: str, row: TicketOrder, ticket_id: uuid.UUID) -> None:
    await audit.record(
        session, actor, action, resident_id=row.resident_id, object_id=ticket_id, community_id=row.community_id
    )

"""Waiting for places: asked for, given up, over when there is nothing to wait for any more."""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.identity.api import ResidenceEnded, ResidentSubject
from app.reservations.api import PoolExhausted, require_left
from community.ticket_waitlist import repository
from community.ticket_waitlist.models import TicketWait
from community.ticket_waitlist.problems import AlreadyWaiting, PlacesLeft, WaitOver
from community.ticket_waitlist.schemas import TicketWaitCreate
from community.ticket_waitlist.service.offering import pass_on
from community.ticketing.rules import Wanted
from community.ticketing.service.portions import portions_for
from community.ticketing.service.pricing import price
from community.ticketing.views import slots_for


async def wait(session: AsyncSession, actor: Actor, subject: ResidentSubject, data: TicketWaitCreate) -> TicketWait:
    """Have a resident wait for tickets of a slot that are not to be had, and return the entry.

    Raises ``NotFound``, ``NotOnSale``, ``ResidenceEnded``, ``PlacesLeft`` where they can be bought, ``AlreadyWaiting``.
    """
    if subject.state != "active":
        raise ResidenceEnded
    connection = await session.connection()
    slot = (await slots_for(connection, [data.slot_id])).get(data.slot_id)
    if slot is None or slot.community_id != subject.community_id:
        raise NotFound("there is no such slot")
    wanted = Wanted(data.slot_id, data.product_id, data.quantity, data.slot_id)
    await price(connection, [wanted], clock.now())
    try:
        await require_left(connection, await portions_for(connection, [wanted]))
    except PoolExhausted:
        pass
    else:
        raise PlacesLeft
    row = TicketWait(
        community_id=subject.community_id,
        organization_id=slot.organization_id,
        resident_id=subject.resident_id,
        account_id=subject.account_id,
        asked_by=actor.id,
        slot_id=data.slot_id,
        product_id=data.product_id,
        quantity=data.quantity,
        starts_at=slot.starts_at,
        over_at=slot.entry_until,
    )
    known = await repository.add(session, row)
    if known is not None:
        raise AlreadyWaiting(wait_id=str(known))
    await _record(session, actor, "ticket_wait:begin", row)
    return row


async def withdraw(session: AsyncSession, actor: Actor, wait_id: uuid.UUID) -> TicketWait:
    """Have somebody wait no more, and return the entry; what was held for them goes to the next.

    Raises ``WaitOver``.
    """
    row = await repository.locked(session, wait_id)
    if row.state == "withdrawn":
        return row
    if row.state not in ("waiting", "offered"):
        raise WaitOver(wait_state=row.state)
    was_offered = row.state == "offered"
    row.state, row.offered_until, row.over_at = "withdrawn", None, None
    await session.flush()
    if was_offered:
        await pass_on(session, [row])
    await _record(session, actor, "ticket_wait:withdraw", row)
    return row


async def end(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Have entries end whose slot is over: there is nothing to wait for any more."""
    for row in await repository.some_locked(session, ids):
        if row.state == "waiting":
            row.state, row.over_at = "over", None
    await session.flush()


async def end_of_slots(session: AsyncSession, slot_ids: Collection[uuid.UUID]) -> None:
    """Have all end who wait for slots that do not take place; what was held for them nobody gets."""
    await _end(session, await repository.live_of_slots(session, slot_ids))


async def end_of_residents(session: AsyncSession, resident_ids: Collection[uuid.UUID]) -> None:
    """Have residents wait no more who are here no more; what was held for them goes to the next."""
    await _end(session, await repository.live_of_residents(session, resident_ids))


async def _end(session: AsyncSession, rows: Sequence[TicketWait]) -> None:
    offered = [row for row in rows if row.state == "offered"]
    for row in rows:
        row.state, row.offered_until, row.over_at = "over", None, None
    await session.flush()
    await pass_on(session, offered)


async def _record(session: AsyncSession, actor: Actor, action: str, row: TicketWait) -> None:
    await audit.record(
        session, actor, action, resident_id=row.resident_id, object_id=row.id, community_id=row.community_id
    )

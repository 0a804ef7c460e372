"""What resellers have to sell: taken out of the pools for them, sold on, and put back when it is time."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.identity.api import members_of, organizations_named
from app.reservations.api import Portion, allocate, allocated_for, release_allocations
from community.events import SlotCancelled, SlotMoved
from community.ticket_office import notices, repository, rules
from community.ticket_office.models import AllotmentShare, OfficeSale, TicketAllotment
from community.ticket_office.problems import AllotmentOver, NothingAllotted
from community.ticket_office.schemas.given import AllotmentCreate, ResellerSaleCreate
from community.ticket_office.schemas.shown import ResellerSalePublic
from community.ticket_office.service.selling import require_documents, write_down
from community.ticket_office.views.tills import sale_public
from community.ticket_orders.schemas.given import CartItem
from community.ticket_orders.service import selling as tickets
from community.ticket_waitlist.service.offering import keep_slots, offer
from community.ticketing.rules import Wanted
from community.ticketing.service.portions import portions_for
from community.ticketing.views import products_for, slots_for
from notifications.api import send


async def allot(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: AllotmentCreate
) -> TicketAllotment:
    """Give a reseller so many tickets of each slot to sell, all of them or none; from now on nobody else can.

    Raises ``Malformed`` for a reseller or product there is not, ``NotFound`` for a slot, ``AllotmentOver``,
    ``NotOnSale``, ``PoolExhausted`` naming every slot of which there is not so much left.
    """
    connection = await session.connection()
    known = await organizations_named(connection, actor.community_id, [data.reseller_id])
    if data.reseller_id not in known or data.reseller_id == organization_id:
        raise Malformed(errors=[FieldError("/body/reseller_id", "there is no such reseller here", "unknown_id")])
    product = (await products_for(connection, [data.product_id])).get(data.product_id)
    if product is None or product.organization_id != organization_id:
        raise Malformed(errors=[FieldError("/body/product_id", "there is no such product here", "unknown_id")])
    slots = await slots_for(connection, data.slot_ids)
    if any(one not in slots or slots[one].attraction_id != product.attraction_id for one in data.slot_ids):
        raise NotFound("there is no such slot of this attraction")
    row = TicketAllotment(
        community_id=actor.community_id,
        organization_id=organization_id,
        reseller_id=data.reseller_id,
        attraction_id=product.attraction_id,
        product_id=product.id,
        quantity=data.quantity,
        release_before=data.release_before,
        commission_rate=data.commission_rate,
    )
    shares = [
        AllotmentShare(
            allotment_id=row.id,
            slot_id=slot_id,
            starts_at=slots[slot_id].starts_at,
            quantity=data.quantity,
            release_at=rules.release_at(slots[slot_id].starts_at, data.release_before, slots[slot_id].entry_until),
        )
        for slot_id in data.slot_ids
    ]
    now = clock.now()
    late = [str(one.slot_id) for one in shares if one.release_at is None or one.release_at <= now]
    if late:
        raise AllotmentOver(slot_ids=late)
    session.add(row)
    await session.flush()
    session.add_all(shares)
    await session.flush()
    wanted = [Wanted(one.slot_id, product.id, one.quantity, one.id) for one in shares]
    await allocate(session, await portions_for(connection, wanted), origin_kind=rules.ORIGIN)
    await send(
        session,
        notices.ALLOTTED,
        (await members_of(connection, [data.reseller_id], "coordinator"))[data.reseller_id],
        community_id=row.community_id,
        dedupe_key=f"ticket_allotment:{row.id}",
        variables={"slots": len(shares), "tickets": len(shares) * data.quantity},
        data={"allotment_id": str(row.id)},
    )
    await audit.record(session, actor, "ticket_allotment:add", object_id=row.id)
    return row


async def end(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, allotment_id: uuid.UUID
) -> TicketAllotment:
    """Take back what a reseller has not sold; taken back already, it stays so. Raises ``NotFound``."""
    row = await repository.locked_allotment(session, organization_id, allotment_id)
    if row.ended_at is None:
        row.ended_at = clock.now()
        shares = await repository.shares_locked(session, col(AllotmentShare.allotment_id) == row.id)
        await _put_back(session, shares, "ended")
        await audit.record(session, actor, "ticket_allotment:end", object_id=row.id)
    return row


async def put_back_unsold(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Put back what resellers have not sold in time; whoever waits for it is offered it first."""
    await _put_back(session, await repository.shares_locked(session, col(AllotmentShare.id).in_(ids)), "deadline")


async def follow_slots(session: AsyncSession, events: Sequence[SlotCancelled | SlotMoved]) -> None:
    """Put back what resellers have of slots that were called off, and of moved ones as long before as was agreed."""
    slot_ids = {event.aggregate_id for event in events}
    shares = await repository.shares_locked(session, col(AllotmentShare.slot_id).in_(slot_ids))
    slots = await slots_for(await session.connection(), slot_ids)
    over = [one for one in shares if slots[one.slot_id].state == "cancelled"]
    await _put_back(session, over, "slot_cancelled")
    for share in shares:
        if share not in over:
            slot = slots[share.slot_id]
            before = (await session.get_one(TicketAllotment, share.allotment_id)).release_before
            share.starts_at = slot.starts_at
            share.release_at = rules.release_at(slot.starts_at, before, slot.entry_until)
    await session.flush()


async def sell(
    session: AsyncSession, actor: Actor, reseller_id: uuid.UUID, data: ResellerSaleCreate
) -> ResellerSalePublic:
    """Sell of what a reseller has of a slot, and return the tickets: they are good at once.

    Raises ``NotFound``, ``NothingAllotted``, ``Malformed`` for named tickets without documents, and what selling does.
    """
    share = await repository.locked_share(session, reseller_id, data.share_id)
    allotment = await session.get_one(TicketAllotment, share.allotment_id)
    now = clock.now()
    is_over = share.release_at is None or share.release_at <= now
    left = 0 if is_over else share.quantity - share.sold
    if left < data.quantity:
        raise NothingAllotted(left=left)
    item = CartItem(
        slot_id=share.slot_id, product_id=allotment.product_id, quantity=data.quantity, holders=data.holders
    )
    await require_documents(session, [item], "/body/holders")
    await _make_room(session, share, allotment.product_id, left - data.quantity)
    cart = await tickets.sell(
        session,
        actor,
        allotment.organization_id,
        [item],
        total=data.total,
        cards=dict.fromkeys(data.shown),
        channel="reseller",
    )
    (order,) = cart.orders
    share.sold += data.quantity
    await session.flush()
    row = OfficeSale(
        community_id=allotment.community_id,
        organization_id=allotment.organization_id,
        seller_id=reseller_id,
        account_id=actor.id,
        share_id=share.id,
        order_id=order.id,
        kind="sale",
        method="reseller",
        amount=order.total,
        currency=order.currency,
        tickets=data.quantity,
        sold_at=now,
    )
    await write_down(session, actor, row, None)
    kept = rules.commission(row.amount, allotment.commission_rate)
    return ResellerSalePublic(sale=sale_public(row), commission_amount=kept, cart=cart)


async def _make_room(session: AsyncSession, share: AllotmentShare, product_id: uuid.UUID, rest: int) -> None:
    """Put back what a locked share holds but for ``rest`` tickets: until we commit, nobody else can have it.

    The slot is locked first and its pools after it, as whoever sells does.
    """
    connection = await session.connection()
    one_each = await portions_for(connection, [Wanted(share.slot_id, product_id, 1, share.id)])
    held = await allocated_for(connection, rules.ORIGIN, [share.id])
    await release_allocations(session, [one.id for one in held])
    if rest:
        portions = [Portion(one.pool_id, one.quantity * rest, share.id) for one in one_each]
        await allocate(session, portions, origin_kind=rules.ORIGIN)


async def _put_back(session: AsyncSession, shares: Sequence[AllotmentShare], reason: rules.ReleaseReason) -> None:
    now, slot_ids = clock.now(), sorted({one.slot_id for one in shares})
    await keep_slots(session, slot_ids)
    held = await allocated_for(await session.connection(), rules.ORIGIN, [one.id for one in shares])
    await release_allocations(session, [one.id for one in held])
    for share in shares:
        share.released_at, share.release_at, share.release_reason = now, None, reason
    await session.flush()
    if shares and reason != "slot_cancelled":
        await offer(session, slot_ids)

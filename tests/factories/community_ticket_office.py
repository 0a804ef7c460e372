"""Tills, sales and allotments, really committed, through what opens and sells them."""

import uuid
from datetime import timedelta

from app.core.access import Actor
from app.core.database import unit_of_work
from app.identity.models import Account, Organization
from community.ticket_office.models import AllotmentShare, OfficeShift, TicketAllotment
from community.ticket_office.repository import shares_locked
from community.ticket_office.schemas.given import AllotmentCreate, OfficeSaleCreate, ShiftOpening
from community.ticket_office.schemas.shown import OfficeSalePublic
from community.ticket_office.service import allotting, selling, shifts
from community.ticket_orders.schemas.given import CartItem
from community.ticketing.models import TicketProduct, TicketSlot


async def shift(by: Account, of: Organization, counted: int = 20_000) -> OfficeShift:
    """Have somebody open a till."""
    async with unit_of_work() as session:
        return await shifts.open_one(session, _actor(by), of.id, ShiftOpening(counted=counted))


async def sale(
    by: Account, at: OfficeShift, slot: TicketSlot, product: TicketProduct, quantity: int = 1
) -> OfficeSalePublic:
    """Have somebody sell tickets for cash at their till."""
    items = [CartItem(slot_id=slot.id, product_id=product.id, quantity=quantity)]
    data = OfficeSaleCreate(items=items, total=product.price_amount * quantity, method="cash")
    async with unit_of_work() as session:
        return await selling.sell(session, _actor(by), at.organization_id, at.id, data)


async def allotment(
    by: Account,
    to: Organization,
    product: TicketProduct,
    slots: list[TicketSlot],
    quantity: int = 5,
    commission_rate: int = 0,
) -> TicketAllotment:
    """Have somebody give a reseller tickets to sell, until an hour before."""
    data = AllotmentCreate(
        reseller_id=to.id,
        product_id=product.id,
        slot_ids=[slot.id for slot in slots],
        quantity=quantity,
        release_before=timedelta(hours=1),
        commission_rate=commission_rate,
    )
    async with unit_of_work() as session:
        return await allotting.allot(session, _actor(by), product.organization_id, data)


async def share_of(allotment_id: uuid.UUID) -> AllotmentShare:
    """Return what a reseller has of the first slot of an allotment."""
    async with unit_of_work() as session:
        found = await shares_locked(session, AllotmentShare.allotment_id == allotment_id)  # type: ignore[arg-type]  # a column
    return found[0]


def _actor(account: Account) -> Actor:
    return Actor("account", account.id, account.community_id)

"""Tickets that were bought, vouchers, and who waits, really committed, through what sells them."""

import uuid
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.access import Actor
from app.core.database import reading, unit_of_work
from app.identity.models import Account, Community, Organization, Resident
from app.reservations.api import open_pool
from community.ticket_orders.models import TICKETS
from community.ticket_orders.schemas.given import CartItem, HolderGive
from community.ticket_orders.schemas.shown import CartPublic
from community.ticket_orders.service.buying import Purchase, buy
from community.ticket_orders.service.composing import Buyer, compose
from community.ticket_orders.service.selling import sell
from community.ticket_waitlist.models import TicketWait
from community.ticketing.models import TicketProduct, TicketSlot
from community.vouchers import rules as vouchers
from community.vouchers.models import Voucher
from tests.factories import community_attractions as attractions
from tests.factories import community_ticketing as ticketing


async def cart(
    of: Resident, slot: TicketSlot, product: TicketProduct, *, quantity: int = 1, voucher: str | None = None
) -> CartPublic:
    """Have a resident buy tickets of a slot by themselves, at whatever they cost, to be paid at the desk."""
    actor = Actor("account", of.account_id, of.community_id, resident_id=of.id)
    items = [CartItem(slot_id=slot.id, product_id=product.id, quantity=quantity)]
    async with unit_of_work() as session:
        composed = await compose(await session.connection(), Buyer(of.community_id, of.id), items, voucher)
        purchase = Purchase(
            community_id=of.community_id,
            resident_id=of.id,
            account_id=of.account_id,
            channel="online",
            method="provider" if composed.total else "none",
        )
        return await buy(session, actor, composed, purchase)


async def ticket(of: Resident, slot: TicketSlot | None = None, product: TicketProduct | None = None) -> sa.Row[Any]:
    """Have a resident buy one ticket, of a new attraction's slot tomorrow unless one is named; return its row."""
    if slot is None or product is None:
        async with unit_of_work() as session:
            place = await session.get_one(Community, of.community_id)
        offered = await ticketing.on_offer(await attractions.organization(place))
        slot, product = offered.slots[0], offered.products["adult"]
    bought = await cart(of, slot, product)
    return await ticket_row(bought.orders[0].tickets[0].id)


async def ticket_row(ticket_id: uuid.UUID) -> sa.Row[Any]:
    """Return a ticket as it is kept."""
    async with reading() as connection:
        return (await connection.execute(sa.select(TICKETS).where(TICKETS.c.id == ticket_id))).one()


async def sold(
    by: Account, of: Organization, slot: TicketSlot, product: TicketProduct, *, quantity: int = 1
) -> CartPublic:
    """Have somebody at the desk sell tickets to whoever is there."""
    actor = Actor("account", by.id, by.community_id)
    items = [CartItem(slot_id=slot.id, product_id=product.id, quantity=quantity)]
    async with unit_of_work() as session:
        return await sell(session, actor, of.id, items)


async def sold_to(by: Account, of: Organization, slot: TicketSlot, product: TicketProduct, name: str) -> CartPublic:
    """Have somebody at the desk sell a ticket in a name."""
    actor = Actor("account", by.id, by.community_id)
    items = [CartItem(slot_id=slot.id, product_id=product.id, holders=[HolderGive(name=name)])]
    async with unit_of_work() as session:
        return await sell(session, actor, of.id, items)


async def voucher(of: Organization, code: str = "SPRING24", *, uses: int = 100, **values: Any) -> Voucher:
    """Insert a voucher that takes a tenth off, from yesterday for a month."""
    now, voucher_id = clock.now(), clock.new_id()
    given: dict[str, Any] = {"valid_from": now - timedelta(days=1), "valid_until": now + timedelta(days=30)}
    if "amount" not in values:
        given["percent"] = 10
    async with unit_of_work() as session:
        pool_id = await open_pool(
            session, community_id=of.community_id, kind=vouchers.POOL, subject_id=voucher_id, capacity=uses
        )
        row = Voucher(
            id=voucher_id,
            community_id=of.community_id,
            organization_id=of.id,
            name="Spring",
            code_digest=vouchers.digest(of.community_id, code),
            code_end=code[-2:],
            currency="CNY",
            pool_id=pool_id,
            **given | values,
        )
        session.add(row)
    return row


async def wait(of: Resident, slot: TicketSlot, product: TicketProduct, **values: Any) -> TicketWait:
    """Insert that a resident waits for a ticket of a slot."""
    given: dict[str, Any] = {"quantity": 1, "over_at": slot.entry_until} | values
    row = TicketWait(
        community_id=of.community_id,
        organization_id=slot.organization_id,
        resident_id=of.id,
        account_id=of.account_id,
        asked_by=of.account_id,
        slot_id=slot.id,
        product_id=product.id,
        starts_at=slot.starts_at,
        **given,
    )
    async with unit_of_work() as session:
        session.add(row)
    return row

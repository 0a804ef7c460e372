"""Selling over the counter: whoever stands there pays at once, and their tickets are good at once."""

import uuid
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.billing import api as billing
from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed
from app.core.sealing import blind_index, seal
from community.ticket_office import repository, rules
from community.ticket_office.access import require_own
from community.ticket_office.models import SLIP, OfficeSale, OfficeShift
from community.ticket_office.problems import ShiftClosed, SlipKnown, TooLittleCash
from community.ticket_office.schemas.given import OfficeQuoteAsk, OfficeSaleCreate
from community.ticket_office.schemas.shown import OfficeSalePublic
from community.ticket_office.views.tills import sale_public
from community.ticket_orders.schemas.given import CartItem
from community.ticket_orders.schemas.shown import CartQuotePublic
from community.ticket_orders.service import selling as tickets
from community.ticketing.views import products_for

_ACTIONS: Final = {
    "sale": "office_sale:sell",
    "refund": "office_sale:refund",
    "collection": "office_sale:collect",
}


async def sell(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, shift_id: uuid.UUID, data: OfficeSaleCreate
) -> OfficeSalePublic:
    """Sell an organization's tickets at one's own till, all of them or none, and return them with the change.

    Raises ``NotFound``, ``Forbidden``, ``ShiftClosed``, ``TooLittleCash``, ``SlipKnown``, ``Malformed`` for named
    tickets without documents, and what selling does where they are not there, not for sale, or cost something else.
    """
    shift = await own_open(session, actor, organization_id, shift_id)
    handed_back = 0
    if data.tendered is not None:
        if data.tendered < data.total:
            raise TooLittleCash(errors=[FieldError("/body/tendered", "less than it costs", "too_little")])
        handed_back = rules.change(data.tendered, data.total)
    await require_documents(session, data.items)
    cart = await tickets.sell(
        session,
        actor,
        organization_id,
        data.items,
        total=data.total,
        cards=dict.fromkeys(data.shown),
        channel="office",
    )
    (order,) = cart.orders
    row = OfficeSale(
        community_id=shift.community_id,
        organization_id=organization_id,
        seller_id=organization_id,
        account_id=actor.id,
        shift_id=shift.id,
        order_id=order.id,
        kind="sale",
        method=data.method,
        amount=order.total,
        currency=order.currency,
        tickets=len(order.tickets),
        sold_at=clock.now(),
    )
    await write_down(session, actor, row, data.slip)
    if data.method != "none":
        await billing.enter_sale(session, till_of(row), data.method)
    return OfficeSalePublic(sale=sale_public(row), change_amount=handed_back, cart=cart)


async def quote(
    connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID, data: OfficeQuoteAsk
) -> CartQuotePublic:
    """Return what tickets cost at an organization's counter; raises what ``sell`` does of what is wanted."""
    return await tickets.quote(connection, actor, organization_id, data.items, cards=dict.fromkeys(data.shown))


async def own_open(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, shift_id: uuid.UUID) -> OfficeShift:
    """Return one's own till, open and locked; raises ``NotFound``, ``Forbidden``, ``ShiftClosed``."""
    shift = await repository.locked_shift(session, organization_id, shift_id)
    require_own(actor, shift)
    if shift.closed_at is not None:
        raise ShiftClosed
    return shift


async def write_down(session: AsyncSession, actor: Actor, row: OfficeSale, slip: str | None) -> None:
    """Keep what was sold or given back; raises ``SlipKnown``."""
    if slip is not None:
        row.slip, row.slip_key = seal(slip, SLIP), blind_index("community_office_sale.slip", slip.casefold())
    if not await repository.add(session, row):
        raise SlipKnown(order_id=str(await repository.slip_known(session, row)))
    await audit.record(session, actor, _ACTIONS[row.kind], object_id=row.id, community_id=row.community_id)


def till_of(row: OfficeSale) -> billing.Till:
    """Return how the books call it."""
    return billing.Till(row.community_id, row.organization_id, row.amount, row.currency, row.id)


async def require_documents(
    session: AsyncSession, items: list[CartItem], pointer: str = "/body/items/{}/holders"
) -> None:
    """Raise ``Malformed`` unless each ticket in somebody's name says which document that is checked by."""
    known = await products_for(await session.connection(), {item.product_id for item in items})
    missing = [
        FieldError(
            f"{pointer.format(place)}/{number}/document_kind", "which document, and how its number ends", "missing"
        )
        for place, item in enumerate(items)
        if item.product_id in known and known[item.product_id].is_named
        for number, holder in enumerate(item.holders)
        if holder.document_kind is None or holder.document_end is None
    ]
    if missing:
        raise Malformed(errors=missing)

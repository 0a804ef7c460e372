"""Taking what is owed for tickets that were bought online, to be paid at the desk."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import api as billing
from app.core import clock
from app.core.access import Actor
from app.core.problems import NotFound
from community.ticket_office.models import OfficeSale
from community.ticket_office.schemas.given import OfficeCollectionCreate
from community.ticket_office.schemas.shown import SalePublic
from community.ticket_office.service.selling import own_open, write_down
from community.ticket_office.views.tills import sale_public
from community.ticket_orders.rules import REFERENCE


async def collect(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, shift_id: uuid.UUID, data: OfficeCollectionCreate
) -> SalePublic:
    """Take at one's own till what is owed for an order of the organization's, or a part of it.

    Raises ``NotFound`` where nothing is owed for it, ``Forbidden``, ``ShiftClosed``, ``SlipKnown``, and what billing
    refuses: ``TooMuchPaid``, ``ChargeNotOpen``, ``PaymentKnown``.
    """
    shift = await own_open(session, actor, organization_id, shift_id)
    connection = await session.connection()
    charge = (await billing.charges_for(connection, REFERENCE, [data.order_id])).get(data.order_id)
    if charge is None or charge.organization_id != organization_id:
        raise NotFound
    paid = billing.PaymentRecord(kind=data.method, amount=data.amount, currency=charge.currency, reference=data.slip)
    await billing.record_payment(session, actor, organization_id, charge.id, paid)
    row = OfficeSale(
        community_id=shift.community_id,
        organization_id=organization_id,
        seller_id=organization_id,
        account_id=actor.id,
        shift_id=shift.id,
        order_id=data.order_id,
        kind="collection",
        method=data.method,
        amount=data.amount,
        currency=charge.currency,
        tickets=0,
        sold_at=clock.now(),
    )
    await write_down(session, actor, row, data.slip)
    return sale_public(row)

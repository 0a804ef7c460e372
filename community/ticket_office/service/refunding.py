"""Giving back over the counter: by the rule that was agreed, as it was paid, and never more than is in the till."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing import api as billing
from app.core import clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed
from community.ticket_office import repository, rules
from community.ticket_office.models import OfficeSale, OfficeShift
from community.ticket_office.problems import TillShort
from community.ticket_office.schemas.given import OfficeRefundCreate
from community.ticket_office.schemas.shown import SalePublic
from community.ticket_office.service.selling import own_open, till_of, write_down
from community.ticket_office.views.tills import sale_public
from community.ticket_orders.access import Subject
from community.ticket_orders.problems import RefundChanged
from community.ticket_orders.schemas.given import RefundAsk
from community.ticket_orders.service import refunding as tickets


async def refund(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, shift_id: uuid.UUID, data: OfficeRefundCreate
) -> SalePublic:
    """Take tickets back that were sold at a counter of the organization's, and hand over what is due for them.

    Due is what the rule gives for them, and what was given back before and not handed over yet: a slot was called off.
    Raises ``NotFound``, ``Forbidden``, ``ShiftClosed``, ``TillShort``, ``SlipKnown``, ``RefundChanged`` where something
    else is due than was said, ``TicketsNotOpen`` for those that were used or given back, ``CompanionAlone``.
    """
    shift = await own_open(session, actor, organization_id, shift_id)
    sold = await repository.sold_here(session, organization_id, data.order_id)
    order = await repository.locked_order(session, data.order_id)
    paid_back = await repository.paid_back(session, data.order_id)
    due = order.refunded_amount - paid_back
    if data.ticket_ids:
        if data.amount < due:
            raise RefundChanged(amount=due)
        # Whoever hands a ticket over the counter is on the side of who bought it: the rule counts, not goodwill.
        subject = Subject(
            id=data.order_id,
            resident_id=None,
            community_id=sold.community_id,
            organization_id=organization_id,
            cart_id=order.cart_id,
            sides=frozenset({"resident"}),
            may_order=True,
        )
        await tickets.refund(session, actor, subject, RefundAsk(ticket_ids=data.ticket_ids, amount=data.amount - due))
        due = data.amount
    if due != data.amount:
        raise RefundChanged(amount=due)
    row = OfficeSale(
        community_id=sold.community_id,
        organization_id=organization_id,
        seller_id=organization_id,
        account_id=actor.id,
        shift_id=shift.id,
        order_id=data.order_id,
        kind="refund",
        method=sold.method if due else "none",
        amount=due,
        currency=sold.currency,
        tickets=len(data.ticket_ids),
        sold_at=clock.now(),
    )
    if data.slip is not None and row.method != "terminal":
        raise Malformed(errors=[FieldError("/body/slip", "it was not paid at a terminal", "no_terminal")])
    if row.method == "cash":
        await _require_cash(session, shift, due)
    await write_down(session, actor, row, data.slip)
    if due:
        await billing.enter_return(session, till_of(row), "cash" if row.method == "cash" else "terminal")
    return sale_public(row)


async def _require_cash(session: AsyncSession, shift: OfficeShift, amount: int) -> None:
    held = rules.expected(shift.opening_amount, *await repository.cash_of(session, shift.id))
    if held < amount:
        raise TillShort(expected_amount=held)

"""Buying tickets: as they were quoted, all of the cart or nothing, for oneself or for whom one may order."""

import uuid

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.core.problems import FieldError, Malformed
from community.ticket_orders import rules
from community.ticket_orders.access import require_buyer
from community.ticket_orders.problems import DeskNotAllowed, TicketPriceChanged
from community.ticket_orders.schemas.given import CartCreate, CartQuote
from community.ticket_orders.schemas.shown import CartPublic, CartQuotePublic
from community.ticket_orders.service.buying import Purchase, buy
from community.ticket_orders.service.composing import Buyer, Composed, compose


async def quote(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, data: CartQuote) -> CartQuotePublic:
    """Return what a cart would cost a resident now; nothing is held. Raises what ``compose`` does."""
    subject = await require_buyer(connection, actor, resident_id)
    composed = await compose(connection, Buyer(subject.community_id, resident_id), data.items, data.voucher)
    return composed.quoted()


async def place(
    session: AsyncSession,
    actor: Actor,
    resident_id: uuid.UUID,
    data: CartCreate,
    *,
    channel: rules.Channel = "online",
) -> CartPublic:
    """Buy tickets for a resident, at the price that was quoted, all or nothing; return the cart.

    With a card it is held until the bank has answered; what is paid at the desk, or costs nothing, is valid at once.
    Raises ``NotFound``, ``Forbidden``, ``ResidenceEnded``, ``TicketPriceChanged`` with what it would cost now,
    ``DeskNotAllowed``, and what ``compose`` and ``buy`` do.
    """
    connection = await session.connection()
    subject = await require_buyer(connection, actor, resident_id)
    composed = await compose(connection, Buyer(subject.community_id, resident_id), data.items, data.voucher)
    if composed.total != data.total:
        raise TicketPriceChanged(quote=composed.quoted().model_dump(mode="json"))
    purchase = Purchase(
        community_id=subject.community_id,
        resident_id=resident_id,
        account_id=subject.account_id,
        channel=channel,
        method=_method(composed, data),
        payment_method_id=data.payment_method_id if composed.total else None,
        digest=None if data.is_another else rules.cart_digest(data.wanted()),
        wait_id=data.wait_id,
    )
    return await buy(session, actor, composed, purchase)


def _method(composed: Composed, data: CartCreate) -> rules.Method:
    if composed.total == 0:
        return "none"
    if data.payment_method == "none":
        error = FieldError("/body/payment_method", "it costs something: say how it is paid", "method_missing")
        raise Malformed(errors=[error])
    if data.payment_method == "provider" and not composed.pays_at_desk:
        raise DeskNotAllowed
    return data.payment_method

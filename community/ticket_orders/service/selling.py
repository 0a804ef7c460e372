"""Selling at a desk, through a reseller or for a group: paid where it is sold, and valid at once."""

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.core.problems import NotFound
from community.ticket_orders import rules
from community.ticket_orders.problems import TicketPriceChanged
from community.ticket_orders.schemas.given import CartItem
from community.ticket_orders.schemas.shown import CartPublic, CartQuotePublic
from community.ticket_orders.service.buying import Purchase, buy
from community.ticket_orders.service.composing import Buyer, Composed, compose


async def sell(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    items: Sequence[CartItem],
    *,
    total: int | None = None,
    voucher: str | None = None,
    cards: Mapping[str, uuid.UUID | None] | None = None,
    channel: rules.Channel = "office",
) -> CartPublic:
    """Sell an organization's tickets to whoever is there, and return them: valid at once.

    ``cards`` are the entitlements whose proof the seller has seen, with the card where it is known. The caller knows
    that the actor may sell for the organization, and keeps what is paid. With ``total`` it is sold at that price or not
    at all. Raises ``NotFound`` for a slot of another organization, ``TicketPriceChanged``, and what ``compose`` and
    ``buy`` do.
    """
    composed = await _composed(await session.connection(), actor, organization_id, items, voucher, cards)
    if total is not None and composed.total != total:
        raise TicketPriceChanged(quote=composed.quoted().model_dump(mode="json"))
    purchase = Purchase(
        community_id=actor.community_id,
        resident_id=None,
        account_id=None,
        channel=channel,
        method="provider" if composed.total else "none",
    )
    return await buy(session, actor, composed, purchase)


async def quote(
    connection: AsyncConnection,
    actor: Actor,
    organization_id: uuid.UUID,
    items: Sequence[CartItem],
    *,
    cards: Mapping[str, uuid.UUID | None] | None = None,
) -> CartQuotePublic:
    """Return what ``sell`` would ask for it; raises as it does."""
    return (await _composed(connection, actor, organization_id, items, None, cards)).quoted()


async def _composed(
    connection: AsyncConnection,
    actor: Actor,
    organization_id: uuid.UUID,
    items: Sequence[CartItem],
    voucher: str | None,
    cards: Mapping[str, uuid.UUID | None] | None,
) -> Composed:
    buyer = Buyer(actor.community_id, None, cards or {}, is_online=False)
    composed = await compose(connection, buyer, items, voucher)
    if any(part.organization_id != organization_id for part in composed.parts):
        raise NotFound("there is no such slot, or it has no such product")
    return composed

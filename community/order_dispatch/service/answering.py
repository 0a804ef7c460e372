"""Those who are asked answer: the first one goes, and everybody else hears that it is gone."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.access import Actor
from community.order_dispatch import repository
from community.order_dispatch.problems import OfferOver
from community.order_dispatch.service.dispatching import end
from community.order_dispatch.views import offers
from community.orders.problems import OrderNotOpen
from community.orders.service import assigning
from community.orders.service.changing import By


async def accept(session: AsyncSession, actor: Actor, offer_id: uuid.UUID) -> uuid.UUID:
    """Take an order as the first who says so, and return its id; who has taken it already still has.

    Whoever is slower has nothing: not the order, and their time stays their own. Raises ``NotFound``, ``OfferOver``,
    ``CalendarTaken`` and whatever else ``assign`` refuses somebody for.
    """
    order_id: uuid.UUID = (await offers.require_own(await session.connection(), actor, offer_id)).order_id
    searches = await repository.searches_of(session, [order_id])
    if not await repository.answer(session, offer_id, "accepted", clock.now()):
        offer = await offers.require_own(await session.connection(), actor, offer_id)
        if offer.state == "accepted":
            return order_id
        raise OfferOver(offer_state="lapsed" if offer.state == "offered" else offer.state)
    try:
        row = await assigning.assign(session, By("worker", actor), order_id, actor.id, despite=["language"])
    except OrderNotOpen:
        raise OfferOver(offer_state="withdrawn") from None
    for search in searches:
        await end(session, search, row)
    return order_id


async def decline(session: AsyncSession, actor: Actor, offer_id: uuid.UUID) -> None:
    """Say no; once all who were asked did, others are asked at once. Raises ``NotFound``, ``OfferOver``."""
    offer = await offers.require_own(await session.connection(), actor, offer_id)
    searches = await repository.searches_of(session, [offer.order_id])
    now = clock.now()
    if not await repository.answer(session, offer_id, "declined", now):
        offer = await offers.require_own(await session.connection(), actor, offer_id)
        if offer.state == "declined":
            return
        raise OfferOver(offer_state="lapsed" if offer.state == "offered" else offer.state)
    if await repository.open_until(session, offer.order_id) is None:
        for search in searches:
            if search.state == "offered":
                search.look_at = now
    await session.flush()

"""Of which pools a sale takes: the slot's own, and every quota that counts what is sold of it."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.problems import NotFound
from app.reservations.api import Portion
from community.ticketing import views
from community.ticketing.problems import NotOnSale
from community.ticketing.repository.sales import sold_of
from community.ticketing.rules import Obstacle, Wanted, WantedAddon


async def portions_for(connection: AsyncConnection, wanted: Sequence[Wanted]) -> list[Portion]:
    """Return what to allocate for ``wanted``, in persons: of each slot's pool, and of each quota that covers it.

    The slots stay as they are until the transaction of ``connection`` ends: nobody cancels, moves or limits them
    meanwhile, and whoever does so afterwards finds what was sold. Raises ``NotFound`` for a slot or a product of that
    attraction that there is not, ``NotOnSale`` for a slot that is not open, or a product that is not sold for it;
    what else speaks against a sale ``pricing.price`` says.
    """
    portions: list[Portion] = []
    odds: list[tuple[Wanted, Obstacle]] = []
    for one, row in zip(wanted, await sold_of(connection, wanted), strict=True):
        if row.state is None or row.persons is None:
            raise NotFound("there is no such slot or product")
        if row.state != "open":
            odds.append((one, "slot_closed" if row.state == "closed" else "slot_cancelled"))
        elif not row.is_for_slot:
            odds.append((one, "not_for_this_slot"))
        persons = one.quantity * row.persons
        portions += [Portion(pool_id, persons, one.origin_id) for pool_id in (row.pool_id, *(row.pool_ids or ()))]
    if odds:
        raise not_on_sale(odds)
    return portions


async def addon_portions_for(connection: AsyncConnection, wanted: Sequence[WantedAddon]) -> list[Portion]:
    """Return what to allocate for add-ons; nothing of those of which there is always one more. Raises ``NotFound``."""
    known = await views.addons_for(connection, {one.addon_id for one in wanted})
    if any(one.addon_id not in known for one in wanted):
        raise NotFound("there is no such add-on")
    pools = [(known[one.addon_id].pool_id, one) for one in wanted]
    return [Portion(pool_id, one.quantity, one.origin_id) for pool_id, one in pools if pool_id is not None]


def not_on_sale(odds: Sequence[tuple[Wanted, Obstacle]]) -> NotOnSale:
    """Return the problem that names what is not sold, and why."""
    return NotOnSale(
        conflicts=[
            {"slot_id": str(one.slot_id), "product_id": str(one.product_id), "reason": reason} for one, reason in odds
        ]
    )

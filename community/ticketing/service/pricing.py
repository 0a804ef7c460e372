"""What tickets and add-ons cost, if they are sold at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.problems import NotFound
from app.identity.api import local_calendar
from community.ticketing import views
from community.ticketing.rules import PriceRule, Product, Slot, Wanted, WantedAddon, obstacle, price_of
from community.ticketing.service.portions import not_on_sale


@dataclass(frozen=True, slots=True)
class Priced:
    """What one of something costs, in minor units with the tax in it; ``rule`` is the price rule that says so."""

    amount: int
    currency: str
    tax_rate: int
    name: dict[str, str]
    rule: str | None = None


async def price(
    connection: AsyncConnection, wanted: Sequence[Wanted], at: datetime, *, at_office: bool = False
) -> list[Priced]:
    """Return what one of each of ``wanted`` costs to who buys ``at``, in their order.

    Raises ``NotFound`` for an unknown slot or product, ``NotOnSale`` naming all that is not sold and why.
    """
    slots = await views.slots_for(connection, {one.slot_id for one in wanted})
    products = await views.products_for(connection, {one.product_id for one in wanted})
    pairs = []
    odds = []
    for one in wanted:
        slot, product = slots.get(one.slot_id), products.get(one.product_id)
        if slot is None or product is None or slot.attraction_id != product.attraction_id:
            raise NotFound("there is no such slot or product")
        found = obstacle(
            slot.state,
            slot.entry_until,
            at,
            is_for_slot=not slot.product_ids or product.id in slot.product_ids,
            is_active=product.state == "active",
            is_sold_here=product.is_online or at_office,
        )
        if found is not None:
            odds.append((one, found))
        pairs.append((slot, product))
    if odds:
        raise not_on_sale(odds)
    calendar = await _calendar(connection, pairs)
    return [_priced(slot, product, calendar) for slot, product in pairs]


async def addon_prices(connection: AsyncConnection, wanted: Sequence[WantedAddon]) -> list[Priced]:
    """Return what one of each add-on costs, in their order; raises ``NotFound`` for one that is not sold."""
    known = await views.addons_for(connection, {one.addon_id for one in wanted})
    found = [known.get(one.addon_id) for one in wanted]
    priced = [
        Priced(one.price_amount, one.currency, one.tax_rate, one.name)
        for one in found
        if one is not None and one.is_active
    ]
    if len(priced) < len(wanted):
        raise NotFound("there is no such add-on")
    return priced


def rule_of(kept: Mapping[str, Any]) -> PriceRule:
    """Return a price rule as a product keeps it."""
    return PriceRule(
        code=kept["code"],
        amount=kept["amount"],
        weekdays=frozenset(kept["weekdays"]),
        starts_on=date.fromisoformat(kept["starts_on"]) if kept["starts_on"] else date.min,
        ends_on=date.fromisoformat(kept["ends_on"]) if kept["ends_on"] else date.max,
        begins=time.fromisoformat(kept["begins"]) if kept["begins"] else time.min,
        ends=time.fromisoformat(kept["ends"]) if kept["ends"] else None,
        holidays=kept["holidays"],
    )


def _priced(slot: Slot, product: Product, calendar: Mapping[date, bool]) -> Priced:
    rules = [rule_of(one) for one in product.price_rules]
    amount, rule = price_of(product.price_amount, rules, slot.day, slot.begins, calendar)
    return Priced(amount, product.currency, product.tax_rate, product.name, rule)


async def _calendar(connection: AsyncConnection, pairs: Sequence[tuple[Slot, Product]]) -> dict[date, bool]:
    """Return the holidays among the slots' days, if any price asks for them."""
    days = [
        (slot.day, slot.community_id)
        for slot, product in pairs
        if any(rule["holidays"] != "ignore" for rule in product.price_rules)
    ]
    if not days:
        return {}
    first, last = min(days), max(days)
    found = await local_calendar(connection, first[1], first[0], last[0])
    return {one.day: one.is_workday for one in found}

"""What a cart comes to: each ticket with its price, by organization, as it could be bought at this moment."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.problems import FieldError, Malformed, NotFound
from app.core.sealing import seal
from app.identity.api import local_calendar
from app.reservations.api import Portion
from community.citizen_cards.views import entitlements
from community.ticket_orders import rules
from community.ticket_orders.models import HOLDER
from community.ticket_orders.problems import CompanionAlone, EntitlementMissing
from community.ticket_orders.repository import offers
from community.ticket_orders.repository.offers import Addon, Offer
from community.ticket_orders.repository.tickets import slots_visited
from community.ticket_orders.repository.writing import Limit
from community.ticket_orders.schemas.given import CartItem
from community.ticket_orders.schemas.shown import CartQuotePublic, QuoteItem
from community.ticketing.rules import Wanted, obstacle, price_of
from community.ticketing.service.portions import not_on_sale
from community.ticketing.service.pricing import rule_of
from community.vouchers import rules as vouchers
from community.vouchers.problems import VoucherRefused
from community.vouchers.views import voucher_of


@dataclass(frozen=True, slots=True)
class Buyer:
    """For whom it is: a resident, whose cards are asked, or whoever stands at the desk, whose cards somebody saw."""

    community_id: uuid.UUID
    resident_id: uuid.UUID | None
    cards: Mapping[str, uuid.UUID | None] = field(default_factory=dict)
    is_online: bool = True
    has_ticket: bool = False
    """It has been bought before: it is in somebody's name, and who comes along comes along."""


@dataclass(slots=True)
class Draft:
    """A ticket that is to be bought."""

    id: uuid.UUID
    place: int
    offer: Offer
    list_amount: int
    discount: int = 0
    addons: list[tuple[Addon, int]] = field(default_factory=list)
    holder: str | None = None
    card_id: uuid.UUID | None = None

    @property
    def addons_amount(self) -> int:
        """Return what is to be paid for what is sold with it."""
        return sum(addon.amount * quantity for addon, quantity in self.addons)

    @property
    def price(self) -> int:
        """Return what is to be paid for it, extras included."""
        return self.list_amount - self.discount + self.addons_amount

    @property
    def most(self) -> int | None:
        """Return how many of its product one person can have a day."""
        return self.offer.max_per_person or (rules.PERSONAL if self.offer.needs_entitlement else None)

    @property
    def counted_on(self) -> date | None:
        """Return the day for which it counts, if there is a limit."""
        return None if self.most is None else self.offer.day

    @property
    def valid_until(self) -> datetime:
        """Return until when it lets in: as long as one may enter, or come back."""
        return self.offer.ends_at if self.offer.reentry == "same_day" else self.offer.entry_until


@dataclass(slots=True)
class Part:
    """What is bought of one organization."""

    id: uuid.UUID
    organization_id: uuid.UUID
    tickets: list[Draft]
    voucher: Any | None = None

    @property
    def total(self) -> int:
        """Return what is to be paid for it, in minor units."""
        return sum(ticket.price for ticket in self.tickets)

    @property
    def discount(self) -> int:
        """Return what the voucher takes off."""
        return sum(ticket.discount for ticket in self.tickets)

    @property
    def starts_at(self) -> datetime:
        """Return when the first slot begins."""
        return min(ticket.offer.starts_at for ticket in self.tickets)

    @property
    def ends_at(self) -> datetime:
        """Return when the last slot ends."""
        return max(ticket.offer.ends_at for ticket in self.tickets)


@dataclass(frozen=True, slots=True)
class Composed:
    """A cart as it could be bought."""

    parts: list[Part]
    currency: str

    @property
    def tickets(self) -> list[Draft]:
        """Return all tickets, as they were asked for."""
        return sorted((ticket for part in self.parts for ticket in part.tickets), key=lambda one: one.place)

    @property
    def total(self) -> int:
        """Return what is to be paid, in minor units."""
        return sum(part.total for part in self.parts)

    @property
    def pays_at_desk(self) -> bool:
        """Say whether all of it may be paid for at the desk."""
        return all(ticket.offer.terms.pays_at_desk for ticket in self.tickets)

    @property
    def hold_minutes(self) -> int:
        """Return how long it waits for its money: as long as all of it may."""
        return min(ticket.offer.terms.hold_minutes for ticket in self.tickets)

    @property
    def last_entry(self) -> datetime:
        """Return when the first of it is over."""
        return min(ticket.offer.entry_until for ticket in self.tickets)

    def portions(self) -> list[Portion]:
        """Return what it takes of pools: places, extras, a use of the voucher."""
        found = []
        for part in self.parts:
            for ticket in part.tickets:
                found += [Portion(pool_id, ticket.offer.persons, ticket.id) for pool_id in ticket.offer.pool_ids]
                found += [
                    Portion(addon.pool_id, quantity, ticket.id)
                    for addon, quantity in ticket.addons
                    if addon.pool_id is not None
                ]
            if part.voucher is not None:
                found.append(Portion(part.voucher["pool_id"], 1, part.id))
        return found

    def limits(self) -> list[Limit]:
        """Return what is counted for each person."""
        found: Counter[tuple[uuid.UUID, date]] = Counter()
        about: dict[tuple[uuid.UUID, date], tuple[int, datetime]] = {}
        for ticket in self.tickets:
            offer = ticket.offer
            if ticket.most is not None:
                found[offer.product_id, offer.day] += 1
                about[offer.product_id, offer.day] = (ticket.most, offer.ends_at)
        return [Limit(*key, taken, *about[key]) for key, taken in sorted(found.items())]

    def quoted(self) -> CartQuotePublic:
        """Return it as it is shown before it is bought."""
        by_place: dict[int, list[Draft]] = {}
        for ticket in self.tickets:
            by_place.setdefault(ticket.place, []).append(ticket)
        items = [
            QuoteItem(
                slot_id=some[0].offer.slot_id,
                product_id=some[0].offer.product_id,
                name=dict(some[0].offer.name),
                quantity=len(some),
                amount=sum(one.list_amount + one.addons_amount for one in some),
                addons_amount=sum(one.addons_amount for one in some),
            )
            for some in by_place.values()
        ]
        return CartQuotePublic(
            items=items,
            discount=sum(part.discount for part in self.parts),
            total=self.total,
            currency=self.currency,
            pays_at_desk=self.pays_at_desk,
            hold_minutes=self.hold_minutes,
        )


async def compose(
    connection: AsyncConnection, buyer: Buyer, items: Sequence[CartItem], voucher: str | None = None
) -> Composed:
    """Return what the items of a cart come to now. Their slots stay as they are until the transaction ends.

    Raises ``NotFound`` for a slot, a product of its attraction or an add-on that there is not, ``NotOnSale`` naming all
    that is not sold, ``EntitlementMissing``, ``CompanionAlone``, ``VoucherRefused``, ``Malformed`` for names that are
    missing, and for slots too far apart.
    """
    now = clock.now()
    found = await offers.offers(connection, buyer.community_id, [(one.slot_id, one.product_id) for one in items])
    if any((one.slot_id, one.product_id) not in found for one in items):
        raise NotFound("there is no such slot, or it has no such product")
    chosen = [found[one.slot_id, one.product_id] for one in items]
    _require_on_sale(chosen, now, is_online=buyer.is_online)
    if len({offer.currency for offer in chosen}) > 1:
        raise Malformed(errors=[FieldError("/body/items", "are of several currencies", "several_currencies")])
    cards = await _cards(connection, buyer, chosen)
    await _require_company(connection, buyer, chosen)
    extras = await _addons(connection, items, chosen)
    calendar = await _calendar(connection, buyer.community_id, chosen)
    tickets: list[Draft] = []
    for place, (item, offer) in enumerate(zip(items, chosen, strict=True)):
        kept = [rule_of(one) for one in offer.price_rules]
        amount, _ = price_of(offer.base_amount, kept, offer.day, offer.begins, calendar)
        holders = _holders(place, item, offer, has_ticket=buyer.has_ticket)
        for number in range(item.quantity):
            ticket = Draft(clock.new_id(), place, offer, amount, holder=holders[number])
            ticket.card_id = cards.get(offer.needs_entitlement or "")
            if number == 0:
                ticket.addons = extras[place]
            tickets.append(ticket)
    by_organization: dict[uuid.UUID, Part] = {}
    for ticket in tickets:
        organization_id = ticket.offer.organization_id
        if organization_id not in by_organization:
            by_organization[organization_id] = Part(clock.new_id(), organization_id, [])
        by_organization[organization_id].tickets.append(ticket)
    composed = Composed(list(by_organization.values()), chosen[0].currency)
    if any(part.ends_at - part.starts_at > rules.LONGEST for part in composed.parts):
        detail = f"reach over more than {rules.LONGEST.days} days: buy them in several goes"
        raise Malformed(errors=[FieldError("/body/items", detail, "too_far_apart")])
    if voucher is not None:
        await _take_off(connection, buyer, composed, voucher, now)
    return composed


def _require_on_sale(chosen: Iterable[Offer], now: datetime, *, is_online: bool) -> None:
    odds = []
    for offer in chosen:
        found = obstacle(
            offer.state,  # type: ignore[arg-type]  # a check constraint holds it to them
            offer.entry_until,
            now,
            is_for_slot=offer.is_for_slot,
            is_active=offer.is_active,
            is_sold_here=offer.is_online or not is_online,
        )
        if found is not None:
            odds.append((Wanted(offer.slot_id, offer.product_id, 1, offer.slot_id), found))
    if odds:
        raise not_on_sale(odds)


async def _cards(connection: AsyncConnection, buyer: Buyer, chosen: Sequence[Offer]) -> Mapping[str, uuid.UUID | None]:
    """Return by which card whoever it is for has each entitlement that is asked for."""
    asking = [offer for offer in chosen if offer.needs_entitlement is not None]
    if not asking:
        return {}
    cards: Mapping[str, uuid.UUID | None] = buyer.cards
    if buyer.resident_id is not None and not cards:
        # On the day of the last of them: what has run out by then entitles to nothing.
        cards = await entitlements(connection, buyer.resident_id, max(offer.starts_at for offer in asking))
    missing = [
        {"slot_id": str(one.slot_id), "product_id": str(one.product_id), "entitlement": one.needs_entitlement}
        for one in asking
        if one.needs_entitlement not in cards
    ]
    if missing:
        raise EntitlementMissing(items=missing)
    return cards


async def _require_company(connection: AsyncConnection, buyer: Buyer, chosen: Sequence[Offer]) -> None:
    """Raise ``CompanionAlone`` where nobody is there whom a companion comes with, in the cart or bought before."""
    accompanied = {offer.slot_id for offer in chosen if offer.kind != "companion"}
    alone = {offer.slot_id for offer in chosen if offer.kind == "companion"} - accompanied
    if alone and not buyer.has_ticket and buyer.resident_id is not None:
        alone -= await slots_visited(connection, buyer.resident_id, alone)
    if alone and not buyer.has_ticket:
        raise CompanionAlone(slot_id=str(min(alone)))


async def _addons(
    connection: AsyncConnection, items: Sequence[CartItem], chosen: Sequence[Offer]
) -> list[list[tuple[Addon, int]]]:
    known = await offers.addons(connection, [one.addon_id for item in items for one in item.addons])
    found: list[list[tuple[Addon, int]]] = []
    for place, (item, offer) in enumerate(zip(items, chosen, strict=True)):
        mine = []
        for number, one in enumerate(item.addons):
            addon = known.get(one.addon_id)
            if addon is None or not addon.is_active or addon.attraction_id != offer.attraction_id:
                raise NotFound("there is no such add-on")
            if one.quantity > addon.most:
                pointer = f"/body/items/{place}/addons/{number}/quantity"
                raise Malformed(errors=[FieldError(pointer, f"at most {addon.most}", "too_many")])
            mine.append((addon, one.quantity))
        found.append(mine)
    return found


async def _calendar(
    connection: AsyncConnection, community_id: uuid.UUID, chosen: Sequence[Offer]
) -> Mapping[date, bool]:
    """Return the holidays among the slots' days, if any price asks for them."""
    days = [one.day for one in chosen if any(rule["holidays"] != "ignore" for rule in one.price_rules)]
    if not days:
        return {}
    found = await local_calendar(connection, community_id, min(days), max(days))
    return {one.day: one.is_workday for one in found}


def _holders(place: int, item: CartItem, offer: Offer, *, has_ticket: bool) -> list[str | None]:
    if offer.is_named and len(item.holders) < item.quantity and not has_ticket:
        raise Malformed(
            errors=[FieldError(f"/body/items/{place}/holders", "each ticket is somebody's: name them", "names_missing")]
        )
    names: list[str | None] = [seal(orjson.dumps(one.model_dump(mode="json")).decode(), HOLDER) for one in item.holders]
    return names + [None] * (item.quantity - len(names))


async def _take_off(connection: AsyncConnection, buyer: Buyer, composed: Composed, code: str, now: datetime) -> None:
    """Take off what a voucher does, of each of its tickets in proportion; raises ``VoucherRefused``."""
    voucher = await voucher_of(connection, buyer.community_id, code)
    if voucher is None:
        raise VoucherRefused(reason="unknown")
    why = vouchers.refusal(voucher["valid_from"], voucher["valid_until"], now, is_active=voucher["is_active"])
    if why is not None:
        raise VoucherRefused(reason=why)
    products = set(voucher["product_ids"])
    part = next((one for one in composed.parts if one.organization_id == voucher["organization_id"]), None)
    of_it = [one for one in part.tickets if not products or one.offer.product_id in products] if part else []
    if part is None or not of_it:
        raise VoucherRefused(reason="other_products")
    amounts = [ticket.list_amount for ticket in of_it]
    taken_off = vouchers.discount(amounts, voucher["percent"], voucher["amount"])
    for ticket, share in zip(of_it, rules.spread(taken_off, amounts), strict=True):
        ticket.discount = share
    part.voucher = voucher

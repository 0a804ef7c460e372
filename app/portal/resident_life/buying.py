"""Buying a ticket, one question at a time: where, which day, what time, who goes along, and whether it is to be so."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from starlette.responses import Response

from app.core import clock
from app.core.problems import NotFound
from app.core.routing import route_options
from app.portal.ground.asking import unless_hidden
from app.portal.ground.changing import Trouble
from app.portal.ground.forms import Posted
from app.portal.ground.moments import instant
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Residing, Visit
from app.portal.resident_life.paying import NOTHING, cards, paid_by
from app.portal.resident_life.residing import answered, of_resident, page
from app.portal.resident_life.tickets import Place, place_of

router = pages_router("/me/tickets")

_NEAR: Final = 12
"""So many attractions are looked at: more is a list nobody reads."""
_DAYS: Final = 5
_LOOK_AHEAD: Final = timedelta(days=45)
_BEGUN: Final = timedelta(days=1)
"""So long ago a time may have begun that one may still come in to, such as a day at a garden."""
MOST_OF_ONE: Final = 6
_COUNT: Final = "n-"
Json = Mapping[str, Any]


@router.get("/buy", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_attractions(visit: Residing, text: str = "") -> Response:
    """Show where one could go, the nearest first."""
    sought = text.strip()[:100]
    profile = await unless_hidden(visit.api.get("/v1/me/profile"))
    home = (profile or {}).get("household") or {}
    where = {name: home.get(name) for name in ("latitude", "longitude")}
    if None in where.values():
        where = {}
    found = await visit.api.get("/v1/attractions", text=sought or None, limit=_NEAR, **where)
    offers = await asyncio.gather(
        *(unless_hidden(visit.api.get(f"/v1/attractions/{one['id']}/ticket-offer")) for one in found["items"])
    )
    sells = [one for one, offer in zip(found["items"], offers, strict=True) if offer and sold(offer)]
    return page(visit, "buy_where.html", attractions=sells, sought=sought)


def sold(offer: Json) -> list[Any]:
    """Return what of an offer one buys here: for oneself and a few others, not for a whole group."""
    found = [one for one in offer["products"] if one["is_online"] and one["state"] == "active"]
    return [one for one in found if one["kind"] != "group"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What was chosen so far: the day, the slot, and how many of each product."""

    day: date | None = None
    slot: uuid.UUID | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    first: date | None = None

    @property
    def is_whole(self) -> bool:
        """Say whether all was chosen."""
        return self.slot is not None and any(self.counts.values())


@router.get("/buy/{attraction_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_buying(
    visit: Residing,
    attraction_id: uuid.UUID,
    day: date | None = None,
    slot: uuid.UUID | None = None,
    first: date | None = None,
) -> Response:
    """Ask the next question of a purchase."""
    given = visit.request.query_params.multi_items()
    return await _buying(visit, attraction_id, Wish(day, slot, counted(given), first))


def counted(fields: Sequence[tuple[str, Any]]) -> dict[str, int]:
    """Return how many of each product a form says, as far as that can be read."""
    found = dict[str, int]()
    for name, value in fields:
        if name.startswith(_COUNT) and isinstance(value, str) and value.isdecimal():
            number = min(int(value[:3]), MOST_OF_ONE)
            if number:
                found[name.removeprefix(_COUNT)] = number
    return found


@dataclass(frozen=True, slots=True)
class _Shop:
    """What is shown of an attraction on each of the questions."""

    attraction_id: uuid.UUID
    place: Place
    offer: Json
    slots: list[Any]

    @property
    def shown(self) -> dict[str, Any]:
        return {"place": self.place, "base": f"/me/tickets/buy/{self.attraction_id}"}


async def _shop(visit: Visit, attraction_id: uuid.UUID) -> _Shop:
    now = clock.now()
    path = f"/v1/attractions/{attraction_id}"
    place, offer, availability = await asyncio.gather(
        place_of(visit, str(attraction_id)),
        visit.api.get(f"{path}/ticket-offer"),
        visit.api.get(f"{path}/availability", **{"from": now - _BEGUN, "to": now + _LOOK_AHEAD}),
    )
    open_ones = [one for one in availability["slots"] if one["state"] == "open" and one["left"] > 0]
    return _Shop(attraction_id, place, offer, [one for one in open_ones if instant(one["entry_until"]) > now])


async def _buying(visit: Visit, attraction_id: uuid.UUID, wish: Wish, trouble: Trouble | None = None) -> Response:
    shop = await _shop(visit, attraction_id)
    chosen = next((one for one in shop.slots if one["id"] == str(wish.slot)), None)
    if chosen is None:
        return _which_slot(visit, shop, wish, trouble)
    if not wish.is_whole:
        return _who(visit, shop, chosen, wish, trouble)
    return await _whether(visit, shop, chosen, wish, trouble)


def _which_slot(visit: Visit, shop: _Shop, wish: Wish, trouble: Trouble | None) -> Response:
    by_day = dict[date, list[Any]]()
    for one in shop.slots:
        by_day.setdefault(shop.place.their.date_of(one["starts_at"]), []).append(one)
    if wish.day in by_day:
        return page(visit, "buy_time.html", trouble, day=wish.day, slots=by_day[wish.day], **shop.shown)
    days = [one for one in sorted(by_day) if wish.first is None or one >= wish.first]
    later = days[_DAYS] if len(days) > _DAYS else None
    return page(visit, "buy_day.html", trouble, days=days[:_DAYS], later=later, **shop.shown)


def products_of(offer: Json, slot: Json) -> list[Any]:
    """Return what of an offer is sold for a slot."""
    return [one for one in sold(offer) if not slot["product_ids"] or one["id"] in slot["product_ids"]]


def most(product: Json, slot: Json) -> int:
    """Return how many of a product can be chosen for a slot: of what asks for a name, the resident's own alone."""
    left = min([slot["left"], *(one["left"] for one in slot["limits"] if product["id"] in one["product_ids"])])
    wanted = 1 if product["is_named"] else MOST_OF_ONE
    return int(max(0, min(wanted, product["max_per_person"] or wanted, left // max(1, product["persons"]))))


def _who(visit: Visit, shop: _Shop, slot: Json, wish: Wish, trouble: Trouble | None) -> Response:
    products = products_of(shop.offer, slot)
    numbers = {one["id"]: [(str(count), str(count)) for count in range(most(one, slot) + 1)] for one in products}
    return page(
        visit,
        "buy_who.html",
        trouble,
        slot=slot,
        products=products,
        counts=wish.counts,
        numbers=numbers,
        **shop.shown,
    )


def _items(visit: Visit, products: Sequence[Json], slot_id: str, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    found = list[dict[str, Any]]()
    for product in products:
        if count := counts.get(product["id"], 0):
            item: dict[str, Any] = {"slot_id": slot_id, "product_id": product["id"], "quantity": count}
            if product["is_named"]:
                item["holders"] = [{"name": visit.name[:100]}]
            found.append(item)
    return found


async def _whether(visit: Visit, shop: _Shop, slot: Json, wish: Wish, trouble: Trouble | None) -> Response:
    products = products_of(shop.offer, slot)
    items = _items(visit, products, slot["id"], wish.counts)
    asked = visit.api.post(of_resident(visit, "ticket-quotes"), {"items": items})
    (quote, refused), kept = await asyncio.gather(answered(visit, asked), cards(visit))
    if quote is None:
        return _who(visit, shop, slot, wish, refused)
    return page(
        visit,
        "buy_whether.html",
        trouble,
        slot=slot,
        quote=quote,
        counts={one["product_id"]: one["quantity"] for one in items},
        cards=kept,
        is_twice=trouble is not None and trouble.refusal.code == "cart_exists",
        **shop.shown,
    )


@router.post("/buy/{attraction_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def buy_tickets(visit: Residing, form: Posted, attraction_id: uuid.UUID) -> Response:
    """Buy tickets at the price that was shown."""
    slot = form.uuid("slot")
    if slot is None:
        raise NotFound
    offer = await visit.api.get(f"/v1/attractions/{attraction_id}/ticket-offer")
    counts = counted(form.fields.multi_items())
    body = {
        "items": _items(visit, sold(offer), str(slot), counts),
        "total": form.number("total"),
        "is_another": form.flag("is_another"),
        **paid_by(form.text("pay", 60) or NOTHING),
    }
    cart, trouble = await answered(visit, visit.api.post(of_resident(visit, "ticket-carts"), body, key=form.key))
    if trouble is None:
        if cart["state"] == "held" and len(cart["orders"]) == 1 and body["payment_method"] == "card":
            return again(f"/portal/payments/{cart['orders'][0]['id']}")
        return again("/me/tickets", "bought" if cart["state"] == "confirmed" else "waiting_for_bank")
    return await _buying(visit, attraction_id, Wish(None, slot, counts), trouble)

"""The resident's tickets: those they have with the codes that gates read, and giving them back."""

import asyncio
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response

from app.core import clock
from app.core.problems import NotFound
from app.core.qr_codes import qr_code
from app.core.routing import route_options
from app.portal.ground.asking import unless_hidden
from app.portal.ground.changing import Trouble
from app.portal.ground.forms import Posted
from app.portal.ground.moments import instant
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.their import Their
from app.portal.ground.visits import Residing, Visit
from app.portal.resident_life.paying import look_at_bank, promise_of
from app.portal.resident_life.residing import answered, of_resident, page

router = pages_router("/me/tickets")

_MOST: Final = 100
_DIGITS: Final = 15
_LIVE: Final = frozenset({"valid", "held", "admitted"})
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """An attraction as its tickets name it, and its own clock."""

    name: Mapping[str, str]
    their: Their
    access_note: Mapping[str, str]
    products: Mapping[str, Mapping[str, str]]


async def place_of(visit: Visit, attraction_id: str) -> Place:
    """Return an attraction; one that is shown no more keeps its tickets, and has no name."""
    found, offer = await asyncio.gather(
        unless_hidden(visit.api.get(f"/v1/attractions/{attraction_id}")),
        unless_hidden(visit.api.get(f"/v1/attractions/{attraction_id}/ticket-offer")),
    )
    zone = ZoneInfo(found["time_zone"]) if found else visit.time_zone
    return Place(
        found["name"] if found else {},
        Their(visit.language, zone),
        found["access_note"] if found else {},
        {one["id"]: one["name"] for one in offer["products"]} if offer else {},
    )


async def places_of(visit: Visit, orders: Iterable[Json]) -> dict[str, Place]:
    """Return the attractions of some orders by their ids."""
    ids = sorted({ticket["attraction_id"] for order in orders for ticket in order["tickets"]})
    return dict(zip(ids, await asyncio.gather(*(place_of(visit, one) for one in ids)), strict=True))


async def _orders(visit: Visit) -> list[Any]:
    return await visit.api.pages(of_resident(visit, "ticket-orders"), _MOST)


def _shown(order: Json) -> list[Any]:
    """Return the tickets of an order that still are tickets."""
    return [one for one in order["tickets"] if one["state"] in _LIVE]


def _is_ahead(order: Json) -> bool:
    now = clock.now()
    return any(now < instant(one["valid_until"]) for one in _shown(order))


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_tickets(visit: Residing) -> Response:
    """Show the tickets for what lies ahead, and where one gets others."""
    orders = await _orders(visit)
    ahead = sorted((one for one in orders if _is_ahead(one)), key=lambda one: one["starts_at"])
    return page(
        visit,
        "tickets.html",
        orders=[(one, _shown(one)) for one in ahead],
        promises=await _promises(visit, ahead),
        places_of=await places_of(visit, ahead),
        has_past=len(ahead) < len(orders),
    )


async def _promises(visit: Visit, orders: Sequence[Json]) -> dict[str, Json]:
    """Return the money the visitor promised for what is still held, by order; the bank's answer is fetched now."""
    held = [one for one in orders if one["state"] == "held"]
    found = await asyncio.gather(*(promise_of(visit, one["id"]) for one in held))
    await asyncio.gather(*(look_at_bank(visit, one) for one in found))
    return {one["reference_id"]: one for one in found if one is not None}


@router.get("/past", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_past_tickets(visit: Residing) -> Response:
    """Show the tickets of what is over or was given back."""
    over = [one for one in await _orders(visit) if not _is_ahead(one)]
    return page(visit, "tickets_past.html", orders=over, places_of=await places_of(visit, over))


@router.get("/codes/{ticket_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_code(visit: Residing, ticket_id: uuid.UUID) -> Response:
    """Show a ticket's code, as large as the screen is wide, for the gate's camera."""
    order, ticket = await _ticket(visit, ticket_id)
    code, place = await asyncio.gather(
        unless_hidden(visit.api.get(f"/v1/tickets/{ticket_id}/code")) if ticket["state"] != "held" else _nothing(),
        place_of(visit, ticket["attraction_id"]),
    )
    tickets = _shown(order)
    at = [one["id"] for one in tickets].index(ticket["id"])
    return page(
        visit,
        "ticket.html",
        order=order,
        ticket=ticket,
        place=place,
        qr=qr_code(code["text"]) if code else None,
        code_text=code["text"] if code else "",
        number=at + 1,
        count=len(tickets),
        before=tickets[at - 1]["id"] if at else None,
        after=tickets[at + 1]["id"] if at + 1 < len(tickets) else None,
    )


async def _nothing() -> None:
    return None


async def _ticket(visit: Visit, ticket_id: uuid.UUID) -> tuple[Json, Json]:
    """Return a ticket with its order; raises ``NotFound`` for what is nobody's here, and for what is a ticket no more.

    An order is not found by its ticket over the API, and a resident has few of them.
    """
    for order in await _orders(visit):
        for ticket in _shown(order):
            if ticket["id"] == str(ticket_id):
                return order, ticket
    raise NotFound


@router.get("/orders/{order_id}/giving-back", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_giving_back(visit: Residing, order_id: uuid.UUID) -> Response:
    """Say what is given back for tickets, before they are."""
    return await _giving_back(visit, order_id)


@dataclass(frozen=True, slots=True)
class Return:
    """Tickets to be given back together, and what is given for them, in minor units."""

    tickets: Sequence[Json]
    amount: int

    @property
    def value(self) -> str:
        """What a form sends for it: the tickets and what was shown."""
        return f"{','.join(one['id'] for one in self.tickets)}:{self.amount}"


def returns(order: Json) -> list[Return]:
    """Return what can be given back of an order: all of it first, then each ticket where there are several."""
    tickets = [one for one in order["tickets"] if one["state"] in ("valid", "held")]
    every = [Return(tickets, sum(one["refundable"] for one in tickets))] if tickets else []
    if len(tickets) > 1 and order["state"] != "held":
        every += [Return([one], one["refundable"]) for one in tickets]
    return every


async def _giving_back(visit: Visit, order_id: uuid.UUID, trouble: Trouble | None = None) -> Response:
    order = await visit.api.get(f"/v1/ticket-orders/{order_id}")
    places = await places_of(visit, [order])
    place = places[order["tickets"][0]["attraction_id"]]
    return page(visit, "giving_back.html", trouble, order=order, returns=returns(order), place=place, places_of=places)


@router.post("/orders/{order_id}/giving-back", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def give_back(visit: Residing, form: Posted, order_id: uuid.UUID) -> Response:
    """Give tickets back for what was shown."""
    ids, _, amount = form.text("what", 4_000).partition(":")
    is_amount = amount.isdecimal() and len(amount) <= _DIGITS
    body = {"ticket_ids": ids.split(","), "amount": int(amount) if is_amount else None}
    asked = visit.api.post(f"/v1/ticket-orders/{order_id}/refunds", body, key=form.key)
    _, trouble = await answered(visit, asked)
    if trouble is not None:
        return await _giving_back(visit, order_id, trouble)
    return again("/me/tickets", "given_back")

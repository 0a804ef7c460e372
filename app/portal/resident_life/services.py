"""Help at home: what is ordered, what comes again and again, and ordering, one question at a time."""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import Query
from starlette.responses import Response

from app.core import clock
from app.core.problems import NotFound
from app.core.routing import route_options
from app.portal.ground.asking import unless_hidden
from app.portal.ground.changing import Trouble
from app.portal.ground.forms import Posted
from app.portal.ground.moments import instant, length
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Residing, Visit
from app.portal.resident_life import repeating, times
from app.portal.resident_life.paying import cards, paid_by
from app.portal.resident_life.residing import answered, of_resident, page, words_for

router = pages_router("/me/services")

_MOST: Final = 100
_OVER: Final = frozenset({"closed", "finished", "expired", "cancelled", "no_access"})
_STILL_SHOWN: Final = timedelta(days=2)
"""How long what is done stays on the first page: as long as somebody would look for it there."""


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_services(visit: Residing) -> Response:
    """Show what help comes, and what can be had."""
    return page(visit, "services.html", **await _services(visit))


@router.get("/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_services_part(visit: Residing) -> Response:
    """Show what help comes alone, for a page that is open."""
    return page(visit, "services_part.html", **await _services(visit))


async def _services(visit: Visit) -> dict[str, Any]:
    orders, series, services = await asyncio.gather(
        visit.api.pages(of_resident(visit, "home-orders"), _MOST),
        visit.api.pages(of_resident(visit, "home-order-series"), _MOST),
        visit.api.pages("/v1/home-services", _MOST),
    )
    names = {one["id"]: one["name"] for one in services}
    recently = clock.now() - _STILL_SHOWN
    details = await asyncio.gather(
        *(visit.api.get(of_resident(visit, f"home-order-series/{one['id']}")) for one in series if _goes_on(one))
    )
    return {
        "coming": sorted((one for one in orders if one["state"] not in _OVER), key=lambda one: one["starts_at"]),
        "done_lately": [one for one in orders if one["state"] in _OVER and instant(one["ends_at"]) > recently],
        "has_past": any(one["state"] in _OVER for one in orders),
        "names": names,
        "repeats": [repeating.said(one, words_for(visit), visit) for one in details],
        "services": [one for one in services if one["is_active"]],
    }


def _goes_on(series: Mapping[str, Any]) -> bool:
    return bool(series["state"] == "active")


@router.get("/past", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_past_orders(visit: Residing) -> Response:
    """Show what help there was."""
    orders, services = await asyncio.gather(
        visit.api.pages(of_resident(visit, "home-orders"), _MOST), visit.api.pages("/v1/home-services", _MOST)
    )
    names = {one["id"]: one["name"] for one in services}
    return page(visit, "past.html", orders=[one for one in orders if one["state"] in _OVER], names=names)


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen so far of an order, question by question; what cannot be read was not chosen."""

    offer: uuid.UUID | None = None
    minutes: int | None = None
    first: date | None = None
    at: datetime | None = None

    @property
    def length(self) -> timedelta | None:
        """How long somebody is to stay."""
        return None if self.minutes is None else timedelta(minutes=self.minutes)


@router.get("/book/{service_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_booking(
    visit: Residing,
    service_id: uuid.UUID,
    offer: uuid.UUID | None = None,
    minutes: Annotated[int | None, Query(ge=1, le=720)] = None,
    first: date | None = None,
    at: datetime | None = None,
) -> Response:
    """Ask the next question of an order: who, how long, when, and whether it is to be so."""
    return await _booking(visit, service_id, Choice(offer, minutes, first, at if at and at.tzinfo else None))


async def _booking(visit: Visit, service_id: uuid.UUID, choice: Choice, trouble: Trouble | None = None) -> Response:
    service, offers = await asyncio.gather(
        visit.api.get(f"/v1/home-services/{service_id}"),
        visit.api.pages(f"/v1/home-services/{service_id}/offers", _MOST),
    )
    offers = [one for one in offers if one["is_active"]]
    if len(offers) == 1 and choice.offer is None:
        choice = Choice(uuid.UUID(offers[0]["id"]), choice.minutes, choice.first, choice.at)
    offer = next((one for one in offers if one["id"] == str(choice.offer)), None)
    shown: dict[str, Any] = {"service": service, "base": f"/me/services/book/{service_id}", "several": len(offers) > 1}
    if offer is None:
        return page(visit, "book_who.html", trouble, offers=offers, **shown)
    if choice.minutes is None:
        known = times.lengths(length(offer["shortest"]), length(offer["longest"]), length(offer["step"]))
        if len(known) > 1:
            return page(visit, "book_long.html", trouble, offer=offer, lengths=known, **shown)
    shown |= {"offer": offer, "choice": choice}
    if choice.at is None:
        return await _when(visit, choice, trouble, shown)
    return await _whether(visit, choice, trouble, shown)


async def _when(visit: Visit, choice: Choice, trouble: Trouble | None, shown: dict[str, Any]) -> Response:
    taken = await _taken(visit)
    stays = choice.length or length(shown["offer"]["shortest"])
    days = times.proposed(clock.now(), visit.time_zone, stays, taken, choice.first)
    later = days[-1].day + timedelta(days=1) if days else None
    return page(visit, "book_when.html", trouble, days=days, later=later, **shown)


async def _taken(visit: Visit) -> list[tuple[datetime, datetime]]:
    """Return when the resident has something else to do: help, a carer, a doctor."""
    now = clock.now()
    orders, visits, appointments = await asyncio.gather(
        unless_hidden(visit.api.get(of_resident(visit, "home-orders"), limit=_MOST)),
        unless_hidden(
            visit.api.get("/v1/me/care-visits", limit=_MOST, **{"from": now, "to": now + timedelta(days=60)})
        ),
        unless_hidden(visit.api.get("/v1/me/appointments", limit=_MOST)),
    )
    found = [one for one in _items(orders) if one["state"] not in _OVER]
    found += [one for one in _items(visits) if one["state"] not in ("cancelled", "suspended", "missed")]
    found += [one for one in _items(appointments) if one["status"] in ("booked", "pending", "arrived")]
    return [(instant(one["starts_at"]), instant(one["ends_at"])) for one in found]


def _items(answer: Any) -> list[Any]:
    return [] if answer is None else list(answer["items"])


async def _whether(visit: Visit, choice: Choice, trouble: Trouble | None, shown: dict[str, Any]) -> Response:
    body: dict[str, Any] = {"offer_id": str(choice.offer), "starts_at": choice.at and choice.at.isoformat()}
    if choice.length is not None:
        body["duration"] = choice.minutes and f"PT{choice.minutes}M"
    quote, refused = await answered(visit, visit.api.post(of_resident(visit, "home-order-quotes"), body))
    if quote is None:
        return page(visit, "refused.html", refused, back=shown["base"])
    entitlements, methods = await asyncio.gather(
        unless_hidden(visit.api.get("/v1/me/subsidy-entitlements", limit=_MOST)), cards(visit)
    )
    names = {one["programme_id"]: one["programme_name"] for one in _items(entitlements)}
    shares = [(names.get(one["programme_id"]), one["amount"]) for one in quote["subsidies"]]
    is_free = clock.now() < instant(quote["free_until"])
    return page(
        visit, "book_whether.html", trouble, quote=quote, shares=shares, cards=methods, is_free=is_free, **shown
    )


@router.post("/book/{service_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def place_order(visit: Residing, form: Posted, service_id: uuid.UUID) -> Response:
    """Order help as it was shown."""
    at = form.text("at", 40)
    body: dict[str, Any] = {
        "offer_id": form.text("offer", 40),
        "offer_version": form.number("version"),
        "total": form.number("total"),
        "starts_at": at,
        **paid_by(form.text("pay", 60)),
    }
    minutes = form.number("minutes")
    if minutes is not None:
        body["duration"] = f"PT{minutes}M"
    for name, most in (("instructions", 2_000), ("door_code", 100)):
        if text := form.text(name, most):
            body[name] = text
    order, trouble = await answered(visit, visit.api.post(of_resident(visit, "home-orders"), body, key=form.key))
    if trouble is None:
        return again(f"/me/services/orders/{order['id']}", "ordered" if order["state"] != "held" else "held")
    if trouble.refusal.code == "order_exists":
        return again(f"/me/services/orders/{trouble.refusal.problem['order_id']}", "known")
    try:
        choice = Choice(form.uuid("offer"), minutes, None, datetime.fromisoformat(at))
    except ValueError:
        raise NotFound from None
    return await _booking(visit, service_id, choice, trouble)


@router.get("/repeats/{series_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_repeat(visit: Residing, series_id: uuid.UUID) -> Response:
    """Show help that comes again and again, day by day."""
    series = await visit.api.get(of_resident(visit, f"home-order-series/{series_id}"))
    return page(visit, "repeat.html", repeat=repeating.said(series, words_for(visit), visit))


@router.post("/repeats/{series_id}/days/{day}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def skip_day(visit: Residing, form: Posted, series_id: uuid.UUID, day: date) -> Response:
    """Leave one day of what recurs out, or have it after all."""
    path = of_resident(visit, f"home-order-series/{series_id}/occurrences/{day}")
    comes = form.flag("comes")
    asked = visit.api.delete(path) if comes else visit.api.put(path, {"is_skipped": True})
    _, trouble = await answered(visit, asked)
    if trouble is None:
        return again(f"/me/services/repeats/{series_id}", "comes" if comes else "skipped")
    series = await visit.api.get(of_resident(visit, f"home-order-series/{series_id}"))
    return page(visit, "repeat.html", trouble, repeat=repeating.said(series, words_for(visit), visit))

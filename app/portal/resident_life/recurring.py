"""Having help come again and again: how often, at which price, what comes, and ending it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from starlette.responses import Response

from app.core.problems import NotFound
from app.core.routing import route_options
from app.portal.ground.changing import Trouble
from app.portal.ground.forms import Form, Posted
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Residing, Visit
from app.portal.resident_life import repeating
from app.portal.resident_life.paying import cards, paid_by
from app.portal.resident_life.residing import answered, of_resident, page, words_for

router = pages_router("/me/services")

_RULES: Final = {"week": "FREQ=WEEKLY", "two_weeks": "FREQ=WEEKLY;INTERVAL=2", "day": "FREQ=DAILY"}
"""How often, in the order in which it is offered, and the rule that says so (RFC 5545)."""
_SHOWN: Final = 6
_LONGEST: Final = 720


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to come again and again, from its first time on."""

    offer: uuid.UUID
    minutes: int | None
    at: datetime
    every: str

    def body(self, visit: Visit) -> dict[str, Any]:
        """Return it as the API is asked for it, on the clock of the resident's wall."""
        first = self.at.astimezone(visit.time_zone)
        wanted = {
            "offer_id": str(self.offer),
            "rrule": _RULES[self.every],
            "begins": f"{first:%H:%M}",
            "time_zone": visit.time_zone.key,
            "starts_on": first.date().isoformat(),
        }
        return wanted | ({"duration": f"PT{self.minutes}M"} if self.minutes else {})


@router.get("/book/{service_id}/repeat", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_repeating(
    visit: Residing,
    service_id: uuid.UUID,
    offer: uuid.UUID,
    at: datetime,
    minutes: int | None = None,
    every: str = "",
) -> Response:
    """Ask how often help is to come, and then whether it is to be so."""
    if at.tzinfo is None or (minutes is not None and not 0 < minutes <= _LONGEST):
        raise NotFound
    if every in _RULES:
        return await _whether(visit, service_id, _Wish(offer, minutes, at, every))
    service = await visit.api.get(f"/v1/home-services/{service_id}")
    base = f"/me/services/book/{service_id}"
    likes = [(one, _rhythm(visit, _Wish(offer, minutes, at, one))) for one in _RULES]
    return page(visit, "repeat_how.html", service=service, base=base, offer=offer, minutes=minutes, at=at, likes=likes)


def _rhythm(visit: Visit, wish: _Wish) -> str:
    return repeating.rhythm(wish.body(visit), words_for(visit), visit)


async def _whether(visit: Visit, service_id: uuid.UUID, wish: _Wish, trouble: Trouble | None = None) -> Response:
    service = await visit.api.get(f"/v1/home-services/{service_id}")
    base = f"/me/services/book/{service_id}"
    asked = visit.api.post(of_resident(visit, "home-order-series/preview"), wish.body(visit))
    preview, refused = await answered(visit, asked)
    if preview is None:
        return page(visit, "refused.html", refused, back=base)
    return page(
        visit,
        "repeat_whether.html",
        trouble,
        service=service,
        base=base,
        wish=wish,
        rhythm=_rhythm(visit, wish),
        terms=preview["terms"],
        prices=_prices(preview["terms"]["totals"]),
        next=preview["occurrences"][:_SHOWN],
        cards=await cards(visit),
    )


def _prices(totals: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return what each time costs by kind of day; one price where they all cost the same."""
    if len(set(totals.values())) == 1:
        return [("any", totals["workday"])]
    return [(kind, totals[kind]) for kind in ("workday", "weekend", "holiday")]


@router.post("/book/{service_id}/repeat", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def agree_to_repeat(visit: Residing, form: Posted, service_id: uuid.UUID) -> Response:
    """Have help come again and again, as it was shown."""
    wish = _wished(form)
    totals = {kind: form.number(kind) for kind in ("workday", "weekend", "holiday")}
    body = {
        **wish.body(visit),
        "agreed": {"offer_version": form.number("version"), "totals": totals},
        **paid_by(form.text("pay", 60)),
    }
    asked = visit.api.post(of_resident(visit, "home-order-series"), body, key=form.key)
    series, trouble = await answered(visit, asked)
    if trouble is not None:
        return await _whether(visit, service_id, wish, trouble)
    return again(f"/me/services/repeats/{series['id']}", "repeats")


def _wished(form: Form) -> _Wish:
    offer, every, minutes = form.uuid("offer"), form.text("every", 20), form.number("minutes")
    try:
        at = datetime.fromisoformat(form.text("at", 40))
    except ValueError:
        raise NotFound from None
    if offer is None or every not in _RULES or at.tzinfo is None:
        raise NotFound
    return _Wish(offer, minutes if minutes and 0 < minutes <= _LONGEST else None, at, every)


@router.get("/repeats/{series_id}/ending", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_ending(visit: Residing, series_id: uuid.UUID) -> Response:
    """Ask whether help is really to come no more."""
    return await _ending(visit, series_id)


async def _ending(visit: Visit, series_id: uuid.UUID, trouble: Trouble | None = None) -> Response:
    series = await visit.api.get(of_resident(visit, f"home-order-series/{series_id}"))
    return page(visit, "repeat_ending.html", trouble, repeat=repeating.said(series, words_for(visit), visit))


@router.post("/repeats/{series_id}/ending", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def end_repeat(visit: Residing, form: Posted, series_id: uuid.UUID) -> Response:
    """Have help come no more; what is too near to be called off for nothing stays, and is seen on the first page."""
    del form
    _, trouble = await answered(visit, visit.api.delete(of_resident(visit, f"home-order-series/{series_id}")))
    if trouble is not None and trouble.refusal.code != "series_ended":
        return await _ending(visit, series_id, trouble)
    return again("/me/services", "repeat_ended")

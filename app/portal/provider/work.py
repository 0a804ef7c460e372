"""What whoever goes to homes has in their pocket: what they may take, their day, when they are off, what is said."""

import asyncio
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response

from app.core import clock
from app.core.problems import NotFound
from app.core.routing import route_options
from app.portal.ground.asking import Refused
from app.portal.ground.changing import Change, Trouble, show_with
from app.portal.ground.forms import Posted
from app.portal.ground.moments import day_named, duration, length, money, weekday
from app.portal.ground.pages import address, again
from app.portal.ground.routing import pages_router
from app.portal.ground.their import Their
from app.portal.ground.visits import Visit, Visitor
from app.portal.provider.company import ROOT, Day, refused
from app.portal.provider.order import asked
from app.portal.provider.people import skills_of
from app.portal.provider.person import WEEK, exception_of, weekly
from app.portal.provider.texts import WORDS

WORK: Final = f"{ROOT}/mine"
router = pages_router(WORK)

MOST: Final = 100
DAYS: Final = 7


def shown(visit: Visit, template: str, tab: str, *, trouble: Trouble | None = None, **values: Any) -> Response:
    """Return a page of whoever goes to homes."""
    return show_with(
        visit,
        f"provider/{template}",
        WORDS,
        trouble,
        tab=tab,
        money=lambda amount, currency: money(visit.language, amount, currency),
        lasts=lambda text: duration(visit, length(text)),
        **values,
    )


async def _work(visit: Visit, day: str) -> dict[str, Any]:
    chosen = day_named(day)
    stops, offers = await asyncio.gather(
        visit.api.get("/v1/me/home-orders", date=chosen), visit.api.pages("/v1/me/home-order-offers", MOST)
    )
    today = clock.now().astimezone(visit.time_zone).date()
    names = await _service_names(visit) if stops["items"] else {}
    return {
        "stops": [(one, Their(visit.language, ZoneInfo(one["time_zone"]))) for one in stops["items"]],
        "offers": [(one, Their(visit.language, ZoneInfo(one["time_zone"]))) for one in offers],
        "services": names,
        "day": chosen or today,
        "today": today,
        "days": [today + timedelta(days=ahead) for ahead in range(DAYS)],
        "part": address(f"{WORK}/part", day=chosen),
    }


async def _service_names(visit: Visit) -> dict[str, str]:
    services = await visit.api.pages("/v1/home-services", 500)
    return {one["id"]: one["name"][visit.language] for one in services}


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_work(visit: Visitor, day: Day = "") -> Response:
    """Show what the visitor may take, and where they go on a day."""
    return shown(visit, "work.html", "day", **await _work(visit, day))


@router.get("/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_work_part(visit: Visitor, day: Day = "") -> Response:
    """Show the same alone, for a page that is open."""
    return shown(visit, "work_part.html", "day", **await _work(visit, day))


_ANSWERS: Final[Mapping[str, str]] = {"acceptance": "offer_taken", "refusal": "offer_refused"}


@router.post("/offers/{offer_id}/{says}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def answer_offer(visit: Visitor, form: Posted, offer_id: uuid.UUID, says: str) -> Response:
    """Take an order, or say no to it."""
    if says not in _ANSWERS:
        raise NotFound
    try:
        await asked(visit, form, Change("POST", f"/v1/me/home-order-offers/{offer_id}/{says}"))
    except Refused as refusal:
        return shown(visit, "work.html", "day", trouble=refused(visit, refusal), **await _work(visit, ""))
    return again(WORK, _ANSWERS[says])


async def _times(visit: Visit, trouble: Trouble | None = None) -> Response:
    profiles = await visit.api.pages("/v1/me/worker-profiles", MOST)
    exceptions = await asyncio.gather(
        *(visit.api.pages(f"/v1/me/worker-profiles/{one['id']}/exceptions", MOST) for one in profiles)
    )
    today = clock.now().astimezone(visit.time_zone).date()
    return shown(
        visit,
        "times.html",
        "times",
        trouble=trouble,
        profiles=[
            {
                "worker": one,
                "week": [(day, hours[:-1]) for day, hours in weekly(one["hours"])],
                "skills": skills_of(one["skills"], today),
                "exceptions": sorted(kept, key=lambda each: each["starts"]),
            }
            for one, kept in zip(profiles, exceptions, strict=True)
        ],
        weekdays={day: weekday(visit, day - 1) for day in WEEK},
        me=str(visit.actor.id),
        today=today,
    )


@router.get("/times", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_times(visit: Visitor) -> Response:
    """Show when the visitor is there, when they are off, and what they can do until when."""
    return await _times(visit)


@router.post("/times/{worker_id}/exceptions", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def take_days_off(visit: Visitor, form: Posted, worker_id: uuid.UUID) -> Response:
    """Take days or hours off."""
    change = Change("POST", f"/v1/me/worker-profiles/{worker_id}/exceptions", exception_of(form, "off"))
    try:
        await asked(visit, form, change)
    except Refused as refusal:
        return await _times(visit, refused(visit, refusal))
    return again(f"{WORK}/times", "exceptions")


@router.post("/times/{worker_id}/exceptions/{exception_id}/removal", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def take_day_back(visit: Visitor, form: Posted, worker_id: uuid.UUID, exception_id: uuid.UUID) -> Response:
    """Take days off back."""
    del form
    await visit.api.delete(f"/v1/me/worker-profiles/{worker_id}/exceptions/{exception_id}")
    return again(f"{WORK}/times", "as_usual")


@router.get("/ratings", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_own_ratings(visit: Visitor) -> Response:
    """Show what the visitor was given, and what is said of them."""
    ratings = await visit.api.get("/v1/me/ratings", limit=MOST)
    return shown(visit, "own_ratings.html", "ratings", ratings=ratings)

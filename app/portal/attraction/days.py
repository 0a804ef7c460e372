"""The day of an attraction, its calendar, its slots: what is sold, left and scanned, and how many there are."""

import asyncio
import uuid
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final

from fastapi import Query as InQuery
from starlette.responses import RedirectResponse, Response

from app.core import clock
from app.core.routing import route_options
from app.portal.attraction.knowing import PREFIX, Place, both, mine, place_of, wrong_of
from app.portal.attraction.texts import WORDS
from app.portal.charts.drawing import Chart
from app.portal.charts.lines import Band, LineWords, Series, line_chart
from app.portal.ground.asking import Refused
from app.portal.ground.changing import Wrong
from app.portal.ground.forms import Form, Posted
from app.portal.ground.moments import instant
from app.portal.ground.pages import again, show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visitor
from app.portal.ground.wording import worded

router = pages_router(PREFIX)

ONE: Final = "/{organization_id}/{attraction_id}"
MOST_AT_ONCE: Final = 100
_RECENT: Final = timedelta(days=2)


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_attractions(visit: Visitor) -> Response:
    """Show the attractions the visitor works for; who works for one is led there."""
    found = await mine(visit)
    if len(found) == 1 and not visit.is_operator:
        organization_id, attraction = found[0]
        return RedirectResponse(f"{PREFIX}/{organization_id}/{attraction['id']}", 303)
    items = [(f"{PREFIX}/{one}/{row['id']}", worded(row["name"], visit.language), row) for one, row in found]
    return show(visit, "attraction/list.html", WORDS, items=items)


async def _overview(place: Place) -> dict[str, Any]:
    today = place.their.today()
    day, slots, closings, cancellations = await asyncio.gather(
        place.get(f"visitor-days/{today}"),
        place.slots(today),
        place.pages("closings", 500),
        place.get("slot-cancellations", limit=5),
    )
    now = clock.now()
    recent = [one for one in cancellations["items"] if instant(one["cancelled_at"]) > now - _RECENT]
    return {
        "day": day,
        "today": today,
        "slots": slots,
        "total": {name: sum(one[name] for one in slots) for name in ("capacity", "sold", "left", "scanned")},
        "closings": [one for one in closings if instant(one["starts_at"]) <= now < instant(one["ends_at"])],
        "recent": recent,
        "chart": _crowd_chart(place, day),
        "share": _share(day),
    }


def _share(day: Mapping[str, Any]) -> int | None:
    """Return how full it is in hundredths; ``None`` where nobody knows how many it holds."""
    return min(round(100 * day["inside"] / day["capacity"]), 100) if day["capacity"] else None


def _crowd_chart(place: Place, day: Mapping[str, Any]) -> Chart:
    words = place.words
    points = [(instant(one["at"]), float(one["inside"])) for one in day["steps"]]
    capacity = day["capacity"]
    bands = [Band(words["chart_roomy"], 0.0, capacity * 2 / 3)] if capacity else []
    start = instant(day["starts_at"])
    if day["inside_at_start"]:
        points.insert(0, (start, float(day["inside_at_start"])))
    first = min([at for at, _ in points], default=start + timedelta(hours=8)) - timedelta(minutes=30)
    end = min(max(clock.now() + timedelta(minutes=15), first + timedelta(hours=2)), instant(day["ends_at"]))
    if end <= first:
        first, end = start, instant(day["ends_at"])
    said_of = LineWords(
        title=words["chart_crowd"],
        description=words["chart_crowd_says"].format(count=day["inside"]),
        unit=words["chart_persons"],
        when=words["chart_when"],
        lowest=words["chart_lowest"],
        highest=words["chart_highest"],
        mean=words["chart_mean"],
        nothing=words["chart_nobody"],
    )
    return line_chart(
        [Series(words["chart_inside"], points)],
        said_of,
        start=max(first, start),
        end=end,
        zone=place.their.time_zone,
        language=place.visit.language,
        bands=bands,
        gap=timedelta(hours=24),
    )


@router.get(ONE, include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_overview(visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Show how the day stands."""
    place = await place_of(visit, organization_id, attraction_id)
    return place.show("overview.html", "overview", **await _overview(place))


@router.get(f"{ONE}/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_overview_part(visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Show how the day stands, for a page that is open."""
    place = await place_of(visit, organization_id, attraction_id)
    return place.show("overview_part.html", "overview", **await _overview(place))


@router.post(f"{ONE}/closing", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def close_now(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Say that it is shut from now until later today, or reopen it."""
    place = await place_of(visit, organization_id, attraction_id)
    try:
        if closing_id := form.uuid("closing_id"):
            await visit.api.delete(f"{place.api}/closings/{closing_id}")
            return again(place.base, "reopened")
        until = form.time("until")
        ends = datetime.combine(place.their.today(), until, place.their.time_zone) if until else None
        body = {"ends_at": ends.isoformat() if ends else "", "reason": _texts(form, "reason")}
        await visit.api.post(f"{place.api}/closings", body, key=form.key)
    except Refused as refused:
        wrong = wrong_of(visit, refused)
        return place.show("overview.html", "overview", status=wrong.status, wrong=wrong, **await _overview(place))
    return again(place.base, "closed")


def _texts(form: Form, name: str, most: int = 200) -> dict[str, str]:
    return both({"en": form.text(f"{name}_en", most), "zh-CN": form.text(f"{name}_zh", most)})


Since = Annotated[str, InQuery(max_length=5)]


async def _day(place: Place, day: date, since: str = "") -> dict[str, Any]:
    """Return what a day's page shows: of its slots so many at once, from a time of the day on."""
    day = place.day_of(str(day))
    sums, slots, exceptions = await asyncio.gather(
        place.get("slot-days", first_day=day, last_day=day),
        place.get("slot-sales", limit=MOST_AT_ONCE, **_from(place, day, since)),
        place.pages("opening-exceptions", 500),
    )
    now = clock.now()
    ahead = [one for one in slots["items"] if one["state"] != "cancelled" and instant(one["ends_at"]) > now]
    whole = sums["days"][0] if sums["days"] else {"slots": 0, "cancelled": 0, "sold": 0, "sold_out": 0}
    return {
        "day": day,
        "since": since,
        "slots": slots["items"],
        "whole": whole,
        "later": _later(place, slots),
        "before": day - timedelta(days=1),
        "after": day + timedelta(days=1),
        "ahead": ahead,
        "exception": next((one for one in exceptions if one["first_day"] <= str(day) <= one["last_day"]), None),
        "is_ahead": day >= place.their.today(),
        "sold": whole["sold"],
    }


def _from(place: Place, day: date, since: str) -> dict[str, str]:
    """Return a day as the API is asked for it, from a time on its wall on."""
    span = place.span(day)
    try:
        at = time.fromisoformat(since) if since else time.min
    except ValueError:
        return span
    return span | {"from": datetime.combine(day, at.replace(tzinfo=None), place.their.time_zone).isoformat()}


def _later(place: Place, slots: Mapping[str, Any]) -> str:
    """Return from which time on there are more slots than a page shows; empty where it shows all."""
    if not slots["next"]:
        return ""
    return f"{instant(slots['items'][-1]['starts_at']).astimezone(place.their.time_zone):%H:%M}"


@router.get(f"{ONE}/days/{{day}}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_day(
    visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID, day: date, since: Since = ""
) -> Response:
    """Show the slots of a day."""
    place = await place_of(visit, organization_id, attraction_id)
    return place.show("day.html", "days", **await _day(place, day, since))


@router.get(f"{ONE}/days/{{day}}/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_day_part(
    visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID, day: date, since: Since = ""
) -> Response:
    """Show the slots of a day, for a page that is open."""
    place = await place_of(visit, organization_id, attraction_id)
    return place.show("day_part.html", "days", **await _day(place, day, since))


async def _day_again(place: Place, day: date, wrong: Wrong) -> Response:
    return place.show("day.html", "days", status=wrong.status, wrong=wrong, **await _day(place, day))


@router.post(f"{ONE}/days/{{day}}/closing", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def close_day(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID, day: date
) -> Response:
    """Have the attraction be closed on a day, or open by its hours again."""
    place = await place_of(visit, organization_id, attraction_id)
    try:
        if exception_id := form.uuid("exception_id"):
            await visit.api.delete(f"{place.api}/opening-exceptions/{exception_id}")
            return again(f"{place.base}/days/{day}", "day_opened")
        body = {"first_day": str(day), "last_day": str(day), "hours": [], "reason": _texts(form, "reason")}
        await visit.api.post(f"{place.api}/opening-exceptions", body, key=form.key)
    except Refused as refused:
        return await _day_again(place, day, wrong_of(visit, refused))
    return again(f"{place.base}/days/{day}", "day_closed")


@router.post(f"{ONE}/days/{{day}}/slots", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def add_slot(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID, day: date
) -> Response:
    """Add a slot to a day."""
    place = await place_of(visit, organization_id, attraction_id)
    begins, ends = form.time("begins"), form.time("ends")
    zone = place.their.time_zone
    body = {
        "starts_at": datetime.combine(day, begins, zone).isoformat() if begins else "",
        "ends_at": datetime.combine(day, ends, zone).isoformat() if ends else "",
        "capacity": form.number("capacity"),
    }
    try:
        await visit.api.post(f"{place.api}/ticket-slots", body, key=form.key)
    except Refused as refused:
        return await _day_again(place, day, wrong_of(visit, refused))
    return again(f"{place.base}/days/{day}", "slot_added")


async def _slot(place: Place, slot_id: uuid.UUID) -> dict[str, Any]:
    detail = await place.visit.api.get(f"{place.of}/ticket-slots/{slot_id}")
    if detail["attraction_id"] != str(place.attraction_id):
        raise Refused(404, {"code": "not_found", "status": 404})
    at = instant(detail["starts_at"])
    around = {"from": at.isoformat(), "to": (at + timedelta(seconds=1)).isoformat()}
    found, limits = await asyncio.gather(
        place.pages("slot-sales", 100, **around), place.get(f"ticket-slots/{slot_id}/limits")
    )
    sales = next((one for one in found if one["id"] == str(slot_id)), None)
    if sales is None:
        raise Refused(404, {"code": "not_found", "status": 404})
    day = place.their.date_of(detail["starts_at"])
    return {"slot": detail, "sales": sales, "day": day, "limits": limits["limits"]}


@router.get(f"{ONE}/slots/{{slot_id}}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_slot(
    visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID, slot_id: uuid.UUID
) -> Response:
    """Show a slot, and what can be changed about it."""
    place = await place_of(visit, organization_id, attraction_id)
    return place.show("slot.html", "days", meant=None, **await _slot(place, slot_id))


@router.post(f"{ONE}/slots/{{slot_id}}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def change_slot(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID, slot_id: uuid.UUID
) -> Response:
    """Say what it would mean to have so many places, and then have them."""
    place = await place_of(visit, organization_id, attraction_id)
    known = await _slot(place, slot_id)
    slot, capacity = known["slot"], form.number("capacity")
    state = "closed" if form.text("state", 10) == "closed" else "open"
    reason = form.text("overbook_reason", 500)
    if capacity is None or capacity < 0:
        wrong = Wrong(place.words["trouble_422"], {"capacity": place.words["wrong_number"]}, 422)
        return place.show("slot.html", "days", status=422, wrong=wrong, meant=None, **known)
    meant = {"capacity": capacity, "state": state, "reason": reason, "over": max(slot["taken"] - capacity, 0)}
    if not form.flag("confirmed"):
        return place.show("slot.html", "days", meant=meant, **known)
    body = {name: slot[name] for name in ("starts_at", "ends_at", "entry_until", "product_ids", "language")}
    body |= {"capacity": capacity, "state": state, "overbook_reason": reason or None}
    version = form.number("version")
    try:
        await visit.api.put(f"{place.of}/ticket-slots/{slot_id}", body, version=version)
    except Refused as refused:
        wrong = wrong_of(visit, refused)
        return place.show("slot.html", "days", status=wrong.status, wrong=wrong, meant=meant, **known)
    return again(f"{place.base}/slots/{slot_id}", "slot_changed")

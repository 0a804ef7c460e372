"""The calendar of slots: a month, a week, and the way to any day, however long the season."""

import uuid
from calendar import monthrange
from datetime import date, timedelta
from typing import Annotated, Any, Final

from babel.dates import format_skeleton
from fastapi import Query as InQuery
from starlette.responses import RedirectResponse, Response

from app.core.routing import route_options
from app.portal.attraction.days import ONE
from app.portal.attraction.knowing import PREFIX, Place, place_of
from app.portal.ground.moments import locale_of, weekday
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visitor

router = pages_router(PREFIX)

_WEEK: Final = 7
Month = Annotated[str, InQuery(max_length=10)]
Day = Annotated[str, InQuery(max_length=10)]
View = Annotated[str, InQuery(max_length=5)]


@router.get(f"{ONE}/days", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_month(
    visit: Visitor,
    organization_id: uuid.UUID,
    attraction_id: uuid.UUID,
    month: Month = "",
    day: Day = "",
    view: View = "",
) -> Response:
    """Show a month of slots, each day with what is sold of how much; or lead to the day that was asked for."""
    place = await place_of(visit, organization_id, attraction_id)
    if day and view in ("day", "week"):
        wanted = place.day_of(day)
        return RedirectResponse(f"{place.base}/{'days' if view == 'day' else 'weeks'}/{wanted}", 303)
    first = place.day_of(day or f"{month}-01").replace(day=1)
    length = monthrange(first.year, first.month)[1]
    days = await _days(place, first, length)
    blanks: list[Any] = [None] * first.weekday()
    cells = [*blanks, *days]
    cells += [None] * (-len(cells) % _WEEK)
    return place.show(
        "month.html",
        "days",
        first=first,
        month=format_skeleton("yMMMM", first, locale=locale_of(visit.language)),
        today=place.their.today(),
        weeks=[cells[at : at + _WEEK] for at in range(0, len(cells), _WEEK)],
        weekdays=[weekday(visit, number) for number in range(_WEEK)],
        before=(first - timedelta(days=1)).strftime("%Y-%m"),
        after=(first + timedelta(days=length)).strftime("%Y-%m"),
    )


async def _days(place: Place, first: date, length: int) -> list[dict[str, Any]]:
    """Return each day of a stretch with the sums of its slots."""
    found = await place.get("slot-days", first_day=first, last_day=first + timedelta(days=length - 1))
    sums = {one["day"]: one for one in found["days"]}
    nothing = {"slots": 0, "cancelled": 0, "sold": 0, "capacity": 0, "sold_out": 0}
    days = []
    for offset in range(length):
        day = first + timedelta(days=offset)
        one = sums.get(str(day), nothing)
        share = min(round(100 * one["sold"] / one["capacity"]), 100) if one["capacity"] else 0
        days.append({**one, "day": day, "share": share})
    return days


@router.get(f"{ONE}/weeks/{{day}}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_week(visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID, day: date) -> Response:
    """Show the week a day is in: what is sold of each of its days, and what is sold out."""
    place = await place_of(visit, organization_id, attraction_id)
    wanted = place.day_of(str(day))
    monday = wanted - timedelta(days=wanted.weekday())
    return place.show(
        "week.html",
        "days",
        wanted=wanted,
        today=place.their.today(),
        days=await _days(place, monday, _WEEK),
        before=monday - timedelta(days=_WEEK),
        after=monday + timedelta(days=_WEEK),
    )

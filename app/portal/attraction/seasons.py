"""Seasons: a template of days and times, what it would mean before it is kept, and the slots that are made of it."""

import hashlib
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final

import orjson
from babel.dates import format_skeleton
from fastapi import Query as InQuery
from starlette.responses import Response

from app.core.instants import LAST_YEAR
from app.core.routing import route_options
from app.portal.attraction.days import ONE
from app.portal.attraction.knowing import PREFIX, Place, place_of, wrong_of
from app.portal.ground.asking import Refused
from app.portal.ground.changing import FINE, Wrong
from app.portal.ground.forms import Form, Posted
from app.portal.ground.moments import length, locale_of, weekday
from app.portal.ground.pages import address, again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visitor
from app.portal.ground.wording import worded

router = pages_router(PREFIX)

_SEASONS: Final = f"{ONE}/seasons"
HOLIDAYS: Final = ("ignore", "skip", "only")
_BLANKS: Final = 2
_MOST_STRETCHES: Final = 60
_MOST_DAYS: Final = 400
_MOST_TIMES: Final = 288
_LONGEST_STEP: Final = 24 * 60
_A_DAY: Final = timedelta(days=1)
_BETWEEN: Final = re.compile(r"[\s,，;；、]+")
_MADE: Final = re.compile(r"(\d{1,6})-(\d{1,6})-(\d{1,6})-(\d{1,6})-(\d{1,6})")


async def _known(place: Place, template_id: uuid.UUID | str) -> Any:
    found = next((one for one in await place.pages("slot-templates", 300) if one["id"] == str(template_id)), None)
    if found is None:
        raise Refused(404, {"code": "not_found", "status": 404})
    return found


@router.get(_SEASONS, include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_seasons(visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Show the templates seasons are made of: those that are over last."""
    place = await place_of(visit, organization_id, attraction_id)
    today = str(place.their.today())
    found = sorted(
        await place.pages("slot-templates", 300), key=lambda one: (one["ends_on"] < today, one["starts_on"], one["id"])
    )
    days = [weekday(visit, number) for number in range(7)]
    rows = [
        (one, [days[number - 1] for number in one["weekdays"]] if len(one["weekdays"]) < 7 else []) for one in found
    ]
    return place.show("seasons.html", "days", rows=rows, today=today)


def _blank(place: Place) -> dict[str, Any]:
    first = place.their.today() + _A_DAY
    return {
        "id": None,
        "version": 0,
        "name": "",
        "starts_on": str(first),
        "ends_on": "",
        "weekdays": list(range(1, 8)),
        "times": [],
        "holidays": "ignore",
        "except_on": [],
        "duration": "PT1H",
        "entry_within": None,
        "capacity": None,
        "product_ids": [],
        "language": None,
        "is_active": True,
    }


def _stretches(days: Sequence[str]) -> list[tuple[str, str]]:
    """Return days as stretches of days that follow each other; what is no day stands by itself."""
    found: list[list[str]] = []
    for day in days:
        if found and _follows(found[-1][1], day):
            found[-1][1] = day
        else:
            found.append([day, day])
    return [(first, "" if first == last else last) for first, last in found]


def _follows(earlier: str, later: str) -> bool:
    try:
        return date.fromisoformat(later) - date.fromisoformat(earlier) == _A_DAY
    except ValueError:
        return False


def _minutes(text: Any) -> Any:
    """Return a length the API writes in minutes, or what was typed instead."""
    try:
        return round(length(text) / timedelta(minutes=1)) if text else ""
    except ValueError:
        return str(text).removeprefix("PT").removesuffix("M")


async def _page(
    place: Place,
    one: Mapping[str, Any],
    wrong: Wrong = FINE,
    *,
    preview: Mapping[str, Any] | None = None,
    seen: str = "",
    reason: str = "",
    made: Sequence[int] = (),
) -> Response:
    products = await place.products()
    words = place.words
    return place.show(
        "season.html",
        "days",
        status=wrong.status,
        wrong=wrong,
        one=one,
        times=", ".join(str(at)[:5] for at in one["times"]),
        lasts=_minutes(one["duration"]),
        enters=_minutes(one["entry_within"]) if one["entry_within"] != one["duration"] else "",
        stretches=[*_stretches(one["except_on"]), *(("", "") for _ in range(_BLANKS))],
        weekdays=[weekday(place.visit, number) for number in range(7)],
        holidays=[(kind, words[f"holidays_{kind}"]) for kind in HOLIDAYS],
        products=[(key, worded(row["name"], place.visit.language)) for key, row in products.items()],
        preview=preview,
        months=[(_month(place, row["month"]), row) for row in preview["months"]] if preview else [],
        seen=seen,
        reason=reason,
        made=made,
    )


def _month(place: Place, month: str) -> str:
    return str(format_skeleton("yMMMM", date.fromisoformat(f"{month}-01"), locale=locale_of(place.visit.language)))


@router.get(f"{_SEASONS}/new", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_new_season(visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Show the form of a season that is to be."""
    place = await place_of(visit, organization_id, attraction_id)
    return await _page(place, _blank(place))


@router.get(f"{_SEASONS}/{{template_id}}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_season(
    visit: Visitor,
    organization_id: uuid.UUID,
    attraction_id: uuid.UUID,
    template_id: uuid.UUID,
    made: Annotated[str, InQuery(max_length=40)] = "",
) -> Response:
    """Show a season's template, and what became of its slots when they were made just now."""
    place = await place_of(visit, organization_id, attraction_id)
    counts = _MADE.fullmatch(made)
    return await _page(
        place, await _known(place, template_id), made=[int(one) for one in counts.groups()] if counts else ()
    )


def _times(form: Form) -> list[str]:
    """Return the times that were written, and those of a row of slots that follow each other."""
    found = [one for one in _BETWEEN.split(form.text("times", 3_000)) if one]
    at, last, every = form.time("row_from"), form.time("row_until"), form.number("row_every")
    if at is not None and last is not None and every is not None and 0 < every <= _LONGEST_STEP:
        anchor = datetime.combine(date.min, time())
        step, until = timedelta(minutes=every), datetime.combine(date.min, last)
        moment = anchor.replace(hour=at.hour, minute=at.minute)
        while moment <= until and len(found) <= _MOST_TIMES:
            found.append(f"{moment:%H:%M}")
            if moment + step >= anchor + _A_DAY:
                break
            moment += step
    # One digit for the hour is how people write it.
    return sorted({f"0{one}" if re.fullmatch(r"\d:\d\d", one) else one for one in found})


def _exceptions(form: Form) -> list[str]:
    """Return the days of the stretches that were filled in."""
    found: set[str] = set()
    for number in range(_MOST_STRETCHES + _BLANKS):
        first, last = form.day(f"except-first-{number}"), form.day(f"except-last-{number}")
        if first is None or max(first, last or first).year > LAST_YEAR:
            found |= {written} if (written := form.text(f"except-first-{number}", 10)) else set()
            continue
        # Whoever wrote the last day first means those between all the same.
        day, until = sorted((first, last or first))
        while day <= until and len(found) <= _MOST_DAYS:
            found.add(str(day))
            day += _A_DAY
    return sorted(found)


def _given(form: Form) -> dict[str, Any]:
    lasts, enters = form.text("lasts", 6), form.text("enters", 6)
    return {
        "name": form.text("name", 200),
        "starts_on": form.text("starts_on", 10),
        "ends_on": form.text("ends_on", 10),
        "weekdays": sorted({int(one) for one in form.many("weekday", 1) if one.isdecimal()}),
        "times": _times(form),
        "holidays": form.text("holidays", 10) or "ignore",
        "except_on": _exceptions(form),
        "duration": f"PT{lasts}M",
        "entry_within": f"PT{enters}M" if enters else None,
        "capacity": form.number("capacity"),
        "product_ids": sorted(set(form.many("product", 40))),
        "language": form.text("language", 20) or None,
        "is_active": not form.flag("rests"),
    }


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.blake2b(orjson.dumps(body, option=orjson.OPT_SORT_KEYS), digest_size=12).hexdigest()


async def _keep(place: Place, form: Form, known: Mapping[str, Any]) -> Response:
    """Say what it would mean; do so once that was seen of exactly this."""
    body, visit = _given(form), place.visit
    reason = form.text("overbook_reason", 500)
    shown = {**known, **body, "version": form.number("version") or known["version"]}
    asked = body | ({"template_id": known["id"]} if known["id"] else {})
    try:
        preview = await visit.api.post(f"{place.api}/slot-template-previews", asked)
    except Refused as refused:
        return await _page(place, shown, wrong_of(visit, refused))
    seen = _digest(asked)
    if not form.flag("save"):
        return await _page(place, shown, preview=preview, seen=seen)
    missing = FINE
    if form.text("seen", 40) != seen:
        missing = Wrong(place.words["trouble_look_again"], {}, 422)
    elif preview["oversold"] and not reason:
        missing = Wrong(place.words["trouble_more_is_sold"], {"overbook_reason": place.words["wrong_why"]}, 422)
    if missing.text:
        return await _page(place, shown, missing, preview=preview, seen=seen, reason=reason)
    try:
        kept, made = await _saved(place, form, known, body, reason)
    except Refused as refused:
        # Where the slots alone were refused, the template says so from now on, and they are as they were.
        now = await _known(place, known["id"]) if known["id"] else known
        shown["version"] = now["version"]
        return await _page(place, shown, wrong_of(visit, refused), preview=preview, seen=seen, reason=reason)
    counts = "-".join(str(made[name]) for name in ("created", "changed", "closed", "kept", "uncovered"))
    return again(address(f"{place.base}/seasons/{kept['id']}", made=counts), "season_made")


async def _saved(
    place: Place, form: Form, known: Mapping[str, Any], body: Mapping[str, Any], reason: str
) -> tuple[Any, Any]:
    """Keep a template and make its slots; return it and what became of them."""
    api = place.visit.api
    if known["id"]:
        path = f"{place.of}/slot-templates/{known['id']}"
        kept = await api.put(path, body, version=form.number("version"))
    else:
        kept = await api.post(f"{place.api}/slot-templates", body, key=form.key)
    path = f"{place.of}/slot-templates/{kept['id']}/generation"
    return kept, await api.post(path, {"overbook_reason": reason or None}, key=form.key)


@router.post(f"{_SEASONS}/new", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def add_season(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Say what a new season would be, then make it."""
    place = await place_of(visit, organization_id, attraction_id)
    return await _keep(place, form, _blank(place))


@router.post(f"{_SEASONS}/{{template_id}}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def change_season(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID, template_id: uuid.UUID
) -> Response:
    """Say what a season would become, then let it and its slots ahead be so; what is sold stays."""
    place = await place_of(visit, organization_id, attraction_id)
    return await _keep(place, form, await _known(place, template_id))

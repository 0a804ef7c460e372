"""Describing an attraction: its texts in both languages, access, photos, whether it is shown; and when it is open."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from app.core.routing import route_options
from app.portal.attraction.days import ONE
from app.portal.attraction.knowing import PREFIX, Place, both, place_of, wrong_of
from app.portal.ground.asking import Refused
from app.portal.ground.changing import FINE, Wrong
from app.portal.ground.forms import Form, Posted
from app.portal.ground.moments import weekday
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.uploads import uploaded
from app.portal.ground.visits import Visitor

router = pages_router(PREFIX)

KINDS: Final = (
    "museum", "gallery", "park", "garden", "historic", "religious", "theatre", "zoo", "aquarium", "viewpoint",
    "theme_park", "nature", "market", "other",
)  # fmt: skip
FACTS: Final = ("step_free", "accessible_toilet", "wheelchair_loan", "audio_guide", "defibrillator")
HOLIDAYS: Final = ("ignore", "skip", "only")
LARGEST_PHOTO: Final = 12 * 1024 * 1024
_PHOTO_TYPES: Final = ("image/jpeg", "image/png", "image/webp")
_WRITTEN: Final = (
    "name", "summary", "description", "kind", "tags", "latitude", "longitude", "time_zone", "capacity", "access_note",
    "seating_distance", *FACTS,
)  # fmt: skip
_TEXTS: Final[Mapping[str, int]] = {"name": 200, "summary": 200, "description": 5_000, "access_note": 200}
_NEW_RULES: Final = 2
_MOST_RULES: Final = 30


def _edit_page(place: Place, wrong: Wrong = FINE, given: Mapping[str, Any] | None = None) -> Response:
    words = place.words
    return place.show(
        "edit.html",
        "edit",
        status=wrong.status,
        wrong=wrong,
        one=given or place.attraction,
        kinds=[(one, words[f"kind_{one}"]) for one in KINDS],
        facts=[(one, words[f"fact_{one}"]) for one in FACTS],
        thirds=_thirds((given or place.attraction)["capacity"]),
    )


def _thirds(capacity: Any) -> tuple[int, int, int] | None:
    """Return from how many on it is called moderate, busy and full, as everybody reads it."""
    return (-(-capacity // 3), -(-2 * capacity // 3), capacity) if isinstance(capacity, int) and capacity > 0 else None


@router.get(f"{ONE}/edit", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_edit(visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Show what is said of an attraction."""
    return _edit_page(await place_of(visit, organization_id, attraction_id))


def _said(form: Form, place: Place) -> dict[str, Any]:
    fact = {"yes": True, "no": False}
    return {
        **{
            name: both({"en": form.text(f"{name}_en", most), "zh-CN": form.text(f"{name}_zh", most)})
            for name, most in _TEXTS.items()
        },
        "kind": form.text("kind", 20),
        "tags": [tag for one in form.text("tags", 1_500).replace("，", ",").split(",") if (tag := one.strip())],
        "latitude": form.decimal("latitude"),
        "longitude": form.decimal("longitude"),
        "time_zone": place.attraction["time_zone"],
        "capacity": form.number("capacity"),
        "seating_distance": form.number("seating_distance"),
        **{name: fact.get(form.text(name, 5)) for name in FACTS},
    }


@router.post(f"{ONE}/edit", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def save_edit(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Say what an attraction is from now on."""
    place = await place_of(visit, organization_id, attraction_id)
    body = _said(form, place)
    photos = [one["id"] for one in place.attraction["photos"]]
    try:
        await visit.api.put(place.api, body | {"photo_ids": photos}, version=form.number("version"))
    except Refused as refused:
        # What was typed stands there again, and on the version it was typed over.
        shown = {**place.attraction, **body, "version": form.number("version")}
        if refused.status == 412:
            shown["version"] = place.attraction["version"]
        return _edit_page(place, wrong_of(visit, refused), shown)
    return again(f"{place.base}/edit", "kept")


@router.post(f"{ONE}/publication", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def publish(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Show an attraction to everybody, or to nobody."""
    place = await place_of(visit, organization_id, attraction_id)
    try:
        if form.flag("withdraw"):
            await visit.api.delete(f"{place.api}/publication")
            return again(f"{place.base}/edit", "withdrawn")
        await visit.api.post(f"{place.api}/publication", key=form.key)
    except Refused as refused:
        return _edit_page(place, wrong_of(visit, refused))
    return again(f"{place.base}/edit", "published")


async def _put_photos(place: Place, photo_ids: list[str]) -> None:
    body = {name: place.attraction[name] for name in _WRITTEN} | {"photo_ids": photo_ids}
    await place.visit.api.put(place.api, body, version=place.attraction["version"])


@router.post(f"{ONE}/photos", include_in_schema=False, max_body_size=LARGEST_PHOTO + 65_536)
@route_options(database=False, idempotency=False)
async def add_photo(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Add a photo to the end of those that are shown."""
    place = await place_of(visit, organization_id, attraction_id)
    chosen = form.file("photo")
    content = await chosen.read() if chosen is not None else b""
    kind = (chosen.content_type or "") if chosen is not None else ""
    if chosen is not None:
        await chosen.close()
    if not content or kind not in _PHOTO_TYPES:
        return _edit_page(place, Wrong(place.words["trouble_no_photo"], {"photo": place.words["wrong_photo"]}, 422))
    try:
        upload = await uploaded(visit, content, kind, "photo")
        await _put_photos(place, [*(one["id"] for one in place.attraction["photos"]), upload])
    except Refused as refused:
        return _edit_page(place, wrong_of(visit, refused))
    return again(f"{place.base}/edit", "photo_added")


@router.post(f"{ONE}/photos/{{photo_id}}/removal", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def remove_photo(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID, photo_id: uuid.UUID
) -> Response:
    """Show a photo no more."""
    del form
    place = await place_of(visit, organization_id, attraction_id)
    kept = [one["id"] for one in place.attraction["photos"] if one["id"] != str(photo_id)]
    try:
        await _put_photos(place, kept)
    except Refused as refused:
        return _edit_page(place, wrong_of(visit, refused))
    return again(f"{place.base}/edit", "photo_removed")


async def _hours_page(place: Place, wrong: Wrong = FINE, given: Mapping[str, Any] | None = None) -> Response:
    known = given or place.attraction
    blank = {"weekdays": [], "starts": "", "ends": "", "valid_from": "", "valid_until": "", "holidays": "ignore"}
    exceptions = await place.pages("opening-exceptions", 500)
    today = str(place.their.today())
    return place.show(
        "hours.html",
        "hours",
        status=wrong.status,
        wrong=wrong,
        kinds=[
            (kind, [*known[kind], *({**blank, "rrule": None} for _ in range(_NEW_RULES))])
            for kind in ("hours", "quiet_hours")
        ],
        version=known["version"],
        weekdays=[weekday(place.visit, number) for number in range(7)],
        holidays=[(one, place.words[f"holidays_{one}"]) for one in HOLIDAYS],
        exceptions=sorted((one for one in exceptions if one["last_day"] >= today), key=lambda one: one["first_day"]),
        today=today,
    )


@router.get(f"{ONE}/hours", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_hours(visit: Visitor, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Show when an attraction is open, as a rule and on other days."""
    return await _hours_page(await place_of(visit, organization_id, attraction_id))


def _rules(form: Form, kind: str, known: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for number in range(_MOST_RULES + _NEW_RULES):
        prefix = f"{kind}-{number}"
        starts, ends = form.text(f"{prefix}-starts", 5), form.text(f"{prefix}-ends", 5)
        if not starts and not ends:
            continue
        days = [int(one) for one in form.many(f"{prefix}-weekday", 1) if one.isdecimal()]
        rule: dict[str, Any] = {
            "starts": starts,
            "ends": ends,
            "weekdays": days,
            "valid_from": form.text(f"{prefix}-valid_from", 10) or None,
            "valid_until": form.text(f"{prefix}-valid_until", 10) or None,
            "holidays": form.text(f"{prefix}-holidays", 10) or "ignore",
        }
        # A rule that no weekdays can say (each first Monday) stays as it is; If-Match sees that it is still there.
        if number < len(known) and known[number]["rrule"]:
            rule |= {"rrule": known[number]["rrule"], "weekdays": []}
        found.append(rule)
    return found


@router.post(f"{ONE}/hours", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def save_hours(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Set the rules by which it is open, and quiet."""
    place = await place_of(visit, organization_id, attraction_id)
    body = {kind: _rules(form, kind, place.attraction[kind]) for kind in ("hours", "quiet_hours")}
    version = form.number("version")
    try:
        await visit.api.put(f"{place.api}/hours", body, version=version)
    except Refused as refused:
        shown: dict[str, Any] = {kind: [{"rrule": None, **rule} for rule in rules] for kind, rules in body.items()} | {
            "version": place.attraction["version"] if refused.status == 412 else version
        }
        return await _hours_page(place, wrong_of(visit, refused), shown)
    return again(f"{place.base}/hours", "hours_kept")


@router.post(f"{ONE}/hours/exceptions", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def add_exception(visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID) -> Response:
    """Say on which days it has other hours, or none."""
    place = await place_of(visit, organization_id, attraction_id)
    starts, ends = form.text("starts", 5), form.text("ends", 5)
    body = {
        "first_day": form.text("first_day", 10),
        "last_day": form.text("last_day", 10) or form.text("first_day", 10),
        "hours": [{"starts": starts, "ends": ends}] if starts or ends else [],
        "reason": both({"en": form.text("reason_en", 200), "zh-CN": form.text("reason_zh", 200)}),
    }
    try:
        await visit.api.post(f"{place.api}/opening-exceptions", body, key=form.key)
    except Refused as refused:
        return await _hours_page(place, wrong_of(visit, refused))
    return again(f"{place.base}/hours", "exception_added")


@router.post(f"{ONE}/hours/exceptions/{{exception_id}}/removal", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def remove_exception(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, attraction_id: uuid.UUID, exception_id: uuid.UUID
) -> Response:
    """Let it be open by its rules again."""
    del form
    place = await place_of(visit, organization_id, attraction_id)
    try:
        await visit.api.delete(f"{place.api}/opening-exceptions/{exception_id}")
    except Refused as refused:
        return await _hours_page(place, wrong_of(visit, refused))
    return again(f"{place.base}/hours", "exception_removed")

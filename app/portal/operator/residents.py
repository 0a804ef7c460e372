"""Residents as the operator keeps them: found, taken in, corrected, reached, and the end of a residence."""

import asyncio
import uuid
from typing import Annotated, Any, Final

from fastapi import Query
from starlette.responses import Response

from app.core.routing import route_options
from app.identity.api import ACCESSIBILITY_NEEDS
from app.portal.ground.asking import Refused
from app.portal.ground.forms import Form, Posted
from app.portal.ground.pages import address, again, show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Operating, Visit
from app.portal.operator.texts import WORDS
from app.portal.operator.trying import FINE, Wrong, ask_once_more, wrong

router = pages_router("/portal/operator/residents")

PAGE: Final = "/portal/operator/residents"
STATES: Final = ("active", "moved_out", "deceased")
_TYPED: Final = (
    "name",
    "birth_date",
    "language",
    "reference",
    "address",
    "building",
    "mobile",
    "emergency_notes",
    "tags",
)


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def list_residents(
    visit: Operating,
    query: Annotated[str, Query(max_length=100)] = "",
    state: Annotated[str, Query(max_length=20)] = "active",
    cursor: Annotated[str, Query(max_length=512)] = "",
) -> Response:
    """Show the residents, or those that are searched for."""
    state = state if state in STATES else "active"
    page = await visit.api.get(
        "/v1/residents", limit=50, query=query.strip() or None, state=state, cursor=cursor or None
    )
    following = address(PAGE, query=query, state=state, cursor=page["next"]) if page["next"] else ""
    return show(
        visit,
        "operator/residents.html",
        WORDS,
        tab="residents",
        items=page["items"],
        query=query,
        state=state,
        states=STATES,
        next=following,
    )


@router.get("/new", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def begin_resident(visit: Operating) -> Response:
    """Show the form that takes somebody in."""
    return _new(visit, dict.fromkeys(_TYPED, ""), ())


@router.post("/new", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def take_in(visit: Operating, form: Posted) -> Response:
    """Take somebody in."""
    try:
        made = await visit.api.post("/v1/residents", _taken_in(form), key=form.key)
    except Refused as refused:
        return _new(visit, form.given(*_TYPED), form.many("accessibility_needs"), wrong(visit, refused))
    return again(f"{PAGE}/{made['resident_id']}", "taken_in")


def _taken_in(form: Form) -> dict[str, Any]:
    given = {
        name: form.text(name) or None for name in ("name", "birth_date", "language", "reference", "emergency_notes")
    }
    body: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    body.setdefault("name", "")
    if home := form.text("address", 1_000):
        body["household"] = {"address": home, "building": form.text("building", 100) or None}
    if mobile := form.text("mobile", 254):
        body["contact_points"] = [{"kind": "mobile", "value": mobile}]
    return body | {"tags": _tags(form), "accessibility_needs": form.many("accessibility_needs")}


def _tags(form: Form) -> list[str]:
    return [tag for tag in (one.strip() for one in form.text("tags").replace("，", ",").split(",")) if tag]


def _new(visit: Visit, given: dict[str, str], needs: Any, said: Wrong = FINE) -> Response:
    return show(
        visit,
        "operator/resident_new.html",
        WORDS,
        status=said.status,
        tab="residents",
        given=given,
        needs=ACCESSIBILITY_NEEDS,
        chosen=needs,
        wrong=said,
    )


@router.get("/{resident_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_resident(visit: Operating, resident_id: uuid.UUID) -> Response:
    """Show what is kept of a resident."""
    return await _one(visit, resident_id)


async def _one(
    visit: Visit, resident_id: uuid.UUID, said: Wrong = FINE, given: dict[str, str] | None = None
) -> Response:
    path = f"/v1/residents/{resident_id}"
    profile, points, agreements = await asyncio.gather(
        visit.api.get(f"{path}/profile"),
        _unless_refused(visit, f"{path}/contact-points"),
        _unless_refused(visit, f"{path}/agreements"),
    )
    return show(
        visit,
        "operator/resident.html",
        WORDS,
        status=said.status,
        tab="residents",
        one=profile,
        given=_as_typed(profile) | (given or {}),
        points=points,
        agreements=agreements,
        needs=ACCESSIBILITY_NEEDS,
        wrong=said,
    )


async def _unless_refused(visit: Visit, path: str) -> list[Any] | None:
    """Return a list, or ``None`` where an operator may not see it: that is then said in its place."""
    try:
        items: list[Any] = (await visit.api.get(path))["items"]
    except Refused as refused:
        if refused.status not in (403, 404):
            raise
        return None
    return items


def _as_typed(profile: dict[str, Any]) -> dict[str, str]:
    home = profile["household"] or {}
    typed = {name: profile[name] or "" for name in ("name", "birth_date", "language", "reference", "emergency_notes")}
    return typed | {
        "address": home.get("address") or "",
        "building": home.get("building") or "",
        "tags": ", ".join(profile["tags"]),
        "kind": "mobile",
        "value": "",
    }


@router.post("/{resident_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def change_resident(visit: Operating, form: Posted, resident_id: uuid.UUID) -> Response:
    """Correct what is kept of a resident."""
    body: dict[str, Any] = {
        "name": form.text("name"),
        "birth_date": form.text("birth_date") or None,
        "reference": form.text("reference") or None,
        "emergency_notes": form.text("emergency_notes", 4_000) or None,
        "tags": _tags(form),
        "accessibility_needs": form.many("accessibility_needs"),
    }
    if language := form.text("language"):
        body["language"] = language
    home = (form.text("address", 1_000), form.text("building", 100))
    # Sent only where it differs: another address is a move, and a move is another household.
    before = (form.text("address_before", 1_000), form.text("building_before", 100))
    if home[0] and any(_letters(now) != _letters(then) for now, then in zip(home, before, strict=True)):
        body["household"] = {"address": home[0], "building": home[1] or None}
    try:
        await visit.api.patch(f"/v1/residents/{resident_id}/profile", body, version=form.number("version"))
    except Refused as refused:
        return await _one(visit, resident_id, wrong(visit, refused), form.given(*_TYPED))
    return again(f"{PAGE}/{resident_id}", "changed")


def _letters(text: str) -> str:
    """Return a text without spaces: a field of one line drops the line breaks an imported address may have."""
    return "".join(text.split())


@router.post("/{resident_id}/contact-points", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def add_contact_point(visit: Operating, form: Posted, resident_id: uuid.UUID) -> Response:
    """Add a way to reach a resident."""
    try:
        await visit.api.post(
            f"/v1/residents/{resident_id}/contact-points",
            {"kind": form.text("kind", 20), "value": form.text("value", 254), "position": 99},
            key=form.key,
        )
    except Refused as refused:
        return await _one(visit, resident_id, wrong(visit, refused), form.given("kind", "value"))
    return again(f"{PAGE}/{resident_id}", "contact_added")


@router.get("/{resident_id}/contact-points/{point_id}/remove", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def ask_contact_point(visit: Operating, resident_id: uuid.UUID, point_id: uuid.UUID) -> Response:
    """Ask once more before somebody is no longer reached there."""
    return await _ask_point(visit, resident_id, point_id)


async def _ask_point(visit: Visit, resident_id: uuid.UUID, point_id: uuid.UUID, said: Wrong = FINE) -> Response:
    points = (await visit.api.get(f"/v1/residents/{resident_id}/contact-points"))["items"]
    point = next((one for one in points if one["id"] == str(point_id)), None)
    if point is None:
        raise Refused(404, {"code": "not_found"})
    path = f"{PAGE}/{resident_id}"
    return ask_once_more(
        visit,
        "residents",
        "contact",
        f"{path}/contact-points/{point_id}/remove",
        path,
        refused=said,
        carried=(("version", str(point["version"])),),
        value=point["value"],
    )


@router.post("/{resident_id}/contact-points/{point_id}/remove", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def remove_contact_point(visit: Operating, form: Posted, resident_id: uuid.UUID, point_id: uuid.UUID) -> Response:
    """Remove a way to reach a resident."""
    try:
        await visit.api.delete(f"/v1/residents/{resident_id}/contact-points/{point_id}", version=form.number("version"))
    except Refused as refused:
        return await _ask_point(visit, resident_id, point_id, wrong(visit, refused))
    return again(f"{PAGE}/{resident_id}", "contact_removed")


@router.get("/{resident_id}/closure", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def ask_closure(visit: Operating, resident_id: uuid.UUID) -> Response:
    """Ask why and since when a residence is over, or whether that was a mistake."""
    return await _ask_closure(visit, resident_id)


async def _ask_closure(visit: Visit, resident_id: uuid.UUID, said: Wrong = FINE) -> Response:
    profile = await visit.api.get(f"/v1/residents/{resident_id}/profile")
    path = f"{PAGE}/{resident_id}"
    if profile["state"] != "active":
        return ask_once_more(
            visit, "residents", "reopen", f"{path}/reopening", path, refused=said, name=profile["name"]
        )
    return ask_once_more(
        visit,
        "residents",
        "close",
        f"{path}/closure",
        path,
        refused=said,
        template="operator/closure.html",
        name=profile["name"],
    )


@router.post("/{resident_id}/closure", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def close_residence(visit: Operating, form: Posted, resident_id: uuid.UUID) -> Response:
    """End a residence."""
    body = {"reason": form.text("reason", 20), "date": form.text("date", 20)}
    try:
        await visit.api.post(f"/v1/residents/{resident_id}/closure", body, key=form.key)
    except Refused as refused:
        return await _ask_closure(visit, resident_id, wrong(visit, refused))
    return again(f"{PAGE}/{resident_id}", "closed")


@router.post("/{resident_id}/reopening", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def reopen_residence(visit: Operating, form: Posted, resident_id: uuid.UUID) -> Response:
    """Take the end of a residence back."""
    del form
    try:
        await visit.api.delete(f"/v1/residents/{resident_id}/closure")
    except Refused as refused:
        return await _ask_closure(visit, resident_id, wrong(visit, refused))
    return again(f"{PAGE}/{resident_id}", "reopened")

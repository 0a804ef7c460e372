"""Announcements: written in both languages, counted before they are sent, followed, and stopped."""

import uuid
from typing import Annotated, Any, Final

from fastapi import Query
from starlette.responses import Response

from app.core.routing import route_options
from app.portal.ground.asking import Refused
from app.portal.ground.forms import Form, Posted
from app.portal.ground.pages import address, again, show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Operating, Visit
from app.portal.operator.texts import WORDS
from app.portal.operator.trying import FINE, Wrong, ask_once_more, wrong

router = pages_router("/portal/operator/broadcasts")

PAGE: Final = "/portal/operator/broadcasts"
ROLES: Final = ("resident", "operator", "dispatcher", "coordinator", "carer", "clinician", "worker")
AUDIENCES: Final = ("community", "building", "role", "tag")
CHANNELS: Final = ("push", "sms", "mail")
_LANGUAGES: Final = ("en", "zh-CN")
_TYPED: Final = (
    "audience",
    "building",
    "role",
    "tag",
    "urgency",
    *(f"{part}_{language}" for language in _LANGUAGES for part in ("title", "body")),
)
_EMPTY: Final = dict.fromkeys(_TYPED, "") | {"audience": "building", "role": "resident", "urgency": "normal"}


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def list_broadcasts(visit: Operating, cursor: Annotated[str, Query(max_length=512)] = "") -> Response:
    """Show what was announced."""
    page = await visit.api.get("/v1/broadcasts", limit=20, cursor=cursor or None)
    following = address(PAGE, cursor=page["next"]) if page["next"] else ""
    return show(visit, "operator/broadcasts.html", WORDS, tab="broadcasts", items=page["items"], next=following)


@router.get("/new", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def begin_broadcast(visit: Operating) -> Response:
    """Show the form of an announcement."""
    return _form(visit, _EMPTY, ["push"])


def _form(visit: Visit, given: dict[str, str], channels: list[str], said: Wrong = FINE) -> Response:
    return show(
        visit,
        "operator/broadcast_new.html",
        WORDS,
        status=said.status,
        tab="broadcasts",
        given=given,
        chosen=channels,
        audiences=AUDIENCES,
        roles=ROLES,
        channels=CHANNELS,
        wrong=said,
    )


def _audience(form: Form) -> list[dict[str, str]]:
    kind = form.text("audience", 20)
    return [{"kind": kind} if kind == "community" else {"kind": kind, kind: form.text(kind, 100)}]


def _texts(form: Form) -> list[dict[str, str]]:
    written = (
        {"language": language, "title": form.text(f"title_{language}"), "body": form.text(f"body_{language}")}
        for language in _LANGUAGES
    )
    return [text for text in written if text["title"] or text["body"]]


def _named(said: Wrong, texts: list[dict[str, str]]) -> Wrong:
    """Return what is wrong by the fields of the page: there a text has its language, here the place it was sent at."""
    return Wrong(said.text, {_field(name, texts): text for name, text in said.fields.items()}, said.status)


def _field(pointer: str, texts: list[dict[str, str]]) -> str:
    match pointer.split("."):
        case ["texts", place, part] if place.isdigit() and int(place) < len(texts):
            return f"{part}_{texts[int(place)]['language']}"
        case ["audience", *_, part]:
            return part if part in AUDIENCES else "audience"
        case _:
            return pointer


@router.post("/new", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def write_broadcast(visit: Operating, form: Posted) -> Response:
    """Show what would be announced and how many it would reach; announce it once that is confirmed."""
    audience, texts, channels = _audience(form), _texts(form), form.many("channels")
    body: dict[str, Any] = {
        "audience": audience,
        "texts": texts,
        "channels": channels,
        "urgency": form.text("urgency", 10) or "normal",
    }
    given = _EMPTY | form.given(*_TYPED)
    try:
        if form.flag("announce"):
            made = await visit.api.post("/v1/broadcasts", body, key=form.key)
            return again(f"{PAGE}/{made['id']}", "announced")
        reached = await visit.api.post("/v1/broadcast-previews", {"audience": audience})
    except Refused as refused:
        return _form(visit, given, channels, _named(wrong(visit, refused), texts))
    if form.flag("change") or not texts:
        said = Wrong(WORDS[visit.language]["broadcast_no_text"], {}, 422) if not texts else FINE
        return _form(visit, given, channels, said)
    return show(
        visit,
        "operator/broadcast_preview.html",
        WORDS,
        tab="broadcasts",
        reached=reached,
        texts=texts,
        given=given,
        chosen=channels,
    )


@router.get("/{broadcast_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_broadcast(visit: Operating, broadcast_id: uuid.UUID) -> Response:
    """Show how far an announcement has come."""
    return await _one(visit, broadcast_id, "operator/broadcast.html")


@router.get("/{broadcast_id}/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_progress(visit: Operating, broadcast_id: uuid.UUID) -> Response:
    """Show that part of the page alone that changes by itself."""
    return await _one(visit, broadcast_id, "operator/broadcast_progress.html")


async def _one(visit: Visit, broadcast_id: uuid.UUID, template: str) -> Response:
    one = await visit.api.get(f"/v1/broadcasts/{broadcast_id}")
    is_running = one["ended_at"] is None
    return show(visit, template, WORDS, tab="broadcasts", one=one, is_running=is_running)


@router.get("/{broadcast_id}/cancellation", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def ask_cancellation(visit: Operating, broadcast_id: uuid.UUID) -> Response:
    """Ask once more before an announcement is stopped."""
    path = f"{PAGE}/{broadcast_id}"
    return ask_once_more(visit, "broadcasts", "cancel", f"{path}/cancellation", path)


@router.post("/{broadcast_id}/cancellation", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def cancel_broadcast(visit: Operating, form: Posted, broadcast_id: uuid.UUID) -> Response:
    """Stop an announcement."""
    await visit.api.post(f"/v1/broadcasts/{broadcast_id}/cancellation", key=form.key)
    return again(f"{PAGE}/{broadcast_id}", "cancelled")

"""Calling for help: stored the moment it is pressed, told when the countdown ends, taken back until then."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from fastapi import Request
from starlette.responses import Response

from app.core import clock
from app.core.routing import route_options
from app.portal.ground.asking import JSON, Refused
from app.portal.ground.calling import calls_of, numbers_of
from app.portal.ground.forms import Form, Posted
from app.portal.ground.pages import again, show, words_of
from app.portal.ground.routing import TO_SCRIPT, pages_router
from app.portal.ground.visits import Residing, Visit
from app.portal.offline.giving import given_at
from app.portal.resident_home import knowing
from app.portal.resident_home.changing import unless_refused
from app.portal.resident_home.texts import WORDS
from eldercare.api import OLDEST_CALL

router = pages_router("/me/help")

_PAGE: Final = "/me/help"
_COUNTDOWN: Final = timedelta(seconds=10)
_COUNTDOWN_PLAIN: Final = timedelta(seconds=20)
"""Without a script a page has to load before anything can be taken back."""
_TAKING_BACK: Final = timedelta(seconds=30)
_OVER: Final = "alarm_closed"
_MOST_BEFORE: Final = 20


def placed(answer: Response) -> Response:
    """Let the page ask the device where it is: a call for help says so if it is known."""
    answer.headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(self), payment=()"
    return answer


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_help(visit: Residing) -> Response:
    """Show the button, how a call for help stands, and whom to phone."""
    return await _page(visit)


async def _page(visit: Visit, *, status: int = 200, trouble: str = "", is_unsent: bool = False) -> Response:
    words = words_of(WORDS, visit.language)
    numbers = await numbers_of(visit)
    answer = show(
        visit,
        "resident_home/help.html",
        WORDS,
        status=status,
        trouble_said=trouble,
        is_unsent=is_unsent,
        standings=await knowing.standings(visit, words),
        calls=calls_of(numbers),
    )
    return placed(answer)


@router.get("/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_standing(visit: Residing) -> Response:
    """Show how a call for help stands, for a page that is open."""
    words = words_of(WORDS, visit.language)
    return show(visit, "resident_home/standing_part.html", WORDS, standings=await knowing.standings(visit, words))


@router.post("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def call_for_help(request: Request, visit: Residing, form: Posted) -> Response:
    """Store a call for help at once. The same ``sos_id`` again is the same call, however often it comes."""
    is_script = TO_SCRIPT in request.headers
    pressed = _pressed(form)
    countdown = _left(pressed, _COUNTDOWN if is_script else _COUNTDOWN_PLAIN)
    try:
        alarm = await visit.api.post("/v1/me/sos", _sos(form, pressed, countdown))
    except Refused as refusal:
        # Nobody is told that they may not, or that something went wrong: what counts is that it was not sent.
        if is_script:
            raise
        return await _page(visit, status=max(refusal.status, 400), is_unsent=True)
    return _told(alarm, "called") if is_script else again(_PAGE, "called")


@router.post("/cancel", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def take_back(request: Request, visit: Residing, form: Posted) -> Response:
    """Take a call for help back while its countdown runs.

    A device that does not know whether its call arrived names the ``sos_id`` alone: then it is stored first, with time
    enough to be taken back, so that one that arrives later is known to be over. Only that call is taken back, and those
    before it (``before``) that were: whoever has called again since waits for help.
    """
    alarm_id, sos_id = form.uuid("alarm"), form.uuid("sos_id")
    if alarm_id is None:
        sos = _sos(form, _pressed(form), _TAKING_BACK)
        alarm_id = (await visit.api.post("/v1/me/sos", {**sos, "is_over": True}))["id"]
    sos_ids = [str(sos_id), *form.many("before")[-_MOST_BEFORE:]] if sos_id else []
    refused = await unless_refused(visit, _cancelled(visit, alarm_id, sos_ids), _PAGE)
    if refused:
        return refused
    alarm = {"id": str(alarm_id), "countdown_until": None, "state": "cancelled"}
    return _told(alarm, "taken_back") if TO_SCRIPT in request.headers else again(_PAGE, "taken_back")


async def _cancelled(visit: Visit, alarm_id: uuid.UUID | str, sos_ids: Sequence[str]) -> None:
    """Take a call for help back; one whose alarm is over is taken back already."""
    try:
        await visit.api.post(f"/v1/alarms/{alarm_id}/cancellation", {"sos_ids": sos_ids})
    except Refused as refusal:
        if refusal.code != _OVER:
            raise


def _pressed(form: Form) -> datetime | None:
    """Return when help was called for, however long ago that was; ``None`` for just now.

    A call that never arrived is told of whenever it does. A time that nobody can mean, ahead of us or years off, is
    that of a device whose clock was wrong, and no reason to call nobody: it is now.
    """
    try:
        return given_at(form, OLDEST_CALL)
    except Refused:
        return None


def _left(pressed: datetime | None, countdown: timedelta) -> timedelta:
    """Return what is left of a countdown that began when it was pressed."""
    return countdown if pressed is None else max(timedelta(), countdown - (clock.now() - pressed))


def _sos(form: Form, pressed: datetime | None, countdown: timedelta) -> dict[str, Any]:
    sos_id = form.uuid("sos_id")
    latitude, longitude = form.decimal("latitude"), form.decimal("longitude")
    place = None
    if latitude is not None and longitude is not None:
        place = {"latitude": latitude, "longitude": longitude, "accuracy": form.decimal("accuracy")}
    return {
        "sos_id": str(sos_id or clock.new_id()),
        "countdown_seconds": round(countdown.total_seconds(), 1),
        "occurred_at": pressed.isoformat() if pressed else None,
        "place": place,
    }


def _told(alarm: Any, done: str) -> Response:
    body = {
        "next": f"{_PAGE}?done={done}",
        "alarm_id": alarm["id"],
        "state": alarm["state"],
        "countdown_until": alarm["countdown_until"],
        "at": clock.now().isoformat(),
    }
    return Response(orjson.dumps(body), media_type=JSON, headers={"Cache-Control": "no-store"})

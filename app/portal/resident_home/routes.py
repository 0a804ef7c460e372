"""The first screen of a resident, what it says when there is no connection, and what makes it an app of its own."""

import asyncio
from datetime import timedelta
from typing import Any, Final

import orjson
from fastapi import Request
from starlette.responses import Response

from app.core import clock
from app.core.access import public
from app.core.routing import Router, route_options
from app.core.settings import settings
from app.portal.ground.asking import Refused
from app.portal.ground.assets import asset
from app.portal.ground.calling import calls_of, numbers_of
from app.portal.ground.forms import Form, Posted
from app.portal.ground.moments import instant
from app.portal.ground.pages import Stranger, again, show, words_of
from app.portal.ground.routing import pages_router
from app.portal.ground.texts import COMMON
from app.portal.ground.visits import Residing, Visit, visit_of
from app.portal.offline.giving import given_at
from app.portal.offline.working import offline_script
from app.portal.push.offering import offered
from app.portal.push.working import push_script
from app.portal.resident_home import appointments, doses, helping, knowing
from app.portal.resident_home.changing import unless_refused
from app.portal.resident_home.coming import coming
from app.portal.resident_home.texts import WORDS

router = pages_router("/me")

HOME: Final = "/me"
_SAME_FOR_ALL: Final = "says nothing about anybody: a script, a name, and whom anybody can phone"
_FRESH: Final = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
_WORKER: Final = _FRESH | {
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'",
    "Service-Worker-Allowed": HOME,
}
_PUSHED: Final = (
    ("alarm_id", HOME),
    ("check_in_id", HOME),
    ("dose_id", "/me/doses"),
    ("appointment_id", "/me/appointments"),
    ("consultation_id", "/me/appointments"),
    ("message_id", "/me/messages"),
    ("ticket_id", "/me/tickets"),
    ("order_id", "/me/services"),
)
"""What a push to a resident is about, and the page of theirs that shows it."""
_KEPT: Final = (HOME, "/me/help", "/me/doses", "/me/appointments", "/me/tickets", "/me/messages")
"""What can be read without a connection though it was not looked at before."""
_LATELY: Final = timedelta(hours=2)
"""How long the same word of the same person is no second one."""


async def _now(visit: Visit) -> dict[str, Any]:
    words = words_of(WORDS, visit.language)
    standings, check_ins, visitors = await asyncio.gather(
        knowing.standings(visit, words), knowing.check_ins(visit), coming(visit)
    )
    asked = None if check_ins is None else knowing.asked(check_ins, clock.now())
    return {"standings": standings, "asked": asked, "coming": visitors}


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_home(visit: Residing) -> Response:
    """Show what matters now: help, whether they are fine, medicine, the next appointment."""
    now, doses_today, ahead, numbers, unread, has_others = await asyncio.gather(
        _now(visit),
        knowing.todays_doses(visit),
        knowing.appointments(visit),
        numbers_of(visit),
        knowing.unread(visit),
        knowing.looks_after(visit),
    )
    due = [one for one in doses_today or () if one["is_now"]]
    later = [one for one in doses_today or () if one["is_open"] and not one["is_now"]]
    answer = show(
        visit,
        "resident_home/home.html",
        WORDS,
        **now,
        due=due,
        later=later,
        knows_doses=doses_today is not None,
        appointment=ahead[0] if ahead else None,
        knows_appointments=ahead is not None,
        reasons=doses.REASONS,
        calls=calls_of(numbers),
        unread=unread,
        has_others=has_others,
        **await offered(visit, after=visit.request.query_params.get("done") in ("fine", "fine_late")),
    )
    return helping.placed(answer)


@router.get("/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_now(visit: Residing) -> Response:
    """Show how things stand, for a page that is open."""
    return show(visit, "resident_home/now_part.html", WORDS, **await _now(visit))


@router.post("/fine", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def say_fine(visit: Residing, form: Posted) -> Response:
    """Say that all is well: whatever was being asked when it was pressed is answered as of then."""
    late: list[bool] = []
    refused = await unless_refused(visit, _said_fine(visit, form, late), HOME)
    return refused or again(HOME, "fine_late" if any(late) else "fine")


async def _said_fine(visit: Visit, form: Form, late: list[bool]) -> None:
    """Answer what was being asked, and note of each whether people had been called already; raises ``Refused``."""
    pressed = given_at(form)
    given = pressed or clock.now()
    found = (await visit.api.get("/v1/me/check-ins", limit=60))["items"]
    asked = knowing.to_answer(found, given)
    if pressed is not None and knowing.has_arrived(found, pressed):
        # The same press once more, whose answer was lost: it says nothing of the question that comes next.
        asked = [one for one in asked if one["state"] != "scheduled"]
    if not asked and not _has_said_so(found, given):
        raise Refused(409, {"code": "check_in_not_open", "status": 409})
    refused = None
    for one in asked:
        body = {"status": "ok"} | ({"occurred_at": pressed.isoformat()} if pressed else {})
        try:
            kept = await visit.api.post(f"/v1/me/check-ins/{one['id']}/answer", body, key=_key_of(form, one["id"]))
        except Refused as refusal:
            # One that somebody else has answered meanwhile is no reason to leave another unanswered.
            if refusal.status != 409:
                raise
            refused = refusal
        else:
            late.append(bool(kept["late"]))
    if refused is not None and not late:
        raise refused


def _key_of(form: Form, check_in_id: str) -> str | None:
    return f"{form.key}-{check_in_id}" if form.key else None


def _has_said_so(check_ins: list[Any], given: Any) -> bool:
    """Say whether they said so lately: a press that comes twice, or whose answer was lost, is told the same again."""
    said = (one for one in check_ins if one["answer"] == "ok" and one["how"] == "self")
    return any(abs(instant(one["answered_at"]) - given) <= _LATELY for one in said)


@router.get("/offline", include_in_schema=False)
@public(_SAME_FOR_ALL)
@route_options(database=False)
async def show_offline(request: Request) -> Response:
    """Return what is shown without a connection where nothing is kept: nothing of anybody, but whom to phone."""
    visit = await visit_of(request, is_use=False)
    is_theirs = visit is not None and not visit.is_viewing_as
    numbers = await numbers_of(visit) if visit is not None and is_theirs else settings().sos.model_dump()
    stranger = Stranger(request, request.query_params.get("lang", ""))
    answer = show(stranger, "resident_home/offline.html", WORDS, calls=calls_of(numbers))
    if is_theirs:
        answer.headers["X-Local"] = "1"  # the worker keeps it in place of one for whoever has not signed in
    return answer


@router.get("/worker.js", include_in_schema=False)
@public(_SAME_FOR_ALL)
@route_options(database=False)
async def get_worker() -> Response:
    """Return the worker: it keeps these pages for reading, sends what waits, and shows notifications."""
    without = [f"/me/offline?lang={language}" for language in ("en", "zh-CN")]
    rules = offline_script(HOME, features=("resident_home", "resident_life"), pages=_KEPT, without=without)
    script = f"{push_script(HOME, _PUSHED)}\n{rules}"
    return Response(script, media_type="text/javascript; charset=utf-8", headers=_WORKER)


@router.get("/manifest.webmanifest", include_in_schema=False)
@public(_SAME_FOR_ALL)
@route_options(database=False)
async def get_manifest() -> Response:
    """Return what a home screen needs to know."""
    name = COMMON["en"]["product"]
    document = {
        "name": name,
        "short_name": name,
        "id": HOME,
        "start_url": HOME,
        "scope": HOME,
        "display": "standalone",
        "background_color": "#f3f5f4",
        "theme_color": "#0b5d66",
        "icons": [{"src": asset("ground/icon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
    }
    return Response(orjson.dumps(document), media_type="application/manifest+json", headers=_FRESH)


ROUTERS: tuple[Router, ...] = (router, helping.router, doses.router, appointments.router)

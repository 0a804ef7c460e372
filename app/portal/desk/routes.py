"""The pages of the duty desk."""

import asyncio
import uuid
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final

from fastapi import Query as InQuery
from starlette.responses import Response

from app.core import clock
from app.core.database import reading
from app.core.problems import NotFound
from app.core.routing import route_options
from app.portal.desk import composing
from app.portal.desk.texts import WORDS
from app.portal.ground.alarms import LOOKS, OUTCOMES
from app.portal.ground.asking import Query, unless_hidden
from app.portal.ground.changing import Change, Trouble, changed
from app.portal.ground.forms import Form, Posted
from app.portal.ground.pages import again, show, words_of
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor
from eldercare.api import desk_waiting

router = pages_router("/portal/desk")

MOST_SHOWN: Final = 100
Which = Annotated[str, InQuery(alias="show", max_length=20)]
_IS_MINE: Final = ("claim", "acceptance", "handover")
_ACTS: Final[Mapping[str, tuple[str, str]]] = {
    "claim": ("POST", "/v1/duty-desk/alarms/{}/claim"),
    "release": ("DELETE", "/v1/duty-desk/alarms/{}/claim"),
    "departure": ("POST", "/v1/alarms/{}/departure"),
    "arrival": ("POST", "/v1/alarms/{}/arrival"),
    "resolution": ("POST", "/v1/alarms/{}/resolution"),
    "handover": ("POST", "/v1/duty-desk/alarms/{}/handovers"),
}
_ANSWERS: Final[Mapping[str, tuple[str, str]]] = {
    "acceptance": ("POST", "/v1/duty-desk/alarms/{}/handovers/{}/acceptance"),
    "withdrawal": ("DELETE", "/v1/duty-desk/alarms/{}/handovers/{}"),
}


async def _waiting(visit: Visit) -> dict[str, Any]:
    """Return what nobody has, whichever of it a page shows: by what waits for the desk it sounds."""
    async with reading() as connection:
        found = await desk_waiting(connection, visit.actor)
    is_ahead = found.told_by is not None and found.told_by > clock.now()
    return {
        "waiting": [str(alarm_id) for alarm_id in found.alarms],
        "with_circle": found.with_circle,
        "told_by": found.told_by if is_ahead else None,
    }


async def _queue(visit: Visit, which: str) -> dict[str, Any]:
    shown = which if which in composing.SHOWS else "all"
    page, coverage = await asyncio.gather(
        visit.api.get("/v1/duty-desk/queue", show=shown, limit=MOST_SHOWN), visit.api.get("/v1/duty-desk/coverage")
    )
    rows = composing.rows(page["items"], str(visit.actor.id), visit.language)
    return {
        "rows": rows,
        "coverage": coverage,
        "which": shown,
        **await _waiting(visit),
        "has_more": page["next"] is not None,
    }


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_desk(visit: Visitor, which: Which = "all") -> Response:
    """Show what waits, the worst first."""
    return show(visit, "desk/queue.html", WORDS, **await _queue(visit, which))


@router.get("/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_desk_part(visit: Visitor, which: Which = "all") -> Response:
    """Show the queue alone, for a page that is open."""
    return show(visit, "desk/queue_part.html", WORDS, **await _queue(visit, which))


@router.get("/waiting/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_desk_waiting(visit: Visitor) -> Response:
    """Show how many alarms wait, for the desk's other pages: whoever works on one hears of the next."""
    return show(visit, "desk/waiting_part.html", WORDS, **await _waiting(visit))


async def _alarm(visit: Visit, alarm_id: uuid.UUID) -> dict[str, Any]:
    detail, progress, config = await asyncio.gather(
        visit.api.get(f"/v1/duty-desk/alarms/{alarm_id}"),
        visit.api.get(f"/v1/alarms/{alarm_id}/progress"),
        visit.api.get("/v1/app-config"),
    )
    alarm = detail["alarm"]
    base = f"/v1/residents/{alarm['resident_id']}"
    profile, points, coverage, shifts = await asyncio.gather(
        unless_hidden(visit.api.get(f"{base}/profile")),
        unless_hidden(visit.api.get(f"{base}/contact-points")),
        visit.api.get("/v1/duty-desk/coverage"),
        visit.api.get("/v1/duty-desk/shifts", limit=MOST_SHOWN),
    )
    place = composing.place_of(alarm, profile)
    me, handovers = str(visit.actor.id), detail["handovers"]
    words = words_of(WORDS, visit.language)
    done = visit.request.query_params.get("done", "")
    # The address is opened again when another has it by now.
    is_still_so = done not in _IS_MINE or alarm["acknowledged_by"] == me
    return {
        "done": WORDS[visit.language].get(f"done_{done}", "") if is_still_so else "",
        "alarm": alarm,
        "script": detail["script"],
        "helpers": detail["helpers"],
        "handovers": handovers,
        "offered": [one for one in handovers if one["state"] == "offered" and one["taker"]["account_id"] == me],
        "progress": progress,
        "profile": profile,
        "calls": composing.numbers(points["items"] if points else ()),
        "place": place,
        "place_age": place.age(alarm["raised_at"]) if place else None,
        "what": alarm["explanation"][visit.language],
        "acts": composing.acts(alarm, me),
        "outcomes": [(one, words[f"outcome_{one}"]) for one in OUTCOMES],
        "looks": LOOKS,
        "colleagues": [(one["account_id"], one["name"]) for one in coverage["on_shift"] if one["account_id"] != me],
        "comes_next": composing.comes_next(shifts["items"], me, clock.now()),
        "emergency": composing.emergency(config["emergency_numbers"], words),
        **await _waiting(visit),
    }


@router.get("/alarms/{alarm_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_desk_alarm(visit: Visitor, alarm_id: uuid.UUID) -> Response:
    """Show an alarm with what to ask and do."""
    return show(visit, "desk/alarm.html", WORDS, trouble_said="", **await _alarm(visit, alarm_id))


@router.get("/alarms/{alarm_id}/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_desk_alarm_part(visit: Visitor, alarm_id: uuid.UUID) -> Response:
    """Show what changes about an alarm, for a page that is open."""
    return show(visit, "desk/alarm_part.html", WORDS, trouble_said="", **await _alarm(visit, alarm_id))


async def _done(visit: Visit, form: Form, alarm_id: uuid.UUID, act: str, change: Change) -> Response:
    """Do something with an alarm and go back to its page; where somebody was quicker, say so on it."""
    if trouble := await changed(visit, form, change, WORDS):
        return await _troubled(visit, alarm_id, trouble)
    return again(f"/portal/desk/alarms/{alarm_id}", act)


async def _troubled(visit: Visit, alarm_id: uuid.UUID, trouble: Trouble) -> Response:
    """Show the alarm as it is now, with why nothing was done."""
    page = await _alarm(visit, alarm_id)
    return show(visit, "desk/alarm.html", WORDS, status=trouble.status, trouble_said=trouble.said, **page)


@router.post("/alarms/{alarm_id}/{act}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def act_on_desk_alarm(visit: Visitor, form: Posted, alarm_id: uuid.UUID, act: str) -> Response:
    """Take an alarm, give it back, say how far help is, hand it over, or end it."""
    if act not in _ACTS:
        raise NotFound
    method, path = _ACTS[act]
    body: dict[str, str | None] | None = None
    if act == "resolution":
        body = {"outcome": form.text("outcome", 40), "note": form.text("note", 4_000) or None}
    elif act in ("departure", "arrival"):
        # Of whom the page showed to have the alarm: another may have taken it over since.
        body = {"holder": form.text("holder", 40) or None}
    elif act == "handover":
        body = {"account_id": form.text("account_id", 40), "note": form.text("note", 2_000)}
    return await _done(visit, form, alarm_id, act, Change(method, path.format(alarm_id), body))


@router.post("/alarms/{alarm_id}/handovers/{handover_id}/{act}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def answer_desk_handover(
    visit: Visitor, form: Posted, alarm_id: uuid.UUID, handover_id: uuid.UUID, act: str
) -> Response:
    """Take on what a colleague hands over, say no to it, or take one's own offer back."""
    if act not in _ANSWERS:
        raise NotFound
    method, path = _ANSWERS[act]
    return await _done(visit, form, alarm_id, act, Change(method, path.format(alarm_id, handover_id)))


def _period(since: date, until: date) -> dict[str, Query]:
    return {"from": since, "to": until}


@router.get("/response-times", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_response_times(
    visit: Visitor, over: Annotated[str, InQuery(alias="period", max_length=10)] = "week"
) -> Response:
    """Show how fast alarms were answered, against the yardstick."""
    chosen = over if over in composing.PERIODS else "week"
    since, until = composing.period(chosen, clock.now())
    times, months, totals = await asyncio.gather(
        visit.api.get("/v1/reports/response-times", **_period(since, until)),
        visit.api.get(
            "/v1/reports/response-times-by-month",
            **_period((until - composing.PERIODS["year"]).date(), until.date()),
        ),
        visit.api.get("/v1/reports/false-alarm-totals", per="community", **_period(since, until)),
    )
    return show(
        visit,
        "desk/response_times.html",
        WORDS,
        times=times,
        months=months["items"],
        totals=totals["items"],
        chosen=chosen,
        periods=tuple(composing.PERIODS),
        share=composing.share,
        **await _waiting(visit),
    )

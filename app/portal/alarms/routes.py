"""The pages of alarms: the list, one alarm, and what somebody does about it."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from app.core.problems import NotFound
from app.core.routing import route_options
from app.portal.alarms import composing
from app.portal.alarms.texts import WORDS
from app.portal.ground.alarms import LOOKS, OUTCOMES
from app.portal.ground.changing import Change, Trouble, changed
from app.portal.ground.forms import Form, Posted
from app.portal.ground.pages import address, again, show, words_of
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor
from app.portal.push.texts import WORDS as PUSH_WORDS

router = pages_router("/portal/alarms")

_SHOWN: Final = 20
_MOST_NOTE: Final = 4_000
_TAKES_OVER: Final = {"take_over": True}
Part = Literal["open", "past"]
_TAKE: Final = ("POST", "acknowledgement")
Act = Literal["acknowledge", "depart", "arrive", "release", "cancel"]
_ACTS: Final[dict[Act, tuple[str, str]]] = {
    "acknowledge": _TAKE,
    "depart": ("POST", "departure"),
    "arrive": ("POST", "arrival"),
    "release": ("DELETE", "acknowledgement"),
    "cancel": ("POST", "cancellation"),
}
_ON_THE_WAY: Final = ("depart", "arrive")
_CONFLICT: Final = 409


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def list_alarms(
    visit: Visitor, part: Annotated[Part, Query()] = "open", cursor: Annotated[str | None, Query()] = None
) -> Response:
    """Show the alarms the visitor may see, the open ones or those that are over."""
    page = await visit.api.get("/v1/alarm-log", part=part, cursor=cursor, limit=_SHOWN)
    following = address("/portal/alarms", part=part, cursor=page["next"]) if page["next"] else ""
    return show(visit, "alarms/list.html", WORDS, **_listed(part, page), next=following)


@router.get("/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_open_alarms(visit: Visitor) -> Response:
    """Show the open alarms alone, for a page that follows them."""
    page = await visit.api.get("/v1/alarm-log", part="open", limit=_SHOWN)
    return show(visit, "alarms/items.html", WORDS, **_listed("open", page))


def _listed(part: Part, page: Any) -> dict[str, Any]:
    return {"part": part, "alarms": page["items"], "looks": LOOKS}


@router.get("/{alarm_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_alarm(visit: Visitor, alarm_id: UUID) -> Response:
    """Show an alarm: what happened, where, who has been told, what to do, who has it."""
    return await _alarm_page(visit, alarm_id)


async def _alarm_page(visit: Visit, alarm_id: UUID, trouble: Trouble | None = None) -> Response:
    words = words_of(WORDS, visit.language)
    alarm, progress = await composing.both(visit, alarm_id)
    config = await visit.api.get("/v1/app-config", community_id=visit.actor.community_id)
    done = visit.request.query_params.get("done", "")
    return show(
        visit,
        "alarms/alarm.html",
        WORDS,
        status=200 if trouble is None else trouble.status,
        top=await composing.top(visit, words, alarm, progress),
        trail=composing.trail(words, alarm, progress),
        where=await composing.where(visit, alarm),
        said="" if trouble is None else _first(words, trouble, progress),
        done=words.get(f"done_{done}", "") if composing.is_still_so(done, progress) else "",
        push_key=config["web_push_key"],
        push_words=PUSH_WORDS[visit.language],
    )


def _first(words: composing.Words, trouble: Trouble, progress: Any) -> str:
    """Return who was quicker, in words."""
    known = {one["account_id"]: one for one in progress["people"]}
    named = str(trouble.refusal.problem.get("acknowledged_by", ""))
    return trouble.said.format(who=composing.who_said(words, known.get(named) or progress["holder"]))


@router.get("/{alarm_id}/top/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_alarm_top(visit: Visitor, alarm_id: UUID) -> Response:
    """Show how the alarm stands and what can be done, for a page that follows it."""
    alarm, progress = await composing.both(visit, alarm_id)
    top = await composing.top(visit, words_of(WORDS, visit.language), alarm, progress)
    return show(visit, "alarms/top.html", WORDS, top=top)


@router.get("/{alarm_id}/trail/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_alarm_trail(visit: Visitor, alarm_id: UUID) -> Response:
    """Show who was told and what happened, for a page that follows it."""
    alarm, progress = await composing.both(visit, alarm_id)
    trail = composing.trail(words_of(WORDS, visit.language), alarm, progress)
    return show(visit, "alarms/trail.html", WORDS, trail=trail)


@router.get("/{alarm_id}/resolution", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def ask_for_resolution(visit: Visitor, alarm_id: UUID) -> Response:
    """Ask how the alarm ended, on a page of its own: what is being written is not swept away by what happens."""
    progress = await visit.api.get(f"/v1/alarms/{alarm_id}/progress")
    if "resolve" not in progress["acts"]:
        return again(f"/portal/alarms/{alarm_id}")
    return _resolution_page(visit, alarm_id, progress)


def _resolution_page(
    visit: Visit, alarm_id: UUID, progress: Any, *, given: dict[str, str] | None = None, said: str = ""
) -> Response:
    words = words_of(WORDS, visit.language)
    return show(
        visit,
        "alarms/resolution.html",
        WORDS,
        status=422 if said else 200,
        alarm_id=alarm_id,
        progress=progress,
        outcomes=[(outcome, words[f"outcome_{outcome}"]) for outcome in OUTCOMES],
        given=given or {"outcome": "", "note": ""},
        said=said,
    )


@router.post("/{alarm_id}/resolution", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def resolve_alarm(visit: Visitor, form: Posted, alarm_id: UUID) -> Response:
    """End the alarm as the visitor says it ended."""
    outcome, note = form.text("outcome", 40), form.text("note", _MOST_NOTE)
    if outcome not in OUTCOMES:
        progress = await visit.api.get(f"/v1/alarms/{alarm_id}/progress")
        said = words_of(WORDS, visit.language)["missing_outcome"]
        return _resolution_page(visit, alarm_id, progress, given={"outcome": "", "note": note}, said=said)
    body = {"outcome": outcome, "note": note or None}
    return await _do(visit, form, alarm_id, "resolve", Change("POST", f"/v1/alarms/{alarm_id}/resolution", body))


@router.get("/{alarm_id}/take-over", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def ask_for_take_over(visit: Visitor, alarm_id: UUID) -> Response:
    """Ask whether to take the alarm from who has it: "I take it" may have become this under a thumb."""
    progress = await visit.api.get(f"/v1/alarms/{alarm_id}/progress")
    if "take_over" not in progress["acts"]:
        return again(f"/portal/alarms/{alarm_id}")
    return _take_over_page(visit, alarm_id, progress)


def _take_over_page(visit: Visit, alarm_id: UUID, progress: Any, *, is_other: bool = False) -> Response:
    words = words_of(WORDS, visit.language)
    return show(
        visit,
        "alarms/take_over.html",
        WORDS,
        status=_CONFLICT if is_other else 200,
        alarm_id=alarm_id,
        progress=progress,
        who=composing.who_said(words, progress["holder"]),
        said=words["take_over_other"] if is_other else "",
    )


@router.post("/{alarm_id}/take-over", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def take_alarm_over(visit: Visitor, form: Posted, alarm_id: UUID) -> Response:
    """Take the alarm from whom the visitor was shown to have it; if it is another by now, ask again."""
    progress = await visit.api.get(f"/v1/alarms/{alarm_id}/progress")
    is_other = "take_over" in progress["acts"] and progress["holder"]["account_id"] != form.text("holder", 40)
    if is_other:
        return _take_over_page(visit, alarm_id, progress, is_other=True)
    method, what = _TAKE
    return await _do(visit, form, alarm_id, "take_over", Change(method, f"/v1/alarms/{alarm_id}/{what}", _TAKES_OVER))


@router.post("/{alarm_id}/{act}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def act_on_alarm(visit: Visitor, form: Posted, alarm_id: UUID, act: str) -> Response:
    """Do what the visitor pressed: take what nobody has, set out, be there, give it back, take one's own back."""
    known = next((name for name in _ACTS if name == act), None)
    if known is None:
        raise NotFound
    method, what = _ACTS[known]
    # It is said of whom the visitor was shown to have the alarm; if it is another by now, the page says who.
    body = {"holder": form.text("holder", 40) or None} if known in _ON_THE_WAY else None
    return await _do(visit, form, alarm_id, act, Change(method, f"/v1/alarms/{alarm_id}/{what}", body))


async def _do(visit: Visit, form: Form, alarm_id: UUID, act: str, change: Change) -> Response:
    if trouble := await changed(visit, form, change, WORDS):
        return await _alarm_page(visit, alarm_id, trouble)
    return again(f"/portal/alarms/{alarm_id}", act)

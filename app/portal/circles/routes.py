"""The pages of circles: who asked me, what is written, who is on call."""

import asyncio
import uuid
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from app.core import clock
from app.core.problems import NotFound
from app.core.routing import route_options
from app.portal.circles import composing
from app.portal.circles.texts import WORDS
from app.portal.ground.asking import unless_hidden
from app.portal.ground.changing import Change, changed
from app.portal.ground.forms import Form, Posted
from app.portal.ground.moments import weekday
from app.portal.ground.pages import again, show
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor

router = pages_router("/portal")

MOST_MESSAGES: Final = 50
DAYS: Final = 14
_SEEN: Final = "x-seen"  # of a page that fetches a part again: whether anybody has it before them
_READS: Final = "messages:read"


async def _circles(visit: Visit) -> list[Any]:
    circles: list[Any] = (await visit.api.get("/v1/me/circles"))["items"]
    return circles


@router.get("/circles", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_circles(visit: Visitor) -> Response:
    """Show the circles the visitor is asked into, and those they belong to."""
    return show(visit, "circles/circles.html", WORDS, **await _all_circles(visit))


@router.get("/circles/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_circles_part(visit: Visitor) -> Response:
    """Show the list of circles alone, for a page that is open."""
    return show(visit, "circles/circles_part.html", WORDS, **await _all_circles(visit))


async def _all_circles(visit: Visit) -> dict[str, Any]:
    circles = await _circles(visit)
    mine = [one for one in circles if one["state"] == "accepted"]
    unread = await asyncio.gather(*(_unread(visit, one) for one in mine))
    return {
        "asked": [one for one in circles if one["state"] == "invited"],
        "mine": list(zip(mine, unread, strict=True)),
        "own": visit.actor.resident_id,
    }


async def _unread(visit: Visit, circle: Mapping[str, Any]) -> int | None:
    """Return how many messages are not read yet, ``None`` where the visitor does not read along."""
    if _READS not in circle["scopes"]:
        return None
    marks = await unless_hidden(visit.api.get(f"/v1/residents/{circle['resident_id']}/circle-read-marks"))
    return None if marks is None else composing.unread(marks["items"], str(visit.actor.id))


@router.post("/circles/{member_id}/answer", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def answer_circle(visit: Visitor, form: Posted, member_id: uuid.UUID) -> Response:
    """Say yes or no to an invitation."""
    says_yes = form.text("says") == "yes"
    path = f"/v1/me/circles/{member_id}/{'acceptance' if says_yes else 'refusal'}"
    await visit.api.post(path, key=form.key)
    return again("/portal/circles", "accepted" if says_yes else "declined")


def _about(visit: Visit, resident_id: uuid.UUID) -> str:
    """Return where the API keeps the conversation: one's own circle is under ``/me``."""
    return "/v1/me" if resident_id == visit.actor.resident_id else f"/v1/residents/{resident_id}"


async def _conversation(visit: Visit, resident_id: uuid.UUID, *, is_seen: bool = True) -> dict[str, Any]:
    about = _about(visit, resident_id)
    page, marks, circles = await asyncio.gather(
        visit.api.get(f"{about}/circle-messages", limit=MOST_MESSAGES),
        visit.api.get(f"{about}/circle-read-marks"),
        _circles(visit),
    )
    me = str(visit.actor.id)
    unread = composing.unread(marks["items"], me)
    circle = next((one for one in circles if one["resident_id"] == str(resident_id)), None)
    # To open the conversation is to read it; whoever only looks on as somebody else reads nothing for them.
    if page["items"] and unread and is_seen and not visit.is_viewing_as:
        await visit.api.post(f"{about}/circle-read-marks", {"up_to": page["items"][0]["id"]})
    return {
        "said": composing.conversation(page["items"], me, unread, visit.time_zone),
        "has_more": page["next"] is not None,
        "resident_id": resident_id,
        "called": circle["resident_name"] if circle else None,
        "is_own": resident_id == visit.actor.resident_id,
    }


@router.get("/circles/{resident_id}/messages", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_messages(visit: Visitor, resident_id: uuid.UUID) -> Response:
    """Show what a circle writes to each other."""
    is_seen = visit.request.headers.get(_SEEN, "1") == "1"
    said = await _conversation(visit, resident_id, is_seen=is_seen)
    return show(visit, "circles/messages.html", WORDS, trouble_said="", **said)


@router.get("/circles/{resident_id}/messages/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_messages_part(visit: Visitor, resident_id: uuid.UUID) -> Response:
    """Show the conversation alone, for a page that is open."""
    is_seen = visit.request.headers.get(_SEEN) == "1"
    return show(visit, "circles/messages_part.html", WORDS, **await _conversation(visit, resident_id, is_seen=is_seen))


@router.post("/circles/{resident_id}/messages", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def write_message(visit: Visitor, form: Posted, resident_id: uuid.UUID) -> Response:
    """Write to the circle."""
    text = form.text("text", 4_000)
    if text:
        await visit.api.post(f"{_about(visit, resident_id)}/circle-messages", {"text": text}, key=form.key)
    return again(f"/portal/circles/{resident_id}/messages")


@router.post("/circles/{resident_id}/messages/{message_id}/withdrawal", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def withdraw_message(visit: Visitor, form: Posted, resident_id: uuid.UUID, message_id: uuid.UUID) -> Response:
    """Take a message back."""
    del form
    await visit.api.delete(f"{_about(visit, resident_id)}/circle-messages/{message_id}")
    return again(f"/portal/circles/{resident_id}/messages", "withdrawn")


async def _rotas(visit: Visit) -> list[dict[str, Any]]:
    mine = [one for one in await _circles(visit) if one["state"] == "accepted"]
    return list(await asyncio.gather(*(_rota(visit, one) for one in mine)))


async def _rota(visit: Visit, circle: Mapping[str, Any]) -> dict[str, Any]:
    path = f"/v1/me/circles/{circle['id']}"
    rota, absences, swaps = await asyncio.gather(
        visit.api.get(f"{path}/rota", days=DAYS),
        visit.api.get(f"{path}/absences"),
        visit.api.get(f"{path}/swaps"),
    )
    member = circle["id"]
    today = clock.now().astimezone(visit.time_zone).date().isoformat()
    return {
        "circle": circle,
        "hours": composing.hours(circle["on_call"]),
        "days": composing.days(rota["slots"], member, visit.time_zone),
        "others": [one for one in rota["members"] if one["member_id"] != member],
        "turns": composing.my_turns(rota["slots"], member),
        "absences": [one for one in absences["items"] if one["ends_on"] >= today],
        "offered": [one for one in swaps["items"] if one["state"] == "offered"],
    }


@router.get("/rota", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_rota(visit: Visitor) -> Response:
    """Show who is on call in each of the visitor's circles, and what they can change about it."""
    return await _rota_page(visit)


async def _rota_page(visit: Visit, status: int = 200, said: str = "") -> Response:
    weekdays = [weekday(visit, number) for number in range(composing.WEEK)]
    rotas = await _rotas(visit)
    return show(visit, "circles/rota.html", WORDS, status=status, trouble_said=said, rotas=rotas, weekdays=weekdays)


async def _done(visit: Visit, form: Form, change: Change, done: str) -> Response:
    """Ask the API for a change and go back to the rota, which says what came of it."""
    if trouble := await changed(visit, form, change, WORDS):
        return await _rota_page(visit, trouble.status, trouble.said)
    return again("/portal/rota", done)


@router.post("/rota/{member_id}/absences", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def add_away_days(visit: Visitor, form: Posted, member_id: uuid.UUID) -> Response:
    """Say on which days one cannot come."""
    body = {"starts_on": form.text("starts_on", 10), "ends_on": form.text("ends_on", 10)}
    return await _done(visit, form, Change("POST", f"/v1/me/circles/{member_id}/absences", body), "away")


@router.post("/rota/{member_id}/absences/{absence_id}/removal", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def remove_away_days(visit: Visitor, form: Posted, member_id: uuid.UUID, absence_id: uuid.UUID) -> Response:
    """Take back that one cannot come."""
    return await _done(visit, form, Change("DELETE", f"/v1/me/circles/{member_id}/absences/{absence_id}"), "back")


@router.post("/rota/{member_id}/swaps", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def offer_turn(visit: Visitor, form: Posted, member_id: uuid.UUID) -> Response:
    """Ask another member to take a turn."""
    starts_at, _, ends_at = form.text("turn", 80).partition("/")
    body = {"taker_id": form.text("taker_id", 40), "starts_at": starts_at, "ends_at": ends_at}
    return await _done(visit, form, Change("POST", f"/v1/me/circles/{member_id}/swaps", body), "offered")


_ANSWERS: Final[Mapping[str, tuple[str, str]]] = {
    "acceptance": ("POST", "/v1/me/circles/{}/swaps/{}/acceptance"),
    "refusal": ("POST", "/v1/me/circles/{}/swaps/{}/refusal"),
    "withdrawal": ("DELETE", "/v1/me/circles/{}/swaps/{}"),
}


@router.post("/rota/{member_id}/swaps/{swap_id}/{says}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def answer_turn(visit: Visitor, form: Posted, member_id: uuid.UUID, swap_id: uuid.UUID, says: str) -> Response:
    """Take a turn, say no to it, or take one's own back."""
    if says not in _ANSWERS:
        raise NotFound
    method, path = _ANSWERS[says]
    return await _done(visit, form, Change(method, path.format(member_id, swap_id)), says)


@router.post("/rota/{member_id}/hours", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def set_turn_hours(visit: Visitor, form: Posted, member_id: uuid.UUID) -> Response:
    """Say at which hours of the week one can be called: at any time, or those that were filled in."""
    windows, is_half = composing.given_hours(form.many)
    # A box that was ticked already is not meant by whoever fills hours in; one that is ticked now is.
    if form.flag("any_time") and not form.flag("was_any_time"):
        windows, is_half = [], False
    if is_half or not (windows or form.flag("any_time")):
        said = WORDS[visit.language]["trouble_hours_half" if is_half else "trouble_hours"]
        return await _rota_page(visit, 422, said)
    return await _done(visit, form, Change("PUT", f"/v1/me/circles/{member_id}/hours", {"on_call": windows}), "hours")

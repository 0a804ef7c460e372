"""What the resident's circle writes, and what Hearthline told them."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response

from app.core.routing import route_options
from app.portal.ground.forms import Posted
from app.portal.ground.moments import instant
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Residing, Visit
from app.portal.resident_life.residing import answered, page

router = pages_router("/me/messages")

_MOST: Final = 40
_SEEN: Final = "x-seen"  # of a page that fetches a part again: whether anybody has it before them
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the conversation."""

    message: Json
    is_mine: bool
    begins_day: date | None
    is_new: bool


def conversation(messages: Sequence[Json], me: str, unread: int, zone: ZoneInfo) -> list[Said]:
    """Return messages (the latest first) the earliest first, with where a day begins and which are new to ``me``."""
    theirs = [one["id"] for one in messages if one["author_id"] != me]
    new = set(theirs[:unread])
    said, last = list[Said](), None
    for one in reversed(messages):
        day = instant(one["written_at"]).astimezone(zone).date()
        said.append(Said(one, one["author_id"] == me, None if day == last else day, one["id"] in new))
        last = day
    return said


def unread_of(marks: Sequence[Json], me: str) -> int:
    """Return how many messages somebody has not read, of the marks of all."""
    return next((one["unread"] or 0 for one in marks if one["account_id"] == me), 0)


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_messages(visit: Residing) -> Response:
    """Show what the circle writes."""
    return page(visit, "messages.html", text="", **await _talk(visit, is_seen=True))


@router.get("/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_messages_part(visit: Residing) -> Response:
    """Show the conversation alone, for a page that is open."""
    is_seen = visit.request.headers.get(_SEEN) == "1"
    return page(visit, "messages_part.html", **await _talk(visit, is_seen=is_seen))


async def _talk(visit: Visit, *, is_seen: bool) -> dict[str, Any]:
    messages, marks, counted = await asyncio.gather(
        visit.api.get("/v1/me/circle-messages", limit=_MOST),
        visit.api.get("/v1/me/circle-read-marks"),
        visit.api.get("/v1/me/inbox/unread-count"),
    )
    me = str(visit.actor.id)
    unread = unread_of(marks["items"], me)
    # To open the conversation is to read it; whoever only looks on as the resident reads nothing for them.
    if messages["items"] and unread and is_seen and not visit.is_viewing_as:
        await visit.api.post("/v1/me/circle-read-marks", {"up_to": messages["items"][0]["id"]})
    return {
        "said": conversation(messages["items"], me, unread, visit.time_zone),
        "has_more": messages["next"] is not None,
        "new_notices": counted["unread"],
    }


@router.post("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def write_message(visit: Residing, form: Posted) -> Response:
    """Write to the circle."""
    text = form.text("text", 4_000)
    if not text:
        return again("/me/messages")
    _, trouble = await answered(visit, visit.api.post("/v1/me/circle-messages", {"text": text}, key=form.key))
    if trouble is not None:
        return page(visit, "messages.html", trouble, text=text, **await _talk(visit, is_seen=True))
    return again("/me/messages", "written")


@router.post("/{message_id}/withdrawal", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def withdraw_message(visit: Residing, form: Posted, message_id: uuid.UUID) -> Response:
    """Take a message back."""
    del form
    await visit.api.delete(f"/v1/me/circle-messages/{message_id}")
    return again("/me/messages", "message_withdrawn")


@router.get("/notices", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_notices(visit: Residing) -> Response:
    """Show what Hearthline told."""
    return page(visit, "notices.html", **await _notices(visit))


@router.get("/notices/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_notices_part(visit: Residing) -> Response:
    """Show what Hearthline told alone, for a page that is open."""
    return page(visit, "notices_part.html", **await _notices(visit))


async def _notices(visit: Visit) -> dict[str, Any]:
    found = await visit.api.get("/v1/me/inbox", limit=_MOST)
    return {
        "items": found["items"],
        "has_new": any(one["read_at"] is None for one in found["items"]),
        "addresses": {one["id"]: address_of(one) for one in found["items"]},
    }


_PAGES: Final = (
    ("message_id", "/me/messages"),
    ("order_id", "/me/services/orders/{}"),
    ("ticket_order_id", "/me/tickets"),
    ("appointment_id", "/me/appointments"),
    ("home_id", "/me/home"),
)
"""What a notice is about, by the ids it carries, and the page that shows it; the first that fits decides."""


def address_of(notice: Json) -> str | None:
    """Return the page that shows what a notice is about; ``None`` where there is none of the resident's own."""
    for name, address in _PAGES:
        try:
            found = uuid.UUID(str(notice["data"].get(name)))
        except ValueError:
            continue
        return address.format(found)
    return None


@router.post("/notices", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def mark_notices(visit: Residing, form: Posted) -> Response:
    """Mark as read what was shown, and what came before it."""
    up_to = form.uuid("up_to")
    if up_to is not None:
        await visit.api.post("/v1/me/inbox/readings", {"up_to": str(up_to)}, key=form.key)
    return again("/me/messages/notices", "notices_read")

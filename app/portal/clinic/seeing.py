"""Video visits: who waits, who is next, and the way into the room with the record beside it."""

import asyncio
import uuid
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse, Response

from app.core.routing import route_options
from app.portal.clinic.knowing import House, house_of, or_why, shown
from app.portal.clinic.texts import WORDS
from app.portal.ground.asking import Refused
from app.portal.ground.changing import trouble_of
from app.portal.ground.forms import Posted
from app.portal.ground.moments import instant
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor

router = pages_router("/portal/clinic")

MOST: Final = 30
_OVER: Final = ("ended", "expired", "cancelled")


async def _visits(visit: Visit, house: House) -> dict[str, Any]:
    found = (await visit.api.get("/v1/me/held-consultations", limit=MOST))["items"]
    held = [
        one for one in found if one["organization_id"] == str(house.id) and instant(one["ends_at"]) > _earliest(house)
    ]
    people = list(dict.fromkeys(one["resident_id"] for one in held))
    details, names = await asyncio.gather(
        asyncio.gather(*(or_why(visit.api.get(f"/v1/consultations/{one['id']}")) for one in held)),
        asyncio.gather(*(or_why(visit.api.get(f"/v1/residents/{one}/profile")) for one in people)),
    )
    named = {one: (person or {}).get("name") for one, (person, _) in zip(people, names, strict=True)}
    rows = []
    for one, (detail, _) in zip(held, details, strict=True):
        there = [each for each in (detail or {"participants": []})["participants"] if each["role"] != "clinician"]
        rows.append(
            {
                "one": one,
                "name": named[one["resident_id"]],
                "waits": any(each["state"] == "waiting" for each in there),
                "phone": any(each["wishes_phone"] for each in there),
                "is_over": one["state"] in _OVER or one["ended_at"] is not None,
            }
        )
    return {"tab": "video", "rows": rows}


def _earliest(house: House) -> Any:
    return house.there.midnight(house.there.today())


@router.get("/{organization_id}/video", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_video(visit: Visitor, organization_id: uuid.UUID) -> Response:
    """Show the visitor's video visits from today on, and who waits in which waiting room."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "video", **await _visits(visit, house))


@router.get("/{organization_id}/video/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_video_part(visit: Visitor, organization_id: uuid.UUID) -> Response:
    """Show the list alone, for a page that is open."""
    house = await house_of(visit, organization_id)
    return shown(visit, house, "video_part", **await _visits(visit, house))


@router.post("/{organization_id}/video/{consultation_id}/room", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def enter_room(visit: Visitor, form: Posted, organization_id: uuid.UUID, consultation_id: uuid.UUID) -> Response:
    """Lead into the room: the link is made for this press, and good once."""
    del form
    house = await house_of(visit, organization_id)
    try:
        made = await visit.api.post(f"/v1/consultations/{consultation_id}/links")
    except Refused as refusal:
        trouble = trouble_of(visit, refusal, WORDS)
        return shown(visit, house, "video", trouble=trouble, **await _visits(visit, house))
    parts = urlsplit(made["url"])
    query = f"?{parts.query}" if parts.query else ""
    return RedirectResponse(f"{parts.path}{query}#{parts.fragment}", 303, headers={"Cache-Control": "no-store"})

"""What is said of a company: ratings and its answers, complaints with their deadlines, and how it does by month."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Query
from starlette.responses import Response

from app.core import clock
from app.core.problems import NotFound
from app.core.routing import route_options
from app.portal.ground.asking import Refused, unless_hidden
from app.portal.ground.changing import Change, Trouble
from app.portal.ground.forms import Form, Posted
from app.portal.ground.moments import instant
from app.portal.ground.pages import address, again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor
from app.portal.provider.company import ROOT, Json, company_of, page, refused
from app.portal.provider.files import ACCEPT, LARGEST, brought_in
from app.portal.provider.order import asked

router = pages_router(f"{ROOT}/{{organization_id}}")

MOST: Final = 300
PAGE: Final = 20
OPEN: Final = ("open", "unanswered", "answered")
Cursor = Annotated[str | None, Query(max_length=400)]


async def _ratings(
    visit: Visit, organization_id: uuid.UUID, cursor: str | None = None, trouble: Trouble | None = None, at: str = ""
) -> Response:
    path = f"/v1/organizations/{organization_id}"
    company, ratings, quality = await asyncio.gather(
        company_of(visit, organization_id),
        visit.api.get(f"{path}/ratings", limit=PAGE, cursor=cursor),
        visit.api.get(f"{path}/quality"),
    )
    return page(
        visit,
        "ratings.html",
        company,
        "ratings",
        status=trouble.status if trouble else 200,
        trouble_said=trouble.said if trouble else "",
        trouble_at=at,
        ratings=ratings,
        following=address(f"{company.root}/ratings", cursor=ratings["next"]) if ratings["next"] else "",
        months=list(reversed(quality["items"])),
    )


@router.get("/ratings", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_ratings(visit: Visitor, organization_id: uuid.UUID, cursor: Cursor = None) -> Response:
    """Show what was given and said, and how the company does by month."""
    return await _ratings(visit, organization_id, cursor)


@router.post("/ratings/{rating_id}/answer", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def answer_rating(visit: Visitor, form: Posted, organization_id: uuid.UUID, rating_id: uuid.UUID) -> Response:
    """Answer what somebody said, once, for everybody to read."""
    path = f"/v1/organizations/{organization_id}/ratings/{rating_id}/answer"
    try:
        await asked(visit, form, Change("POST", path, {"text": form.text("text", 1_000)}))
    except Refused as refusal:
        return await _ratings(visit, organization_id, None, refused(visit, refusal), str(rating_id))
    return again(f"{ROOT}/{organization_id}/ratings", "answered")


def by_urgency(complaints: Sequence[Json]) -> list[Json]:
    """Return complaints: those with a deadline of ours by that, then what is open, then what is over, latest first."""

    def key(one: Json) -> tuple[int, float]:
        if one["state"] == "open" and one["answer_by"]:
            return 0, instant(one["answer_by"]).timestamp()
        if one["state"] in OPEN:
            return 1, instant(one["created_at"]).timestamp()
        return 2, -instant(one["created_at"]).timestamp()

    return sorted(complaints, key=key)


@router.get("/complaints", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_complaints(visit: Visitor, organization_id: uuid.UUID) -> Response:
    """Show the complaints about a company, what has to be answered next first."""
    company, complaints = await asyncio.gather(
        company_of(visit, organization_id),
        visit.api.pages(f"/v1/organizations/{organization_id}/complaints", MOST),
    )
    ordered = by_urgency(complaints)
    return page(
        visit,
        "complaints.html",
        company,
        "complaints",
        open_ones=[one for one in ordered if one["state"] in OPEN],
        over=[one for one in ordered if one["state"] not in OPEN],
        is_soon=_is_soon(clock.now()),
    )


def _is_soon(now: datetime) -> Any:
    return lambda at: at is not None and (instant(at) - now).total_seconds() < 24 * 3600


async def _complaint(
    visit: Visit, organization_id: uuid.UUID, order_id: uuid.UUID, trouble: Trouble | None = None
) -> Response:
    path = f"/v1/home-orders/{order_id}"
    company, order, complaint = await asyncio.gather(
        company_of(visit, organization_id), visit.api.get(path), visit.api.get(f"{path}/complaint")
    )
    if order["organization_id"] != str(organization_id):
        raise Refused(404, {"code": "not_found", "status": 404})
    customer = await unless_hidden(visit.api.get(f"{path}/customer"))
    now = clock.now()
    return page(
        visit,
        "complaint.html",
        company,
        "complaints",
        status=trouble.status if trouble else 200,
        trouble_said=trouble.said if trouble else "",
        order=order,
        complaint=complaint,
        customer=customer,
        can_add=complaint["state"] in OPEN and instant(complaint["evidence_by"]) > now,
        files={one["id"]: one for one in complaint["files"]},
        is_soon=_is_soon(now),
        accept=ACCEPT,
        today=company.their.today(),
    )


@router.get("/complaints/{order_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_complaint(visit: Visitor, organization_id: uuid.UUID, order_id: uuid.UUID) -> Response:
    """Show a complaint with all that was said and added."""
    return await _complaint(visit, organization_id, order_id)


async def _given(visit: Visit, form: Form, act: str) -> dict[str, Any]:
    if act == "answer":
        return {"statement": form.text("statement", 4_000)}
    if act == "acceptance":
        return {"starts_at": _start(visit, form)}
    chosen = form.file("file")
    upload = None if chosen is None else await brought_in(visit, chosen, "document")
    return {"statement": form.text("statement", 4_000) or None, "upload_id": upload}


def _start(visit: Visit, form: Form) -> str | None:
    """Return the instant at which work is done anew, as the reader's own clock has it; ``None`` where it is not."""
    day, time = form.day("starts_on"), form.time("starts_time")
    if day is None or time is None:
        return None
    return datetime.combine(day, time, visit.time_zone).isoformat()


_ACTS: Final[Mapping[str, str]] = {
    "answer": "complaint_answered",
    "acceptance": "complaint_accepted",
    "evidence": "evidence_kept",
}
"""What can be done, and what the page says of it then (``done_…``)."""


@router.post("/complaints/{order_id}/{act}", include_in_schema=False, max_body_size=LARGEST + 65_536)
@route_options(database=False, idempotency=False)
async def act_on_complaint(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, order_id: uuid.UUID, act: str
) -> Response:
    """Answer a complaint, do what is wished, or add what one has to say and show."""
    if act not in _ACTS:
        raise NotFound
    try:
        body = await _given(visit, form, act)
        await asked(visit, form, Change("POST", f"/v1/home-orders/{order_id}/complaint/{act}", body))
    except Refused as refusal:
        return await _complaint(visit, organization_id, order_id, refused(visit, refusal))
    return again(f"{ROOT}/{organization_id}/complaints/{order_id}", _ACTS[act])

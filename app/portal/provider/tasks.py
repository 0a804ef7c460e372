"""One order as whoever carries it out has it: the way, the door, the work, and what they found."""

import asyncio
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response

from app.core import clock
from app.core.problems import NotFound
from app.core.routing import route_options
from app.portal.ground.asking import Refused, unless_hidden
from app.portal.ground.calling import numbers_of
from app.portal.ground.changing import Change, Trouble
from app.portal.ground.forms import Form, Posted
from app.portal.ground.moments import instant
from app.portal.ground.pages import again, show, words_of
from app.portal.ground.routing import pages_router
from app.portal.ground.their import Their
from app.portal.ground.visits import Visit, Visitor
from app.portal.offline.giving import given_at
from app.portal.provider.company import refused
from app.portal.provider.files import LARGEST, PICTURES, brought_in
from app.portal.provider.order import asked
from app.portal.provider.texts import WORDS
from app.portal.provider.work import WORK, shown
from community.api import OLDEST_ORDER_REPORT

router = pages_router(f"{WORK}/orders/{{order_id}}")

MINUTES: Final = (15, 30, 45, 60, 90, 120)
"""How much more time can be asked for."""
_GONE: Final = (403, 404)


async def _task(
    visit: Visit,
    order_id: uuid.UUID,
    trouble: Trouble | None = None,
    *,
    door: Any = None,
    template: str = "task.html",
) -> Response:
    path = f"/v1/home-orders/{order_id}"
    order = await visit.api.get(path)
    if "worker" not in order["sides"]:
        raise Refused(404, {"code": "not_found", "status": 404})
    customer, service, numbers = await asyncio.gather(
        unless_hidden(visit.api.get(f"{path}/customer")),
        unless_hidden(visit.api.get(f"/v1/home-services/{order['service_id']}")),
        numbers_of(visit),
    )
    now, starts_at = clock.now(), instant(order["starts_at"])
    return shown(
        visit,
        template,
        "day",
        trouble=trouble,
        order=order,
        customer=customer,
        service=service["name"][visit.language] if service else "",
        their=Their(visit.language, ZoneInfo(order["time_zone"])),
        door=door,
        shows_door=order["state"] in ("assigned", "on_the_way", "started") and now >= starts_at - timedelta(hours=2),
        set_out_from=starts_at - timedelta(hours=3),
        begins_from=starts_at - timedelta(minutes=30),
        starts_at=starts_at,
        numbers=numbers,
        minutes=MINUTES,
        accept=PICTURES,
        asks=any(one["state"] == "asked" for one in order["extras"]),
    )


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_task(visit: Visitor, order_id: uuid.UUID) -> Response:
    """Show an order to whoever carries it out."""
    return await _task(visit, order_id)


@router.get("/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_task_part(visit: Visitor, order_id: uuid.UUID) -> Response:
    """Show the same alone, for a page that is open."""
    return await _task(visit, order_id, template="task_part.html")


@router.post("/door", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_door(visit: Visitor, form: Posted, order_id: uuid.UUID) -> Response:
    """Show how to get in, which is on record: asked for by a press, and by nothing that loads pages ahead."""
    del form
    try:
        door = await visit.api.get(f"/v1/home-orders/{order_id}/door")
    except Refused as refusal:
        return await _task(visit, order_id, refused(visit, refusal))
    return await _task(visit, order_id, door=door)


async def _given(visit: Visit, form: Form, act: str) -> Any:
    if act == "extra-time":  # a question waits on no device: it is asked now, or not at all
        return {"duration": f"PT{form.number('minutes') or 0}M", "reason": form.text("reason", 300) or None}
    at = _told_at(form, act)
    body = _said(form, act)
    if act == "photos":
        chosen = form.file("file")
        if chosen is None:
            raise Refused(422, {"code": "file_not_taken", "status": 422})
        body = {"upload_id": await brought_in(visit, chosen, "photo", form.key)}
    return body | ({"occurred_at": at.isoformat()} if at else {})


def _told_at(form: Form, act: str) -> datetime | None:
    try:
        return given_at(form, OLDEST_ORDER_REPORT)
    except Refused:
        # That somebody is unwell is heard however long it waited; by nobody's clock it is of now.
        if act == "notes" and form.flag("unwell"):
            return None
        raise


def _said(form: Form, act: str) -> dict[str, Any]:
    if act == "start":
        return {"code": "".join(form.text("code", 20).split())}
    if act == "no-access":
        return {"note": form.text("note", 300)}
    if act == "notes":
        return {"text": form.text("text", 2_000), "is_resident_unwell": form.flag("unwell")}
    if act == "completion":
        return {"done": form.many("done", 40), "undone_reason": form.text("undone_reason", 300) or None}
    return {}


_ACTS: Final[Mapping[str, str]] = {
    "on-the-way": "set_out",
    "start": "begun",
    "no-access": "nobody_there",
    "extra-time": "time_asked",
    "notes": "noted",
    "photos": "photo_kept",
    "completion": "ended",
}
"""What can be done, and what the page says of it then (``done_…``)."""


@router.post("/{act}", include_in_schema=False, max_body_size=LARGEST + 65_536)
@route_options(database=False, idempotency=False)
async def act_on_task(visit: Visitor, form: Posted, order_id: uuid.UUID, act: str) -> Response:
    """Set out, begin, say that nobody opens, ask for time, write down what was found, add a photo, end the work."""
    if act not in _ACTS:
        raise NotFound
    try:
        body = await _given(visit, form, act)
        await asked(visit, form, Change("POST", f"/v1/home-orders/{order_id}/{act}", body))
    except Refused as refusal:
        return await _not_taken(visit, order_id, refusal)
    is_unwell = act == "notes" and form.flag("unwell")
    return again(f"{WORK}/orders/{order_id}", "unwell" if is_unwell else _ACTS[act])


async def _not_taken(visit: Visit, order_id: uuid.UUID, refusal: Refused) -> Response:
    """Return the page that says why; a script is told what may be sent instead, too."""
    trouble = _why(visit, refusal)
    visit.request.state.trouble_said, visit.request.state.trouble_decide = trouble.said, _instead(visit, refusal.code)
    try:
        return await _task(visit, order_id, trouble)
    except Refused:  # it may not even be seen any more: what was given is answered all the same
        shown_as = {"said": trouble.said, "status_code": trouble.status}
        return show(visit, "ground/trouble.html", WORDS, status=trouble.status, **shown_as)


def _why(visit: Visit, refusal: Refused) -> Trouble:
    """Return what has happened meanwhile, and what can be done now, as whoever stands at a door needs it."""
    words = words_of(WORDS, visit.language)
    said = (
        words.get(f"trouble_order_{refusal.problem.get('order_state')}") if refusal.code == "order_not_open" else None
    )
    if said is None and refusal.status in _GONE and refusal.code != "viewing_is_read_only":
        # An order that went to a colleague: one may no longer know of it, and what was given is not lost by that.
        said = words["trouble_not_your_order"]
    return refused(visit, refusal) if said is None else Trouble(409, said, refusal)


def _instead(visit: Visit, code: str) -> Mapping[str, Any] | None:
    """Return what may be sent in place of what was refused, at the time it was given; ``None`` where nothing may."""
    words = words_of(WORDS, visit.language)
    if code == "wrong_start_code":
        return {"label": words["start"], "fields": {}, "asks": {"name": "code", "label": words["code"]}}
    if code == "checklist_open":
        return {"label": words["instead_checklist_open"], "fields": {"undone_reason": words["left_not_possible"]}}
    return None

"""One order as whoever carries it out has it: the way, the door, the work, and what they found."""

import asyncio
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response

from app.core import clock
from app.core.problems import NotFound
from app.core.routing import route_options
from app.portal.ground.asking import Refused, unless_hidden
from app.portal.ground.changing import Change, Trouble
from app.portal.ground.forms import Form, Posted
from app.portal.ground.moments import instant
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.their import Their
from app.portal.ground.visits import Visit, Visitor
from app.portal.provider.company import refused
from app.portal.provider.files import LARGEST, PICTURES, brought_in
from app.portal.provider.order import asked
from app.portal.provider.work import WORK, shown

router = pages_router(f"{WORK}/orders/{{order_id}}")

MINUTES: Final = (15, 30, 45, 60, 90, 120)
"""How much more time can be asked for."""


async def _task(visit: Visit, order_id: uuid.UUID, trouble: Trouble | None, *, door: Any = None) -> Response:
    path = f"/v1/home-orders/{order_id}"
    order = await visit.api.get(path)
    if "worker" not in order["sides"]:
        raise Refused(404, {"code": "not_found", "status": 404})
    customer, service = await asyncio.gather(
        unless_hidden(visit.api.get(f"{path}/customer")),
        unless_hidden(visit.api.get(f"/v1/home-services/{order['service_id']}")),
    )
    now, starts_at = clock.now(), instant(order["starts_at"])
    return shown(
        visit,
        "task.html",
        "day",
        trouble=trouble,
        order=order,
        customer=customer,
        service=service["name"][visit.language] if service else "",
        their=Their(visit.language, ZoneInfo(order["time_zone"])),
        door=door,
        shows_door=order["state"] in ("assigned", "on_the_way", "started") and now >= starts_at - timedelta(hours=2),
        can_set_out=order["state"] == "assigned" and now >= starts_at - timedelta(hours=3),
        can_begin=order["state"] in ("assigned", "on_the_way") and now >= starts_at - timedelta(minutes=30),
        is_late=now >= starts_at,
        minutes=MINUTES,
        accept=PICTURES,
        asks=any(one["state"] == "asked" for one in order["extras"]),
    )


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_task(visit: Visitor, order_id: uuid.UUID) -> Response:
    """Show an order to whoever carries it out."""
    return await _task(visit, order_id, None)


@router.post("/door", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_door(visit: Visitor, form: Posted, order_id: uuid.UUID) -> Response:
    """Show how to get in, which is on record: asked for by a press, and by nothing that loads pages ahead."""
    del form
    try:
        door = await visit.api.get(f"/v1/home-orders/{order_id}/door")
    except Refused as refusal:
        return await _task(visit, order_id, refused(visit, refusal))
    return await _task(visit, order_id, None, door=door)


async def _given(visit: Visit, form: Form, act: str) -> Any:
    if act != "photos":
        return _said(form, act)
    chosen = form.file("file")
    if chosen is None:
        raise Refused(422, {"code": "file_not_taken", "status": 422})
    return {"upload_id": await brought_in(visit, chosen, "photo")}


def _said(form: Form, act: str) -> Any:
    if act == "start":
        return {"code": "".join(form.text("code", 20).split())}
    if act == "no-access":
        return {"note": form.text("note", 300)}
    if act == "extra-time":
        return {"duration": f"PT{form.number('minutes') or 0}M", "reason": form.text("reason", 300) or None}
    if act == "notes":
        return {"text": form.text("text", 2_000), "is_resident_unwell": form.flag("unwell")}
    if act == "completion":
        return {"done": form.many("done", 40), "undone_reason": form.text("undone_reason", 300) or None}
    return None


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
        return await _task(visit, order_id, refused(visit, refusal))
    is_unwell = act == "notes" and form.flag("unwell")
    return again(f"{WORK}/orders/{order_id}", "unwell" if is_unwell else _ACTS[act])

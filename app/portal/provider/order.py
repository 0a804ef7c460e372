"""One order: how it stands, who could go, and what its company can do about it."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response

from app.core import clock
from app.core.problems import NotFound
from app.core.routing import route_options
from app.portal.ground.asking import Refused, unless_hidden
from app.portal.ground.changing import Change, Trouble
from app.portal.ground.forms import Form, Posted
from app.portal.ground.moments import instant, length
from app.portal.ground.pages import again, words_of
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor
from app.portal.provider import composing
from app.portal.provider.company import ROOT, Company, company_of, page, refused
from app.portal.provider.texts import WORDS

router = pages_router(f"{ROOT}/{{organization_id}}/orders/{{order_id}}")

AHEAD: Final = ("placed", "assigned", "on_the_way")
WITH_WORKER: Final = ("assigned", "on_the_way", "started")
CANCEL_REASONS: Final = ("no_worker", "worker_ill", "closed_that_day", "other")
TAKE_REASONS: Final = ("worker_ill", "replanned", "other")
_KEEPERS: Final = {"provider", "operator"}
SETTABLE: Final = frozenset({"hours", "area", "language", "sex"})
"""What a coordinator may set aside."""


@dataclass(frozen=True, slots=True)
class Despite:
    """Somebody who was not sent because of what may be set aside: asked for once more, knowingly."""

    worker_id: str
    obstacles: Sequence[str]
    starts_at: str

    @property
    def can_be_set_aside(self) -> bool:
        """Say whether nothing but what may be set aside is in the way."""
        return set(self.obstacles) <= SETTABLE


async def _order(visit: Visit, organization_id: uuid.UUID, order_id: uuid.UUID) -> tuple[Company, dict[str, Any]]:
    path = f"/v1/home-orders/{order_id}"
    order = await visit.api.get(path)
    if order["organization_id"] != str(organization_id) or not _KEEPERS & set(order["sides"]):
        raise Refused(404, {"code": "not_found", "status": 404})
    now = clock.now()
    is_looked_for = order["state"] in AHEAD
    # The day that is shown is the order's, so that whoever is off then is not asked in vain.
    day = instant(order["starts_at"]).astimezone(ZoneInfo(order["time_zone"])).date()
    company = await company_of(visit, organization_id, day.isoformat())
    customer, candidates, offers, complaint, tip = await asyncio.gather(
        unless_hidden(visit.api.get(f"{path}/customer")),
        _items(visit, f"{path}/candidates", is_asked=is_looked_for),
        _items(visit, f"{path}/offers", is_asked=True),
        unless_hidden(visit.api.get(f"{path}/complaint")),
        unless_hidden(visit.api.get(f"{path}/tip")),
    )
    position = await unless_hidden(visit.api.get(f"{path}/position")) if order["state"] == "on_the_way" else None
    return company, {
        "order": order,
        "customer": customer,
        "candidates": candidates,
        "offers": offers,
        "complaint": complaint,
        "tip": tip,
        "position": position,
        "why": composing.trouble_with(order, now),
        "window": window(order, now),
        "is_near": instant(order["starts_at"]) - now < composing.NEAR,
        "can": acts(order, now),
    }


async def _items(visit: Visit, path: str, *, is_asked: bool) -> list[Any]:
    found = await unless_hidden(visit.api.get(path)) if is_asked else None
    return found["items"] if found else []


def window(order: Mapping[str, Any], now: datetime) -> list[datetime]:
    """Return the quarters of an hour at which an order may begin without asking who ordered it, the planned one too."""
    wanted, planned = instant(order["wanted_at"]), instant(order["starts_at"])
    flexible = length(order["flexibility"])
    if not flexible:
        return []
    quarter = timedelta(minutes=15)
    found = {planned, wanted}
    at = wanted - flexible
    while at <= wanted + flexible:
        found.add(at)
        at += quarter
    return sorted(one for one in found if one > now or one == planned)


def acts(order: Mapping[str, Any], now: datetime) -> frozenset[str]:
    """Return what the company can do about an order as it stands."""
    state, can = order["state"], set[str]()
    if state in AHEAD:
        can |= {"assignment", "cancellation"}
    if state == "held":
        can.add("cancellation")
    if state == "placed":
        can.add("dispatch")
    if state in ("assigned", "on_the_way"):
        can.add("unassignment")
        if instant(order["starts_at"]) - timedelta(minutes=30) <= now:
            can |= {"start-confirmation", "no-access"}
    if state == "started":
        can.add("completion")
    return frozenset(can)


async def _page(
    visit: Visit,
    organization_id: uuid.UUID,
    order_id: uuid.UUID,
    trouble: Trouble | None = None,
    despite: Despite | None = None,
    template: str = "order.html",
) -> Response:
    company, shown = await _order(visit, organization_id, order_id)
    status = trouble.status if trouble else 200
    said = trouble.said if trouble else ""
    return page(visit, template, company, "orders", status=status, trouble_said=said, despite=despite, **shown)


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_order(visit: Visitor, organization_id: uuid.UUID, order_id: uuid.UUID) -> Response:
    """Show an order with all that can be done about it."""
    return await _page(visit, organization_id, order_id)


@router.get("/part", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_order_part(visit: Visitor, organization_id: uuid.UUID, order_id: uuid.UUID) -> Response:
    """Show what changes about an order, for a page that is open."""
    return await _page(visit, organization_id, order_id, template="order_part.html")


def _body(act: str, form: Form) -> dict[str, Any]:
    if act == "assignment":
        body: dict[str, Any] = {"worker_id": form.text("worker_id", 40), "despite": form.many("despite", 20)}
        return body | ({"starts_at": form.text("starts_at", 40)} if form.text("starts_at") else {})
    if act == "dispatch":
        return {"mode": form.text("mode", 20)}
    if act == "start-confirmation":
        return {"reason": form.text("reason", 300)}
    if act == "no-access":
        return {"note": form.text("note", 300)}
    if act == "completion":
        return {"done": form.many("done"), "undone_reason": form.text("undone_reason", 300) or None}
    return {"reason": form.text("reason", 40), "note": form.text("note", 300) or None}


_ACTS: Final[Mapping[str, str]] = {
    "assignment": "sent",
    "unassignment": "taken",
    "dispatch": "looked_for",
    "cancellation": "called_off",
    "start-confirmation": "begun",
    "no-access": "nobody_there",
    "completion": "ended",
}
"""What can be done, and what the page says of it then (``done_…``)."""


@router.post("/{act}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def act_on_order(
    visit: Visitor, form: Posted, organization_id: uuid.UUID, order_id: uuid.UUID, act: str
) -> Response:
    """Send somebody, at another time of the window too; look anew; take it back; call it off; see to the door."""
    if act not in _ACTS:
        raise NotFound
    body = _body(act, form)
    change = Change("POST", f"/v1/home-orders/{order_id}/{act}", body, form.number("version"))
    try:
        await asked(visit, form, change)
    except Refused as refusal:
        trouble = refused(visit, refusal)
        despite = None
        if refusal.code == "worker_unsuitable":
            found = list(map(str, refusal.problem.get("obstacles", ())))
            despite = Despite(body["worker_id"], found, body.get("starts_at", ""))
            words = words_of(WORDS, visit.language)
            said = [trouble.said, *(words[f"obstacle_{one}"] for one in found)]
            visit.request.state.trouble_said = " ".join(said)  # the page asks, a script that has none says why
        return await _page(visit, organization_id, order_id, trouble, despite)
    is_from_plan = form.text("back", 10) == "plan"
    company = f"{ROOT}/{organization_id}"
    back = f"{company}/plan?day={form.text('day', 10)}" if is_from_plan else f"{company}/orders/{order_id}"
    return again(back, _ACTS[act])


async def asked(visit: Visit, form: Form, change: Change) -> None:
    """Ask the API for a change, once however often the form is pressed; raises ``Refused``."""
    headers = {} if change.version is None else {"if-match": f'"{change.version}"'}
    await visit.api.ask(change.method, change.path, change.body, headers=headers, key=form.key)

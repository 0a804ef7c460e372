"""What a visitor of the demo lets happen, so that nobody waits hours for it; there in a demo alone.

A press changes what the visitor may change, by the API and as themselves: a plan whose next instant is soon, a medicine
that is due once, an appointment at the first free time. The rest is what the same rows and deadlines do on any day.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from app.core import clock
from app.core.access import Actor, system_actor
from app.core.database import reading, unit_of_work
from app.core.problems import NotFound
from app.core.routing import route_options
from app.core.settings import settings
from app.identity import api as identity
from app.portal.demo import soon
from app.portal.ground.asking import Refused
from app.portal.ground.demo import GUIDE, WORKER, acts
from app.portal.ground.forms import Form, Posted
from app.portal.ground.navigation import home
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Visit, Visitor
from eldercare import api as eldercare

router = pages_router("/portal/demo")

_SOON: Final = timedelta(minutes=30)
"""So long before its time a video visit's waiting room opens."""
_EVIDENCE: Final = {"note": "Somebody who looked around in the demo let this happen"}


@router.post("/fall", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def let_somebody_fall(visit: Visitor, form: Posted) -> Response:
    """Let the first of the visitor's circles fall, or whoever lives here for visitors; lead on to the alarm."""
    del form
    _require(visit, "fall")
    circles = (await visit.api.get("/v1/me/circles"))["items"]
    async with reading() as connection:
        resident = await _resident(connection, visit, [one for one in circles if one["state"] == "accepted"])
    if resident is None or resident.resident_id is None:
        raise NotFound
    fall = eldercare.AlarmSignal(
        kind=eldercare.AlarmKind.FALL,
        severity=eldercare.Severity.HIGH,
        community_id=resident.community_id,
        resident_id=resident.resident_id,
        occurred_at=clock.now(),
        evidence=_EVIDENCE,
    )
    async with unit_of_work() as session:
        # Nobody said so: it is as if a sensor had.
        alarm_id = await eldercare.raise_alarm(session, system_actor(resident.community_id), fall)
    if visit.actor.resident_id is not None:
        return again(home(visit).address)
    desk = "desk/" if visit.is_at_desk else ""
    return again(f"/portal/{desk}alarms/{alarm_id}", "fallen")


@router.post("/ask", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def have_me_asked(visit: Visitor, form: Posted) -> Response:
    """Have the visitor asked at the next full minute whether they are all right, unless an answer is waited for."""
    del form
    _require(visit, "ask")
    if (await visit.api.get("/v1/me/check-ins", state="prompted", limit=1))["items"]:
        return again(home(visit).address, "is_asked")
    plan = soon.check_in_plan(soon.next_minute(clock.now()), visit.time_zone)
    plans = (await visit.api.get("/v1/me/check-in-plans"))["items"]
    ours = next((one for one in plans if one["state"] == "active" and one["answer_window"] == soon.WINDOW), None)
    if ours is None:
        await visit.api.post("/v1/me/check-in-plans", plan)
    else:
        await visit.api.put(f"/v1/me/check-in-plans/{ours['id']}", plan)
    return again(home(visit).address, "ask")


@router.post("/dose", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def have_a_medicine_due(visit: Visitor, form: Posted) -> Response:
    """Have a medicine be due for the visitor at the next full minute; nothing is due twice over it."""
    del form
    _require(visit, "dose")
    for regimen in filter(soon.is_own, (await visit.api.get("/v1/me/regimens"))["items"]):
        await visit.api.put(f"/v1/me/regimens/{regimen['id']}/state", {"state": "stopped"})
    await visit.api.post("/v1/me/regimens", soon.regimen(soon.next_minute(clock.now()), visit.time_zone))
    return again(home(visit).address, "dose")


@router.post("/clean", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def have_somebody_clean_soon(visit: Visitor, form: Posted) -> Response:
    """Order cleaning for a quarter of an hour from now, by who comes at any hour if they can."""
    _require(visit, "clean")
    async with reading() as connection:
        worker = await identity.find_accounts_by_phone(connection, visit.actor.community_id, WORKER)
    services = (await visit.api.get("/v1/home-services", category="cleaning", limit=1))["items"]
    offers = (await visit.api.get(f"/v1/home-services/{services[0]['id']}/offers"))["items"] if services else []
    if not offers:
        return again(home(visit).address, "nobody")
    path, wanted = f"/v1/residents/{visit.actor.resident_id}", soon.order(clock.now(), offers[0]["id"])
    try:
        quote = await visit.api.post(f"{path}/home-order-quotes", wanted)
        agreed = {name: quote[name] for name in ("offer_version", "total")}
        wished = {"payment_method": "provider", "wished_worker_id": str(worker[0]) if worker else None}
        await visit.api.post(f"{path}/home-orders", {**wanted, **agreed, **wished}, key=form.key)
    except Refused as refusal:
        if refusal.status != 409:
            raise
        return again(home(visit).address, "nobody")
    return again(home(visit).address, "clean")


@router.post("/doctor", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def see_a_doctor_soon(visit: Visitor, form: Posted) -> Response:
    """Book the first free video visit, for the visitor or, by the clinic, for whoever lives here for visitors."""
    _require(visit, "doctor")
    async with reading() as connection:
        resident = await _resident(connection, visit, [])
    if resident is None or resident.resident_id is None:
        raise NotFound
    booked = await _book(visit, resident.resident_id, form)
    return again(home(visit).address, "doctor" if booked else "nobody")


async def _book(visit: Visit, resident_id: uuid.UUID, form: Form) -> bool:
    """Return whether a video visit lies ahead whose waiting room is open."""
    slots = (await visit.api.get("/v1/slots", mode="video", limit=1))["items"]
    if not slots or datetime.fromisoformat(slots[0]["starts_at"]) - clock.now() > _SOON:
        return False
    wanted = {
        "resident_id": str(resident_id),
        "visit_type_id": slots[0]["visit_type"]["id"],
        "practitioner_id": slots[0]["practitioner"]["id"],
        "starts_at": slots[0]["starts_at"],
    }
    try:
        held = await visit.api.post("/v1/appointments", wanted, key=form.key)
        await visit.api.post(f"/v1/appointments/{held['id']}/confirmation")
    except Refused as refusal:
        if refusal.status != 409:
            raise
        return False
    return True


def _require(visit: Visit, act: str) -> None:
    if not settings().demo.enabled or act not in acts(visit):
        raise NotFound


async def _resident(connection: AsyncConnection, visit: Visit, circles: list[dict[str, Any]]) -> Actor | None:
    """Return whom it happens to, as themselves: the visitor, whom they look after, or who lives here for visitors."""
    if visit.actor.resident_id is not None:
        return visit.actor
    if circles:
        resident_id = uuid.UUID(circles[0]["resident_id"])
        account_id = (await identity.resident_accounts(connection, [resident_id]))[resident_id]
    else:
        there = await identity.find_accounts_by_phone(connection, visit.actor.community_id, GUIDE)
        if not there:
            return None
        account_id = there[0]
    return await identity.actor_of(connection, account_id)

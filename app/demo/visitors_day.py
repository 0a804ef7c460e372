"""What visitors of the demo find to do at any hour: a visit to make, a doctor to see, a dose that was forgotten."""

import asyncio
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog

from app.core import clock
from app.demo.client import Phones, Refused
from app.demo.community import TIME_ZONE, Village, every
from app.portal.demo import soon

log = structlog.get_logger(__name__)

FORGOTTEN_BEFORE: Final = timedelta(minutes=25)
"""So long before the present of a lived past a dose is agreed that nobody takes: by the present it is missed."""
_ZONE: Final = ZoneInfo(TIME_ZONE)
_AHEAD: Final = timedelta(minutes=90)
"""A visit can begin two hours before its time: at once, then, and there is long to go until somebody is late."""
_MOVED_BEFORE: Final = timedelta(minutes=10)
_LASTS: Final = "PT30M"
_DESPITE: Final = ("skill", "hours", "rest", "too_much", "travel", "busy")
_AGAIN_SECONDS: Final = 60.0
_WAITING_ROOM: Final = timedelta(minutes=30)
_TASKS: Final = ("Help with washing and dressing", "Something warm to eat")
_AHEAD_OF_VISIT: Final = ("planned", "assigned")
_STANDS: Final = ("booked", "arrived", "checked-in")


async def forget_a_dose(phones: Phones, village: Village) -> None:
    """Agree a dose of the visitors' resident that is due at the next full minute, and that nobody will take."""
    guide = village.guide.actor
    for regimen in filter(soon.is_own, (await phones.ask(guide, "GET", "/v1/me/regimens"))["items"]):
        await phones.ask(guide, "PUT", f"/v1/me/regimens/{regimen['id']}/state", {"state": "stopped"})
    await phones.ask(guide, "POST", "/v1/me/regimens", soon.regimen(soon.next_minute(clock.now()), _ZONE))


async def keep_ready(phones: Phones, village: Village) -> None:
    """Have a visit and a video visit lie ahead of the visitors' resident, unless they do."""
    await keep_visit(phones, village)
    await _book_a_doctor(phones, village)


async def keep_visit(phones: Phones, village: Village) -> None:
    """Have a visit lie ahead; one that nobody begins is put off, so that nobody has to worry where the carer is."""
    coordinator, path = village.staff["coordinator"][0], f"/v1/residents/{village.guide.id}"
    now = clock.now()
    stretch = f"from={_written(now - timedelta(days=1))}&to={_written(now + timedelta(days=1))}&limit=100"
    visits = (await phones.ask(coordinator, "GET", f"{path}/care-visits?{stretch}"))["items"]
    ahead = [one for one in visits if one["state"] in _AHEAD_OF_VISIT]
    if any(datetime.fromisoformat(one["starts_at"]) > now + _MOVED_BEFORE for one in ahead):
        return
    starts_at = (now + _AHEAD).replace(second=0, microsecond=0).isoformat()
    if ahead:
        await phones.ask(coordinator, "POST", f"{path}/care-visits/{ahead[-1]['id']}/move", {"starts_at": starts_at})
        return
    plan = await _care_plan(phones, village)
    wanted = {"care_plan_id": plan["id"], "starts_at": starts_at, "duration": _LASTS}
    visit = await phones.ask(coordinator, "POST", f"{path}/care-visits", wanted)
    carer = {"account_id": str(village.staff["carer"][0].id), "despite": list(_DESPITE)}
    await phones.ask(coordinator, "POST", f"{path}/care-visits/{visit['id']}/carers", carer)


async def _care_plan(phones: Phones, village: Village) -> Any:
    coordinator, path = village.staff["coordinator"][0], f"/v1/residents/{village.guide.id}/care-plans"
    plans = (await phones.ask(coordinator, "GET", path))["items"]
    if plans:
        return plans[0]
    plan = {
        "organization_id": str(coordinator.memberships[0].organization_id),
        "title": "Whenever somebody has time",
        "tasks": [{"text": text} for text in _TASKS],
    }
    return await phones.ask(coordinator, "POST", path, plan)


async def _book_a_doctor(phones: Phones, village: Village) -> None:
    """Book the first time a doctor is free by video, unless there is a visit whose waiting room is open."""
    guide, now = village.guide.actor, clock.now()
    for one in await every(phones, guide, "/v1/me/appointments?limit=100"):
        begins = datetime.fromisoformat(one["starts_at"])
        if one["mode"] == "video" and one["status"] in _STANDS and now < begins <= now + _WAITING_ROOM:
            return
    slots = (await phones.ask(guide, "GET", "/v1/slots?mode=video&limit=1"))["items"]
    if not slots:
        return
    wanted = {
        "visit_type_id": slots[0]["visit_type"]["id"],
        "practitioner_id": slots[0]["practitioner"]["id"],
        "starts_at": slots[0]["starts_at"],
    }
    held = await phones.ask(guide, "POST", "/v1/appointments", wanted)
    await phones.ask(guide, "POST", f"/v1/appointments/{held['id']}/confirmation")


async def watch(phones: Phones, village: Village, stop: asyncio.Event) -> None:
    """Keep a visit ahead until ``stop`` is set, however long the demo runs."""
    while not stop.is_set():
        try:
            await keep_visit(phones, village)
        except Refused as refusal:  # the database is away for a moment, or a visitor was quicker
            log.warning("visit_not_kept_ready", status=refusal.status, problem_code=refusal.code)
        try:
            await asyncio.wait_for(stop.wait(), _AGAIN_SECONDS)
        except TimeoutError:
            continue


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"

"""The demo's duty desk: two dispatchers who relieve each other, and a script of the community's own."""

from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core import clock
from app.core.access import Actor
from app.demo.client import Phones
from app.demo.community import TIME_ZONE, Village

PLANNED: Final = timedelta(days=35)
"""How far ahead shifts are planned: the past that is lived, and a while for visitors."""
_TURNS: Final = (time(6), time(18))
_HOURS: Final = timedelta(hours=24)
"""So long that at any hour there is a colleague to whom a visitor can hand over."""
_SCRIPT: Final[dict[str, Any]] = {
    "kind": "fall",
    "language": "en",
    "replaces": 0,
    "asks": [
        "Are you still on the floor? Does anything hurt: head, hip, back?",
        "Did you hit your head? Do you take blood thinners?",
    ],
    "does": [
        "Call the resident at once. No answer: call 911.",
        "Hurt, or on blood thinners: call 911. Nobody lifts them.",
        "Unhurt: send two people with a key; the caretaker has one for every house.",
        "Note the fall, even when all went well.",
    ],
}


async def arrange_desk(phones: Phones, village: Village) -> None:
    """Plan the desk's shifts as far ahead as they are not, and write the community's script unless it is there."""
    operator, now = village.operator, clock.now()
    known = await _planned(phones, operator, now)
    early, late = village.staff["dispatcher"][:2]
    zone = ZoneInfo(TIME_ZONE)
    first = now.astimezone(zone).date() - timedelta(days=1)
    for number in range(PLANNED.days + 1):
        day = first + timedelta(days=number)
        for wall, who in zip(_TURNS, (early, late), strict=True):
            begins = datetime.combine(day, wall, zone)
            ends = begins + _HOURS
            if ends <= now or begins.timestamp() in known:
                continue
            shift = {"account_id": str(who.id), "starts_at": begins.isoformat(), "ends_at": ends.isoformat()}
            await phones.ask(operator, "POST", "/v1/duty-desk/shifts", shift)
    scripts = (await phones.ask(operator, "GET", "/v1/duty-desk/scripts?language=en"))["items"]
    if all(script["number"] == 0 for script in scripts):
        await phones.ask(operator, "POST", "/v1/duty-desk/scripts", _SCRIPT)


async def _planned(phones: Phones, operator: Actor, now: datetime) -> set[float]:
    """Return when shifts begin that are planned from now on, in seconds of the epoch."""
    until = (now + PLANNED + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    first = path = f"/v1/duty-desk/shifts?limit=100&from={now:%Y-%m-%dT%H:%M:%SZ}&to={until}"
    found: set[float] = set()
    while path:
        page = await phones.ask(operator, "GET", path)
        found |= {datetime.fromisoformat(shift["starts_at"]).timestamp() for shift in page["items"]}
        path = f"{first}&cursor={page['next']}" if page["next"] else ""
    return found

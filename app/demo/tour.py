"""What visitors of the demo find: one resident who is asked within the minute, and the numbers to sign in with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core import clock
from app.demo import smart_home, zones
from app.demo.behaviour import TIRES
from app.demo.client import Phones
from app.demo.community import POSTS, TIME_ZONE, Village
from app.demo.people import Neighbour
from app.demo.visitors_day import keep_ready
from app.portal.demo import soon

WINDOW: Final = timedelta(minutes=5)
_STORIES: Final = {zones.WANDERER: "left their safe zone", TIRES: "is less active than usual"}
_COLLEAGUES: Final = ("Carer 2", "Carer 3", "Carer 4", *(f"Home worker {number}" for number in range(2, 8)))
_OPEN: Final = ("raised", "acknowledged", "en_route", "on_scene")


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody to sign in as."""

    who: str
    phone: str


def sign_ins(neighbours: Sequence[Neighbour]) -> Sequence[SignIn]:
    """Return whom visitors of a community of these people sign in as."""
    guide = neighbours[0]
    members = [
        SignIn(f"in that resident's care circle, called as number {number}", helper.phone)
        for number, helper in enumerate(guide.circle, 1)
    ]
    families = [
        SignIn(f"in the circle of somebody who {what}", neighbours[number].circle[0].phone)
        for number, what in _STORIES.items()
        if number < len(neighbours)
    ]
    families += [
        SignIn("looks after the smart home of a grandparent", neighbours[number].circle[smart_home.MANAGES].phone)
        for number in (smart_home.LIVES_THERE,)
        if number < len(neighbours)
    ]
    staff = [SignIn(post.title.lower(), post.phone) for post in POSTS if post.title not in _COLLEAGUES]
    resident = SignIn("a resident, asked within the minute", guide.create["contact_points"][0]["value"])
    return [resident, *members, *families, *staff]


async def prepare(phones: Phones, village: Village) -> None:
    """Have the visitors' resident asked at the next full minute; what the last visitors left open is closed.

    What else a visitor finds to do today is there: somebody to visit, and a doctor to see.
    """
    await _close_alarms(phones, village)
    await keep_ready(phones, village)
    guide = village.guide.actor
    plan = soon.check_in_plan(soon.next_minute(clock.now()), ZoneInfo(TIME_ZONE))
    plans = (await phones.ask(guide, "GET", "/v1/me/check-in-plans"))["items"]
    ours = next((row for row in plans if row["state"] == "active" and row["answer_window"] == soon.WINDOW), None)
    if ours is None:
        await phones.ask(guide, "POST", "/v1/me/check-in-plans", plan)
    else:
        await phones.ask(guide, "PUT", f"/v1/me/check-in-plans/{ours['id']}", plan)


async def _close_alarms(phones: Phones, village: Village) -> None:
    desk = village.staff["dispatcher"][0]
    alarms: list[dict[str, Any]] = (await phones.ask(desk, "GET", f"/v1/residents/{village.guide.id}/alarms"))["items"]
    for alarm in alarms:
        if alarm["state"] in _OPEN:
            path = f"/v1/alarms/{alarm['id']}"
            if alarm["state"] != "on_scene":
                await phones.ask(desk, "POST", f"{path}/acknowledgement", {"take_over": True})
            await phones.ask(desk, "POST", f"{path}/resolution", {"outcome": "false_alarm"})

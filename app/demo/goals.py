"""What is to be achieved for those who are visited in the demo, and what the agency makes of it every week."""

from datetime import date
from typing import Any, Final

from app.core.access import Actor
from app.demo import behaviour
from app.demo.client import Attempt, Phones
from app.demo.community import Resident

AGREED: Final[tuple[dict[str, Any], ...]] = (
    {"description": "Stays at home, and goes out every day", "priority": "high-priority"},
    {"description": "Feels well on most days", "target": {"measure": "mood", "low": 3}},
)
_JUDGED: Final = ("in-progress", "improving", "sustaining", "no-change")


async def judge(phones: Phones, attempt: Attempt, coordinator: Actor, resident: Resident, day: date) -> None:
    """Say how far somebody's goals are achieved on a day."""
    path = f"/v1/residents/{resident.id}/goals"
    for goal in (await phones.ask(coordinator, "GET", path))["items"]:
        if goal["lifecycle_status"] == "active":
            dice = behaviour.chance("goal", goal["description"], resident.neighbour.number, day)
            await attempt(coordinator, f"{path}/{goal['id']}/achievement", {"achievement_status": dice.choice(_JUDGED)})

"""Who is called for somebody, in which order, and who is on call when."""

import asyncio
from collections.abc import Mapping
from typing import Any

from app.portal.ground.moments import wall_time, weekday
from app.portal.residents.knowing import Known


async def circle(person: Known, words: Mapping[str, str]) -> dict[str, Any]:
    """Return the circle in its order and a week of its rota; raises ``Refused``."""
    members, rota = await asyncio.gather(person.ask("circle"), person.ask_if("circle:read", "rota", days=7))
    me = str(person.visit.actor.id)
    shown = [
        {
            **member,
            "called": words["you"] if member["account_id"] == me else member["name"],
            "is_me": member["account_id"] == me,
            "hours": [_hours(person, hours) for hours in member["on_call"]],
        }
        for member in members["items"]
        if member["state"] in ("accepted", "invited")
    ]
    return {"members": shown, "slots": rota["slots"] if rota else []}


def _hours(person: Known, hours: Mapping[str, Any]) -> str:
    begins, ends = (wall_time(person.visit, hours[name]) for name in ("start", "end"))
    return f"{weekday(person.visit, hours['weekday'])} {begins}–{ends}"

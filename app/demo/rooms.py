"""Video visits in the demo: two pages that meet in the visit's room as those of browsers do, and what is written."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from app.core import clock
from app.core.access import Actor
from app.demo.client import Line, LineClosed, Phones

_PATIENCE: Final = 10.0  # real seconds
NOTES: Final[tuple[dict[str, Any], ...]] = (
    {
        "subjective": "Dizzy when getting up, for about a week. No falls.",
        "objective": "Looks well. Home readings between 118/70 and 126/76.",
        "assessment": "Blood pressure rather low in the mornings.",
        "plan": "Tablet in the evening instead of the morning. Readings twice a day.",
        "instructions": "Take the tablet in the evening from today on, and get up slowly.",
        "follow_up_days": 14,
    },
    {
        "subjective": "Cough for ten days, getting better. Sleeps through.",
        "objective": "Speaks in whole sentences, no shortness of breath.",
        "assessment": "Cold, subsiding.",
        "plan": "Nothing but time.",
        "instructions": "Drink enough. Call us if you get fever, or short of breath.",
    },
    {
        "subjective": "The knee hurts on stairs, no injury.",
        "objective": "No swelling to be seen, bends well.",
        "assessment": "Wear of the joint, as known.",
        "plan": "Exercises. Visit at the practice if it is no better in three weeks.",
        "instructions": "Do the exercises every morning; the leaflet is on its way.",
        "follow_up_days": 21,
    },
)


@dataclass(frozen=True, slots=True)
class Room:
    """A visit that two are in together."""

    consultation_id: str
    lines: tuple[Line, Line]


async def meet(phones: Phones, consultation_id: str, resident: Actor, token: str) -> Room | None:
    """Have both come, and the clinician let the resident in; ``None`` if that came to nothing.

    ``token`` is the clinician's: their line ends with the session they signed in to.
    Raises ``Refused`` where the visit is over.
    """
    lines: list[Line] = []
    is_met = False
    try:
        async with asyncio.timeout(_PATIENCE):
            lines.append(theirs := await _enter(phones, consultation_id, resident, None))
            lines.append(own := await _enter(phones, consultation_id, None, token))
            you = (await theirs.hear(lambda told: told["type"] == "welcome"))["you"]
            await own.hear(lambda told: told["type"] == "welcome")
            own.say("admit", participant_id=you)
            await theirs.hear(lambda told: told["type"] == "standing" and told["you"] == "admitted")
            is_met = True
            return Room(consultation_id, (theirs, own))
    except (LineClosed, TimeoutError):
        return None
    finally:
        if not is_met:
            for line in lines:
                await line.hang_up()


async def _enter(phones: Phones, consultation_id: str, who: Actor | None, token: str | None) -> Line:
    path = f"/v1/consultations/{consultation_id}"
    link = (await phones.ask(who, "POST", f"{path}/links", token=token))["url"].partition("#")[2]
    admitted = await phones.ask(None, "POST", "/v1/consultation-passes", {"link": link})
    line = phones.line(f"{path}/signalling")
    line.say("hello", **{"pass": admitted["pass"]}, instance=str(clock.new_id()), after=0)
    return line


async def part(phones: Phones, room: Room, clinician: Actor) -> None:
    """Have both leave, and the clinician end the visit; raises ``Refused`` if it is over already."""
    for line in room.lines:
        await line.hang_up()
    await phones.ask(clinician, "POST", f"/v1/consultations/{room.consultation_id}/end")


async def write(phones: Phones, room: Room, clinician: Actor, note: dict[str, Any]) -> None:
    """Have the clinician write a note, and sign it; raises ``Refused`` if there is one."""
    path = f"/v1/consultations/{room.consultation_id}/note"
    await phones.ask(clinician, "PUT", path, note)
    await phones.ask(clinician, "POST", f"{path}/signature")

"""Who comes to somebody's home, and what was done there."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from app.core import clock
from app.portal.ground.moments import instant
from app.portal.residents.knowing import Known

_SPAN: Final = timedelta(days=14)
_MOST: Final = 200
_BADGES: Final[Mapping[str, str]] = {
    "planned": "waiting",
    "assigned": "waiting",
    "en_route": "waiting",
    "in_progress": "fine",
    "completed": "fine",
    "missed": "needs",
    "cancelled": "quiet",
    "suspended": "away",
}


async def visits(person: Known, _: Mapping[str, str]) -> dict[str, Any]:
    """Return the visits of two weeks ahead, the nearest first, and of two weeks past; raises ``Refused``."""
    now = clock.now()
    stretch = {"from": now - _SPAN, "to": now + _SPAN}
    found = await person.visit.api.pages(f"/v1/residents/{person.id}/care-visits", _MOST, **stretch)
    shown = [{**visit, "badge": _BADGES[visit["state"]]} for visit in found]
    ahead = [visit for visit in shown if instant(visit["ends_at"]) > now and visit["completed_at"] is None]
    past = [visit for visit in shown if visit not in ahead]
    return {"ahead": list(reversed(ahead)), "past": past, "days": _SPAN.days}


async def one_visit(person: Known, visit_id: UUID, words: Mapping[str, str]) -> dict[str, Any]:
    """Return a visit with its tasks and notes; raises ``Refused``."""
    found, circle = await asyncio.gather(
        person.ask(f"care-visits/{visit_id}"), person.items_if("circle:read", "circle")
    )
    names = {member["account_id"]: member["name"] for member in circle}
    names |= {carer["account_id"]: carer["name"] for carer in found["carers"]}
    names |= {person.account_id: person.name, str(person.visit.actor.id): words["you"]}
    notes = [{**note, "author": names.get(note["author_id"], words["somebody"])} for note in found["notes"]]
    return {"one": {**found, "badge": _BADGES[found["state"]]}, "notes": notes}

"""Who comes to the person's home in these hours: help that was ordered, and carers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.core import clock
from app.portal.ground.moments import instant
from app.portal.ground.visits import Visit
from app.portal.resident_home.knowing import told

AHEAD: Final = timedelta(hours=12)
"""How long ahead somebody who comes is told of on the first page."""
_LATE: Final = timedelta(hours=2)
"""How long after its end a visit that has not begun is still waited for."""
_ON_THE_WAY: Final = frozenset({"on_the_way", "en_route"})
_THERE: Final = frozenset({"started", "in_progress"})
_EXPECTED: Final = frozenset({"assigned", "placed", "planned"})
_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Coming:
    """Somebody who comes: ``how`` is ``on_the_way``, ``there`` or ``expected``; ``href`` leads to more of it."""

    who: str
    how: str
    starts_at: str
    href: str | None = None


async def coming(visit: Visit) -> list[Coming]:
    """Return who is there, on the way, or expected within hours, in this order; what cannot be told is left out."""
    now = clock.now()
    path = f"/v1/residents/{visit.actor.resident_id}"
    # A visit is found by when it begins: one that began hours ago may go on.
    span = {"from": now - AHEAD, "to": now + AHEAD}
    orders, visits = await asyncio.gather(
        told(_orders(visit, now - AHEAD)),
        told(visit.api.get(f"{path}/care-visits", limit=_MOST, **span)),
    )
    found = [
        *((one, one["worker"] or one["provider"], f"/me/services/orders/{one['id']}") for one in orders or ()),
        *((one, _carers(one), None) for one in (visits["items"] if visits else ())),
    ]
    near = [
        Coming(who, how, one["starts_at"], href)
        for one, who, href in found
        if (how := _how(one["state"]))
        and instant(one["starts_at"]) < now + AHEAD < instant(one["ends_at"]) + AHEAD + _LATE
    ]
    order = ("there", "on_the_way", "expected")
    return sorted(near, key=lambda one: (order.index(one.how), instant(one.starts_at)))


async def _orders(visit: Visit, since: datetime) -> list[Mapping[str, Any]]:
    """Return the help ordered since then: the list begins with what is weeks ahead, where help recurs."""
    found: list[Mapping[str, Any]] = []
    path, cursor = f"/v1/residents/{visit.actor.resident_id}/home-orders", None
    while True:
        page = await visit.api.get(path, limit=_MOST, cursor=cursor)
        found += page["items"]
        cursor = page["next"]
        if cursor is None or instant(found[-1]["starts_at"]) < since:
            return found


def _how(state: str) -> str | None:
    for how, states in (("there", _THERE), ("on_the_way", _ON_THE_WAY), ("expected", _EXPECTED)):
        if state in states:
            return how
    return None


def _carers(visit: Mapping[str, Any]) -> str:
    return ", ".join(one["name"] for one in visit["carers"])

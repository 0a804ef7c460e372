"""Who looked at the resident's data, what others may see, and taking it back."""

import asyncio
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from starlette.responses import Response

from app.core.problems import NotFound
from app.core.routing import route_options
from app.portal.ground.asking import unless_hidden
from app.portal.ground.changing import Trouble
from app.portal.ground.forms import Posted
from app.portal.ground.moments import instant
from app.portal.ground.pages import again
from app.portal.ground.routing import pages_router
from app.portal.ground.visits import Residing, Visit
from app.portal.resident_life.residing import answered, page

router = pages_router("/me/looked-at")

_MOST: Final = 100
_TIMES: Final = 6
"""So many times of day are named; of more it is said how many there were."""
Json = Mapping[str, Any]


@dataclass(slots=True)
class Look:
    """What somebody did with the same things on one day, and when; the latest first."""

    says: str
    is_reading: bool
    reason: str | None
    times: list[str] = field(default_factory=list)

    @property
    def named(self) -> list[str]:
        """The times that are named."""
        return self.times[:_TIMES]

    @property
    def more(self) -> int:
        """How many times are not."""
        return max(0, len(self.times) - _TIMES)


@dataclass(slots=True)
class Person:
    """Somebody, who they are to the resident, and what they looked at on one day."""

    name: str | None
    kinship: str | None
    organizations: list[str]
    looks: list[Look] = field(default_factory=list)


@dataclass(slots=True)
class Day:
    """A day on which somebody looked."""

    day: date
    people: list[Person] = field(default_factory=list)


def by_days(entries: Iterable[Json], me: str, kinships: Mapping[str, str], zone: ZoneInfo) -> list[Day]:
    """Return who else looked, day by day and person by person; what one did oneself is left out."""
    days = dict[date, Day]()
    people = dict[tuple[date, str, str | None], Person]()
    looks = dict[tuple[date, str, str | None, str, str | None], Look]()
    for one in entries:
        if one["actor_id"] == me and one["app"] is None:
            continue
        day, app = instant(one["at"]).astimezone(zone).date(), one["app"]
        whose = (day, one["actor_id"], app)
        if whose not in people:
            kinship = kinships.get(one["actor_id"])
            people[whose] = Person(one["name"] or app, kinship, list(one["organizations"]))
            days.setdefault(day, Day(day)).people.append(people[whose])
        what = (*whose, one["explanation"], one.get("reason"))
        if what not in looks:
            looks[what] = Look(one["explanation"], one["is_reading"], one.get("reason"))
            people[whose].looks.append(looks[what])
        minute = instant(one["at"]).replace(second=0, microsecond=0).isoformat()
        if minute not in looks[what].times:  # a page that is open looks several times in one
            looks[what].times.append(minute)
    return list(days.values())


@router.get("", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_looked_at(visit: Residing, cursor: str | None = None) -> Response:
    """Show who looked, and who may."""
    return await _looked_at(visit, cursor=cursor)


async def _looked_at(visit: Visit, trouble: Trouble | None = None, cursor: str | None = None) -> Response:
    looked, grants, circle = await asyncio.gather(
        visit.api.get("/v1/me/data-accesses", limit=_MOST, cursor=cursor),
        visit.api.pages("/v1/me/grants", _MOST),
        unless_hidden(visit.api.get("/v1/me/circle")),
    )
    kinships = {one["account_id"]: one["relationship"] for one in (circle or {"items": []})["items"]}
    return page(
        visit,
        "looked_at.html",
        trouble,
        days=by_days(looked["items"], str(visit.actor.id), kinships, visit.time_zone),
        next=looked["next"],
        is_first=cursor is None,
        grants=[one for one in grants if one["state"] in ("in_force", "upcoming")],
        kinships=kinships,
    )


@router.get("/grants/{grant_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def show_grant(visit: Residing, grant_id: uuid.UUID) -> Response:
    """Ask once whether what somebody may see is to be taken back."""
    grants = await visit.api.pages("/v1/me/grants", _MOST)
    grant = next((one for one in grants if one["id"] == str(grant_id)), None)
    if grant is None:
        raise NotFound
    return page(visit, "grant.html", grant=grant)


@router.post("/grants/{grant_id}", include_in_schema=False)
@route_options(database=False, idempotency=False)
async def take_back(visit: Residing, form: Posted, grant_id: uuid.UUID) -> Response:
    """Take back what somebody may see: the next thing they ask for is refused."""
    del form
    _, trouble = await answered(visit, visit.api.delete(f"/v1/me/grants/{grant_id}"))
    if trouble is not None:
        return await _looked_at(visit, trouble)
    return again("/me/looked-at", "taken_back")

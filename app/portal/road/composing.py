"""What the pages of the road show: the stops of a day in order, who is next, what is late, and one visit."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from app.core import clock
from app.portal.ground.asking import unless_hidden
from app.portal.ground.calling import numbers_of
from app.portal.ground.links import Place
from app.portal.ground.moments import instant
from app.portal.ground.visits import Visit
from app.portal.road.drawing import Map, map_of

Said = Mapping[str, Any]

_GOING: Final = ("assigned", "en_route")
_OPEN: Final = ("planned", "assigned", "en_route", "in_progress", "missed")
_ORDER_AHEAD: Final = ("assigned", "on_the_way")
_ORDER_OPEN: Final = (*_ORDER_AHEAD, "started")
BADGES: Final[Mapping[str, str]] = {
    "planned": "waiting",
    "assigned": "waiting",
    "en_route": "away",
    "on_the_way": "away",
    "in_progress": "fine",
    "started": "fine",
    "present": "fine",
    "left": "quiet",
    "completed": "quiet",
    "finished": "quiet",
    "closed": "quiet",
    "held": "quiet",
    "placed": "waiting",
    "expired": "quiet",
    "missed": "needs",
    "no_access": "needs",
    "cancelled": "quiet",
    "suspended": "away",
}
_ONLY_OF_VISITS: Final[Said] = {"handover": None, "is_critical": False, "together_with": ()}


@dataclass(frozen=True, slots=True)
class Stop:
    """Somewhere a carer goes: to visit, or for an order of help at home."""

    kind: str
    id: str
    said: Said
    state: str
    """How it stands for whoever goes there."""
    is_open: bool
    is_ahead: bool

    @property
    def address(self) -> str:
        """Return its page."""
        return f"/portal/road/{self.kind}s/{self.id}"

    @property
    def starts_at(self) -> datetime:
        """When it begins."""
        return instant(self.said["starts_at"])

    @property
    def late_since(self) -> timedelta | None:
        """How long somebody should have been there already; ``None`` where nobody is late."""
        late = clock.now() - self.starts_at
        return late if self.is_ahead and late >= timedelta(minutes=1) else None

    @property
    def badge(self) -> str:
        """Return the look of its state."""
        return BADGES[self.state]

    @property
    def travel(self) -> timedelta | None:
        """How long the way from the stop before is, as far as that is known."""
        seconds = self.said.get("travel")
        return _length(seconds) if seconds is not None else None

    @property
    def place(self) -> Place | None:
        """Where it lies, as far as that is known."""
        return place_of(self.said)

    @property
    def print(self) -> str:
        """Return what differs once somebody else has changed it: when, where, with whom, or whether at all."""
        parts = [self.said["starts_at"], self.said["ends_at"], self.said["address"], self.said["building"]]
        parts += [self.said.get("together_with"), self.said["state"] == "suspended"]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Day:
    """A carer's day."""

    date: date
    stops: tuple[Stop, ...]
    map: Map | None
    is_today: bool

    @property
    def next(self) -> Stop | None:
        """Return where the carer is, or goes next."""
        still = [stop for stop in self.stops if stop.is_open]
        return next((stop for stop in still if not stop.is_ahead), still[0] if still else None)

    @property
    def done(self) -> int:
        """Return how many stops are behind."""
        return sum(not stop.is_open for stop in self.stops)


async def day_of(visit: Visit, chosen: date) -> Day:
    """Return a day of the visitor's: the visits they make and the orders they carry out; raises ``Refused``."""
    visits, orders = await asyncio.gather(
        visit.api.get("/v1/me/visits", date=chosen), visit.api.get("/v1/me/home-orders", date=chosen)
    )
    stops = sorted(
        [*(_visit_stop(one) for one in visits["items"]), *(_order_stop(one) for one in orders["items"])],
        key=lambda stop: (stop.starts_at, stop.id),
    )
    return Day(chosen, tuple(stops), map_of([stop.place for stop in stops]), chosen == today_of(visit))


def today_of(visit: Visit) -> date:
    """Return the visitor's own date."""
    return clock.now().astimezone(visit.time_zone).date()


def _visit_stop(said: Said) -> Stop:
    is_mine = said["own_state"] in (*_GOING, "present")
    is_open = is_mine and said["state"] in _OPEN
    own = said["own_state"] if said["own_state"] in ("present", "left", "en_route") else said["state"]
    state = said["state"] if said["state"] in ("suspended", "missed", "completed") else own
    return Stop("visit", said["visit_id"], said, state, is_open, is_open and said["own_state"] in _GOING)


def _order_stop(said: Said) -> Stop:
    state = said["state"]
    said = {**_ONLY_OF_VISITS, **said}
    return Stop("order", said["id"], said, state, state in _ORDER_OPEN, state in _ORDER_AHEAD)


def place_of(said: Said) -> Place | None:
    """Return where something lies, ``None`` where that is not known."""
    if said["latitude"] is None or said["longitude"] is None:
        return None
    return Place(said["latitude"], said["longitude"])


def _length(written: str | float) -> timedelta:
    """Return a length of time as the API writes it (ISO 8601, in whole minutes here)."""
    if not isinstance(written, str):
        return timedelta(seconds=written)
    minutes, number = 0.0, ""
    for sign in written.removeprefix("P").replace("T", ""):
        if sign.isdigit() or sign == ".":
            number += sign
            continue
        minutes += float(number) * {"D": 1440, "H": 60, "M": 1, "S": 1 / 60}[sign]
        number = ""
    return timedelta(minutes=minutes)


@dataclass(frozen=True, slots=True)
class One:
    """One visit, as whoever makes it needs it."""

    said: Said
    stop: Said | None
    profile: Said | None
    own: Said | None
    numbers: Said

    @property
    def id(self) -> str:
        """The visit."""
        return str(self.said["id"])

    @property
    def address(self) -> str:
        """Return its page."""
        return f"/portal/road/visits/{self.id}"

    @property
    def own_state(self) -> str:
        """How the visitor stands to it; empty for who does not make it, or no longer."""
        return str(self.own["state"]) if self.own else ""

    @property
    def is_open(self) -> bool:
        """Say whether it can still be made, or goes on."""
        return self.said["state"] in _OPEN

    @property
    def can_arrive(self) -> bool:
        """Say whether the visitor is awaited there."""
        return self.is_open and self.own_state in _GOING

    @property
    def can_work(self) -> bool:
        """Say whether tasks are the visitor's; before they are there, too: what is pressed is sent in order."""
        return self.is_open and self.own_state in (*_GOING, "present")

    @property
    def can_write(self) -> bool:
        """Say whether the visitor may add notes and pictures, which they may when all is done."""
        return self.can_work or (self.own_state == "left" and self.said["state"] in ("in_progress", "completed"))

    @property
    def name(self) -> str:
        """Whom it is to."""
        found = self.stop or self.profile
        return str(found["name"]) if found else ""

    @property
    def place(self) -> Place | None:
        """Where it is."""
        return place_of(self.stop) if self.stop else None

    @property
    def badge(self) -> str:
        """Return the look of its state."""
        return BADGES[str(self.said["state"])]

    @property
    def needs(self) -> Sequence[str]:
        """What the resident needs to be met with."""
        return self.profile["accessibility_needs"] if self.profile else ()


async def visit_of(visit: Visit, visit_id: UUID) -> One:
    """Return a visit with where it is and what to know at the door; raises ``Refused``."""
    said = await visit.api.get(f"/v1/visits/{visit_id}")
    day = instant(said["starts_at"]).astimezone(visit.time_zone).date()
    me = str(visit.actor.id)
    own = next((one for one in reversed(said["carers"]) if one["account_id"] == me), None)
    stops, profile, numbers = await asyncio.gather(
        visit.api.get("/v1/me/visits", date=day),
        unless_hidden(visit.api.get(f"/v1/residents/{said['resident_id']}/profile")) if own else _nothing(),
        numbers_of(visit),
    )
    stop = next((one for one in stops["items"] if one["visit_id"] == str(visit_id)), None)
    return One(said, stop, profile, own, numbers)


async def _nothing() -> None:
    return None

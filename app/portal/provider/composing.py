"""What the board shows of orders: in which lane each is, how loud, and which of them are asked for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.dispatch.api import Place, distance
from app.portal.ground.moments import instant

Json = Mapping[str, Any]
LANES: Final = ("trouble", "new", "to_place", "offered", "accepted", "on_the_way", "at_work", "done")
NO_DISTRICT: Final = "-"
OVERDUE: Final = timedelta(minutes=30)
NEAR: Final = timedelta(hours=24)
_LANES: Final[Mapping[str, str]] = {
    "held": "new",
    "placed": "to_place",
    "assigned": "accepted",
    "on_the_way": "on_the_way",
    "started": "at_work",
    "finished": "done",
    "closed": "done",
    "expired": "done",
    "cancelled": "done",
    "no_access": "trouble",
}
_KINDS: Final[Mapping[str, str]] = {
    "trouble": "needs",
    "new": "waiting",
    "to_place": "needs",
    "offered": "waiting",
    "accepted": "fine",
    "on_the_way": "away",
    "at_work": "fine",
    "done": "quiet",
}
OVER: Final = frozenset({"closed", "expired", "cancelled", "no_access"})


@dataclass(frozen=True, slots=True)
class Row:
    """An order on the board."""

    item: Json
    lane: str
    why: str
    """The key of what is the matter, empty while all is as it should be."""
    district: str

    @property
    def kind(self) -> str:
        """How loud it is."""
        return "needs" if self.why else _KINDS[self.lane]

    @property
    def where(self) -> list[str]:
        """Where it is, each thing once: building and district only where the address does not say them already."""
        address = self.item["address"] or ""
        beside = (self.item["building"] or "", "" if self.district == NO_DISTRICT else self.district)
        building, district = ("" if part.casefold() in address.casefold() else part for part in beside)
        return [part for part in (building, address, district) if part]


def trouble_with(order: Json, now: datetime) -> str:
    """Return the key of what is the matter with an order, empty for nothing."""
    if order["state"] == "no_access":
        return "no_access"
    if order["is_late"]:
        return "late"
    if order["state"] == "started" and instant(order["ends_at"]) + OVERDUE < now:
        return "overdue"
    if order["state"] == "placed" and order.get("why") and instant(order["starts_at"]) - now < NEAR:
        return "nobody"
    return ""


def rows(orders: Iterable[Json], now: datetime, areas: Sequence[Json]) -> list[Row]:
    """Return orders as the board shows them, in the order they come."""
    return [_row(one, now, areas) for one in orders]


def _row(order: Json, now: datetime, areas: Sequence[Json]) -> Row:
    why = trouble_with(order, now)
    lane = "trouble" if why else _LANES[order["state"]]
    if lane == "to_place" and order["asked"]:
        lane = "offered"
    return Row(order, lane, why, district_of(order, areas))


def areas_of(offers: Iterable[Json]) -> list[Json]:
    """Return where a company comes to, each area once, the smallest first: of two the nearer one names a home."""
    found = {one["code"]: one for offer in offers for one in offer["areas"]}
    return sorted(found.values(), key=lambda one: (one["radius"], one["code"]))


def district_of(order: Json, areas: Sequence[Json]) -> str:
    """Return the code of the area a home is in; ``NO_DISTRICT`` where that is not known."""
    if order["latitude"] is None:
        return NO_DISTRICT
    home = Place(order["latitude"], order["longitude"])
    inside = (one["code"] for one in areas if distance(Place(one["latitude"], one["longitude"]), home) <= one["radius"])
    return next(inside, NO_DISTRICT)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which orders are asked for."""

    lane: str = ""
    service: str = ""
    district: str = ""
    worker: str = ""
    text: str = ""

    def without_lane(self, row: Row) -> bool:
        """Say whether an order is asked for, whatever its lane."""
        item = row.item
        if self.service and item["service_id"] != self.service:
            return False
        if self.district and row.district != self.district:
            return False
        if self.worker and (item["worker_id"] or NO_DISTRICT) != self.worker:
            return False
        return not self.text or self._is_found(item)

    def _is_found(self, item: Json) -> bool:
        said = (item["name"], item["address"], item["building"], item["worker"], item["id"])
        everything = " ".join(one for one in said if one).casefold()
        return all(piece in everything for piece in self.text.casefold().split())


def counted(shown: Iterable[Row]) -> dict[str, int]:
    """Return how many orders each lane has."""
    found = dict.fromkeys(LANES, 0)
    for row in shown:
        found[row.lane] += 1
    return found


def grouped(shown: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Return the lanes that have orders, in the order in which they are to be looked at."""
    lanes = [(lane, [row for row in shown if row.lane == lane]) for lane in LANES]
    return [(lane, found) for lane, found in lanes if found]

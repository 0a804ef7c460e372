"""Links that leave the pages: a number that a phone dials, a place that a map opens."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_NOT_DIALLED: Final = re.compile(r"[^0-9+*#]")
_OLD: Final = timedelta(minutes=5)
"""From then on a place says how old it was when it became known: whoever was there may be elsewhere."""


def call_link(number: str) -> str:
    """Return what a phone dials: the number without what only parts it for the eye (RFC 3966)."""
    return "tel:" + _NOT_DIALLED.sub("", number)


def map_link(latitude: float, longitude: float) -> str:
    """Return what opens a phone's own map (RFC 5870) with a mark at the place, which some set only where asked for."""
    spot = f"{latitude:.6f},{longitude:.6f}"
    return f"geo:{spot}?q={spot}"


@dataclass(frozen=True, slots=True)
class Place:
    """A point and the ways to look at it on a map."""

    latitude: float
    longitude: float
    accuracy: float | None = None
    at: str | None = None

    def age(self, at: str) -> timedelta | None:
        """Return by how much the place is older than an instant, ``None`` where that is nothing to speak of."""
        age = datetime.fromisoformat(at) - datetime.fromisoformat(self.at) if self.at else timedelta()
        return age if age >= _OLD else None

    @property
    def geo(self) -> str:
        """The address by which a phone opens its own map."""
        return map_link(self.latitude, self.longitude)

    @property
    def web(self) -> str:
        """The address of a map on the web, for whatever has no map of its own."""
        spot = f"{self.latitude:.6f}/{self.longitude:.6f}"
        return f"https://www.openstreetmap.org/?mlat={self.latitude:.6f}&mlon={self.longitude:.6f}#map=17/{spot}"

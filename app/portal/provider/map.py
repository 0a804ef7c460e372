"""The sketch of a day: where homes are and who goes from one to the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Final

from markupsafe import Markup

from app.portal.charts.drawing import element, number, words
from app.portal.charts.maps import Plane, Point

WIDE: Final = 400
HIGH: Final = 290
_EDGE: Final = 30
ROUTES: Final = 6
"""How many routes are told apart by their line; further ones look alike again, and their numbers tell."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on the map: what it is called there, and what it is."""

    label: str
    latitude: float
    longitude: float
    kind: str
    """``home``, ``open`` (nobody goes there yet), ``start`` or ``seen`` (where somebody was last)."""

    @property
    def place(self) -> Point:
        """Latitude and longitude."""
        return self.latitude, self.longitude


@dataclass(frozen=True, slots=True)
class Route:
    """Where somebody goes, in order."""

    label: str
    spots: Sequence[Spot]


def day_map(title: str, description: str, routes: Sequence[Route], alone: Sequence[Spot]) -> Markup | None:
    """Return the map; ``alone`` is what is on no route. ``None`` where nothing is known of any place."""
    spots = [*(spot for route in routes for spot in route.spots), *alone]
    if not spots:
        return None
    plane = Plane((spot.place for spot in spots), WIDE, HIGH, _EDGE)
    at: list[Point] = []
    for spot in spots:
        at.append(plane.at(spot.place, at))
    where, drawn = iter(at), list[Markup]()
    for index, route in enumerate(routes):
        for (x1, y1), (x2, y2) in pairwise(list(islice(where, len(route.spots)))):
            drawn.append(element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=f"map-route map-{index % ROUTES + 1}"))
    for spot, (x, y) in zip(spots, at, strict=True):
        drawn.extend(_spot(spot, x, y))
    inner = Markup("").join((element("title", title), element("desc", description), *drawn))
    opening = Markup('<svg xmlns="http://www.w3.org/2000/svg" class="map" viewBox="0 0 {} {}" role="img">').format(
        WIDE, number(HIGH)
    )
    return opening + inner + Markup("</svg>")


def _spot(spot: Spot, x: float, y: float) -> list[Markup]:
    side = 11
    if spot.kind == "start":
        mark = element("rect", x=x - side / 2, y=y - side / 2, width=side, height=side, class_="map-start")
    elif spot.kind == "open":
        corners = ((x, y - side), (x + side, y + side), (x - side, y + side))
        points = " ".join(f"{number(across)},{number(down)}" for across, down in corners)
        mark = element("polygon", points=points, class_="map-open")
    else:
        mark = element("circle", cx=x, cy=y, r=side if spot.kind == "home" else 6, class_=f"map-{spot.kind}")
    is_right = x > WIDE - 140
    place = (x - side - 4, "end") if is_right else (x + side + 4, "start")
    inside = spot.kind == "home" and len(spot.label) <= 2
    label = (
        words(spot.label, x, y + 4.5, "map-number", anchor="middle")
        if inside
        else words(spot.label, place[0], y + 4.5, "map-label", anchor=place[1], most=120)
    )
    return [mark, label]

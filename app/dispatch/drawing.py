"""A day's plan as a drawing: homes on a map without a map, and everybody's route from one to the next."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import cos, dist, floor, log10, pi, radians, sin
from typing import Final

from app.dispatch.inputs import Assignment, Job, Place, Plan, Worker
from app.dispatch.travel import EARTH_RADIUS

_MAP: Final = (720, 640)
_LEGEND: Final = 240
_MARGIN: Final = 36
_ROW: Final = 22
_DOT: Final = 8.5
_SMALLEST: Final = 400.0
"""Metres across: nothing is drawn larger than that."""
_COLOURS: Final = (
    "#2f6fde",
    "#d1531f",
    "#1d8a5b",
    "#a343b8",
    "#b8860b",
    "#c2335c",
    "#13899e",
    "#6a5acd",
    "#6b8e23",
    "#8b5a2b",
)
_DASHES: Final = ("", "9 4", "2 4", "9 4 2 4")
"""Who has the colour of somebody before them has another line."""
_STYLE: Final = (
    "svg{--ink:#24292f;--faint:#8c959f;--paper:#ffffff;font-family:system-ui,sans-serif}"
    "@media (prefers-color-scheme:dark){svg{--ink:#e6edf3;--faint:#7d8590;--paper:#0d1117}}"
    ".paper{fill:var(--paper)}.text{fill:var(--ink);font-size:14px}.small{fill:var(--faint);font-size:12px}"
    ".halo{fill:none;stroke:var(--paper);stroke-width:5;stroke-linejoin:round}"
    ".way{fill:none;stroke-width:2.25;stroke-linejoin:round;stroke-linecap:round}"
    ".edge{stroke:var(--paper);stroke-width:1.5}.number{fill:#fff;font-size:10px;font-weight:600;text-anchor:middle}"
    ".nobody{fill:var(--paper);stroke:var(--ink);stroke-width:1.5;stroke-dasharray:3 2}"
    ".bar{fill:none;stroke:var(--ink);stroke-width:1.5}"
)

_Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Map:
    """Where places are on the drawing: north is up, and a metre is as long in each direction."""

    west: float
    north: float
    shrunk: float
    across: float

    def __call__(self, place: Place) -> _Point:
        """Return where a place is."""
        x = (place.longitude - self.west) * self.shrunk * self.across + _MARGIN
        return (round(x, 1), round((self.north - place.latitude) * self.across + _MARGIN, 1))

    @property
    def metre(self) -> float:
        """How long a metre is."""
        return self.across / radians(1) / EARTH_RADIUS


@dataclass(frozen=True, slots=True)
class _Route:
    name: str
    colour: str
    dashes: str
    start: Place | None
    stops: tuple[Place | None, ...]
    end: Place | None

    @property
    def line(self) -> list[Place]:
        return [place for place in (self.start, *self.stops, self.end) if place is not None]


def drawn(
    plan: Plan, jobs: Iterable[Job], workers: Iterable[Worker], names: Mapping[uuid.UUID, str], *, nobody: str = "—"
) -> str:
    """Return a plan as SVG: homes as dots in the colour of who comes, numbered in the order in which they come.

    ``names`` are those of the legend, by worker; who goes nowhere is not in it. Where nobody comes is a dashed dot,
    which the legend calls ``nobody``. What has no place is counted there but not drawn.
    """
    places = {job.id: job.place for job in jobs}
    routes = _routes([*plan.untouched, *plan.assignments], places, workers, names)
    left = [places[one.job_id] for one in plan.unassigned]
    known = [place for route in routes for place in route.line] + [place for place in left if place is not None]
    to_scale = _map(known)
    rows = len(routes) + bool(left)
    width, height = _MAP[0] + _LEGEND, max(_MAP[1], 2 * _MARGIN + rows * _ROW)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" width="{width}" height="{height}" rx="8"/>',
            *(_line(route, to_scale) for route in routes if len(route.line) > 1),
            *(_square(to_scale(route.start), route.colour) for route in routes if route.start is not None),
            *_dots(routes, [place for place in left if place is not None], to_scale),
            *_legend(routes, len(left), nobody),
            *(_bar(to_scale.metre, height) if known else ()),
            "</svg>\n",
        ]
    )


def _routes(
    assignments: Sequence[Assignment],
    places: Mapping[uuid.UUID, Place | None],
    workers: Iterable[Worker],
    names: Mapping[uuid.UUID, str],
) -> list[_Route]:
    stops: defaultdict[uuid.UUID, list[Place | None]] = defaultdict(list)
    for one in sorted(assignments, key=lambda one: (one.starts_at, one.job_id)):
        for who in one.workers:
            stops[who].append(places[one.job_id])
    going = sorted((one for one in workers if one.id in stops), key=lambda one: (names[one.id], one.id))
    return [
        _Route(
            name=names[one.id],
            colour=_COLOURS[number % len(_COLOURS)],
            dashes=_DASHES[number // len(_COLOURS) % len(_DASHES)],
            start=one.start,
            stops=tuple(stops[one.id]),
            end=one.end,
        )
        for number, one in enumerate(going)
    ]


def _map(places: Sequence[Place]) -> _Map:
    """Return the map that shows all of them as large as can be."""
    latitudes = [place.latitude for place in places] or [0.0]
    longitudes = [place.longitude for place in places] or [0.0]
    middle = (min(latitudes) + max(latitudes)) / 2
    shrunk = max(0.01, cos(radians(middle)))
    least = _SMALLEST / radians(1) / EARTH_RADIUS
    high = max(least, max(latitudes) - min(latitudes))
    wide = max(least, (max(longitudes) - min(longitudes)) * shrunk)
    across = min((_MAP[0] - 2 * _MARGIN) / wide, (_MAP[1] - 3 * _MARGIN) / high)
    west = (min(longitudes) + max(longitudes)) / 2 - (_MAP[0] - 2 * _MARGIN) / across / shrunk / 2
    return _Map(west, middle + (_MAP[1] - 3 * _MARGIN) / across / 2, shrunk, across)


def _line(route: _Route, to_scale: _Map) -> str:
    points = " ".join(f"{x:g},{y:g}" for x, y in map(to_scale, route.line))
    dashes = f' stroke-dasharray="{route.dashes}"' if route.dashes else ""
    return (
        f'<polyline class="halo" points="{points}"/>'
        f'<polyline class="way" stroke="{route.colour}"{dashes} points="{points}"/>'
    )


def _square(at: _Point, colour: str) -> str:
    return f'<rect class="edge" fill="{colour}" x="{at[0] - 6:g}" y="{at[1] - 6:g}" width="12" height="12" rx="2"/>'


def _dots(routes: Sequence[_Route], left: Sequence[Place], to_scale: _Map) -> list[str]:
    """Return the homes; who comes to one at different times, together, or next door, stands around it."""
    stops = [
        (to_scale(place), route.colour, str(number))
        for route in routes
        for number, place in enumerate(route.stops, 1)
        if place is not None
    ]
    there: dict[_Point, list[tuple[str, str]]] = {}
    for at, colour, number in sorted([*stops, *((to_scale(place), "", "") for place in left)]):
        near = next((one for one in there if dist(one, at) < 2 * _DOT), at)
        there.setdefault(near, []).append((colour, number))
    found = []
    for at, ones in there.items():
        apart = 0.0 if len(ones) == 1 else max(_DOT, _DOT / sin(pi / len(ones)))
        for place, (colour, number) in enumerate(ones):
            turn = 2 * pi * place / len(ones)
            found.append(_dot((at[0] - apart * cos(turn), at[1] - apart * sin(turn)), colour, number))
    return found


def _dot(at: _Point, colour: str, number: str) -> str:
    x, y = (round(one, 1) for one in at)
    if not colour:
        return f'<circle class="nobody" cx="{x:g}" cy="{y:g}" r="{_DOT - 1.5:g}"/>'
    return (
        f'<circle class="edge" fill="{colour}" cx="{x:g}" cy="{y:g}" r="{_DOT:g}"/>'
        f'<text class="number" x="{x:g}" y="{round(y + 3.6, 1):g}">{number}</text>'
    )


def _legend(routes: Sequence[_Route], left: int, nobody: str) -> list[str]:
    found = []
    x, y = _MAP[0] + 8, _MARGIN
    for route in routes:
        dashes = f' stroke-dasharray="{route.dashes}"' if route.dashes else ""
        found.append(
            f'<path class="way" stroke="{route.colour}"{dashes} d="M{x} {y}h28"/>'
            f'<text class="text" x="{x + 38}" y="{y + 5}">{escape(route.name)} '
            f'<tspan class="small">{len(route.stops)}</tspan></text>'
        )
        y += _ROW
    if left:
        found.append(
            f'<circle class="nobody" cx="{x + 14}" cy="{y}" r="{_DOT - 1.5:g}"/><text class="text" x="{x + 38}" '
            f'y="{y + 5}">{escape(nobody)} <tspan class="small">{left}</tspan></text>'
        )
    return found


def _bar(metre: float, height: int) -> list[str]:
    """Return a bar of a round length, at most a fifth of the map."""
    longest = _MAP[0] / 5 / metre
    power = 10.0 ** floor(log10(longest))
    metres = max(step * power for step in (1, 2, 5) if step * power <= longest)
    named = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    length, y = round(metres * metre, 1), height - 20
    return [
        f'<path class="bar" d="M{_MARGIN} {y - 5}v5h{length:g}v-5"/>',
        f'<text class="small" x="{_MARGIN + length + 8:g}" y="{y + 1}">{named}</text>',
    ]

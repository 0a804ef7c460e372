"""A line over time: one or two series of measurements, what is fine for the person, and gaps where nobody measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from app.portal.charts.drawing import WIDTH, Chart, Table, element, finite, number, picture, width_of, words
from app.portal.charts.scales import (
    TimeScale,
    ValueScale,
    moment_label,
    number_label,
    time_scale,
    time_ticks,
    value_scale,
)

_HEIGHT: Final = 220
_LEFT: Final = 48
_RIGHT: Final = WIDTH - 10
_BOTTOM: Final = _HEIGHT - 26
_LEGEND: Final = 20
# More marks than this on a phone are a smear: each piece of time then shows its lowest, its highest and its mean.
_MOST_MARKS: Final = 90
_GAPS_OF_USUAL: Final = 4


@dataclass(frozen=True, slots=True)
class Series:
    """What was measured, under one name, in any order."""

    label: str
    points: Sequence[tuple[datetime, float]]


@dataclass(frozen=True, slots=True)
class Band:
    """What somebody said is fine for this person: from low to high, either may be open."""

    label: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class LineWords:
    """What the picture says in the reader's language."""

    title: str
    description: str
    unit: str
    when: str
    lowest: str
    highest: str
    mean: str
    nothing: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One place on a line: a measurement, or a piece of time with its lowest, highest and mean."""

    at: datetime
    value: float
    low: float
    high: float


def line_chart(
    series: Sequence[Series],
    said: LineWords,
    *,
    start: datetime,
    end: datetime,
    zone: ZoneInfo,
    language: str = "en",
    bands: Sequence[Band] = (),
    gap: timedelta | None = None,
) -> Chart:
    """Return the lines from start to end; a line breaks where nothing was measured for longer than `gap`.

    Without `gap`, four times the usual distance between two measurements. At most two series (blood pressure is two).
    Raises ValueError for a value that is no finite number, an instant without a zone, or an end before the start.
    """
    if len(series) > 2:
        raise ValueError("three lines cannot be told apart")
    edges = [edge for band in bands for edge in (band.low, band.high) if edge is not None]
    finite([value for line in series for _, value in line.points] + edges)
    times = time_scale(start, end, _LEFT, _RIGHT)
    lines = [_inside(line.points, times) for line in series]
    top = 14 + _LEGEND
    marks = [reduced(points, times) for points in lines]
    values = value_scale([value for points in lines for _, value in points] + edges, top, _BOTTOM)
    drawn = [
        *(_band(band, values) for band in bands),
        *_value_axis(values, said.unit),
        *_time_axis(times, zone, language, top),
        *(_edge(band, values) for band in bands),
        *(_line(found, index, times, values, gap) for index, found in enumerate(marks)),
        *(_legend(series) if len(series) > 1 else ()),
    ]
    if not any(marks):
        drawn.append(
            words(said.nothing, (_LEFT + _RIGHT) / 2, (top + _BOTTOM) / 2, "chart-quiet", anchor="middle", most=280)
        )
    svg = picture(said.title, said.description, _HEIGHT, *drawn)
    return Chart(svg, _table(series, lines, marks, said, zone, language))


def reduced(points: Sequence[tuple[datetime, float]], times: TimeScale) -> list[Mark]:
    """Return the marks for points in order: each one, or for many what each of equal pieces of time has."""
    if len(points) <= _MOST_MARKS:
        return [Mark(at, value, value, value) for at, value in points]
    piece = (times.end - times.start) / _MOST_MARKS
    pieces: dict[int, list[tuple[datetime, float]]] = {}
    for at, value in points:
        pieces.setdefault(min(int((at - times.start) / piece), _MOST_MARKS - 1), []).append((at, value))
    return [_mark(found) for _, found in sorted(pieces.items())]


def _mark(points: Sequence[tuple[datetime, float]]) -> Mark:
    values = [value for _, value in points]
    middle = points[0][0] + (points[-1][0] - points[0][0]) / 2
    # Divided first: a sum of very large numbers can be too large for a number.
    mean = min(max(sum(value / len(values) for value in values), min(values)), max(values))
    return Mark(middle, mean, min(values), max(values))


def _inside(points: Sequence[tuple[datetime, float]], times: TimeScale) -> list[tuple[datetime, float]]:
    if any(at.tzinfo is None for at, _ in points):
        raise ValueError("an instant says its zone")
    here = ((at.astimezone(UTC), value) for at, value in points)
    return sorted((at, value) for at, value in here if times.start <= at <= times.end)


def _line(marks: Sequence[Mark], index: int, times: TimeScale, values: ValueScale, gap: timedelta | None) -> Markup:
    if not marks:
        return Markup("")
    name = f"chart-series-{index + 1}"
    parts = [_path(piece, name, times, values) for piece in _pieces(marks, gap) if len(piece) > 1]
    ranges = [mark for mark in marks if mark.low < mark.high]
    parts += [_range(mark, name, times, values) for mark in ranges]
    if not ranges:
        parts += [symbol(index, times.place(mark.at), values.place(mark.value), name) for mark in marks]
    return element("g", *parts)


def _pieces(marks: Sequence[Mark], gap: timedelta | None) -> list[list[Mark]]:
    distances = [later.at - earlier.at for earlier, later in pairwise(marks)]
    usual = timedelta(seconds=median(distance.total_seconds() for distance in distances)) if distances else timedelta()
    longest = gap or max(usual * _GAPS_OF_USUAL, timedelta(minutes=5))
    pieces = [[marks[0]]]
    for mark, distance in zip(marks[1:], distances, strict=True):
        if distance > longest:
            pieces.append([])
        pieces[-1].append(mark)
    return pieces


def _path(marks: Sequence[Mark], name: str, times: TimeScale, values: ValueScale) -> Markup:
    places = [f"{number(times.place(mark.at))} {number(values.place(mark.value))}" for mark in marks]
    return element("path", d="M" + "L".join(places), class_=f"chart-line {name}", fill="none")


def _range(mark: Mark, name: str, times: TimeScale, values: ValueScale) -> Markup:
    x = times.place(mark.at)
    return element(
        "line", x1=x, x2=x, y1=values.place(mark.high), y2=values.place(mark.low), class_=f"chart-range {name}"
    )


def symbol(index: int, x: float, y: float, name: str) -> Markup:
    """Return the mark of the first series (a dot) or the second (a diamond): told apart without colours."""
    if index == 0:
        return element("circle", cx=x, cy=y, r=3, class_=f"chart-mark {name}")
    corners = ((x, y - 4), (x + 4, y), (x, y + 4), (x - 4, y))
    places = " ".join(f"{number(across)},{number(down)}" for across, down in corners)
    return element("polygon", points=places, class_=f"chart-mark {name}")


def _legend(series: Sequence[Series]) -> list[Markup]:
    found, x = [], float(_LEFT)
    for index, line in enumerate(series):
        found.append(symbol(index, x + 5, 12, f"chart-series-{index + 1}"))
        found.append(words(line.label, x + 14, 16, most=126))
        x += 30 + min(width_of(line.label), 126)
    return found


def _band(band: Band, values: ValueScale) -> Markup:
    high = values.place(values.high if band.high is None else band.high)
    low = values.place(values.low if band.low is None else band.low)
    height = max(low - high, 0.0)
    return element("rect", x=_LEFT, y=high, width=_RIGHT - _LEFT, height=height, class_="chart-band")


def _edge(band: Band, values: ValueScale) -> Markup:
    lines = [
        element(
            "line",
            x1=_LEFT,
            x2=_RIGHT,
            y1=values.place(edge),
            y2=values.place(edge),
            class_="chart-edge",
            stroke_dasharray="4 3",
        )
        for edge in (band.low, band.high)
        if edge is not None
    ]
    return element("g", *lines)


def _value_axis(values: ValueScale, unit: str) -> list[Markup]:
    found = []
    for tick in values.ticks:
        y = values.place(tick)
        found.append(element("line", x1=_LEFT, x2=_RIGHT, y1=y, y2=y, class_="chart-grid"))
        found.append(
            words(number_label(tick, values.step), _LEFT - 5, y + 4, "chart-quiet", anchor="end", most=_LEFT - 5)
        )
    return [*found, words(unit, 2, 12, "chart-quiet", most=_LEFT - 4)]


def _time_axis(times: TimeScale, zone: ZoneInfo, language: str, top: float) -> list[Markup]:
    found, free = [], 0.0
    for at, said in time_ticks(times, zone, language):
        x, half = times.place(at), width_of(said) / 2
        found.append(element("line", x1=x, x2=x, y1=top, y2=_BOTTOM, class_="chart-grid"))
        # The last one moves in from the edge; without room for it beside its neighbour its line says enough.
        middle = min(x, WIDTH - half)
        if middle - half >= free:
            found.append(words(said, middle, _HEIGHT - 8, "chart-quiet", anchor="middle"))
            free = middle + half
    return found


def _table(
    series: Sequence[Series],
    lines: Sequence[Sequence[tuple[datetime, float]]],
    marks: Sequence[Sequence[Mark]],
    said: LineWords,
    zone: ZoneInfo,
    language: str,
) -> Table:
    many = any(len(points) > _MOST_MARKS for points in lines)
    asked = (said.mean, said.lowest, said.highest) if many else ("",)
    headings = tuple(f"{line.label} {word}".strip() for line in series for word in asked)
    rows: dict[datetime, list[str]] = {}
    for index, found in enumerate(marks):
        for mark in found:
            row = rows.setdefault(mark.at, ["–"] * len(headings))
            numbers = (mark.value, mark.low, mark.high) if many else (mark.value,)
            row[index * len(asked) : (index + 1) * len(asked)] = [number_label(value) for value in numbers]
    shown = tuple((moment_label(at, zone, language), *row) for at, row in sorted(rows.items(), reverse=True))
    return Table(said.title, (said.when, *(f"{heading} ({said.unit})" for heading in headings)), shown)

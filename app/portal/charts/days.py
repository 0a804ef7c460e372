"""A day at home: rooms from top to bottom, quarters of an hour from left to right, how much by height and colour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from itertools import groupby
from typing import Final

from markupsafe import Markup

from app.portal.charts.drawing import WIDTH, Chart, Table, element, picture, words
from app.portal.charts.scales import clock_label

QUARTERS: Final = 96
MOST: Final = 3
_LEFT: Final = 6
_WIDE: Final = (WIDTH - 2 * _LEFT) / QUARTERS
_ROW: Final = 44
_BAR: Final = 20


@dataclass(frozen=True, slots=True)
class RoomDay:
    """A room's day: 96 levels from 0 (nothing) to 3 (much), and what is usual where that is known."""

    label: str
    levels: Sequence[int]
    usual: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class DayWords:
    """What the picture says in the reader's language; `levels` has a word for each level."""

    title: str
    description: str
    room: str
    times: str
    usual: str
    levels: tuple[str, str, str, str]
    nothing: str


def day_picture(rooms: Sequence[RoomDay], said: DayWords, language: str, *, known_until: int = QUARTERS) -> Chart:
    """Return the day; quarters from `known_until` on are not over yet and stay open.

    Raises ValueError unless each room has 96 levels from 0 to 3 (also of what is usual).
    """
    for room in rooms:
        for levels in (room.levels, room.usual):
            if levels is not None and (len(levels) != QUARTERS or not all(0 <= level <= MOST for level in levels)):
                raise ValueError("a day has 96 quarters with levels from 0 to 3")
    known = min(max(known_until, 0), QUARTERS)
    drawn = [part for index, room in enumerate(rooms) for part in _room(room, index * _ROW, known)]
    bottom = max(len(rooms), 1) * _ROW
    if not rooms:
        drawn.append(words(said.nothing, WIDTH / 2, _ROW / 2, "chart-quiet", anchor="middle"))
    drawn.extend(_hours(bottom, language))
    return Chart(picture(said.title, said.description, bottom + 24, *drawn), _table(rooms, said, known, language))


def _room(room: RoomDay, y: float, known: int) -> list[Markup]:
    floor = y + 18 + _BAR
    drawn = [
        words(room.label, _LEFT, y + 13, most=WIDTH - 2 * _LEFT),
        element("rect", x=_LEFT, y=y + 18, width=known * _WIDE, height=_BAR, class_="chart-ground"),
    ]
    for level, start, count in _runs(room.levels[:known]):
        high = _BAR * level / MOST
        place = {"x": _LEFT + start * _WIDE, "y": floor - high, "width": count * _WIDE, "height": high}
        drawn.append(element("rect", **place, class_=f"chart-level-{level}"))
    for _, start, count in _runs([min(level, 1) for level in room.usual or ()]):
        ends = {"x1": _LEFT + start * _WIDE, "x2": _LEFT + (start + count) * _WIDE}
        drawn.append(element("line", **ends, y1=floor + 3, y2=floor + 3, class_="chart-usual"))
    return drawn


def _hours(bottom: float, language: str) -> list[Markup]:
    drawn = []
    for hour in (0, 6, 12, 18, 24):
        x = _LEFT + hour * 4 * _WIDE
        anchor = {0: "start", 24: "end"}.get(hour, "middle")
        drawn.append(element("line", x1=x, x2=x, y1=16, y2=bottom, class_="chart-grid"))
        drawn.append(words(_clock(hour * 4, language), x, bottom + 16, "chart-quiet", anchor=anchor))
    return drawn


def _runs(levels: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return the runs of equal levels above nothing: level, first quarter, how many."""
    found, start = [], 0
    for level, group in groupby(levels):
        count = len(list(group))
        if level:
            found.append((level, start, count))
        start += count
    return found


def _table(rooms: Sequence[RoomDay], said: DayWords, known: int, language: str) -> Table:
    with_usual = any(room.usual is not None for room in rooms)
    rows = []
    for room in rooms:
        shown = "; ".join(
            f"{_clock(start, language)}–{_clock(start + count, language)} {said.levels[level]}"
            for level, start, count in _runs(room.levels[:known])
        )
        usual = "; ".join(
            f"{_clock(start, language)}–{_clock(start + count, language)}"
            for _, start, count in _runs([min(level, 1) for level in room.usual or ()])
        )
        rows.append((room.label, shown or said.levels[0], *((usual or "–",) if with_usual else ())))
    return Table(said.title, (said.room, said.times, *((said.usual,) if with_usual else ())), tuple(rows))


def _clock(quarter: int, language: str) -> str:
    if quarter == QUARTERS and language == "zh-CN":
        return "24:00"
    return clock_label(time(quarter // 4 % 24, quarter % 4 * 15), language)

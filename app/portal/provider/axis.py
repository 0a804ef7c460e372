"""The day as a picture: a row for each of a company's people, hours from left to right, what they do and their ways."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from markupsafe import Markup

from app.portal.charts.drawing import cut, element, number, words

WIDE: Final = 1000
_LEFT: Final = 150
_RIGHT: Final = 8
_TOP: Final = 26
_ROW: Final = 46
_BAR: Final = 30
_HOUR: Final = timedelta(hours=1)
_NAMED: Final = 10
"""So many hours have room for their names, however they are written."""
_EARLIEST, _LATEST = timedelta(hours=7), timedelta(hours=20)


@dataclass(frozen=True, slots=True)
class Task:
    """What somebody does, from when to when; the way there ends as it begins."""

    label: str
    starts_at: datetime
    ends_at: datetime
    kind: str
    """``order``, ``new`` (proposed, not yet so), ``other`` or ``conflict``."""
    way: timedelta | None = None
    order_id: str = ""
    """Which order it is, where it can be moved."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row: whose it is, when they are there, and what they do."""

    label: str
    hours: Sequence[tuple[datetime, datetime]]
    tasks: Sequence[Task]
    account: str = ""
    """Whose account it is, where something can be given to them."""


@dataclass(frozen=True, slots=True)
class Axis:
    """From when to when the picture goes, and where it shows an instant."""

    since: datetime
    until: datetime

    def x(self, at: datetime) -> float:
        """Return where an instant stands; what is outside stands at the edge."""
        inside = min(max(at, self.since), self.until)
        return _LEFT + (WIDE - _LEFT - _RIGHT) * ((inside - self.since) / (self.until - self.since))


def axis_of(day: tuple[datetime, datetime], lines: Sequence[Line]) -> Axis:
    """Return from when to when: the working day, and whatever somebody does before and after it, in whole hours."""
    spans = [(one.starts_at, one.ends_at) for line in lines for one in line.tasks]
    first = min([day[0] + _EARLIEST, *(start for start, _ in spans)])
    last = max([day[0] + _LATEST, *(end for _, end in spans)])
    hours_before = max((first - day[0]) // _HOUR, 0)
    hours_after = -((day[0] - min(last, day[1])) // _HOUR)
    return Axis(day[0] + hours_before * _HOUR, day[0] + max(hours_after, hours_before + 1) * _HOUR)


@dataclass(frozen=True, slots=True)
class Said:
    """What the picture says in the reader's language; ``clock`` writes a time of day."""

    title: str
    description: str
    clock: Callable[[datetime], str]


def day_axis(said: Said, day: tuple[datetime, datetime], lines: Sequence[Line], now: datetime) -> Markup:
    """Return the picture; its hours are named as the wall has them on that day."""
    axis = axis_of(day, lines)
    bottom = _TOP + max(len(lines), 1) * _ROW
    drawn = [*_hours(axis, bottom, said.clock)]
    for index, line in enumerate(lines):
        drawn.extend(_line(axis, line, _TOP + index * _ROW))
    if axis.since < now < axis.until:
        x = axis.x(now)
        drawn.append(element("line", x1=x, x2=x, y1=_TOP - 6, y2=bottom, class_="plan-now"))
    inner = Markup("").join((element("title", said.title), element("desc", said.description), *drawn))
    opening = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="plan" viewBox="0 0 {} {}" role="img"'
        ' data-since="{}" data-until="{}" data-from="{}" data-to="{}">'
    ).format(WIDE, number(bottom + 4), axis.since.isoformat(), axis.until.isoformat(), _LEFT, WIDE - _RIGHT)
    return opening + inner + Markup("</svg>")


def _hours(axis: Axis, bottom: float, clock: Callable[[datetime], str]) -> list[Markup]:
    """Return a line for each hour, and the names of as many as have room; the last has none beside the edge."""
    count = (axis.until - axis.since) // _HOUR
    named = 1 if count <= _NAMED else 2 if count <= 2 * _NAMED else 3
    drawn = []
    for hour in range(count + 1):
        at = axis.since + hour * _HOUR
        x = axis.x(at)
        drawn.append(element("line", x1=x, x2=x, y1=_TOP - 4, y2=bottom, class_="plan-grid"))
        if hour % named == 0 and hour < count:
            drawn.append(words(clock(at), x, 14, "plan-quiet", anchor="middle", most=WIDE))
    return drawn


def _line(axis: Axis, line: Line, y: float) -> list[Markup]:
    drawn = [element("line", x1=0, x2=WIDE, y1=y + _ROW, y2=y + _ROW, class_="plan-rule")]
    drawn.append(words(line.label, 4, y + 28, "plan-name", most=_LEFT - 12))
    for since, until in line.hours:
        x = axis.x(since)
        drawn.append(element("rect", x=x, y=y + 4, width=axis.x(until) - x, height=_ROW - 8, class_="plan-hours"))
    if line.account:
        place = {"x": 0, "y": y, "width": WIDE, "height": _ROW}
        drawn.append(element("rect", **place, class_="plan-drop", data_account=line.account))
    for task in line.tasks:
        drawn.extend(_task(axis, task, y + 8))
    return drawn


def _task(axis: Axis, task: Task, y: float) -> list[Markup]:
    drawn = []
    x = axis.x(task.starts_at)
    if task.way:
        start = axis.x(task.starts_at - task.way)
        drawn.append(element("line", x1=start, x2=x, y1=y + _BAR / 2, y2=y + _BAR / 2, class_="plan-way"))
    wide = max(axis.x(task.ends_at) - x, 3)
    moves: dict[str, str | float] = {"data_order": task.order_id} if task.order_id else {}
    look = f"plan-task plan-{task.kind}"
    drawn.append(element("rect", x=x, y=y, width=wide, height=_BAR, rx=4, class_=look, **moves))
    mark = "! " if task.kind == "conflict" else "+ " if task.kind == "new" else ""
    shown = cut(f"{mark}{task.label}", wide - 8)
    if shown not in ("", "…"):
        drawn.append(words(shown, x + 5, y + 20, f"plan-label plan-on-{task.kind}", most=wide - 8))
    return drawn

"""The steps of an escalation from top to bottom: who is called, how, after how many minutes, and where it ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from markupsafe import Markup

from app.portal.charts.drawing import WIDTH, Chart, Table, element, finite, picture, words, wrapped
from app.portal.charts.scales import number_label

RungState = Literal["plain", "done", "now"]
_AXIS: Final = 62
_TEXT: Final = 84
_LINE: Final = 18
_GAP: Final = 18


@dataclass(frozen=True, slots=True)
class Rung:
    """One step: who (and by which channels), how many minutes after the alarm, whether that is the duty desk.

    `how` is one line in the reader's language ("push, text message"), `state` where a running alarm stands.
    """

    who: str
    how: str
    minutes: float
    desk: bool = False
    state: RungState = "plain"


@dataclass(frozen=True, slots=True)
class LadderWords:
    """What the picture says in the reader's language: `minutes` has the place `{minutes}`; `repeats` may be empty."""

    title: str
    description: str
    minutes: str
    who: str
    how: str
    after: str
    repeats: str
    nothing: str


def escalation_ladder(rungs: Sequence[Rung], said: LadderWords) -> Chart:
    """Return the ladder; raises ValueError for minutes that are no finite number."""
    finite([rung.minutes for rung in rungs])
    drawn: list[Markup] = []
    y, knots = 10.0, list[float]()
    for rung in rungs:
        knots.append(y + 10)
        parts, y = _rung(rung, y, said)
        drawn.extend(parts)
    if said.repeats and rungs:
        for line in wrapped(said.repeats, WIDTH - _TEXT - 6, 2):
            drawn.append(words(line, _TEXT, y + 8, "chart-quiet"))
            y += _LINE
        y += 4
    if not rungs:
        drawn.append(words(said.nothing, WIDTH / 2, y + 14, "chart-quiet", anchor="middle"))
        y += 30
    rail = element("line", x1=_AXIS, x2=_AXIS, y1=knots[0], y2=knots[-1], class_="chart-rail") if knots else Markup("")
    rows = tuple((_after(rung, said), rung.who, rung.how) for rung in rungs)
    table = Table(said.title, (said.after, said.who, said.how), rows)
    return Chart(picture(said.title, said.description, y + 4, rail, *drawn, class_="chart chart-ladder"), table)


def _rung(rung: Rung, y: float, said: LadderWords) -> tuple[list[Markup], float]:
    """Return what one step draws and where the next begins."""
    drawn = [
        words(_after(rung, said), _AXIS - 12, y + 14, "chart-quiet", anchor="end", most=_AXIS - 14),
        _knot(rung, y + 10),
    ]
    line = y + 14
    # Bold letters are wider.
    for index, text in enumerate(wrapped(rung.who, (WIDTH - _TEXT - 6) * 0.9, 2)):
        drawn.append(words(text, _TEXT, line + index * _LINE, "chart-strong", most=WIDTH - _TEXT - 6))
        y = line + index * _LINE
    for text in wrapped(rung.how, WIDTH - _TEXT - 6, 2):
        y += _LINE
        drawn.append(words(text, _TEXT, y, "chart-quiet", most=WIDTH - _TEXT - 6))
    return drawn, max(y, line) + _GAP


def _knot(rung: Rung, y: float) -> Markup:
    # Square for the desk, round for people; where the alarm is now has a ring around it.
    name = f"chart-knot chart-{rung.state}"
    shape = (
        element("rect", x=_AXIS - 7, y=y - 7, width=14, height=14, class_=name)
        if rung.desk
        else element("circle", cx=_AXIS, cy=y, r=7, class_=name)
    )
    ring = element("circle", cx=_AXIS, cy=y, r=11, class_="chart-ring", fill="none")
    return element("g", shape, ring) if rung.state == "now" else shape


def _after(rung: Rung, said: LadderWords) -> str:
    return said.minutes.replace("{minutes}", number_label(rung.minutes))
